"""Every check's answer as a row, for counting and searching."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable

from studio.core.verdict import Verdict


def write_screening(
    connection: sqlite3.Connection, verdicts: Iterable[Verdict], *, job: str, time: float, record: str = ""
) -> None:
    """Within a transaction; `time` is when the request was refused or the picture made."""
    connection.executemany(
        """INSERT INTO screening (job, record, time, stage, name, outcome, reason_code, score, version)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (job, record, time, verdict.stage, verdict.check, verdict.outcome, verdict.reason_code, _score(verdict),
             str(verdict.version))
            for verdict in verdicts
        ],
    )  # fmt: skip


def _score(verdict: Verdict) -> float | None:
    """A record that was read back from a stranger's file may hold any number."""
    try:
        score = None if verdict.score is None else float(verdict.score)
    except OverflowError:
        return None
    return score if score is None or math.isfinite(score) else None
