"""Policy checks at their three points: the words, the pictures a request starts from, the pictures that came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio.core.errors import Blocked
from studio.core.evidence import Suspect, Witness
from studio.core.opening import format_of, open_picture
from studio.core.people import Role
from studio.core.ports import Sources
from studio.core.publishing import ELSEWHERE
from studio.core.request import ImageRequest, all_sources
from studio.core.screening import Check, Subject
from studio.core.verdict import Verdict, worst

Checks = Callable[[], Iterable[Check]]
"""Asked for anew each time, so that a changed policy or its switch holds at once."""


@dataclass(frozen=True)
class Screening:
    """Raises `Blocked` with every verdict so far as soon as one check says so; else all verdicts come back. What `witnesses`
    find in a source file is told to its checks.
    """

    checks: Checks = tuple
    witnesses: Sequence[Witness] = ()

    def words(self, request: ImageRequest, role: Role) -> tuple[Verdict, ...]:
        """The light checks: they run before a job is queued, and cost nothing."""
        return self._all(Subject(stage="request", request=request, role=role), (), light=True)

    def before(self, request: ImageRequest, role: Role, kept: Sources) -> tuple[Verdict, ...]:
        """All that can be said before a backend is asked: nothing is drawn or paid for what is blocked here."""
        verdicts = self._all(Subject(stage="request", request=request, role=role), ())
        for name, source in all_sources(request).items():
            if name == "mask":
                continue
            subject = self._source(request, role, kept.read(source), source.name or "the picture")
            verdicts = self._all(subject, verdicts)
        return verdicts

    def file(self, data: bytes, name: str, role: Role) -> tuple[Verdict, ...]:
        """What the checks say of a file that somebody asks about. Never raises `Blocked`: nothing is to be made of it."""
        try:
            return self._all(self._source(ImageRequest(model=ELSEWHERE, prompt=""), role, data, name), ())
        except Blocked as error:
            return error.verdicts

    def _source(self, request: ImageRequest, role: Role, data: bytes, name: str) -> Subject:
        image = open_picture(data, name)
        suspect = Suspect(name=name, data=data, format=format_of(data, name), image=image)
        looking = self.witnesses if any(self.checks()) else ()
        found = tuple(row for witness in looking for row in witness.look(suspect))
        return Subject(stage="source", request=request, role=role, image=image.convert("RGB"), data=data, evidence=found)

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
