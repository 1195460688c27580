"""Policy checks at their three points: the words, the pictures a request starts from, the pictures that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio.core.errors import Blocked
from studio.core.opening import open_picture
from studio.core.people import Role
from studio.core.ports import Sources
from studio.core.request import ImageRequest, sources
from studio.core.screening import Check, Subject
from studio.core.verdict import Verdict, worst

Checks = Callable[[], Iterable[Check]]
"""Asked for anew each time, so that a changed policy or its switch holds at once."""


@dataclass(frozen=True)
class Screening:
    """Raises `Blocked` with every verdict so far as soon as one check says so; else all verdicts come back."""

    checks: Checks = tuple

    def words(self, request: ImageRequest, role: Role) -> tuple[Verdict, ...]:
        """The light checks: they run before a job is queued, and cost nothing."""
        return self._all(Subject(stage="request", request=request, role=role), (), light=True)

    def before(self, request: ImageRequest, role: Role, kept: Sources) -> tuple[Verdict, ...]:
        """All that can be said before a backend is asked: nothing is drawn or paid for what is blocked here."""
        verdicts = self._all(Subject(stage="request", request=request, role=role), ())
        for name, source in sources(request.task).items():
            if name == "mask":
                continue
            data = kept.read(source)
            image = open_picture(data, source.name or "the picture").convert("RGB")
            verdicts = self._all(Subject(stage="source", request=request, role=role, image=image, data=data), verdicts)
        return verdicts

    def output(
        self, request: ImageRequest, role: Role, image: Image.Image, facts: Mapping[str, Any], before: tuple[Verdict, ...]
    ) -> tuple[Verdict, ...]:
        subject = Subject(stage="output", request=request, role=role, image=image.convert("RGB"), facts=facts)
        return self._all(subject, before)

    def _all(self, subject: Subject, before: tuple[Verdict, ...], *, light: bool = False) -> tuple[Verdict, ...]:
        found = [verdict for check in self.checks() if check.light or not light if (verdict := check(subject)) is not None]
        verdicts = (*before, *found)
        decisive = worst(found)
        if decisive is not None and decisive.outcome == "block":
            raise Blocked(decisive, verdicts)
        return verdicts
