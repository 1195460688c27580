"""How long a prompt is for each of a model's text encoders."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TokenCount:
    """`tokens` of a text and the `room` for them, special ones apart. `chunked`: longer texts are read in several parts."""

    encoder: str
    tokens: int
    room: int
    chunked: bool = False

    @property
    def chunks(self) -> int:
        return max(1, -(-self.tokens // self.room)) if self.chunked else 1

    @property
    def is_cut(self) -> bool:
        return not self.chunked and self.tokens > self.room
