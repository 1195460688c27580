"""The second pass: a picture is made larger, then drawn over, in overlapping tiles where the whole is too large.

How it is made larger: its latents are (`latent`), or its pixels are by Lanczos or by an upscaling model. The image-to-image
pipeline gets enlarged latents in place of those that its VAE would encode, so that this works for every family that has one.
All tiles see cuts of one field of noise, so that two tiles draw nearly the same where they overlap, and are then blended.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from PIL import Image

from studio.backends.local.tiles import Box, Quilt, boxes, to_image, to_tensor
from studio.backends.local.upscalers import Network, enlarge
from studio.core.hires import larger
from studio.core.model import Model
from studio.core.request import Hires, Size

SMALL = 256
"""Longest side of a preview."""


@dataclass(frozen=True, kw_only=True)
class Second:
    """What a second pass is made of. `side` is the tile's, None where the whole picture is drawn at once."""

    hires: Hires
    size: Size
    unit: int
    tile: Size | None
    network: Network | None = None

    @property
    def boxes(self) -> list[Box]:
        """The tiles, or the whole; none where nothing is drawn over."""
        if not self.hires.strength:
            return []
        tile = self.tile or self.size
        return boxes(self.size, tile, self.overlap, self.unit)

    @property
    def overlap(self) -> int:
        """A quarter of the tile, so that no tile's edge is far from another's middle."""
        tile = self.tile or self.size
        return max(self.unit, min(tile.width, tile.height) // 4 // self.unit * self.unit)

    def pixels(self, image: Image.Image, check: Callable[[], None]) -> Image.Image:
        """The picture in its new size, nothing drawn yet."""
        if self.network:
            made: Image.Image = enlarge(self.network, image, self.size, check)
            return made
        return image.resize((self.size.width, self.size.height), Image.Resampling.LANCZOS)

    def facts(self) -> dict[str, Any]:
        """For the record."""
        told: dict[str, Any] = {"upscaler": self.hires.upscaler, "scale": self.hires.scale, "strength": self.hires.strength,
                                "width": self.size.width, "height": self.size.height, "tiles": len(self.boxes)}  # fmt: skip
        return {**told, "upscaler_sha256": self.network.sha256} if self.network else told


def second(hires: Hires, first: Size, model: Model, network: Network | None, *, fits: Callable[[Size], bool]) -> Second:
    """Plan it. `fits` tells whether a picture can be drawn at once; tiles have the size that the model draws best."""
    size = larger(first, hires, model)
    whole = max(size.width, size.height) <= model.max_side and fits(size)
    best = model.default_size
    return Second(hires=hires, size=size, unit=model.multiple_of, tile=None if whole else best, network=network)


DrawTile = Callable[[Image.Image, int, "Noise", Callable[[Image.Image], Image.Image]], Image.Image | None]
"""Draws over a tile: its pixels, its number, its noise, and how a preview of it is shown; None if it was withheld."""


def draw_over(
    plan: Second, image: Image.Image, *, latents: Any, seed: int, vae: Any, draw: DrawTile, check: Callable[[], None]
) -> Image.Image | None:
    """The second pass on a picture. `latents` are those that its pixels were decoded from, for the upscaler `latent`."""
    large = plan.pixels(image, check)
    if not plan.boxes:
        return large
    field_of_noise = Noise(seed=seed, size=plan.size)
    enlarged = (
        _enlarged(latents, plan.size.width / image.width, plan.size.height / image.height) if latents is not None else None
    )
    quilt = Quilt(3, plan.size, plan.overlap)
    for number, box in enumerate(plan.boxes):
        tile = large.crop(box)
        with _encoding_as(vae, _cut(enlarged, box, plan.size)) if enlarged is not None else nullcontext():
            drawn = draw(tile, number, field_of_noise.at(box), _in_place(large, box))
        if drawn is None:
            return None
        if len(plan.boxes) == 1:
            return drawn
        quilt.lay(box, to_tensor(drawn))
    whole: Image.Image = to_image(quilt.whole())
    return whole


@dataclass
class Noise:
    """One field of noise for a whole picture, and the part of it that a tile at `box` sees."""

    seed: int
    size: Size
    box: Box | None = None
    whole: dict[tuple[int, ...], Any] = field(default_factory=dict)

    def at(self, box: Box) -> Noise:
        return Noise(self.seed, self.size, box, self.whole)

    def like(self, noise: Any) -> Any:
        """The part in the shape, kind and place of the noise that the pipeline made."""
        import torch

        left, top, right, bottom = self.box or (0, 0, self.size.width, self.size.height)
        across, down = (right - left) // noise.shape[-1], (bottom - top) // noise.shape[-2]
        shape = (*noise.shape[:-2], self.size.height // down, self.size.width // across)
        if shape not in self.whole:
            self.whole[shape] = torch.randn(shape, generator=torch.Generator("cpu").manual_seed(self.seed))
        part = self.whole[shape][..., top // down : bottom // down, left // across : right // across]
        return part.to(noise)


@contextmanager
def noised(scheduler: Any, noise: Noise | None) -> Iterator[None]:
    """While inside, the scheduler starts pictures from this noise instead of the pipeline's own."""
    if noise is None:
        yield
        return
    name, place = ("scale_noise", 1) if hasattr(scheduler, "scale_noise") else ("add_noise", 0)
    original = getattr(scheduler, name)
    started: list[bool] = []

    @functools.wraps(original)
    def start(clean: Any, *args: Any) -> Any:
        if started:
            return original(clean, *args)
        started.append(True)
        given = list(args)
        given[place] = noise.like(given[place])
        return original(clean, *given)

    setattr(scheduler, name, start)
    try:
        yield
    finally:
        delattr(scheduler, name)


@contextmanager
def decoded_from(vae: Any) -> Iterator[list[Any]]:
    """Remembers what the VAE decodes last."""
    seen: list[Any] = []
    original = vae.decode

    @functools.wraps(original)
    def decode(latents: Any, *args: Any, **options: Any) -> Any:
        seen[:] = [latents.detach()]
        return original(latents, *args, **options)

    vae.decode = decode
    try:
        yield seen
    finally:
        vae.decode = original


@contextmanager
def _encoding_as(vae: Any, latents: Any) -> Iterator[None]:
    """While inside, the VAE gives these latents for any picture."""
    known = SimpleNamespace(sample=lambda *_, **__: latents, mode=lambda: latents)
    vae.encode = lambda *_, **__: SimpleNamespace(latent_dist=known)
    try:
        yield
    finally:
        del vae.encode


def _enlarged(latents: Any, across: float, down: float) -> Any:
    """Bilinear over the last two dimensions, with one frame more or none before them."""
    from torch.nn import functional

    height, width = round(latents.shape[-2] * down), round(latents.shape[-1] * across)
    flat = latents.float().reshape(latents.shape[0], -1, *latents.shape[-2:])
    made = functional.interpolate(flat, size=(height, width), mode="bilinear", align_corners=False, antialias=False)
    return made.reshape(*latents.shape[:-2], height, width).to(latents)


def _cut(latents: Any, box: Box, size: Size) -> Any:
    left, top, right, bottom = box
    across, down = size.width // latents.shape[-1], size.height // latents.shape[-2]
    return latents[..., top // down : bottom // down, left // across : right // across]


def _in_place(large: Image.Image, box: Box) -> Callable[[Image.Image], Image.Image]:
    """Shows a tile's preview where it belongs, on a small copy of the whole."""
    scale = min(1.0, SMALL / max(large.size))
    if box == (0, 0, *large.size):
        return lambda preview: preview
    left, top, right, bottom = (round(side * scale) for side in box)
    small = large.resize((max(1, round(large.width * scale)), max(1, round(large.height * scale))))

    def show(preview: Image.Image) -> Image.Image:
        whole = small.copy()
        whole.paste(preview.convert("RGB").resize((max(1, right - left), max(1, bottom - top))), (left, top))
        return whole

    return show


def is_plain(hires: Hires, strength: float) -> bool:
    """Whether a picture is only made larger, and nothing is drawn: then no model is needed."""
    return strength == 0 and hires.strength == 0


def plainly(
    hires: Hires, image: Image.Image, model: Model, network: Network | None, check: Callable[[], None]
) -> tuple[Image.Image, dict[str, Any]]:
    """Only larger; the picture, and what the record says of it."""
    begun = time.perf_counter()
    plan = second(hires, Size(*image.size), model, network, fits=lambda size: True)
    made = plan.pixels(image, check)
    used = {"width": image.width, "height": image.height, "hires": plan.facts(),
            "seconds": {"denoising": round(time.perf_counter() - begun, 4)}}  # fmt: skip
    return made, used
