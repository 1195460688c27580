"""Typed prompts on the small studio of the page's tests: the engine's own way, with a history in memory."""

from __future__ import annotations

import time
from pathlib import Path

from studio.core.history import UsedPrompt
from studio.engine.making import Making
from studio.engine.prompting import Prompting
from studio.wording import WordFolder

PRESETS = Path(__file__).resolve().parents[2] / "presets"


class MemoryPrompts:
    """`studio.core.history.PromptHistory` in a list."""

    def __init__(self) -> None:
        self._used: list[tuple[str, UsedPrompt]] = []

    def add(self, person: str, text: str, negative: str = "") -> None:
        self._used = [(name, used) for name, used in self._used if (name, used.text) != (person, text)]
        number = len(self._used) + 1
        self._used.append((person, UsedPrompt(id=number, text=text, negative=negative, last=time.time())))

    def find(self, person: str, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        own = [used for name, used in reversed(self._used) if name == person and words.lower() in used.text.lower()]
        return own[:limit]

    def remove(self, person: str, id: int) -> None:
        self._used = [(name, used) for name, used in self._used if (name, used.id) != (person, id)]


def making_of(studio) -> Making:
    return Making(studio, Prompting(WordFolder(PRESETS), MemoryPrompts()))
