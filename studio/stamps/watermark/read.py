"""Finding the mark again: quickly in a picture as it was saved, halved or cropped, or through all scales."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from studio.stamps.watermark import code, tile
from studio.stamps.watermark.tile import Floats

PRESENT, PRESENT_DEEP = 7.0, 7.5
TRY = 4.5
"""From this z on the bits are looked at."""
QUICK = (1.0, 0.5, 2.0)
DEEP_STEP = 1.0085
MAX_SIDE = 4096
SCAN_SIDE = 768


@dataclass(frozen=True)
class Found:
    """The pilot's z-value at its best scale, and the payload if the code could be read. `scale`: pixels of a unit."""

    z: float
    payload: bytes | None
    present: bool
    scale: float


def read(image: Image.Image, *, deep: bool = False) -> Found:
    """Look for the mark. Quick: units of the size for this picture, half and double. Deep: 0.4 to 2.6 times them.

    A larger picture than 100 million units is read in its middle.
    """
    if min(image.size) < 32:
        return Found(0.0, None, False, 1.0)
    unit = tile.unit_of(*image.size)
    luma = luma_of(image)
    scales = _promising(luma) if deep else QUICK
    limit = PRESENT_DEEP if deep else PRESENT
    best = Found(0.0, None, False, float(unit))
    prepared = _prepared(luma)
    for scale in scales:
        if min(luma.shape) < 0.6 * tile.TILE * scale:
            continue
        values = tile.whitened(tile.measure(prepared, scale))
        z, down, across = tile.align(values)
        payload = code.decode(tile.bits_of(values, down, across).tolist()) if z >= TRY else None
        if payload or z > best.z:
            best = Found(z, payload, z >= limit or payload is not None, scale * unit)
        if payload:
            break
    return best


def luma_of(image: Image.Image) -> Floats:
    """The luma [h, w] at one pixel a unit, at most 4096 a side (the middle of what is larger)."""
    unit = tile.unit_of(*image.size)
    grey = (image.convert("RGB") if image.mode not in ("L", "RGB") else image).convert("L")
    if unit > 1:
        size = (max(1, round(grey.width / unit)), max(1, round(grey.height / unit)))
        grey = grey.resize(size, Image.Resampling.BOX)
    return np.asarray(grey, np.float32)


def _prepared(luma: Floats) -> Floats:
    fine, lively = tile.texture(luma)
    return np.asarray(fine / (lively + tile.CALM), np.float32)


def _promising(luma: Floats) -> Iterable[float]:
    """The scales at which the pilot shows best, looked for in a part of the picture; the best few."""
    prepared = _prepared(luma)
    top, left = (max(0, (side - SCAN_SIDE) // 2) for side in prepared.shape)
    part = prepared[top : top + SCAN_SIDE, left : left + SCAN_SIDE]
    steps = range(round(math.log(0.4, DEEP_STEP)), round(math.log(2.6, DEEP_STEP)) + 1)
    shown = [(tile.align(tile.whitened(tile.measure(part, DEEP_STEP**step)))[0], DEEP_STEP**step) for step in steps]
    near = [scale * DEEP_STEP**fine for _, scale in sorted(shown, reverse=True)[:3] for fine in (-0.5, -0.25, 0, 0.25, 0.5)]
    return sorted(near, key=lambda scale: -tile.align(tile.whitened(tile.measure(part, scale)))[0])[:4]
