"""Which models made the kept pictures, and when they last did."""

from __future__ import annotations

from studio.core.collection import Use
from studio.library.database import Database


class SqliteUsage:
    """`studio.core.collection.Usage`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def by_model(self) -> dict[str, Use]:
        """Deleted and missing pictures count as use; the picture to show is the newest that is kept."""
        rows = self._database.rows(
            """SELECT json_extract(request, '$.model') AS model, state = 'kept' AS kept, id, MAX(time) AS last
               FROM record GROUP BY model, kept ORDER BY kept"""
        )
        found: dict[str, Use] = {}
        for row in rows:  # those that are kept come last
            before = found.get(str(row["model"]))
            last = max(row["last"], before.last if before else 0.0)
            found[str(row["model"])] = Use(last=last, record=str(row["id"]) if row["kept"] else "")
        return found
