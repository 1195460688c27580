"""A small real Watch that writes down what it is told and can say stop."""

from __future__ import annotations

from studio.core.errors import Cancelled


class Recorder:
    """Keeps phases, steps and previews; says stop at the `stop_check`-th look after `stop_in` has begun."""

    def __init__(self, stop_in: str = "", stop_check: int = 1, previews: bool = True) -> None:
        self.stop_in, self.left, self.wants_previews = stop_in, stop_check, previews
        self.phases: list[str] = []
        self.steps: list[tuple[int, int]] = []
        self.previews: list = []
        self.said: list[str] = []
        self.checks = 0

    def check(self) -> None:
        self.checks += 1
        if self.stop_in and self.stop_in in self.phases:
            self.left -= 1
            if self.left <= 0:
                raise Cancelled("Stopped.")

    def say(self, text: str) -> None:
        self.said.append(text)

    def phase(self, phase: str) -> None:
        self.phases.append(phase)

    def step(self, done: int, total: int, preview=None) -> None:
        self.steps.append((done, total))
        if self.wants_previews and preview:
            self.previews.append(preview())
