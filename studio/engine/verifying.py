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
from studio.core.result import Record
from studio.core.score import DetectorStatus, Score
from studio.core.sharing import SharedCopy, ShareOptions
from studio.engine.examine import Examiner

PATIENCE = 120.0
"""Seconds that a file's scores may take; what costs more is forecast and asked for."""
QUICK = 15.0


class Ask(Protocol):
    """`studio.engine.process.WorkerProcess.ask`."""

    def __call__(self, question: str, patience: float, **values: Any) -> Any: ...


@dataclass(frozen=True, kw_only=True)
class Verifying:
    """`folder` is private to the studio: files to be scored lie there for as long as that takes."""

    examiner: Examiner
    copies: Callable[[Record, ShareOptions], SharedCopy]
    folder: Path

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
