"""Putting the mark on: as strong as the picture hides it and reading needs it, checked against our own reader.

The embedder is informed (Miller, Doërr, Cox 2004): it looks at what a JPEG of low quality leaves of the mark and gives
more to the bits that the picture itself speaks against.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from studio.stamps.watermark import tile
from studio.stamps.watermark.code import encode
from studio.stamps.watermark.read import luma_of, read
from studio.stamps.watermark.tile import Floats

LEAST_SIDE = 96
PSNR_FLOOR, PSNR_CEILING = 42.5, 49.0
SMALL, SMALL_FLOOR = 40_000, 44.0
"""A picture of fewer pixels is looked at enlarged, so its mark is weaker: it does not survive everything there."""
GOAL, Z_GOAL = 1.0, 8.0
"""Soft bits, and the pilot's z, that a JPEG of quality 50 is to leave."""
ROUNDS = 3
MAX_STRENGTH = 3.5
_QUALITY, _WEBP_QUALITY = 50, 75


@dataclass(frozen=True)
class Marked:
    """The marked picture; `psnr` in decibels over its colours. Not `readable`: it is the picture as it was, psnr None."""

    image: Image.Image
    z: float
    psnr: float | None
    max_change: int
    readable: bool


def embed(image: Image.Image, payload: bytes) -> Marked:
    """Mark a picture (RGB, RGBA, L or LA; another mode is converted) with 6 bytes. Alpha stays as it is."""
    if image.mode not in ("RGB", "RGBA", "L", "LA"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if min(image.size) < LEAST_SIDE:
        return Marked(image, 0.0, None, 0, False)
    change = _mark(luma_of(image), payload, image)
    marked, psnr, most = _add(image, change)
    found = read(marked)
    if found.payload != payload:
        return Marked(image, found.z, None, 0, False)
    return Marked(marked, round(found.z, 2), round(psnr, 2), most, True)


def _mark(luma: Floats, payload: bytes, image: Image.Image) -> Floats:
    """The change of the luma at one pixel a unit."""
    signs = np.array([1.0 if bit else -1.0 for bit in encode(payload)], np.float32)
    room = _room(luma)
    gains = np.ones(signs.size, np.float32)
    strength, floor = 1.0, SMALL_FLOOR if luma.size < SMALL else PSNR_FLOOR
    limits = [10 ** (-decibel / 20) * 255 for decibel in (PSNR_CEILING, floor)]
    for round_ in range(ROUNDS):
        change = room * tile.cover(tile.pattern(signs * gains), luma.shape)
        level = math.sqrt(float((change * change).mean())) or 1.0
        lowest, highest = (limit / level for limit in limits)
        strength = min(max(strength, lowest), highest)
        left = tile.answer(_coded(luma + strength * change, webp=round_ == ROUNDS - 1))
        soft, (z, down, across) = tile.bits_of(left) * signs, tile.align(left)
        lacking = max(float(np.quantile(GOAL - soft, 0.9)), 0.3 * (Z_GOAL - z if (down, across) == (0, 0) else Z_GOAL))
        strength = min(max(strength * min(max(1 + 0.25 * lacking, 0.8), 1.6), lowest), highest)
        gains = np.clip(gains * (1 + 0.3 * (GOAL + 1 - soft)).clip(0.75, 1.6), 0.5, 2.5)
        gains /= math.sqrt(float((gains * gains).mean()))
    change = room * tile.cover(tile.pattern(signs * gains), luma.shape)
    level = math.sqrt(float((change * change).mean())) or 1.0
    return change * min(max(strength, limits[0] / level), limits[1] / level)


def _room(luma: Floats) -> Floats:
    """How much each place hides: more where it is lively, the calmest side of an edge counting."""
    from scipy.ndimage import minimum_filter, uniform_filter

    _, lively = tile.texture(luma)
    calm = minimum_filter(lively, 9, mode="nearest")
    room = uniform_filter(np.clip(0.9 + 0.22 * calm, 0.9, MAX_STRENGTH), 7, mode="nearest")
    return np.asarray(room, np.float32)


def _coded(luma: Floats, *, webp: bool) -> Floats:
    """What a strong JPEG leaves, or a WebP of middle quality, which smooths calm places more."""
    file = io.BytesIO()
    image = Image.fromarray(np.clip(np.rint(luma), 0, 255).astype(np.uint8))
    if webp:
        image.save(file, "WEBP", quality=_WEBP_QUALITY, method=0)
    else:
        image.save(file, "JPEG", quality=_QUALITY)
    return np.asarray(Image.open(file).convert("L"), np.float32)


def _add(image: Image.Image, change: Floats) -> tuple[Image.Image, float, int]:
    """The change in the picture's own size on every colour alike; its PSNR and largest difference."""
    width, height = image.size
    if change.shape != (height, width):
        change = np.asarray(Image.fromarray(change).resize((width, height), Image.Resampling.BICUBIC))
    bands = list(image.split())
    squares, most = 0.0, 0
    count = len(bands) - ("A" in image.getbands())
    for place in range(count):
        before = np.asarray(bands[place], np.float32)
        after = np.clip(np.rint(before + change), 0, 255)
        squares += float(((after - before) ** 2).sum())
        most = max(most, int(np.abs(after - before).max()))
        bands[place] = Image.fromarray(after.astype(np.uint8))
    mean = squares / (count * width * height)
    return Image.merge(image.mode, bands), 10 * math.log10(255**2 / mean) if mean else 99.0, most
