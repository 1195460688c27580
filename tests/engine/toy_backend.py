"""A small real backend for tests of the engine: it draws plain pictures step by step, and does what the prompt says.

`<n> steps` draws that many steps of 20 ms; `die` kills the process at its second step; `blow up` raises an error the
studio does not know; `no memory` raises OutOfMemory, unless the option `memory` is `tiles`; `load slowly` sleeps 60 s in one
piece before the first step.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Sequence

from PIL import Image

from studio.core.canvas import Ground
from studio.core.counting import TokenCount
from studio.core.errors import OutOfMemory
from studio.core.model import Model
from studio.core.ports import Watch
from studio.core.request import ImageRequest, Size
from studio.core.result import ImageResult, Picture

MODEL = Model(
    id="toy:one",
    title="Toy",
    backend="toy",
    default_size=Size(64, 64),
    samplers=("Euler",),
    max_count=8,
    tasks=("text-to-image", "image-to-image", "inpaint", "outpaint"),
)


class ToyBackend:
    name, hosted = "toy", False

    def __init__(self) -> None:
        self.asked: list[ImageRequest] = []
        self.grounds: list[Ground] = []

    def models(self) -> Sequence[Model]:
        return (MODEL,)

    def problems(self) -> Sequence[str]:
        return ()

    def count_tokens(self, model: Model, text: str) -> int | None:
        return len(text.split())

    def count_encoders(self, model: Model, text: str) -> Sequence[TokenCount]:
        return (TokenCount("toy", len(text.split()), 75),)

    def warm(self, model: Model) -> None:
        return None

    def generate(self, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None = None) -> ImageResult:
        self.asked.append(request)
        if ground:
            self.grounds.append(ground)
        if request.options.get("memory") == "tiles":
            watch.say("Memory plan: tiles.")
        else:
            self._mischief(request.prompt)
        steps = int(found[1]) if (found := re.search(r"(\d+) steps", request.prompt)) else 2
        size = Size(*ground.image.size) if ground else request.task.size
        seed = request.sampling.seed
        assert size is not None
        assert seed is not None
        pictures = []
        watch.phase("denoising")
        for index in range(request.count):
            image = Image.effect_noise((size.width, size.height), 20 + (seed + index) % 50).convert("RGB")
            for step in range(steps):
                time.sleep(0.02)
                watch.step(step + 1, steps, image.copy)
                if "die" in request.prompt and step == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
            pictures.append(Picture(image=image, seed=seed + index))
        return ImageResult(pictures=tuple(pictures), used={"steps": steps, "seed": seed, "sampler": "Euler"})

    def _mischief(self, prompt: str) -> None:
        if "blow up" in prompt:
            raise ZeroDivisionError("a foreign error with a secret /path")
        if "no memory" in prompt:
            smaller = {"title": "Try again with “tiles”", "options": {"memory": "tiles"}}
            raise OutOfMemory("Too large.", "32 × 32 would fit.", facts={"smaller": smaller})
        if "load slowly" in prompt:
            time.sleep(60)
