"""The rows of kept pictures. A row outlives its file: it is then reported as missing, without a path."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from studio.core.fingerprint import Fingerprint, from_facts, is_alike
from studio.core.job import backend_of
from studio.core.metadata import to_plain
from studio.core.request import request_from_json, request_to_json, sources
from studio.core.result import Record
from studio.core.verdict import Verdict
from studio.library.database import Database
from studio.library.screening import write_screening


class SqliteRecords:
    """`studio.core.ports.Records`, and the writing side for the rest of the library. `outputs` is where paths start."""

    def __init__(self, database: Database, outputs: Path) -> None:
        self._database = database
        self._outputs = outputs

    def record(self, id: str) -> Record | None:
        rows = self._database.rows("SELECT * FROM record WHERE id = ?", (id,))
        return self.from_row(rows[0]) if rows else None

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]:
        """Newest first, without deleted ones; `before` is a record id for the next page."""
        rows = self._database.rows(
            """SELECT * FROM record WHERE state != 'deleted'
               AND (:before IS NULL OR (time, seq) < (SELECT time, seq FROM record WHERE id = :before))
               ORDER BY time DESC, seq DESC LIMIT :limit""",
            {"before": before, "limit": limit},
        )
        return [self.from_row(row) for row in rows]

    def children(self, id: str) -> list[Record]:
        """The pictures made directly from this one, oldest first, without deleted ones."""
        rows = self._database.rows(
            "SELECT * FROM record WHERE parent = ? AND parent != '' AND state != 'deleted' ORDER BY time, seq", (id,)
        )
        return [self.from_row(row) for row in rows]

    def with_file(self, sha256: str) -> str:
        """The newest record whose file has this hash; empty if there is none."""
        rows = self._database.rows("SELECT id FROM record WHERE sha256 = ? ORDER BY seq DESC LIMIT 1", (sha256,))
        return str(rows[0]["id"]) if rows else ""

    def with_mark(self, payload: str) -> str:
        """The record whose watermark carries this payload (hex), deleted ones too; empty if there is none."""
        return self._newest("mark", payload)

    def with_pixels(self, sha256: str) -> str:
        """The newest record whose saved pixels have this hash, deleted ones too; empty if there is none."""
        return self._newest("pixels", sha256)

    def looking_like(self, look: str) -> list[str]:
        """Records whose pictures look like this one, newest first, deleted ones too. Goes through all of them."""
        rows = self._database.rows("SELECT id, look FROM record WHERE look != '' ORDER BY time DESC, seq DESC")
        return [str(row["id"]) for row in rows if is_alike(look, row["look"])]

    def _newest(self, column: str, value: str) -> str:
        query = f"SELECT id FROM record WHERE {column} = ? AND {column} != '' ORDER BY time DESC, seq DESC LIMIT 1"  # noqa: S608  our own two words
        rows = self._database.rows(query, (value,))
        return str(rows[0]["id"]) if rows else ""

    def of_job(self, job: str) -> tuple[Record, ...]:
        """A job's records in picture order."""
        rows = self._database.rows("SELECT * FROM record WHERE job = ? ORDER BY seq", (job,))
        return tuple(self.from_row(row) for row in rows)

    def everything(self) -> dict[str, Record]:
        """All records by id."""
        return {row["id"]: self.from_row(row) for row in self._database.rows("SELECT * FROM record")}

    def add(self, record: Record, *, durable: bool = True) -> None:
        """Write a record whose file lies under `outputs`, once: one that is there already stays as it is."""
        source = sources(record.request.task).get("image")
        found = from_facts(record.facts) or Fingerprint("", "")
        values = {
            "id": record.id,
            "job": record.job,
            "path": self._relative(record.path),
            "name": record.name,
            "sha256": record.sha256,
            "width": record.width,
            "height": record.height,
            "seed": record.seed,
            "created": record.created,
            "time": datetime.fromisoformat(record.created).timestamp(),
            "user": record.request.user,
            "state": record.state,
            "review_status": record.review_status,
            "request": json.dumps(request_to_json(record.request)),
            "facts": json.dumps(to_plain(record.facts)),
            "notes": json.dumps(record.notes),
            "stamps": json.dumps(record.stamps),
            "verdicts": json.dumps([asdict(verdict) for verdict in record.verdicts]),
            "backend": backend_of(record.request.model),
            "parent": source.record if source else "",
            "source": source.sha256 if source else "",
            "mark": _mark(record),
            "pixels": found.pixels,
            "look": found.look,
        }
        with self._database.transaction(durable=durable) as connection:
            added = connection.execute(
                """INSERT INTO record (id, job, path, name, sha256, width, height, seed, created, time, user, state,
                                   review_status, request, facts, notes, stamps, verdicts, backend, parent, source,
                                   mark, pixels, look)
                   VALUES (:id, :job, :path, :name, :sha256, :width, :height, :seed, :created, :time, :user, :state,
                       :review_status, :request, :facts, :notes, :stamps, :verdicts, :backend, :parent, :source,
                       :mark, :pixels, :look)
                   ON CONFLICT (id) DO NOTHING""",
                values,
            )
            if added.rowcount:
                time = datetime.fromisoformat(record.created).timestamp()
                write_screening(connection, record.verdicts, job=record.job, time=time, record=record.id)

    def locate(self, id: str, path: Path, sha256: str) -> None:
        """The record's file is at `path` now, with these bytes."""
        self._database.change(
            "UPDATE record SET path = ?, name = ?, sha256 = ?, state = 'kept' WHERE id = ?",
            (self._relative(path), path.name, sha256, id),
        )

    def mark_deleted(self, id: str) -> None:
        """The file is in the trash, or gone for good; the row stays."""
        self._database.change("UPDATE record SET state = 'deleted' WHERE id = ?", (id,))

    def mark_emptied(self, id: str) -> None:
        """There is nothing in the trash any more that could be brought back."""
        self._database.change(
            "UPDATE picture SET trashed = 0 WHERE trashed > 0 AND seq = (SELECT seq FROM record WHERE id = ?)", (id,)
        )

    def mark_all_emptied(self, before: float | None = None) -> None:
        """The same of everything, or of what was deleted earlier than that."""
        self._database.change("UPDATE picture SET trashed = 0 WHERE trashed > 0 AND (?1 IS NULL OR trashed < ?1)", (before,))

    def place(self, id: str) -> Path | None:
        """Where the record's file lies or lay under `outputs`; None for no such record."""
        rows = self._database.rows("SELECT path FROM record WHERE id = ?", (id,))
        return self._outputs / rows[0]["path"] if rows else None

    def mark_missing(self, id: str) -> None:
        self._database.change("UPDATE record SET state = 'missing' WHERE id = ? AND state = 'kept'", (id,))

    def _relative(self, path: Path | None) -> str:
        if path is None:
            raise ValueError("a record without a file cannot be added")
        return path.relative_to(self._outputs).as_posix()

    def from_row(self, row: sqlite3.Row) -> Record:
        """A whole row of the table as the engine knows it."""
        path = self._outputs / row["path"]
        record = Record(
            id=row["id"],
            job=row["job"],
            path=path,
            name=row["name"],
            sha256=row["sha256"],
            width=row["width"],
            height=row["height"],
            seed=row["seed"],
            created=row["created"],
            request=request_from_json(json.loads(row["request"])),
            facts=json.loads(row["facts"]),
            notes=tuple(json.loads(row["notes"])),
            stamps=tuple(json.loads(row["stamps"])),
            verdicts=tuple(Verdict(**verdict) for verdict in json.loads(row["verdicts"])),
            review_status=row["review_status"],
            state=row["state"],
        )
        if row["state"] == "deleted" or not path.is_file():
            return replace(record, path=None, state="deleted" if row["state"] == "deleted" else "missing")
        return replace(record, state="kept")


def _mark(record: Record) -> str:
    """The payload of the watermark, empty if there is none; facts may come from a stranger's file."""
    marked = record.facts.get("watermark")
    payload = marked.get("payload") if isinstance(marked, dict) and marked.get("present") else None
    return payload if isinstance(payload, str) and re.fullmatch("[0-9a-f]{12}", payload) else ""
