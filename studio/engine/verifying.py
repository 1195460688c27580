"""The studio's side of verification: files are examined here, scored where the detectors run, and share copies made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from studio.core.errors import InvalidRequest, Unavailable
from studio.core.evidence import Examination, Suspect
from studio.core.people import Role
from studio.core.publishing import Ruling
from studio.core.result import Record
from studio.core.score import DetectorStatus, Score
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.verdict import Verdict
from studio.engine.examine import Examiner
from studio.engine.publishing import Tables, judge_file, no_table

PATIENCE = 120.0
"""Seconds that a file's scores may take; what costs more is forecast and asked for."""
QUICK = 15.0


Screened = Callable[[], Sequence[Verdict]]


class Ask(Protocol):
    """`studio.engine.process.WorkerProcess.ask`."""

    def __call__(self, question: str, patience: float, **values: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Verifying:
    """`folder` is private to the studio: files to be scored lie there for as long as that takes."""

    examiner: Examiner
    copies: Callable[[Record, ShareOptions], SharedCopy]
    folder: Path
    table: Tables = no_table

    def examine(self, data: bytes, name: str, ask: Ask | None, detectors: Sequence[str] | None = None) -> Examination:
        """Raises `InvalidRequest`. Detectors that do not answer are a note, not an error."""

        def scores(suspect: Suspect) -> list[Score]:
            if ask is None or detectors == ():
                return []
            try:
                with self._laid_down(suspect.data) as path:
                    return [Score(**values) for values in ask("score", PATIENCE, path=str(path), detectors=detectors)]
            except Unavailable as error:
                return [Score(detector="engine", title="The detectors", revision="", note=str(error))]

        return self.examiner.examine(data, name, scores)

    def examine_here(self, data: bytes, name: str, score: Callable[[Image.Image], Sequence[Score]]) -> Examination:
        """The same with detectors that run in this process."""
        return self.examiner.examine(data, name, lambda suspect: score(suspect.image) if suspect.image else [])

    def rule(self, found: Examination, role: Role, verdicts: Screened) -> Ruling | None:
        """What the publishing policy says of an examined file, with what checks say of it; None while it is switched off.

        A picture of the library that the file only looks like does not count.
        """
        table = self.table()
        if table is None:
            return None
        kept = next((row.record for row in found.evidence if row.record and row.strength == "strong"), "")
        record = self.examiner.records.record(kept) if kept else None
        return judge_file(found, table, role=role, record=record, verdicts=verdicts())

    def screened(self, data: bytes, role: Role, ask: Ask | None) -> Sequence[Verdict]:
        """What the policy's checks say of a file; checks that do not answer have not looked, which is no pass."""
        if ask is None:
            return []
        try:
            with self._laid_down(data) as path:
                return [Verdict(**values) for values in ask("screen", PATIENCE, path=str(path), role=role)]
        except Unavailable as error:
            return [Verdict(check="policy", outcome="not_screened", message=str(error), stage="source")]

    def checked(self, data: bytes, role: Role, ask: Ask | None) -> Sequence[Verdict]:
        """The same, and nothing while the policy is switched off."""
        return self.screened(data, role, ask) if self.table() is not None else ()

    def detectors(self, ask: Ask | None) -> list[DetectorStatus]:
        """Empty while the engine does not answer."""
        try:
            return [DetectorStatus(**values) for values in ask("detectors", QUICK)] if ask else []
        except Unavailable:
            return []

    def share(self, record: Record | None, options: ShareOptions) -> SharedCopy:
        if record is None:
            raise InvalidRequest("The library has no such picture.")
        return self.copies(record, options)

    @contextmanager
    def _laid_down(self, data: bytes) -> Iterator[Path]:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / secrets.token_hex(8)
        try:
            path.write_bytes(data)
            yield path
        finally:
            path.unlink(missing_ok=True)
