"""The audit log: rows that only grow, each chained to the one before, and a note of the newest one beside the database.

`audit.head` in the data folder holds the number and the hash of the newest row, so that a tail that was cut off is found
too. It is written after the row is on the disk and before the next row, under one lock of all processes:

| crash | what is found | what `verify` says |
|---|---|---|
| before the row is written | neither row nor note | all fits: it did not happen |
| between row and note | the row, and the note of the one before | all fits: the chain checks what is behind the noted row |
| while the note is written | the old note (a new one replaces it whole) | as above |

So the note is never ahead of the rows. It moves on only while it fits them: when the log was cut or its note taken away, it
stays as it is and `verify` says so for good, whatever is written afterwards. Nothing of this stops somebody who may write
both files and computes all hashes anew; against that, keep an export, or the hash that `audit verify` prints, elsewhere.
"""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from studio.core.audit import FIRST, Action, AuditRow, digest_of, first_broken, hash_of
from studio.core.errors import LibraryError
from studio.core.metadata import to_plain
from studio.library.database import Database
from studio.library.files import locked

CSV_COLUMNS = ("seq", "time", "action", "person", "subject", "detail", "blanked", "previous", "hash")
_COLUMNS = "seq, time, action, person, subject, detail, salt, digest, previous, hash"
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so may be run by a spreadsheet."""
log = logging.getLogger("studio")


@dataclass(frozen=True)
class Head:
    """Number and hash of the newest row."""

    seq: int = 0
    hash: str = FIRST


class SqliteAudit:
    """`studio.core.ports.AuditLog`. Safe across threads and processes."""

    def __init__(self, data: Path, database: Database) -> None:
        self._database = database
        self._note, self._lock = data / "audit.head", data / "audit.lock"

    def append(self, action: Action, person: str = "", subject: str = "", **detail: Any) -> None:
        """One more row; it is on the disk on return. Raises `LibraryError`."""
        person, subject, plain = to_plain(person), to_plain(subject), to_plain(detail)
        salt = secrets.token_hex(16)
        digest = digest_of(person, subject, plain, salt)
        content = {"action": action, "person": person, "subject": subject, "detail": plain, "salt": salt, "digest": digest}
        try:
            with locked(self._lock):
                self._grow(content)
        except OSError as error:
            raise LibraryError(
                f"The audit log in {self._note.parent} cannot be written ({error.strerror}). Mend that and try again."
            ) from error

    def rows(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        person: str = "",
        action: str = "",
        subject: str = "",
        newest: bool = False,
    ) -> list[AuditRow]:
        """In order, from the one behind `after`; with `newest` the last `limit` of them, in order too."""
        wanted = {"person": person, "action": action, "subject": subject}
        asked = {name: value for name, value in wanted.items() if value}
        where = " AND ".join(["seq > :after", *(f"{name} = :{name}" for name in asked)])
        found = self._database.rows(
            f"SELECT {_COLUMNS} FROM audit WHERE {where} ORDER BY seq {'DESC' if newest else 'ASC'} LIMIT :limit",  # noqa: S608  our own words
            {"after": after, "limit": limit, **asked},
        )
        return [_row(row) for row in (reversed(found) if newest else found)]

    def head(self) -> Head:
        """Number and hash of the newest row, as the database has them."""
        rows = self._database.rows("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        return Head(rows[0]["seq"], str(rows[0]["hash"])) if rows else Head()

    def verify(self) -> tuple[int, int | None, str]:
        """How many rows there are, the first broken one (None if all fit), and what is wrong with it."""
        noted = self._noted()  # before the rows: what is written meanwhile comes behind it
        passed = _Passed(noted.seq if noted else 0)
        broken, why = first_broken(passed.by(self._all()))
        count = int(self._database.rows("SELECT COUNT(*) AS count FROM audit")[0]["count"])
        if broken is None:
            broken, why = _cut(noted, passed)
        return count, broken, why

    def lines(self, *, as_csv: bool = False) -> Iterator[str]:
        """Every row as a line of JSON or CSV, each with its line end; CSV begins with a line of names."""
        return _csv(self._all()) if as_csv else (json.dumps(vars(row), ensure_ascii=False) + "\n" for row in self._all())

    def count_of(self, person: str) -> int:
        """How many rows `blank` would blank."""
        return int(self._database.rows(f"SELECT COUNT(*) AS count FROM audit WHERE {_OF}", {"person": person})[0]["count"])  # noqa: S608  our own words

    def blank(self, person: str) -> int:
        """Erase the content of a person's rows and of those about their account; the chain still fits. How many it were."""
        blanked = self._database.change(
            f"UPDATE audit SET person = NULL, subject = NULL, detail = NULL, salt = NULL WHERE {_OF} RETURNING seq",  # noqa: S608  our own words
            {"person": person},
        )
        return len(blanked)

    def _grow(self, content: Mapping[str, Any]) -> None:
        with self._database.transaction() as connection:
            last = connection.execute("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetchone()
            before = Head(last["seq"], last["hash"]) if last else Head()
            fits = self._fits(before, connection)
            row = AuditRow(seq=before.seq + 1, time=round(time.time(), 6), previous=before.hash, **content)
            row = replace(row, hash=hash_of(row))
            connection.execute(
                f"""INSERT INTO audit ({_COLUMNS})
                    VALUES (:seq, :time, :action, :person, :subject, :detail, :salt, :digest, :previous, :hash)""",  # noqa: S608  our own words
                {**asdict(row), "detail": json.dumps(row.detail, ensure_ascii=False)},
            )
        if fits:
            try:
                self._write_note(Head(row.seq, row.hash))
            except OSError as error:  # the row stands, and the next one's note will do for both
                log.warning("the note of the audit log's newest row could not be written: %s", error)

    def _fits(self, last: Head, connection: sqlite3.Connection) -> bool:
        """Whether the note fits the rows, so that it may move on. The first row of all finds a note made for it."""
        noted = self._noted()
        if noted is None:
            if last.seq or self._note.exists():
                return False
            self._write_note(Head())
            return True
        if noted.seq == 0:
            return noted == Head()
        found = connection.execute("SELECT hash FROM audit WHERE seq = ?", (noted.seq,)).fetchone()
        return found is not None and found["hash"] == noted.hash

    def _noted(self) -> Head | None:
        """None if there is no note, or one that is damaged."""
        try:
            values = json.loads(self._note.read_text(encoding="utf-8"))
            return Head(int(values["seq"]), str(values["hash"]))
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _write_note(self, head: Head) -> None:
        part = self._note.with_suffix(".part")
        with part.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(head)))
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._note)

    def _all(self) -> Iterator[AuditRow]:
        return map(_row, self._database.stream(f"SELECT {_COLUMNS} FROM audit ORDER BY seq"))  # noqa: S608  our own words


_OF = "person = :person OR (subject = :person AND (action LIKE 'person.%' OR action LIKE 'session.%'))"


@dataclass
class _Passed:
    """What went by of the rows: the number of the last one, and the hash of the one that the note names."""

    noted: int
    last: int = 0
    hash: str = FIRST

    def by(self, rows: Iterable[AuditRow]) -> Iterator[AuditRow]:
        for row in rows:
            self.last = row.seq
            if row.seq == self.noted:
                self.hash = row.hash
            yield row


def _cut(noted: Head | None, passed: _Passed) -> tuple[int | None, str]:
    """What the note says of rows that all fit each other."""
    after = passed.last + 1
    if noted is None:
        unsure = (
            f"audit.head is missing or damaged, so nobody can say whether rows after {passed.last} were cut off. "
            "Compare the log with an export, and bring audit.head back from a backup"
        )
        return (after, unsure) if passed.last else (None, "")
    if noted.seq > passed.last:
        return after, f"row {after} is missing: the log was cut off, it went up to row {noted.seq}"
    if passed.hash != noted.hash:
        return noted.seq, f"row {noted.seq} is not the one that was written"
    return None, ""


def _row(values: sqlite3.Row) -> AuditRow:
    """A row that somebody changed by hand may hold anything; it must come out as one that does not fit."""
    seq, at, action, person, subject, detail, salt, digest, previous, hash = values
    return AuditRow(
        seq=seq,
        time=at if isinstance(at, float) else float("nan"),
        action=_text(action),
        person=_text(person),
        subject=_text(subject),
        detail=_detail(detail) if detail is not None else {},
        salt=_text(salt),
        digest=_text(digest),
        previous=_text(previous),
        hash=_text(hash),
        blanked=detail is None and person is None and subject is None and salt is None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)


def _detail(text: Any) -> Mapping[str, Any]:
    try:
        values = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        values = None
    return values if isinstance(values, dict) else {"unreadable": repr(text)}


def _csv(rows: Iterable[AuditRow]) -> Iterator[str]:
    yield _csv_line(CSV_COLUMNS)
    for row in rows:
        detail = json.dumps(row.detail, ensure_ascii=False) if not row.blanked else ""
        yield _csv_line((str(row.seq), _iso(row.time), row.action, row.person, row.subject, detail,
                         "yes" if row.blanked else "", row.previous, row.hash))  # fmt: skip


def _csv_line(cells: Iterable[str]) -> str:
    """A cell that a spreadsheet might run gets an apostrophe, which makes it text."""
    file = io.StringIO()
    csv.writer(file).writerow([f"'{cell}" if cell.startswith(FORMULA) else cell for cell in cells])
    return file.getvalue()


def _iso(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        return str(seconds)
