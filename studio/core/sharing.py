"""A copy of a kept picture for others: what goes out with it is chosen, the AI label always stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from studio.core.errors import InvalidRequest

ShareFormat = Literal["png", "jpeg", "webp"]
LEAST_SIDE, MOST_SIDE = 64, 16_384


@dataclass(frozen=True, kw_only=True)
class ShareOptions:
    """`quality` is 1 to 100 (JPEG, WebP); `max_side` in pixels shrinks the picture, None keeps its size.

    `prompt`: prompt and negative prompt. `settings`: seed, model's hash, steps and the like. `user`: who made it.
    `parents`: what it was made from. Raises `InvalidRequest` for what is out of range.
    """

    format: ShareFormat = "jpeg"
    quality: int = 90
    max_side: int | None = None
    prompt: bool = False
    settings: bool = False
    user: bool = False
    parents: bool = False

    def __post_init__(self) -> None:
        if self.format not in get_args(ShareFormat):
            raise InvalidRequest("A share copy is a PNG, JPEG or WebP. Choose one of them.", "format")
        if not 1 <= self.quality <= 100:
            raise InvalidRequest("The quality goes from 1 to 100.", "quality")
        if self.max_side is not None and not LEAST_SIDE <= self.max_side <= MOST_SIDE:
            raise InvalidRequest(f"The longest side goes from {LEAST_SIDE} to {MOST_SIDE} pixels.", "max_side")


@dataclass(frozen=True, kw_only=True)
class SharedCopy:
    """The file, and in words what is in it, what was left out, and what a platform that strips metadata leaves."""

    name: str
    data: bytes
    width: int
    height: int
    stays: tuple[str, ...]
    left_out: tuple[str, ...]
    survives: tuple[str, ...]
