"""The public payloads that well-known programs leave (dwtDct of the MIT package invisible-watermark): read only.

Each 4 × 4 block of the Haar approximation of the blue-difference channel holds one bit in its largest coefficient; the
payload repeats over the picture. Positive only: a miss says nothing, since nearly any edit removes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

_SCALE = 36.0
_BLOCK = 4
LEAST_REPEATS = 4
MAX_PIXELS = 16_000_000


@dataclass(frozen=True)
class PublicMark:
    """`wrong`: how many bits may differ, so that a picture without the mark has it once in a million or less."""

    name: str
    bits: tuple[int, ...]
    wrong: int


def _bits(digits: str) -> tuple[int, ...]:
    return tuple(map(int, digits))


def _text(words: str) -> tuple[int, ...]:
    return _bits("".join(f"{byte:08b}" for byte in words.encode()))


PUBLIC = (
    PublicMark("Stable Diffusion XL", _bits("101100111110110010010000011110111011000110011110"), 4),
    PublicMark("FLUX", _bits("1010101111111010000111100111001111010100101110"), 4),
    PublicMark("Stable Diffusion 1", _text("StableDiffusionV1"), 30),
    PublicMark("Stable Diffusion 2", _text("SDV2"), 1),
)


def public_marks(image: Image.Image) -> list[str]:
    """Names of the programs whose payload is in the picture; empty for nearly all pictures."""
    if image.width * image.height > MAX_PIXELS or min(image.size) < 64:
        return []
    votes = _votes(image.convert("RGB"))
    return [mark.name for mark in PUBLIC if _is_there(votes, mark)]


def _votes(image: Image.Image) -> np.ndarray:
    """One bit per block, in the order they were written."""
    red, green, blue = (np.asarray(band, np.float32) for band in image.split())
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    difference = np.clip(np.rint(0.492 * (blue - luma) + 128), 0, 255)
    height, width = (side // 4 * 4 for side in difference.shape)
    pairs = difference[:height, :width].reshape(height // 2, 2, width // 2, 2)
    coarse = pairs.sum(axis=(1, 3)) / 2
    rows, columns = (side // _BLOCK for side in coarse.shape)
    blocks = coarse[: rows * _BLOCK, : columns * _BLOCK].reshape(rows, _BLOCK, columns, _BLOCK)
    flat = np.abs(blocks.transpose(0, 2, 1, 3).reshape(rows * columns, _BLOCK * _BLOCK)[:, 1:])
    largest = flat.max(axis=1, initial=0)
    votes: np.ndarray = (largest % _SCALE) > _SCALE / 2
    return votes


def _is_there(votes: np.ndarray, mark: PublicMark) -> bool:
    length = len(mark.bits)
    if votes.size < LEAST_REPEATS * length:
        return False
    whole = votes[: votes.size // length * length].reshape(-1, length)
    read = whole.mean(axis=0) * 255 > 127
    ones = int(read.sum())
    return 4 <= ones <= length - 4 and int((read != np.array(mark.bits, bool)).sum()) <= mark.wrong
