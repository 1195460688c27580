"""What the small studio draws, and the backend and the watch that it draws edits with."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from memory_receipts import MemoryReceipts
from PIL import Image, ImageDraw

from studio.core.canvas import Ground
from studio.core.model import Model
from studio.core.request import ImageRequest, Size
from studio.core.result import ImageResult, Picture

USED = {
    "device": "CPU, 2 threads",
    "seconds": {"denoising": 1.21, "decoding": 0.14},
    "sampler": "Euler",
    "guidance_scale": 3.5,
    "torch": "2.13.0",
}


class Red:
    """A backend that paints everything red."""

    name, hosted = "red", False

    def generate(self, request: ImageRequest, model: Model, watch: Any, ground: Ground | None = None) -> ImageResult:
        assert ground is not None
        return ImageResult(pictures=(Picture(image=Image.new("RGB", ground.image.size, (214, 40, 40)), seed=1),), used=USED)


class Silent:
    """Nobody watches."""

    lane, receipts = "interactive", MemoryReceipts()

    def delay(self, until: float, why: str) -> None: ...

    def say(self, text: str) -> None: ...

    def check(self) -> None: ...

    def phase(self, phase: object) -> None: ...

    def step(self, done: int, total: int, preview: object = None) -> None: ...


def scene(size: Size, seed: int) -> Image.Image:
    """A little landscape, so that screenshots look like pictures."""
    sky = [(250, 190, 120), (120, 180, 240), (150, 110, 190), (250, 150, 130)][seed % 4]
    image = Image.new("RGB", (size.width, size.height), sky)
    draw, width, height = ImageDraw.Draw(image), size.width, size.height
    x = width * (0.25 + (seed % 7) / 12)
    draw.ellipse((x - height * 0.12, height * 0.2, x + height * 0.12, height * 0.44), fill=(255, 240, 190))
    draw.polygon([(0, height), (0, height * 0.6), (width * 0.35, height * 0.38), (width * 0.7, height)], fill=(70, 90, 140))
    draw.polygon([(width * 0.3, height), (width * 0.75, height * 0.5), (width * 1.2, height)], fill=(50, 70, 110))
    return image


def preview(step: int, steps: int) -> bytes:
    share = step / steps
    image = Image.effect_noise((32, 32), 90 * (1 - share)).convert("RGB")
    image = Image.blend(image, scene(Size(32, 32), 1), share)
    data = BytesIO()
    image.save(data, "JPEG", quality=80)
    return data.getvalue()
