"""Counts for the daily report, and a search among refused requests and kept pictures."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from studio.core.review import ReviewStatus
from studio.core.statistics import COUNTED, Screened, Tally
from studio.core.verdict import Outcome, Verdict, worst
from studio.library.database import Database

_DAY = "strftime('%Y-%m-%d', {}, 'unixepoch', 'localtime')"
_REASON = """COALESCE((SELECT reason_code FROM screening
             WHERE record = record.id AND screening.record != '' AND outcome = 'flag' ORDER BY seq LIMIT 1),
             'publishing.' || json_extract(facts, '$.publishing.rule'), '')"""
_TALLIES = (
    f"""SELECT {_DAY.format("time")} AS day, 'generated' AS counted, backend AS provider, '' AS reason_code,
        COUNT(*) AS count FROM record WHERE time >= :since GROUP BY 1, 3""",  # noqa: S608  our own words
    f"""SELECT {_DAY.format("ended")} AS day, 'blocked_by_' || CASE blocked_by WHEN '' THEN 'provider' ELSE blocked_by END
        AS counted, backend AS provider, reason_code, COUNT(*) AS count
        FROM job INDEXED BY job_blocked WHERE state = 'blocked' AND ended >= :since GROUP BY 1, 2, 3, 4""",  # noqa: S608
    f"""WITH flagged AS (
            SELECT record AS id FROM screening WHERE outcome = 'flag' AND time >= :since AND record != ''
            UNION SELECT id FROM record WHERE review_status != 'not_needed' AND time >= :since
        )
        SELECT {_DAY.format("time")} AS day, 'flagged' AS counted, backend AS provider, {_REASON} AS reason_code,
        COUNT(*) AS count FROM flagged JOIN record USING (id) GROUP BY 1, 3, 4""",  # noqa: S608
    f"""SELECT {_DAY.format("review.time")} AS day, status AS counted, backend AS provider, {_REASON} AS reason_code,
        COUNT(*) AS count FROM review JOIN record ON record.id = review.record
        WHERE review.time >= :since AND NOT undone GROUP BY 1, 2, 3, 4""",  # noqa: S608
)
"""Partial indexes want their condition said again, word for word."""


class SqliteStatistics:
    """`studio.core.ports.Statistics`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tallies(self, days: int = 31) -> list[Tally]:
        """The last so many days (today is one), the newest first."""
        first = date.today() - timedelta(days - 1)
        since = {"since": datetime.combine(first, time.min).astimezone().timestamp()}
        found = [Tally(**dict(row)) for query in _TALLIES for row in self._database.rows(query, since)]
        found.sort(key=lambda tally: (COUNTED.index(tally.counted), tally.provider, tally.reason_code))
        return sorted(found, key=lambda tally: tally.day, reverse=True)

    def search(
        self,
        *,
        reason_code: str = "",
        outcome: Outcome | None = None,
        review_status: ReviewStatus | None = None,
        limit: int = 60,
        before: str = "",
    ) -> list[Screened]:
        """Newest first; `before` is the `id` of the last one on the page before."""
        asked: dict[str, Any] = {"limit": limit, "reason": reason_code, "outcome": outcome, "status": review_status}
        page = "1"
        if before:
            asked |= {"before": before, "before_time": self._time_of(before)}
            page = "({time}, id) < (:before_time, :before)"
        found: list[Screened] = []
        if outcome in (None, "block") and review_status is None:
            found += map(_refused, self._refused(asked, page.format(time="ended")))
        if outcome != "block":
            found += map(_kept, self._kept(asked, page.format(time="time")))
        return sorted(found, key=lambda each: (each.time, each.id), reverse=True)[:limit]

    def _time_of(self, id: str) -> float | None:
        """None, behind which nothing comes, for an entry that is not there."""
        rows = self._database.rows(
            "SELECT time FROM record WHERE id = :id UNION ALL SELECT ended FROM job WHERE id = :id AND state = 'blocked'",
            {"id": id},
        )
        return float(rows[0]["time"]) if rows else None

    def _refused(self, asked: Mapping[str, Any], page: str) -> list[sqlite3.Row]:
        reason = "AND reason_code = :reason" if asked["reason"] else ""
        return self._database.rows(
            f"""SELECT id, ended, backend, request, blocked_by, reason_code, verdicts
                FROM job INDEXED BY job_blocked
                WHERE state = 'blocked' {reason} AND {page} ORDER BY ended DESC, id DESC LIMIT :limit""",  # noqa: S608  our own words
            asked,
        )

    def _kept(self, asked: Mapping[str, Any], page: str) -> list[sqlite3.Row]:
        conditions = [page]
        if asked["status"]:
            conditions.append("review_status = :status")
            if asked["status"] != "not_needed":
                conditions.append("review_status != 'not_needed'")  # says to SQLite that its index will do
        screened = [
            f"{column} = :{name}" for column, name in (("reason_code", "reason"), ("outcome", "outcome")) if asked[name]
        ]
        if screened:
            conditions.append(f"id IN (SELECT record FROM screening WHERE {' AND '.join(screened)})")  # noqa: S608
        return self._database.rows(
            f"""SELECT id, job, time, backend, user, review_status, verdicts FROM record
                WHERE {" AND ".join(conditions)} ORDER BY time DESC, id DESC LIMIT :limit""",  # noqa: S608
            asked,
        )


def _refused(row: sqlite3.Row) -> Screened:
    return Screened(
        job=row["id"],
        time=row["ended"],
        provider=row["backend"],
        person=json.loads(row["request"]).get("user", ""),
        outcome="block",
        reason_codes=_reasons(_verdicts(row)) or tuple(filter(None, [row["reason_code"]])),
        blocked_by=row["blocked_by"],
    )


def _kept(row: sqlite3.Row) -> Screened:
    verdicts = _verdicts(row)
    return Screened(
        job=row["job"],
        record=row["id"],
        time=row["time"],
        provider=row["backend"],
        person=row["user"],
        outcome=_outcome(verdicts),
        reason_codes=_reasons(verdicts),
        review_status=row["review_status"],
    )


def _verdicts(row: sqlite3.Row) -> list[Verdict]:
    return [Verdict(**values) for values in json.loads(row["verdicts"])]


def _outcome(verdicts: Iterable[Verdict]) -> Outcome:
    found = list(verdicts)
    decisive = worst(found)
    if decisive is not None:
        return decisive.outcome
    return "not_screened" if any(verdict.outcome == "not_screened" for verdict in found) else "allow"


def _reasons(verdicts: Iterable[Verdict]) -> tuple[str, ...]:
    told = (verdict.reason_code for verdict in verdicts if verdict.outcome in ("flag", "block") and verdict.reason_code)
    return tuple(dict.fromkeys(told))
