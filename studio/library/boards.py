"""Boards: ordered collections of pictures. A deleted one is only marked, so that an undo has something to take back."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
import time
from collections.abc import Iterator, Sequence

from studio.core.errors import InvalidRequest
from studio.core.gallery import Board
from studio.core.result import Record
from studio.library.database import Database
from studio.library.marks import changed, pictures
from studio.library.records import SqliteRecords

_BOARD = """SELECT board.id AS id, title, board.created AS created, person,
    (SELECT COUNT(*) FROM board_picture JOIN picture USING (at) WHERE board = board.id AND state != 'deleted') AS count,
    (SELECT record.id FROM board_picture JOIN picture USING (at) JOIN record USING (seq)
     WHERE board = board.id AND picture.state != 'deleted' ORDER BY place LIMIT 1) AS cover FROM board"""


class SqliteBoards:
    """`studio.core.gallery.Boards`."""

    def __init__(self, database: Database, records: SqliteRecords) -> None:
        self._database, self._records = database, records

    def all(self) -> list[Board]:
        """In the order in which they were made."""
        return [_board(row) for row in self._database.rows(f"{_BOARD} WHERE NOT deleted ORDER BY created, id")]

    def get(self, id: str) -> Board | None:
        rows = self._database.rows(f"{_BOARD} WHERE NOT deleted AND board.id = ?", (id,))
        return _board(rows[0]) if rows else None

    def create(self, title: str, by: str) -> Board:
        id = secrets.token_hex(8)
        with self._database.transaction() as connection:
            values = (id, title, by, time.time())
            connection.execute("INSERT INTO board (id, title, person, created) VALUES (?, ?, ?, ?)", values)
            changed(connection)
        return self._there(id)

    def rename(self, id: str, title: str) -> Board:
        self._set("UPDATE board SET title = ? WHERE id = ? AND NOT deleted", title, id)
        return self._there(id)

    def delete(self, id: str) -> Board:
        board = self._there(id)
        self._set("UPDATE board SET deleted = ? WHERE id = ? AND NOT deleted", time.time(), id)
        return board

    def restore(self, id: str) -> Board:
        self._set("UPDATE board SET deleted = 0 WHERE id = ?", id)
        return self._there(id)

    def add(self, id: str, records: Sequence[str]) -> list[str]:
        with self._changing(id) as connection:
            last = connection.execute("SELECT COALESCE(MAX(place), 0) FROM board_picture WHERE board = ?", (id,))
            place, added = int(last.fetchone()[0]), []
            for row in list(pictures(connection, records)):
                put = "INSERT INTO board_picture (board, at, place) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
                if connection.execute(put, (id, row["at"], place + 1)).rowcount:
                    place += 1
                    added.append(str(row["id"]))
        return added

    def remove(self, id: str, records: Sequence[str]) -> list[str]:
        take = "DELETE FROM board_picture WHERE board = ? AND at = ?"
        with self._changing(id) as connection:
            rows = list(pictures(connection, records))
            return [str(row["id"]) for row in rows if connection.execute(take, (id, row["at"])).rowcount]

    def move(self, id: str, records: Sequence[str], before: str = "") -> None:
        with self._changing(id) as connection:
            rows = connection.execute("SELECT at FROM board_picture WHERE board = ? ORDER BY place, at", (id,))
            order = [int(row["at"]) for row in rows]
            known = set(order)
            moved = [row["at"] for row in pictures(connection, records) if row["at"] in known]
            target = next((row["at"] for row in pictures(connection, [before])), None)
            rest = [at for at in order if at not in set(moved)]
            place = rest.index(target) if target in rest else len(rest)
            if target in moved:  # before itself: where it is
                return
            order = [*rest[:place], *moved, *rest[place:]]
            connection.executemany(
                "UPDATE board_picture SET place = ? WHERE board = ? AND at = ?",
                [(number, id, at) for number, at in enumerate(order, start=1)],
            )

    def pictures(self, id: str) -> list[Record]:
        rows = self._database.rows(
            """SELECT record.* FROM board_picture JOIN picture USING (at) JOIN record USING (seq)
               WHERE board = ? AND record.state != 'deleted' ORDER BY place, at""",
            (id,),
        )
        return [self._records.from_row(row) for row in rows]

    def _there(self, id: str) -> Board:
        board = self.get(id)
        if board is None:
            raise InvalidRequest("This board is not there any more. Choose another one.")
        return board

    def _set(self, sql: str, *values: object) -> None:
        with self._database.transaction() as connection:
            connection.execute(sql, values)
            changed(connection)

    @contextlib.contextmanager
    def _changing(self, id: str) -> Iterator[sqlite3.Connection]:
        self._there(id)
        with self._database.transaction() as connection:
            yield connection
            changed(connection)


def _board(row: sqlite3.Row) -> Board:
    return Board(
        id=row["id"],
        title=row["title"],
        created=row["created"],
        by=row["person"],
        count=row["count"],
        cover=row["cover"] or "",
    )
