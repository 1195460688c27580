"""Packing pictures for somewhere else: the files byte for byte and a manifest of what is known of each, in one ZIP file."""

from __future__ import annotations

import json
import secrets
import shutil
import zipfile
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from studio.core.errors import InvalidRequest, KeepError
from studio.core.gallery import Archive, Marks, Packed
from studio.core.metadata import to_plain
from studio.core.request import request_to_json
from studio.core.result import Record

SCHEMA = 1
SPARE = 50_000_000
"""Bytes that stay free on the disk."""
Progress = Callable[[int, int], None]
"""Told how many of how many pictures are packed; may raise to stop."""


class Studio(Protocol):
    version: str

    def record(self, id: str) -> Record | None: ...


@dataclass(frozen=True)
class Packing:
    """`held` are review statuses that do not go out."""

    studio: Studio
    archive: Archive
    held: Container[str]
    progress: Progress

    def pack(self, ids: Sequence[str], folder: Path) -> Packed:
        """Raises `InvalidRequest` if nothing is left, `KeepError` for the disk. Pictures are compressed already."""
        records = [record for id in ids if (record := self.studio.record(id))]
        packed = [record for record in records if record.path and record.review_status not in self.held]
        going = {record.id for record in packed}
        left_out = tuple(record.id for record in records if record.id not in going)
        if not packed:
            raise InvalidRequest("Nothing of this can be packed: files are gone, or pictures wait for a review.")
        target = folder / f"studio-{datetime.now().astimezone():%Y-%m-%d-%H%M%S}.zip"
        part = folder / f".{secrets.token_hex(4)}.part"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _check_room(folder, packed)
            self._write(part, packed, left_out)
            part.replace(target)
        except OSError as error:
            reason = error.strerror or str(error)
            raise KeepError(f"The pictures cannot be packed ({reason}). Free some space, then try again.") from error
        finally:
            part.unlink(missing_ok=True)
        return Packed(path=target, pictures=len(packed), left_out=left_out)

    def _write(self, part: Path, records: Sequence[Record], left_out: Sequence[str]) -> None:
        titles = {board.id: board.title for board in self.archive.boards.all()}
        names: set[str] = set()
        rows: list[Mapping[str, Any]] = []
        with zipfile.ZipFile(part, "x", zipfile.ZIP_STORED, strict_timestamps=False) as file:
            for number, record in enumerate(records):
                self.progress(number, len(records))
                name = _name(record, names)
                if record.path:
                    file.write(record.path, name)
                rows.append(_row(record, name, self.archive.marks.of(record.id), titles))
            when = datetime.now().astimezone().isoformat("T", "seconds")
            manifest = {"schema": SCHEMA, "studio": self.studio.version, "packed": when, "pictures": rows}
            text = json.dumps({**manifest, "left_out": list(left_out)}, indent=1, ensure_ascii=False)
            file.writestr("manifest.json", text)
        self.progress(len(records), len(records))


def _name(record: Record, taken: set[str]) -> str:
    """`pictures/081530-starter-1234.png`; no two the same, whatever the file system."""
    plain = record.name.replace("\\", "_").replace("/", "_").lstrip(".") or record.id
    name = plain if plain.lower() not in taken else f"{record.id}-{plain}"
    taken.add(name.lower())
    return f"pictures/{name}"


def _row(record: Record, name: str, marks: Marks, titles: Mapping[str, str]) -> Mapping[str, Any]:
    """Without the name of somebody who did not choose it for handing on."""
    request = request_to_json(record.request)
    if not record.request.user_in_file:
        request["user"] = ""
    row: Mapping[str, Any] = to_plain(
        {
            "file": name, "record": record.id, "sha256": record.sha256, "created": record.created, "seed": record.seed,
            "width": record.width, "height": record.height, "request": request, "facts": record.facts,
            "notes": record.notes, "stamps": record.stamps, "verdicts": [asdict(each) for each in record.verdicts],
            "review_status": record.review_status, "stars": marks.stars, "tags": marks.tags, "note": marks.note,
            "boards": [titles[id] for id in marks.boards if id in titles],
        }
    )  # fmt: skip
    return row


def _check_room(folder: Path, records: Sequence[Record]) -> None:
    needed = sum(record.path.stat().st_size for record in records if record.path)
    if shutil.disk_usage(folder).free < needed + SPARE:
        raise KeepError(f"The pictures have {needed / 1e6:.0f} MB and the disk has no room for them. Free some space.")
