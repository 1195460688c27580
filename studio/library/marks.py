"""Stars, tags and notes: in tables of their own, in no file."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence

from studio.core.gallery import Marks
from studio.library.database import Database

_AT_ONCE = 400


class SqliteMarks:
    """`studio.core.gallery.Marking`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rate(self, records: Sequence[str], stars: int) -> dict[str, int]:
        before: dict[str, int] = {}
        with self._database.transaction() as connection:
            for row in pictures(connection, records):
                before[row["id"]] = row["stars"]
                if row["stars"] != stars:
                    connection.execute("UPDATE picture SET stars = ? WHERE at = ?", (stars, row["at"]))
        return before

    def tag(self, records: Sequence[str], tag: str) -> list[str]:
        put = "INSERT INTO picture_tag (at, tag) VALUES (?, ?) ON CONFLICT DO NOTHING"
        return self._each(records, put, tag)

    def untag(self, records: Sequence[str], tag: str) -> list[str]:
        return self._each(records, "DELETE FROM picture_tag WHERE at = ? AND tag = ?", tag)

    def note(self, record: str, text: str, by: str) -> None:
        """An empty text takes the note away. No UPSERT: its triggers would run twice."""
        with self._database.transaction() as connection:
            for row in pictures(connection, [record]):
                has = connection.execute("SELECT 1 FROM picture_note WHERE at = ?", (row["at"],)).fetchone()
                values = (text, by, time.time(), row["at"])
                if not text:
                    connection.execute("DELETE FROM picture_note WHERE at = ?", (row["at"],))
                elif has:
                    connection.execute("UPDATE picture_note SET text = ?, person = ?, time = ? WHERE at = ?", values)
                else:
                    connection.execute("INSERT INTO picture_note (text, person, time, at) VALUES (?, ?, ?, ?)", values)
            changed(connection)

    def of(self, record: str) -> Marks:
        rows = self._database.rows(
            """SELECT picture.at AS at, stars, COALESCE(text, '') AS note FROM record JOIN picture USING (seq)
               LEFT JOIN picture_note USING (at) WHERE record.id = ?""",
            (record,),
        )
        if not rows:
            return Marks()
        at = (rows[0]["at"],)
        tags = self._database.rows("SELECT tag FROM picture_tag WHERE at = ? ORDER BY tag", at)
        boards = self._database.rows(
            """SELECT board.id AS id FROM board_picture JOIN board ON board.id = board_picture.board
               WHERE at = ? AND NOT deleted ORDER BY created""",
            at,
        )
        return Marks(
            stars=rows[0]["stars"],
            tags=tuple(row["tag"] for row in tags),
            note=rows[0]["note"],
            boards=tuple(row["id"] for row in boards),
        )

    def _each(self, records: Sequence[str], sql: str, tag: str) -> list[str]:
        """Those that it changed something for."""
        with self._database.transaction() as connection:
            rows = list(pictures(connection, records))
            hit = [row["id"] for row in rows if connection.execute(sql, (row["at"], tag)).rowcount]
            if hit:
                changed(connection)
        return hit


def pictures(connection: sqlite3.Connection, records: Iterable[str]) -> Iterator[sqlite3.Row]:
    """The grid's rows of these records (`id`, `at`, `stars`), in the order given, each once."""
    wanted = list(dict.fromkeys(records))
    for first in range(0, len(wanted), _AT_ONCE):
        some = wanted[first : first + _AT_ONCE]
        rows = connection.execute(
            f"""SELECT record.id AS id, at, stars FROM record JOIN picture USING (seq)
                WHERE record.id IN ({", ".join("?" * len(some))})""",  # noqa: S608  our own words
            some,
        )
        found = {row["id"]: row for row in rows}
        yield from (found[id] for id in some if id in found)


def changed(connection: sqlite3.Connection) -> None:
    """The grid shows something else now."""
    connection.execute("UPDATE gallery SET edition = edition + 1")


def erase_marks(connection: sqlite3.Connection, person: str, records: Iterable[str]) -> None:
    """Within a transaction: the notes and tags of a person's pictures, the notes that they wrote, their name on boards."""
    for row in list(pictures(connection, records)):
        connection.execute("DELETE FROM picture_note WHERE at = ?", (row["at"],))
        connection.execute("DELETE FROM picture_tag WHERE at = ?", (row["at"],))
    connection.execute("DELETE FROM picture_note WHERE person = ?", (person,))
    connection.execute("UPDATE board SET person = '' WHERE person = ?", (person,))
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'picture_words'").fetchone():
        connection.execute("INSERT INTO picture_words (picture_words) VALUES ('rebuild')")
    changed(connection)
