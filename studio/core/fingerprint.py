"""Finding a picture again without any mark: the hash of its pixels, and a look that survives resizing and recoding.

The look is a difference hash (Krawetz 2013; 8 × 8 signs along the rows and 8 × 8 along the columns of small grey copies,
128 bits) with the colours of an 8 × 8 copy behind it: the hash finds candidates, the colours tell pictures of the same
layout apart. Pictures that are merely alike in both are confused: a match is a hint, never proof.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from PIL import Image

MAX_SIGNS, MAX_COLOUR = 12, 6.0
"""Of 128 signs, and the mean difference of colours in levels of 255, up to which two looks are the same."""
_HASH = re.compile("[0-9a-f]{64}")
_LOOK = re.compile("[0-9a-f]{416}")
_GREY = Image.Resampling.BOX


@dataclass(frozen=True)
class Fingerprint:
    """`pixels` is a SHA-256 over size and RGB(A) bytes; `look` is 32 hex digits of signs and 384 of colours."""

    pixels: str
    look: str


def fingerprint(image: Image.Image) -> Fingerprint:
    """Of a picture in its own size, any mode."""
    return Fingerprint(pixels=pixels_sha256(image), look=look(image))


def pixels_sha256(image: Image.Image) -> str:
    """The same for every file that decodes to the same pixels, whatever its format and metadata."""
    plain = image.convert("RGBA")
    return hashlib.sha256(f"{plain.width}x{plain.height}\n".encode() + plain.tobytes()).hexdigest()


def look(image: Image.Image) -> str:
    rgba = image.convert("RGBA")
    flat = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    grey = flat.convert("L")
    across = grey.resize((9, 8), _GREY).tobytes()
    down = grey.resize((8, 9), _GREY).tobytes()
    signs = [across[y * 9 + x] > across[y * 9 + x + 1] for y in range(8) for x in range(8)]
    signs += [down[y * 8 + x] > down[y * 8 + 8 + x] for y in range(8) for x in range(8)]
    number = sum(1 << place for place, sign in enumerate(signs) if sign)
    return f"{number:032x}{flat.resize((8, 8), _GREY).tobytes().hex()}"


def is_alike(one: str, other: str) -> bool:
    """Whether two looks are the same picture's, as far as looks can tell."""
    if (int(one[:32], 16) ^ int(other[:32], 16)).bit_count() > MAX_SIGNS:
        return False
    pairs = zip(bytes.fromhex(one[32:]), bytes.fromhex(other[32:]), strict=True)
    return sum(abs(a - b) for a, b in pairs) / 192 <= MAX_COLOUR


def from_facts(facts: Mapping[str, object]) -> Fingerprint | None:
    """What a record's facts hold; None where they hold none, or a stranger's nonsense."""
    values = facts.get("fingerprint")
    if not isinstance(values, Mapping):
        return None
    pixels, seen = str(values.get("pixels")), str(values.get("look"))
    return Fingerprint(pixels, seen) if _HASH.fullmatch(pixels) and _LOOK.fullmatch(seen) else None
