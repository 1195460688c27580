"""Records from files: what the library forgot is read back from the pictures themselves.

The files are untrusted. The reader limits what it parses, every value of a record is checked, and a path is always the
one the file was found at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from studio.core.errors import InvalidRequest
from studio.core.metadata import record_from_json
from studio.core.result import Record
from studio.library.records import SqliteRecords

SUFFIXES = (".png", ".jpg", ".webp")


class Stamped(Protocol):
    """What a reader finds in a file; `record` is our own record as JSON, None if the file carries another program's."""

    @property
    def record(self) -> Mapping[str, Any] | None: ...


Reader = Callable[[Path], Stamped | None]
"""Reads a file, None if it carries no metadata. Raises `InvalidRequest` with a sentence for a damaged one."""


@dataclass(frozen=True, kw_only=True)
class Reindexed:
    """How many files were right, new, moved or changed, second copies and without our record; sentences for damaged ones.

    `missing` counts records whose file is gone.
    """

    right: int = 0
    added: int = 0
    changed: int = 0
    copies: int = 0
    foreign: int = 0
    missing: int = 0
    damaged: tuple[str, ...] = ()


def reindex(outputs: Path, records: SqliteRecords, read: Reader) -> Reindexed:
    """Rebuild, mend and mark the records by the pictures under `outputs`. Never removes a record or a file."""
    known = records.everything()
    found: dict[str, list[Record]] = {}
    foreign, damaged = 0, []
    for path in _pictures(outputs):
        try:
            record = _read(path, read)
        except InvalidRequest as error:
            damaged.append(str(error))
        except OSError as error:
            damaged.append(f"{path.name} cannot be read ({error.strerror}). Check its permissions.")
        else:
            foreign += record is None
            if record:
                found.setdefault(record.id, []).append(record)
    counts = {"right": 0, "added": 0, "changed": 0}
    for id in sorted(found, key=lambda id: (found[id][0].created, id)):
        counts[_settle(records, known.get(id), found[id])] += 1
    gone = [record.id for record in known.values() if record.path is None and record.id not in found]
    for id in gone:
        records.mark_missing(id)
    copies = sum(len(same) - 1 for same in found.values())
    return Reindexed(**counts, copies=copies, foreign=foreign, missing=len(gone), damaged=tuple(damaged))


def _pictures(outputs: Path) -> Iterator[Path]:
    for path in sorted(outputs.rglob("*")):
        if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _read(path: Path, read: Reader) -> Record | None:
    found = read(path)
    if found is None or found.record is None:
        return None
    with path.open("rb") as file:
        return record_from_json(found.record, path=path, sha256=hashlib.file_digest(file, "sha256").hexdigest())


def _settle(records: SqliteRecords, known: Record | None, found: list[Record]) -> str:
    """One record and its files: the row's own file wins over copies of it."""
    if known is None:
        records.add(found[0], durable=False)  # a power cut costs a second run, nothing else
        return "added"
    if known.state == "deleted":
        return "right"
    best = next((record for record in found if record.path == known.path), found[0])
    if known.path and (best.path, best.sha256) == (known.path, known.sha256):
        return "right"
    if best.path and (known.path is None or best.path == known.path):
        records.locate(known.id, best.path, best.sha256)
        return "changed"
    return "right"
