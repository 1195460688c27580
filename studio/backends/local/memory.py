"""How much memory decoding a picture needs, and which error means that there was too little.

The estimate is deliberately simple: the feature maps of the VAE's last blocks at full resolution, a few maps of its two
widest full-resolution layers for each pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

MAPS = 3
"""Feature maps of one width alive at once in a ResNet block. Measured on Stable Diffusion's VAE: 4.0 to 4.9 kB a pixel
in float32 at 448² and 256², estimated 4.6. Encoding a picture takes 2.6 to 2.8 there, so this covers it."""
_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "bad_alloc",
          "could not create a memory object", "alloc_cpu", "could not create a primitive")  # fmt: skip
LONGEST_HEADER = 100_000_000


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
