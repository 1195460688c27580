"""The grids that were begun: what they vary, and the job of each cell."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping, Sequence

from studio.core.axes import Axis
from studio.core.grid import KeptGrid, axes_from_json, axes_to_json
from studio.core.request import ImageRequest, request_from_json, request_to_json
from studio.library.database import Database


class SqliteGrids:
    """`studio.core.grid.GridStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, id: str, base: ImageRequest, axes: Sequence[Axis], labels: Sequence[Sequence[str]], faults: Sequence[str]
    ) -> KeptGrid:
        """Keep a grid before its first job is there."""
        values = {
            "id": id, "person": base.user, "base": json.dumps(request_to_json(base)),
            "axes": json.dumps(axes_to_json(axes, labels)), "jobs": json.dumps([""] * len(faults)),
            "faults": json.dumps(list(faults)), "time": time.time(),
        }  # fmt: skip
        rows = self._database.change(
            """INSERT INTO grid (id, person, base, axes, jobs, faults, created, changed)
               VALUES (:id, :person, :base, :axes, :jobs, :faults, :time, :time) RETURNING *""",
            values,
        )
        return _grid(rows[0])

    def put(self, id: str, cells: Mapping[int, tuple[str, str]]) -> KeptGrid:
        """The job and the fault of these cells. Raises LookupError for no such grid."""
        with self._database.transaction() as connection:
            row = connection.execute("SELECT jobs, faults FROM grid WHERE id = ?", (id,)).fetchone()
            if row is None:
                raise LookupError(id)
            jobs, faults = json.loads(row["jobs"]), json.loads(row["faults"])
            for place, (job, fault) in cells.items():
                jobs[place], faults[place] = job, fault
            changed = connection.execute(
                "UPDATE grid SET jobs = ?, faults = ?, changed = ? WHERE id = ? RETURNING *",
                (json.dumps(jobs), json.dumps(faults), time.time(), id),
            ).fetchall()
        return _grid(changed[0])

    def set_sheet(self, id: str, record: str) -> None:
        self._database.change("UPDATE grid SET sheet = ? WHERE id = ?", (record, id))

    def find(self, id: str) -> KeptGrid | None:
        rows = self._database.rows("SELECT * FROM grid WHERE id = ?", (id,))
        return _grid(rows[0]) if rows else None

    def newest(self, limit: int = 50) -> list[KeptGrid]:
        return [
            _grid(row) for row in self._database.rows("SELECT * FROM grid ORDER BY created DESC, seq DESC LIMIT ?", (limit,))
        ]

    def remove(self, id: str) -> None:
        """Forget the grid; its jobs and pictures stay."""
        self._database.change("DELETE FROM grid WHERE id = ?", (id,))


def erase_grids(connection: sqlite3.Connection, person: str) -> None:
    """Within a transaction: a grid tells what was asked for."""
    connection.execute("DELETE FROM grid WHERE person = ?", (person,))


def _grid(row: sqlite3.Row) -> KeptGrid:
    axes, labels = axes_from_json(json.loads(row["axes"]))
    return KeptGrid(
        id=row["id"], base=request_from_json(json.loads(row["base"])), axes=axes, labels=labels,
        jobs=tuple(json.loads(row["jobs"])), faults=tuple(json.loads(row["faults"])), sheet=row["sheet"],
        created=row["created"], changed=row["changed"],
    )  # fmt: skip
