"""Source files that are never worked on: `<data>/blocked_files.txt`, one SHA-256 a line, then a comment if you like.

    # what `sha256sum` prints fits
    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  withdrawn, picture desk

It knows exact files alone: a picture that was saved anew has another hash.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from studio.core.screening import Subject
from studio.core.verdict import Outcome, Verdict
from studio.settings import Settings

FILE = "blocked_files.txt"
_LINE = re.compile(r"\s*(?:([0-9a-fA-F]{64})(?:\s.*)?|#.*)?")


def create(settings: Settings) -> BlockedFiles:
    return BlockedFiles(settings.data / FILE)


@dataclass(frozen=True)
class _List:
    hashes: frozenset[str] = frozenset()
    version: str = ""
    fault: str = ""


class BlockedFiles:
    """`studio.core.screening.Check`. Reads the list anew when it changes; without one there is nothing to say."""

    name, light = "blocked_files", False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int], _List] | None = None

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage != "source" or not subject.data:
            return None
        known = self._list()
        if known is None:
            return None
        if hashlib.sha256(subject.data).hexdigest() in known.hashes:
            message = "This file is on the list of files that are not worked on. Start from another picture."
            return self._verdict(known, "block", "file.blocked", message)
        if known.fault:
            return self._verdict(known, "not_screened", "file.list_faulty", known.fault)
        return self._verdict(known, "allow")

    def _verdict(self, known: _List, outcome: Outcome, reason: str = "", message: str = "") -> Verdict:
        return Verdict(check=self.name, outcome=outcome, reason_code=reason, message=message, version=known.version,
                       stage="source")  # fmt: skip

    def _list(self) -> _List | None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if self._read is None or self._read[0] != stamp:
                self._read = (stamp, _parsed(self._path.read_bytes()))
            return self._read[1]
        except FileNotFoundError:
            return None
        except OSError as error:
            return _List(fault=f"{FILE} cannot be read ({error.strerror}), so no file was looked up. Check its permissions.")


def _parsed(data: bytes) -> _List:
    version = hashlib.sha256(data).hexdigest()[:12]
    lines = [_LINE.fullmatch(line) for line in data.decode(errors="replace").splitlines()]
    wrong = [number for number, line in enumerate(lines, 1) if line is None]
    hashes = frozenset(line[1].lower() for line in lines if line and line[1])
    fault = (
        f"Line {wrong[0]} of {FILE} is no SHA-256 (64 digits, 0 to f). Mend it, so that its file is known." if wrong else ""
    )
    return _List(hashes, version, fault)
