r"""Prompt weights as creators write them: `(word)` × 1.1, `(word:1.3)` × 1.3, `[word]` ÷ 1.1, nested; `\(` is a bracket.

The syntax is AUTOMATIC1111's. Nothing is ever lost: a bracket without a partner is a character like any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

STRONGER = 1.1
MAX_WEIGHT = 10.0
_SYNTAX = re.compile(r"\\[\\()\[\]]|[()\[\]]|[^\\()\[\]]+|\\")
_NUMBER = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*$")
_PAIRS = {")": "(", "]": "["}


@dataclass
class _Piece:
    text: str
    weight: float = 1.0
    opens: bool = field(default=False)


def parse(text: str) -> list[tuple[str, float]]:
    """Split into (text, weight) fragments; neighbours of equal weight are one fragment. Weights are kept as written."""
    pieces: list[_Piece] = []
    open_at: list[int] = []
    for match in _SYNTAX.finditer(text):
        mark = match.group()
        if mark in ("(", "["):
            open_at.append(len(pieces))
            pieces.append(_Piece(mark, opens=True))
        elif mark in _PAIRS and open_at and pieces[open_at[-1]].text == _PAIRS[mark]:
            _close(pieces, open_at.pop())
        else:
            pieces.append(_Piece(mark[1:] if len(mark) == 2 and mark[0] == "\\" else mark))
    return _merge(pieces)


def plain(text: str) -> str:
    """The words without their weights."""
    return "".join(fragment for fragment, _ in parse(text))


def is_weighted(fragments: list[tuple[str, float]]) -> bool:
    return any(weight != 1.0 for _, weight in fragments)


def clamp(fragments: list[tuple[str, float]]) -> tuple[list[tuple[str, float]], tuple[str, ...]]:
    """Weights an encoder can take, 0 to 10, and a note for each that was changed."""
    clamped = [(text, min(max(weight, 0.0), MAX_WEIGHT)) for text, weight in fragments]
    notes = tuple(
        f"weight {asked:g} of “{text.strip()[:40]}” became {used:g}"
        for (text, asked), (_, used) in zip(fragments, clamped, strict=True)
        if asked != used
    )
    return clamped, notes


def _close(pieces: list[_Piece], start: int) -> None:
    """Weigh everything since the bracket at `start`, take the bracket out, and read a closing `:1.3`."""
    factor = STRONGER if pieces[start].text == "(" else 1 / STRONGER
    if factor == STRONGER and (number := _NUMBER.search(pieces[-1].text)) and not pieces[-1].opens:
        factor = float(number.group(1))
        pieces[-1].text = pieces[-1].text[: number.start()]
    for piece in pieces[start + 1 :]:
        piece.weight *= factor
    del pieces[start]


def _merge(pieces: list[_Piece]) -> list[tuple[str, float]]:
    merged: list[tuple[str, float]] = []
    for piece in pieces:
        if merged and merged[-1][1] == piece.weight:
            merged[-1] = (merged[-1][0] + piece.text, piece.weight)
        elif piece.text:
            merged.append((piece.text, piece.weight))
    return merged
