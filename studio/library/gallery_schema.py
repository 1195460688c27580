"""The tables that the grid, its filters and its search read: narrow, in the order of time, kept in step by triggers.

`picture` has a row for every record. Its key `at` is the record's time in milliseconds with the number of the row behind it,
so that one whole number orders everything, pages by itself, and is the full-text index's own order, too.
"""

# ruff: noqa: S608  all of this is our own words
from __future__ import annotations

import sqlite3

_SHIFT, _SEQ = 20, (1 << 20) - 1
_LATEST = 8_500_000_000
"""Seconds; a stranger's file may claim any year, and `at` has to fit into 63 bits."""


def key_of(time: float) -> int:
    """The smallest key of this moment."""
    return int(min(max(time, 0.0), _LATEST) * 1000) << _SHIFT


def _at(row: str) -> str:
    return f"((CAST(MIN(MAX({row}.time, 0), {_LATEST}) * 1000 AS INTEGER) << {_SHIFT}) | ({row}.seq & {_SEQ}))"


def _columns(row: str) -> dict[str, str]:
    """What is told from a record's JSON, as SQL; whatever stands there, none of it raises."""
    request, facts, verdicts = (
        f"CASE WHEN json_valid({row}.{name}) THEN {row}.{name} ELSE '{empty}' END"
        for name, empty in (("request", "{}"), ("facts", "{}"), ("verdicts", "[]"))
    )
    heard = (
        f"""(SELECT json_extract(value, '$.verdict') AS told FROM json_each({facts}, '$.detector') WHERE type = 'object')"""
    )
    outcomes = f"""(SELECT json_extract(value, '$.outcome') AS told FROM json_each({verdicts}) WHERE type = 'object')"""
    cost = f"json_extract({facts}, '$.hosted.cost.value')"
    return {
        "model": f"COALESCE(json_extract({request}, '$.model'), '')",
        "backend": f"{row}.backend",
        "task": f"COALESCE(json_extract({request}, '$.task.kind'), 'text-to-image')",
        "verdict": f"""COALESCE((SELECT CASE
            WHEN SUM(told = 'ai') THEN 'ai' WHEN SUM(told = 'uncertain') THEN 'uncertain'
            WHEN SUM(told = 'not-ai') THEN 'not-ai' END FROM {heard}), '')""",
        "screening": f"""COALESCE((SELECT CASE
            WHEN SUM(told IN ('flag', 'block')) THEN 'flag' WHEN SUM(told = 'not_screened') THEN 'not_screened' END
            FROM {outcomes}), '')""",
        "paid": f"""(COALESCE(typeof({cost}) IN ('integer', 'real') AND {cost} > 0, 0)
            OR EXISTS (SELECT 1 FROM ledger WHERE ledger.job = {row}.job AND amount > 0))""",
        "imported": f"(json_type({facts}, '$.imported') = 'object') IS TRUE",
    }


def _bump(table: str, event: str) -> str:
    return f"""CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN
        UPDATE gallery SET edition = edition + 1; END"""


_TABLES = (
    """CREATE TABLE picture (
        at INTEGER PRIMARY KEY,
        seq INTEGER NOT NULL UNIQUE,
        state TEXT NOT NULL,
        stars INTEGER NOT NULL DEFAULT 0,
        review TEXT NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        model TEXT NOT NULL,
        backend TEXT NOT NULL,
        task TEXT NOT NULL,
        verdict TEXT NOT NULL,
        screening TEXT NOT NULL,
        paid INTEGER NOT NULL,
        imported INTEGER NOT NULL,
        trashed REAL NOT NULL DEFAULT 0
    )""",
    "CREATE TABLE gallery (edition INTEGER NOT NULL)",
    "INSERT INTO gallery VALUES (1)",
    """CREATE TABLE picture_tag (tag TEXT NOT NULL, at INTEGER NOT NULL REFERENCES picture (at) ON DELETE CASCADE,
        PRIMARY KEY (tag, at)) WITHOUT ROWID""",
    "CREATE INDEX picture_tag_at ON picture_tag (at)",
    """CREATE TABLE picture_note (at INTEGER PRIMARY KEY REFERENCES picture (at) ON DELETE CASCADE, text TEXT NOT NULL,
        person TEXT NOT NULL, time REAL NOT NULL)""",
    """CREATE TABLE board (id TEXT PRIMARY KEY, title TEXT NOT NULL, person TEXT NOT NULL, created REAL NOT NULL,
        deleted REAL NOT NULL DEFAULT 0)""",
    """CREATE TABLE board_picture (board TEXT NOT NULL REFERENCES board (id) ON DELETE CASCADE,
        at INTEGER NOT NULL REFERENCES picture (at) ON DELETE CASCADE, place INTEGER NOT NULL,
        PRIMARY KEY (board, at)) WITHOUT ROWID""",
    "CREATE INDEX board_picture_place ON board_picture (board, place, at)",
    "CREATE INDEX board_picture_at ON board_picture (at)",
    "CREATE INDEX ledger_job ON ledger (job)",
)
_INDEXES = (
    "CREATE INDEX picture_model ON picture (model)",
    "CREATE INDEX picture_backend ON picture (backend)",
    "CREATE INDEX picture_task ON picture (task)",
    "CREATE INDEX picture_stars ON picture (stars) WHERE stars > 0",
    "CREATE INDEX picture_review ON picture (review) WHERE review != 'not_needed'",
    "CREATE INDEX picture_state ON picture (state) WHERE state != 'kept'",
    "CREATE INDEX picture_imported ON picture (imported) WHERE imported",
)


def make(connection: sqlite3.Connection) -> None:
    """Make the tables, fill them from the records there are, and keep them in step from then on."""
    for statement in _TABLES:
        connection.execute(statement)
    told = _columns("record")
    names = ", ".join(told)
    connection.execute(
        f"""INSERT OR IGNORE INTO picture (at, seq, state, review, width, height, trashed, {names})
            SELECT {_at("record")}, seq, state, review_status, width, height,
                   CASE WHEN state = 'deleted' THEN time ELSE 0 END, {", ".join(told.values())} FROM record"""
    )
    for statement in (*_INDEXES, *_following(), *(_bump("picture", event) for event in ("INSERT", "UPDATE", "DELETE"))):
        connection.execute(statement)
    _make_words(connection)


def _following() -> tuple[str, ...]:
    told = _columns("new")
    changes = ", ".join(f"{name} = {value}" for name, value in told.items())
    return (
        f"""CREATE TRIGGER record_pictured AFTER INSERT ON record BEGIN
            INSERT OR IGNORE INTO picture (at, seq, state, review, width, height, {", ".join(told)})
            VALUES ({_at("new")}, new.seq, new.state, new.review_status, new.width, new.height, {", ".join(told.values())});
        END""",
        """CREATE TRIGGER record_moved AFTER UPDATE OF state ON record BEGIN
            UPDATE picture SET state = new.state, trashed = CASE
                WHEN new.state != 'deleted' THEN 0
                WHEN old.state != 'deleted' THEN CAST(strftime('%s', 'now') AS REAL) ELSE trashed END
            WHERE seq = new.seq;
        END""",
        """CREATE TRIGGER record_decided AFTER UPDATE OF review_status ON record BEGIN
            UPDATE picture SET review = new.review_status WHERE seq = new.seq;
        END""",
        f"""CREATE TRIGGER record_told AFTER UPDATE OF request, facts, verdicts ON record BEGIN
            UPDATE picture SET {changes} WHERE seq = new.seq;
        END""",
        """CREATE TRIGGER record_gone AFTER DELETE ON record BEGIN DELETE FROM picture WHERE seq = old.seq; END""",
    )


def _make_words(connection: sqlite3.Connection) -> None:
    """The full-text index; a SQLite without FTS5 goes without, and the search looks through the rows instead."""
    request = "CASE WHEN json_valid(record.request) THEN record.request ELSE '{}' END"
    connection.execute(
        f"""CREATE VIEW picture_text AS SELECT picture.at AS at, record.seq AS seq,
            COALESCE(json_extract({request}, '$.prompt'), '') AS text,
            COALESCE(json_extract({request}, '$.negative_prompt'), '') || ' ' || record.name AS more,
            COALESCE((SELECT text FROM picture_note WHERE picture_note.at = picture.at), '') AS note
            FROM picture JOIN record ON record.seq = picture.seq"""
    )
    try:
        connection.execute(
            """CREATE VIRTUAL TABLE picture_words USING fts5(text, more, note, content='picture_text', content_rowid='at',
                tokenize='unicode61 remove_diacritics 2', prefix='1 2 3')"""
        )
    except sqlite3.OperationalError:
        return
    out = """INSERT INTO picture_words (picture_words, rowid, text, more, note)
        SELECT 'delete', at, text, more, note FROM picture_text WHERE"""
    back = "INSERT INTO picture_words (rowid, text, more, note) SELECT at, text, more, note FROM picture_text WHERE"
    for name, event, row, column in (
        ("note_put", "INSERT ON picture_note", "new", "at"),
        ("note_changed", "UPDATE OF text ON picture_note", "old", "at"),
        ("note_taken", "DELETE ON picture_note", "old", "at"),
        ("record_worded", "UPDATE OF request, name ON record", "old", "seq"),
    ):
        connection.execute(f"CREATE TRIGGER {name}_out BEFORE {event} BEGIN {out} {column} = {row}.{column}; END")
        connection.execute(f"CREATE TRIGGER {name}_back AFTER {event} BEGIN {back} {column} = {row}.{column}; END")
    connection.execute(f"CREATE TRIGGER picture_heard AFTER INSERT ON picture BEGIN {back} at = new.at; END")
    connection.execute(f"CREATE TRIGGER record_silent BEFORE DELETE ON record BEGIN {out} seq = old.seq; END")
    connection.execute("INSERT INTO picture_words (picture_words) VALUES ('rebuild')")
