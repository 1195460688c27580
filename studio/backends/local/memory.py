"""How much memory a picture needs, which error means that it was not there, and what would fit instead.

The estimate is deliberately simple. Peak memory is the weights plus, while decoding, the feature maps of the VAE's last
blocks at full resolution: a few maps of its two widest full-resolution layers for each pixel.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import OutOfMemory
from studio.core.request import Size

MAPS = 3
"""Feature maps of one width alive at once in a ResNet block. Measured on Stable Diffusion's VAE: 4.0 to 4.9 kB a pixel
in float32 at 448² and 256², estimated 4.6. Encoding a picture takes 2.6 to 2.8 there, so this covers it."""
_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
          "could not create a memory object", "alloc_cpu", "could not create a primitive")  # fmt: skip
_UNIT = 64
_LONGEST_HEADER = 100_000_000


def weight_bytes(files: Iterable[Path], itemsize: int) -> int:
    """Bytes that safetensors files take in memory once every number has `itemsize` bytes, read from their headers."""
    return sum(_elements(file) * itemsize for file in files)


def _elements(file: Path) -> int:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > _LONGEST_HEADER:
            return 0  # damaged; loading will say so
        try:
            header = json.loads(stream.read(length))
            return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
        except (ValueError, TypeError, KeyError, AttributeError):
            return 0


def is_out_of_memory(error: BaseException) -> bool:
    """True for every form in which Python, torch, oneDNN and the drivers say that memory ran out."""
    while error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, (RuntimeError, OSError)) and any(sign in str(error).lower() for sign in _SIGNS)


def bytes_per_pixel(channels: Sequence[int], itemsize: int) -> int:
    """Bytes that decoding needs for each pixel; `channels` are the VAE's `block_out_channels`, narrowest first."""
    return MAPS * itemsize * (channels[0] + channels[min(1, len(channels) - 1)])


def picture_bytes(pipe: Any, size: Size) -> int:
    """Peak bytes for one picture beyond the weights."""
    config = getattr(getattr(pipe, "vae", None), "config", {})
    channels = list(config.get("block_out_channels") or config.get("decoder_block_out_channels") or (128, 256))
    return bytes_per_pixel(channels, pipe.vae.dtype.itemsize) * size.width * size.height


def fitting(pipe: Any, size: Size, room: int, unit: int = _UNIT) -> Size | None:
    """The largest size of the same shape, smaller than `size`, that `room` bytes should hold; None if none does."""
    per_pixel = picture_bytes(pipe, Size(1, 1))
    scale = min(0.9, (0.8 * room / (per_pixel * size.width * size.height)) ** 0.5)
    width, height = (int(side * scale) // unit * unit for side in (size.width, size.height))
    return Size(width, height) if min(width, height) >= unit else None


def failure(pipe: Any, size: Size, room: int, *, decoding: bool = False) -> OutOfMemory:
    """The error to raise when a picture of `size` did not fit."""
    smaller = fitting(pipe, size, room)
    plans = [f"{smaller} should fit."] if smaller else ["Close other programs, or choose a smaller model."]
    if decoding:
        plans.append("Or decode in tiles (option “tiling”).")
    return OutOfMemory(f"The memory does not suffice for a picture of {size}.", " ".join(plans))
