"""Examining a file: every witness, the library and the detectors are heard, then one wording is found.

The file is a stranger's: its bytes are looked at as they came, decoded once with limits, and nothing in it is a path.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter

from studio.core.errors import InvalidRequest
from studio.core.evidence import Evidence, Examination, Reading, Suspect, Witness
from studio.core.fingerprint import fingerprint, from_facts, is_alike
from studio.core.judgement import judge
from studio.core.opening import format_of, open_picture
from studio.core.ports import Records
from studio.core.score import Score

MAX_BYTES = 256 * 1024 * 1024
Readings = Callable[[Suspect], Sequence[Reading]]
Scores = Callable[[Suspect], Sequence[Score]]
OURS = "anyone who can write this computer's library"


@dataclass(frozen=True, kw_only=True)
class Examiner:
    """`readings` gives the settings that a file's metadata tells, best first. Raises `InvalidRequest` for no picture."""

    witnesses: tuple[Witness, ...]
    readings: Readings
    records: Records

    def examine(self, data: bytes, name: str, scores: Scores) -> Examination:
        """Everything that the bytes tell. Raises `InvalidRequest` for what is no picture, or too large."""
        began = perf_counter()
        suspect = open_suspect(data, name)
        readings = self.readings(suspect)
        own = [row for witness in self.witnesses for row in witness.look(suspect)]
        evidence = _in_order([*own, *self._library(suspect, own)])
        found = list(scores(suspect)) if suspect.image else []
        return Examination(
            name=name,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            format=suspect.format,
            width=suspect.image.width if suspect.image else 0,
            height=suspect.image.height if suspect.image else 0,
            evidence=evidence,
            scores=tuple(found),
            judgement=judge(evidence, found),
            reading=readings[0] if readings else None,
            record=next((row.record for row in evidence if row.record), ""),
            seconds=round(perf_counter() - began, 3),
        )

    def _library(self, suspect: Suspect, rows: Sequence[Evidence]) -> list[Evidence]:
        """What the library knows of these bytes, pixels and looks, and whether the mark's record fits the picture."""
        sha256 = hashlib.sha256(suspect.data).hexdigest()
        if record := self.records.with_file(sha256):
            return [_kept(record, "This is the very file that the library keeps")]
        if suspect.image is None:
            return []
        seen = fingerprint(suspect.image)
        if record := self.records.with_pixels(seen.pixels):
            return [_kept(record, "The library made a picture with exactly these pixels")]
        doubts = [row for mark in rows if mark.kind == "watermark" for row in self._doubts(mark.record, seen.look)]
        alike = self.records.looking_like(seen.look)
        if not alike:
            return doubts
        more = f" ({len(alike)} such pictures)" if len(alike) > 1 else ""
        found = f"The library has a picture that looks like this one{more}."
        faked = "a picture that merely looks alike"
        row = Evidence(kind="library", finding=found, strength="weak", side="ai", faked_by=faked, record=alike[0])
        return [*doubts, row]

    def _doubts(self, id: str, seen: str) -> list[Evidence]:
        record = self.records.record(id) if id else None
        known = from_facts(record.facts) if record else None
        if known is None or is_alike(known.look, seen):
            return []
        finding = (
            "The watermark's record looks different from this picture: it was cropped or edited, or its mark was copied."
        )
        return [Evidence(kind="library", finding=finding, strength="weak", faked_by="copying a mark onto another picture")]


def open_suspect(data: bytes, name: str) -> Suspect:
    """Decode with limits. A file whose header is a picture's but whose pixels cannot be read has no image."""
    if len(data) > MAX_BYTES:
        raise InvalidRequest(f"{name} is larger than {MAX_BYTES // 1024**2} MB. Choose a smaller file.")
    format = format_of(data, name)
    try:
        image = open_picture(data, name)
    except InvalidRequest:
        return Suspect(name=name, data=data, format=format)
    return Suspect(name=name, data=data, format=format, image=image)


def _kept(record: str, finding: str) -> Evidence:
    return Evidence(
        kind="library", finding=f"{finding}.", strength="strong", side="ai", declared=True, faked_by=OURS, record=record
    )


_ORDER = ("manifest", "watermark", "library", "metadata", "capture", "detector")


def _in_order(rows: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Rows of the same kind and finding once, the strongest kinds first."""
    unique = {(row.kind, row.finding): row for row in rows}
    return tuple(sorted(unique.values(), key=lambda row: _ORDER.index(row.kind)))
