"""Human review: who looks at which picture, what was decided, and how it is taken back."""

from __future__ import annotations

import sqlite3
import time

from studio.core.errors import InvalidRequest
from studio.core.result import Record
from studio.core.review import UNDECIDED, Decision, ReviewEntry
from studio.library.database import Database
from studio.library.records import SqliteRecords

_WAITING = "review_status IN ('pending', 'escalated') AND review_status != 'not_needed' AND state != 'deleted'"
"""The second condition says to SQLite that its index of reviewed pictures will do."""


class SqliteReviews:
    """`studio.core.ports.Reviews`. Of several who decide at once, in whatever process, one does and the rest are told."""

    def __init__(self, database: Database, records: SqliteRecords) -> None:
        self._database, self._records = database, records

    def waiting(self, limit: int = 60, before: str | None = None) -> list[Record]:
        """Oldest first, escalated ones last, without deleted ones; `before` is a record id for the next page."""
        place = "review_status = 'escalated', time, seq"
        rows = self._database.rows(
            f"""SELECT * FROM record WHERE {_WAITING}
                AND (:before IS NULL OR ({place}) > (SELECT {place} FROM record WHERE id = :before))
                ORDER BY {place} LIMIT :limit""",  # noqa: S608  our own words
            {"before": before, "limit": limit},
        )
        return [self._records.from_row(row) for row in rows]

    def count(self) -> int:
        return int(self._database.rows(f"SELECT COUNT(*) AS count FROM record WHERE {_WAITING}")[0]["count"])  # noqa: S608  our own words

    def claim(self, record: str, reviewer: str, seconds: float = 120) -> str:
        """Take or renew; returns who holds it. Raises `InvalidRequest` for no such picture."""
        with self._database.transaction() as connection:
            _known(connection, record)
            holder = _holder(connection, record)
            if holder is not None and holder["reviewer"] != reviewer:
                return str(holder["reviewer"])
            connection.execute(
                "INSERT OR REPLACE INTO review_claim VALUES (?, ?, ?)", (record, reviewer, time.time() + seconds)
            )
        return reviewer

    def decide(self, record: str, decision: Decision, reviewer: str, note: str = "") -> ReviewEntry:
        """Raises `InvalidRequest` if somebody else holds it or has decided meanwhile, or it does not wait at all."""
        with self._database.transaction() as connection:
            known = _known(connection, record)
            _refuse_held(connection, record, reviewer)
            if known["review_status"] not in UNDECIDED or known["review_status"] == decision:
                raise InvalidRequest(_decided(connection, record))
            (row,) = connection.execute(
                "INSERT INTO review (record, status, before, reviewer, note, time) VALUES (?, ?, ?, ?, ?, ?) RETURNING *",
                (record, decision, known["review_status"], reviewer, note, time.time()),
            ).fetchall()
            connection.execute("UPDATE record SET review_status = ? WHERE id = ?", (decision, record))
            connection.execute("DELETE FROM review_claim WHERE record = ?", (record,))
        return _entry(row)

    def undo(self, reviewer: str) -> ReviewEntry | None:
        """Take back this reviewer's last decision; None if there is none, or somebody decided on that picture since."""
        with self._database.transaction() as connection:
            last = connection.execute(
                "SELECT * FROM review WHERE reviewer = ? AND NOT undone ORDER BY seq DESC LIMIT 1", (reviewer,)
            ).fetchone()
            if last is None or _is_followed(connection, last):
                return None
            connection.execute("UPDATE review SET undone = 1 WHERE seq = ?", (last["seq"],))
            connection.execute("UPDATE record SET review_status = ? WHERE id = ?", (last["before"], last["record"]))
            (row,) = connection.execute("SELECT * FROM review WHERE seq = ?", (last["seq"],)).fetchall()
        return _entry(row)

    def history(self, record: str) -> list[ReviewEntry]:
        """All decisions on a picture, undone ones too, oldest first."""
        return [_entry(row) for row in self._database.rows("SELECT * FROM review WHERE record = ? ORDER BY seq", (record,))]


def _known(connection: sqlite3.Connection, record: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute(
        "SELECT review_status, state FROM record WHERE id = ?", (record,)
    ).fetchone()
    if row is None:
        raise InvalidRequest("The library has no such picture. Look at the queue again.")
    if row["state"] == "deleted":
        raise InvalidRequest("This picture was deleted meanwhile. Take the next one.")
    return row


def _holder(connection: sqlite3.Connection, record: str) -> sqlite3.Row | None:
    found: sqlite3.Row | None = connection.execute(
        "SELECT * FROM review_claim WHERE record = ? AND until > ?", (record, time.time())
    ).fetchone()
    return found


def _refuse_held(connection: sqlite3.Connection, record: str, reviewer: str) -> None:
    holder = _holder(connection, record)
    if holder is not None and holder["reviewer"] != reviewer:
        raise InvalidRequest(
            f"{holder['reviewer']} is looking at this picture until {_clock(holder['until'])}. Take the next one."
        )


def _decided(connection: sqlite3.Connection, record: str) -> str:
    last = connection.execute(
        "SELECT * FROM review WHERE record = ? AND NOT undone ORDER BY seq DESC LIMIT 1", (record,)
    ).fetchone()
    if last is None:
        return "This picture does not wait for a review. Look at the queue again."
    return f"{last['reviewer']} has {last['status']} this picture at {_clock(last['time'])}. Take the next one."


def _is_followed(connection: sqlite3.Connection, entry: sqlite3.Row) -> bool:
    """Whether the picture is not as this decision left it."""
    later = "SELECT 1 FROM review WHERE record = ? AND seq > ? AND NOT undone"
    if connection.execute(later, (entry["record"], entry["seq"])).fetchone():
        return True
    now = connection.execute("SELECT review_status FROM record WHERE id = ?", (entry["record"],)).fetchone()
    return now is None or now["review_status"] != entry["status"]


def _entry(row: sqlite3.Row) -> ReviewEntry:
    return ReviewEntry(**{name: row[name] for name in ReviewEntry.__dataclass_fields__} | {"undone": bool(row["undone"])})


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(seconds))
