"""The job store: which jobs there are, in what order they run, where each stands, and how it came there.

Every statement that names `state` in its SET clause leaves a row in `job_event` (a trigger of the schema).
"""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from studio.core.errors import Blocked, InvalidRequest
from studio.core.job import LANES, BlockedBy, Job, JobEvent, JobState, Lane, Progress, backend_of
from studio.core.metadata import to_plain
from studio.core.people import Role
from studio.core.request import ImageRequest, request_from_json, request_to_json
from studio.core.verdict import Verdict
from studio.library.database import Database
from studio.library.screening import write_screening

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


class SqliteJobs:
    """`studio.core.ports.JobStore` on one SQLite file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, request: ImageRequest, lane: Lane, role: Role = "creator") -> Job:
        """Put a request at the end of its lane."""
        with self._database.transaction() as connection:
            id = _insert(connection, request, lane, role)
        return self._known(id)

    def refuse(self, request: ImageRequest, lane: Lane, role: Role, error: Blocked) -> Job:
        """Keep a request that the policy does not let in, as a job that has ended: no worker ever sees it."""
        with self._database.transaction() as connection:
            id = _insert(connection, request, lane, role)
            connection.execute(
                """UPDATE job SET state = 'blocked', message = ?, error_code = ?, error_field = ?, blocked_by = 'policy',
                   reason_code = ?, verdicts = ?, ended = changed WHERE id = ?""",
                (str(error), error.code, error.field, error.verdict.reason_code, _plain(error.verdicts), id),
            )
            write_screening(connection, error.verdicts, job=id, time=time.time())
        return self._known(id)

    def get(self, id: str) -> Job | None:
        rows = self._database.rows("SELECT * FROM job_in_line WHERE id = ?", (id,))
        return _job(rows[0]) if rows else None

    def find(self, *, active: bool = False, limit: int = 100) -> list[Job]:
        """Active jobs in the order they will run (running, then queued, then delayed), or all jobs newest first."""
        if active:
            sql = """SELECT * FROM job_in_line WHERE NOT is_over
                     ORDER BY state != 'running', position IS NULL, position, seq LIMIT ?"""
        else:
            sql = "SELECT * FROM job_in_line ORDER BY seq DESC LIMIT ?"
        return [_job(row) for row in self._database.rows(sql, (limit,))]

    def claim(
        self, worker: str, *, only: str = "", without: Sequence[str] = (), lanes: Sequence[Lane] = LANES
    ) -> Job | None:
        """Take the next queued job and mark it running, in one statement; None if none is queued or the queue is paused."""
        rows = self._database.change(
            f"""UPDATE job SET state = 'running', worker = ?, started = ?, changed = ?, message = '', error_code = '',
                error_field = '', facts = '{{}}'
                WHERE seq = (SELECT seq FROM job WHERE state = 'queued' AND (? = '' OR backend = ?)
                             AND backend NOT IN ({_marks(without)}) AND lane IN ({_marks(lanes)})
                             ORDER BY lane DESC, place, seq LIMIT 1)
                AND NOT EXISTS (SELECT 1 FROM switch WHERE name = 'paused' AND is_on)
                RETURNING *, NULL AS position""",  # noqa: S608  question marks only
            (worker, time.time(), time.time(), only, only, *without, *lanes),
        )
        return _job(rows[0]) if rows else None

    def unfinished(self, worker: str) -> list[Job]:
        """The jobs this worker had when it died, oldest first."""
        rows = self._database.rows(
            "SELECT * FROM job_in_line WHERE state IN ('running', 'delayed') AND worker = ? ORDER BY seq", (worker,)
        )
        return [_job(row) for row in rows]

    def lines(self) -> dict[str, int]:
        """How many jobs wait, by backend."""
        rows = self._database.rows("SELECT backend, COUNT(*) AS waiting FROM job WHERE state = 'queued' GROUP BY backend")
        return {row["backend"]: row["waiting"] for row in rows}

    def begin(self, id: str) -> int:
        """Count one more attempt, whose progress starts anew, and return the count."""
        rows = self._database.change(
            """UPDATE job SET attempts = attempts + 1, phase = 'waiting', step = 0, steps = 0, eta = NULL
               WHERE id = ? RETURNING attempts""",
            (id,),
        )
        if not rows:
            raise _unknown(id)
        return int(rows[0]["attempts"])

    def forgive(self, worker: str) -> None:
        """Take back the attempt that is going on: this worker is told to stop, it did not die."""
        self._database.change(
            """UPDATE job SET attempts = attempts - 1
               WHERE worker = ? AND attempts > 0 AND state IN ('running', 'delayed')""",
            (worker,),
        )

    def advance(
        self,
        id: str,
        state: JobState,
        *,
        message: str = "",
        error_code: str = "",
        error_field: str = "",
        facts: Mapping[str, Any] | None = None,
        blocked_by: BlockedBy = "",
        reason_code: str = "",
        verdicts: Sequence[Verdict] = (),
        records: Sequence[str] = (),
    ) -> Job:
        """Change state and keep an event. A job that is over stays as it is; `records` replaces the list if not empty."""
        now = time.time()
        with self._database.transaction() as connection:
            changed = connection.execute(
                """UPDATE job SET state = :state, message = :message, error_code = :error_code, error_field = :error_field,
                facts = :facts, blocked_by = :blocked_by, reason_code = :reason_code, verdicts = :verdicts, changed = :now,
                records = CASE :records WHEN '[]' THEN records ELSE :records END,
                started = CASE :state WHEN 'queued' THEN NULL WHEN 'running' THEN COALESCE(started, :now) ELSE started END,
                ended = CASE WHEN :state IN ('done', 'blocked', 'failed', 'needs_review', 'cancelled') THEN :now END
                WHERE id = :id AND NOT is_over""",
                {"id": id, "state": state, "message": message, "error_code": error_code, "error_field": error_field,
                 "facts": json.dumps(to_plain(facts or {})), "blocked_by": blocked_by, "reason_code": reason_code,
                 "verdicts": _plain(verdicts), "now": now,
                 "records": json.dumps(list(records))},
            )  # fmt: skip
            if changed.rowcount:
                write_screening(connection, verdicts, job=id, time=now)
        return self._known(id)

    def report(self, id: str, progress: Progress) -> None:
        """Note where a running job stands: one small row, not synced to the disk."""
        self._database.change(
            "UPDATE job SET phase = ?, step = ?, steps = ?, eta = ? WHERE id = ? AND state = 'running'",
            (progress.phase, progress.step, progress.steps, progress.eta, id),
            durable=False,
        )

    def request_cancel(self, id: str) -> Job:
        """A queued job is cancelled at once; a running or delayed one is asked to stop."""
        with self._database.transaction() as connection:
            connection.execute("UPDATE job SET cancel_requested = 1 WHERE id = ? AND NOT is_over", (id,))
            connection.execute(
                """UPDATE job SET state = 'cancelled', message = 'Cancelled before it started.', error_code = 'cancelled',
                   changed = :now, ended = :now WHERE id = :id AND state = 'queued'""",
                {"id": id, "now": time.time()},
            )
        return self._known(id)

    def cancel_requested(self, id: str) -> bool:
        rows = self._database.rows("SELECT cancel_requested FROM job WHERE id = ?", (id,))
        return bool(rows and rows[0]["cancel_requested"])

    def retry(self, id: str, request: ImageRequest | None = None) -> Job:
        """Put a job that ended without a picture at the end of its lane, as if new; any other job stays as it is.

        With a `request` for the same model, that is asked for from now on.
        """
        self._database.change(
            """UPDATE job SET state = 'queued', request = COALESCE(?, request), changed = ?, started = NULL, ended = NULL,
               worker = '', attempts = 0,
               cancel_requested = 0, message = '', error_code = '', error_field = '', facts = '{}', blocked_by = '',
               reason_code = '', verdicts = '[]', records = '[]',
               phase = 'waiting', step = 0, steps = 0, eta = NULL,
               place = (SELECT COALESCE(MAX(place), 0) + 1 FROM job AS line WHERE state = 'queued' AND line.lane = job.lane)
               WHERE id = ? AND state IN ('failed', 'blocked', 'needs_review', 'cancelled')""",
            (json.dumps(request_to_json(request)) if request else None, time.time(), id),
        )
        return self._known(id)

    def move(self, id: str, place: int) -> None:
        """Move a queued job to `place` (1 = next) within its lane and its backend's line; past the end is the end."""
        job = self._known(id)
        with self._database.transaction() as connection:
            line = connection.execute(
                "SELECT id FROM job WHERE state = 'queued' AND lane = ? AND backend = ? ORDER BY place, seq",
                (job.lane, job.backend),
            ).fetchall()
            order = [row["id"] for row in line if row["id"] != id]
            if len(order) == len(line):
                return
            order.insert(max(place, 1) - 1, id)
            connection.executemany("UPDATE job SET place = ? WHERE id = ?", list(enumerate(order, start=1)))

    def pause(self, paused: bool) -> None:
        self._database.change("INSERT OR REPLACE INTO switch VALUES ('paused', ?)", (paused,))

    def paused(self) -> bool:
        return bool(self._database.rows("SELECT 1 FROM switch WHERE name = 'paused' AND is_on"))

    def events(self, id: str) -> list[JobEvent]:
        """Every change of state, oldest first."""
        rows = self._database.rows(
            "SELECT time, job_event.state, job_event.message FROM job_event JOIN job ON job.seq = job_event.job"
            " WHERE job.id = ? ORDER BY job_event.seq",
            (id,),
        )
        return [JobEvent(*row) for row in rows]

    def _known(self, id: str) -> Job:
        job = self.get(id)
        if job is None:
            raise _unknown(id)
        return job


def new_job_id() -> str:
    """Nine characters of time (milliseconds, so that names sort) and six of chance: `01kb2v8x3m4pqr`, safe in file names."""
    number, digits = int(time.time() * 1000), ""
    for _ in range(9):
        number, digit = divmod(number, 32)
        digits = _ALPHABET[digit] + digits
    return digits + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _insert(connection: sqlite3.Connection, request: ImageRequest, lane: Lane, role: Role) -> str:
    id = new_job_id()
    connection.execute(
        """INSERT INTO job (id, request, backend, lane, role, place, created, changed)
           VALUES (:id, :request, :backend, :lane, :role,
           (SELECT COALESCE(MAX(place), 0) + 1 FROM job WHERE state = 'queued' AND lane = :lane), :now, :now)""",
        {"id": id, "request": json.dumps(request_to_json(request)), "backend": backend_of(request.model), "lane": lane,
         "role": role, "now": time.time()},
    )  # fmt: skip
    return id


def _plain(verdicts: Sequence[Verdict]) -> str:
    return json.dumps([asdict(verdict) for verdict in verdicts])


def _marks(values: Sequence[str]) -> str:
    return ",".join("?" * len(values))


def _unknown(id: str) -> InvalidRequest:
    return InvalidRequest(f"There is no job “{id}”. It may have been deleted; look at the list of jobs.")


def _job(row: sqlite3.Row) -> Job:
    return Job(
        id=row["id"],
        request=request_from_json(json.loads(row["request"])),
        state=row["state"],
        lane=row["lane"],
        position=row["position"],
        progress=Progress(phase=row["phase"], step=row["step"], steps=row["steps"], eta=row["eta"]),
        message=row["message"],
        error_code=row["error_code"],
        error_field=row["error_field"],
        role=row["role"] or "creator",
        blocked_by=row["blocked_by"],
        reason_code=row["reason_code"],
        verdicts=tuple(Verdict(**verdict) for verdict in json.loads(row["verdicts"])),
        facts=json.loads(row["facts"]),
        records=tuple(json.loads(row["records"])),
        attempts=row["attempts"],
        created=row["created"],
        started=row["started"],
        ended=row["ended"],
        cancel_requested=bool(row["cancel_requested"]),
    )
