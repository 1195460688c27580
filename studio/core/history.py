"""Prompts that were used before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class UsedPrompt:
    """As it was typed, templates and all. `used` counts the times, `last` is the last one in seconds since the epoch."""

    id: int
    text: str
    negative: str = ""
    used: int = 1
    last: float = 0.0


class PromptHistory(Protocol):
    """The prompts that each person used, as they were typed."""

    def add(self, person: str, text: str, negative: str = "") -> None:
        """Note that it was used now. One that is there already becomes the newest."""

    def find(self, person: str, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        """The newest first; with `words` those that hold all of them, beginnings of words included."""

    def remove(self, person: str, id: int) -> None: ...
