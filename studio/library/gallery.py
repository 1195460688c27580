"""Browsing at any size: each page is a stretch of one ordered key, so page ten thousand costs what page one costs.

The rows of `picture` are narrow enough to be looked through whole where no index fits; what is rare has an index of its own.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from studio.core.gallery import PAGE, Choices, Outline, Seen, Wanted
from studio.library.boards import SqliteBoards
from studio.library.database import Database
from studio.library.gallery_schema import key_of
from studio.library.marks import SqliteMarks
from studio.library.records import SqliteRecords

REMEMBERED = 20
"""Outlines that are kept until something changes."""
NO_WORDS = "This Python's SQLite has no full-text search, so words are looked for row by row, which is slow."
_BULK = {"small": "<= 500000", "medium": "BETWEEN 500001 AND 2000000", "large": "> 2000000"}
_SHAPE = {"landscape": ">", "portrait": "<", "square": "="}
FEW = 400
"""Rows in which a word is looked for one by one, rather than filtering all that have the word."""
_LEADS = {
    "model": ("model = ?", "model"),
    "provider": ("backend = ?", "backend"),
    "task": ("task = ?", "task"),
    "review": ("review = ? AND review != 'not_needed'", "review"),
    "stars": ("stars >= ? AND stars > 0", "stars"),
    "imported": ("imported = ? AND imported", "imported"),
}
"""Filters with an index of their own: what stands in it, and its column."""
_WHERE = {
    "here": "p.state != 'deleted'",
    "missing": "p.state = 'missing' AND p.state != 'kept'",  # the second condition says to SQLite that an index will do
    "trash": "p.state = 'deleted' AND p.state != 'kept' AND p.trashed > 0",
}


@dataclass
class _Query:
    """Parts of a statement: what it goes along (`key`), which rows (`tests`) and their values, in order."""

    source: str = "picture p"
    key: str = "p.at"
    forwards: bool = False
    is_worded: bool = False
    led_by: str = ""
    tests: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def test(self, sql: str, *values: Any) -> None:
        self.tests.append(sql)
        self.values.extend(values)

    @property
    def where(self) -> str:
        return " AND ".join(self.tests)

    @property
    def order(self) -> str:
        return self.key if self.forwards else f"{self.key} DESC"


class SqliteGallery:
    """`studio.core.gallery.Archive`. Safe across threads and processes."""

    def __init__(self, data: Path, outputs: Path, database: Database, records: SqliteRecords) -> None:
        self._database, self._outputs, self._thumbs = database, outputs, data / "thumbs"
        self.marks, self.boards = SqliteMarks(database), SqliteBoards(database, records)
        self._lock = threading.Lock()
        self._outlines: OrderedDict[Wanted, Outline] = OrderedDict()
        self._choices: tuple[int, Choices] | None = None
        self._has_words = bool(database.rows("SELECT 1 FROM sqlite_master WHERE name = 'picture_words'"))

    @property
    def thumbs(self) -> Path:
        return self._thumbs

    def edition(self) -> int:
        return int(self._database.rows("SELECT edition FROM gallery")[0]["edition"])

    def outline(self, wanted: Wanted) -> Outline:
        """Counted once for each edition."""
        edition = self.edition()
        with self._lock:
            known = self._outlines.get(wanted)
        if known and known.edition == edition:
            return known
        query = self._query(wanted)
        count, marks = self._streamed(query) if query.is_worded else self._stepped(query)
        found = Outline(count=count, marks=marks, edition=edition)
        with self._lock:
            self._outlines[wanted] = found
            if len(self._outlines) > REMEMBERED:
                self._outlines.popitem(last=False)
        return found

    def _streamed(self, query: _Query) -> tuple[int, tuple[int, ...]]:
        """Goes through all of them once: the index would have to begin anew at each step."""
        count, marks = 0, []
        sql = f"SELECT {query.key} AS key FROM {query.source} WHERE {query.where} ORDER BY {query.order}"  # noqa: S608  our own words
        for row in self._database.stream(sql, query.values):
            if count % PAGE == 0:
                marks.append(row["key"])
            count += 1
        return count, tuple(marks)

    def _stepped(self, query: _Query) -> tuple[int, tuple[int, ...]]:
        """From page to page, so that only the marks leave SQLite."""
        select = f"SELECT {query.key} AS key FROM {query.source} WHERE {query.where}"  # noqa: S608  our own words
        beyond = f"{select} AND {query.key} {'>' if query.forwards else '<'} ? ORDER BY {query.order}"
        rows = self._database.rows(f"{select} ORDER BY {query.order} LIMIT 1", query.values)
        marks: list[int] = []
        while rows:
            marks.append(rows[0]["key"])
            rows = self._database.rows(f"{beyond} LIMIT 1 OFFSET {PAGE - 1}", (*query.values, marks[-1]))
        if not marks:
            return 0, ()
        last = self._database.rows(f"SELECT COUNT(*) AS count FROM ({beyond})", (*query.values, marks[-1]))  # noqa: S608  our own words
        return PAGE * (len(marks) - 1) + 1 + int(last[0]["count"]), tuple(marks)

    def page(self, wanted: Wanted, start: int | None = None, end: int | None = None, limit: int = PAGE) -> list[Seen]:
        query = self._query(wanted)
        _between(query, start, end)
        rows = self._database.rows(
            f"""SELECT {query.key} AS key, p.seq AS seq, p.stars AS stars, p.imported AS imported
                FROM {query.source} WHERE {query.where} ORDER BY {query.order} LIMIT ?""",  # noqa: S608  our own words
            (*query.values, limit),
        )
        return self._seen(rows)

    def ids(self, wanted: Wanted, limit: int) -> list[str]:
        query = self._query(wanted)
        rows = self._database.rows(
            f"""SELECT r.id AS id FROM (SELECT {query.key} AS key, p.seq AS seq FROM {query.source} WHERE {query.where}
                ORDER BY {query.order} LIMIT ?) AS found CROSS JOIN record r ON r.seq = found.seq
                ORDER BY {"key" if query.forwards else "key DESC"}""",  # noqa: S608  our own words
            (*query.values, limit),
        )
        return [str(row["id"]) for row in rows]

    def choices(self) -> Choices:
        """Read anew when something has changed."""
        edition = self.edition()
        known = self._choices
        if known is None or known[0] != edition:
            tags = self._database.rows("SELECT tag, COUNT(*) AS count FROM picture_tag GROUP BY tag ORDER BY tag LIMIT 500")
            found = Choices(
                models=self._distinct("model"),
                providers=self._distinct("backend"),
                tasks=self._distinct("task"),
                tags=tuple((row["tag"], row["count"]) for row in tags),
                note="" if self._has_words else NO_WORDS,
            )
            known = self._choices = (edition, found)
        return known[1]

    def _distinct(self, column: str) -> tuple[str, ...]:
        """Jumps from value to value along the index, so that it costs what there are values."""
        rows = self._database.rows(
            f"""WITH RECURSIVE value (text) AS (SELECT MIN({column}) FROM picture UNION ALL
                SELECT (SELECT MIN({column}) FROM picture WHERE {column} > text) FROM value WHERE text IS NOT NULL)
                SELECT text FROM value WHERE text IS NOT NULL AND text != '' LIMIT 500"""  # noqa: S608  our own words
        )
        return tuple(str(row["text"]) for row in rows)

    def _seen(self, rows: list[Any]) -> list[Seen]:
        marks = ", ".join("?" * len(rows))
        told = self._database.rows(
            f"""SELECT seq, id, name, path, width, height, state, review_status,
                COALESCE(json_extract(CASE WHEN json_valid(request) THEN request ELSE '{{}}' END, '$.prompt'), '') AS prompt
                FROM record WHERE seq IN ({marks})""",  # noqa: S608  our own words
            [row["seq"] for row in rows],
        )
        records = {row["seq"]: row for row in told}
        return [
            Seen(
                key=row["key"],
                id=record["id"],
                name=record["name"],
                path=self._outputs / record["path"],
                width=record["width"],
                height=record["height"],
                prompt=str(record["prompt"]),
                stars=row["stars"],
                state=record["state"],
                review=record["review_status"],
                imported=bool(row["imported"]),
            )
            for row in rows
            if (record := records.get(row["seq"]))
        ]

    def _query(self, wanted: Wanted) -> _Query:
        """One of board, words and tag leads; the rest is looked at row by row."""
        query = _Query()
        asked = _asked(wanted.words)
        if wanted.board:
            query = _Query(source="board_picture b CROSS JOIN picture p ON p.at = b.at", key="b.place", forwards=True)
            query.test("b.board = ?", wanted.board)
        if asked:
            self._look_for(query, asked, wanted)
        elif wanted.words.strip():
            query.test("0")
        if wanted.tag:
            self._tagged(query, wanted.tag)
        _narrow(query, wanted)
        return query

    def _look_for(self, query: _Query, asked: str, wanted: Wanted) -> None:
        if not self._has_words:
            for part in re.findall(r"[^\W_]+", wanted.words):
                text = "text || ' ' || more || ' ' || note"
                query.test(f"p.at IN (SELECT at FROM picture_text WHERE {text} LIKE ?)", f"%{part}%")  # noqa: S608  our own words
        elif query.source == "picture p" and (column := self._rare(wanted)):
            query.source, query.led_by = f"picture p INDEXED BY picture_{column}", column
            query.test("EXISTS (SELECT 1 FROM picture_words w WHERE w.rowid = p.at AND picture_words MATCH ?)", asked)
        elif query.source == "picture p":
            query.source, query.key, query.is_worded = (
                "picture_words w CROSS JOIN picture p ON p.at = w.rowid",
                "w.rowid",
                True,
            )
            query.test("picture_words MATCH ?", asked)
        else:
            query.test("p.at IN (SELECT rowid FROM picture_words WHERE picture_words MATCH ?)", asked)

    def _rare(self, wanted: Wanted) -> str:
        """The column of a filter that only few rows pass; empty without one."""
        for name, (test, column) in _LEADS.items():
            if (value := getattr(wanted, name)) and value != "not_needed":
                few = f"SELECT COUNT(*) AS count FROM (SELECT 1 FROM picture WHERE {test} LIMIT {FEW + 1})"  # noqa: S608  our own words
                if self._database.rows(few, (value,))[0]["count"] <= FEW:
                    return column
        return ""

    def _tagged(self, query: _Query, tag: str) -> None:
        if query.source == "picture p":
            query.source, query.key = "picture_tag t CROSS JOIN picture p ON p.at = t.at", "t.at"
            query.test("t.tag = ?", tag)
        else:
            query.test("EXISTS (SELECT 1 FROM picture_tag t WHERE t.tag = ? AND t.at = p.at)", tag)


def _asked(words: str) -> str:
    """What people type, as words that all have to be there: nothing of it is the index's own language."""
    return " ".join(f'"{part}"*' for part in re.findall(r"[^\W_]+", words)[:20])


def _between(query: _Query, start: int | None, end: int | None) -> None:
    first, last = (">=", "<") if query.forwards else ("<=", ">")
    for key, sign in ((start, first), (end, last)):
        if key is not None:
            query.test(f"{query.key} {sign} ?", key)


def _narrow(query: _Query, wanted: Wanted) -> None:
    """A plain value goes by its index only where it stands alone: with others, and few that fit, going through is faster."""
    query.test(_WHERE[wanted.where])
    plain = (("model", wanted.model), ("backend", wanted.provider), ("task", wanted.task), ("review", wanted.review))
    stands_alone = wanted in (Wanted(**{name: getattr(wanted, name)}) for name in ("model", "provider", "task", "review"))
    for column, value in plain:
        if value:
            query.test(f"{'' if stands_alone or column in ('review', query.led_by) else '+'}p.{column} = ?", value)
    for sql, is_asked in (
        ("p.review != 'not_needed'", wanted.review not in ("", "not_needed")),  # says to SQLite that an index will do
        ("p.imported", wanted.imported),
        ("p.paid", wanted.cost == "paid"),
        ("NOT p.paid", wanted.cost == "free"),
        (f"p.width {_SHAPE.get(wanted.shape)} p.height", wanted.shape),
        (f"p.width * p.height {_BULK.get(wanted.size)}", wanted.size),
    ):
        if is_asked:
            query.test(sql)
    if wanted.stars:
        query.test("p.stars >= ? AND p.stars > 0", wanted.stars)
    if wanted.told:
        column = "screening" if wanted.told in ("flag", "not_screened") else "verdict"
        query.test(f"p.{column} = ?", "" if wanted.told == "unscored" else wanted.told)
    for key, sign in _days(wanted):
        query.test(f"p.at {sign} ?", key)


def _days(wanted: Wanted) -> Iterable[tuple[int, str]]:
    """A day begins at local midnight; what is no day does not narrow anything."""
    for text, later, sign in ((wanted.since, 0, ">="), (wanted.until, 1, "<")):
        try:
            day = date.fromisoformat(text) + timedelta(days=later)
            yield key_of(datetime.combine(day, time()).timestamp()), sign
        except (ValueError, OverflowError, OSError):
            continue
