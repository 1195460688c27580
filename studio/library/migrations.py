"""The schema as a list of named steps. A step that was released never changes; a change is a new step at the end."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable

from studio.library import gallery_schema


def m001_jobs(connection: sqlite3.Connection) -> None:
    """`place` orders the queued jobs of a lane (`lane DESC`: interactive before batch); `position` is 1 for the next one.

    Every statement that sets `state` leaves a row in `job_event`, with the job's `changed` and `message`.
    """
    connection.execute("""
        CREATE TABLE job (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            request TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'delayed', 'done', 'blocked', 'failed', 'cancelled')),
            lane TEXT NOT NULL CHECK (lane IN ('interactive', 'batch')),
            place INTEGER NOT NULL,
            worker TEXT NOT NULL DEFAULT '',
            attempts INTEGER NOT NULL DEFAULT 0,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            phase TEXT NOT NULL DEFAULT 'waiting',
            step INTEGER NOT NULL DEFAULT 0,
            steps INTEGER NOT NULL DEFAULT 0,
            eta REAL,
            message TEXT NOT NULL DEFAULT '',
            error_code TEXT NOT NULL DEFAULT '',
            records TEXT NOT NULL DEFAULT '[]',
            created REAL NOT NULL,
            changed REAL NOT NULL,
            started REAL,
            ended REAL,
            is_over INTEGER NOT NULL GENERATED ALWAYS AS (state IN ('done', 'blocked', 'failed', 'cancelled')) VIRTUAL
        )""")
    connection.execute("CREATE INDEX job_line ON job (state, lane DESC, place, seq)")
    connection.execute("""
        CREATE TABLE job_event (
            seq INTEGER PRIMARY KEY,
            job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
            time REAL NOT NULL,
            state TEXT NOT NULL,
            message TEXT NOT NULL
        )""")
    connection.execute("CREATE INDEX job_event_job ON job_event (job)")
    connection.execute("""
        CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
            INSERT INTO job_event (job, time, state, message) VALUES (new.seq, new.changed, new.state, new.message);
        END""")
    connection.execute("""
        CREATE TRIGGER job_advanced AFTER UPDATE OF state ON job BEGIN
            INSERT INTO job_event (job, time, state, message) VALUES (new.seq, new.changed, new.state, new.message);
        END""")
    connection.execute("""
        CREATE VIEW job_in_line AS
        WITH line AS (
            SELECT seq, ROW_NUMBER() OVER (ORDER BY lane DESC, place, seq) AS position FROM job WHERE state = 'queued'
        )
        SELECT job.*, line.position FROM job LEFT JOIN line ON line.seq = job.seq""")
    connection.execute("CREATE TABLE switch (name TEXT PRIMARY KEY, is_on INTEGER NOT NULL)")


def m002_drafts(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE draft (form TEXT PRIMARY KEY, content TEXT NOT NULL, changed REAL NOT NULL)")


def m003_records(connection: sqlite3.Connection) -> None:
    """`path` is relative to the outputs folder, with forward slashes; `time` is `created` as seconds, for the order."""
    connection.execute("""
        CREATE TABLE record (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            job TEXT NOT NULL,
            path TEXT NOT NULL,
            name TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            width INTEGER NOT NULL,
            height INTEGER NOT NULL,
            seed INTEGER NOT NULL,
            created TEXT NOT NULL,
            time REAL NOT NULL,
            user TEXT NOT NULL DEFAULT '',
            state TEXT NOT NULL DEFAULT 'kept' CHECK (state IN ('kept', 'deleted', 'missing')),
            review_status TEXT NOT NULL DEFAULT 'not_needed'
                CHECK (review_status IN ('not_needed', 'pending', 'approved', 'rejected', 'escalated')),
            request TEXT NOT NULL,
            facts TEXT NOT NULL,
            notes TEXT NOT NULL,
            stamps TEXT NOT NULL,
            verdicts TEXT NOT NULL
        )""")
    connection.execute("CREATE INDEX record_newest ON record (time, seq)")
    connection.execute("CREATE INDEX record_job ON record (job)")


def m004_lineage(connection: sqlite3.Connection) -> None:
    """What a picture was made from: the record of its source picture, and the SHA-256 of that file; empty for none."""
    connection.execute("ALTER TABLE record ADD COLUMN parent TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE record ADD COLUMN source TEXT NOT NULL DEFAULT ''")
    connection.execute("CREATE INDEX record_parent ON record (parent) WHERE parent != ''")
    connection.execute("CREATE INDEX record_source ON record (source) WHERE source != ''")
    connection.execute("CREATE INDEX record_file ON record (sha256)")


def m005_marks(connection: sqlite3.Connection) -> None:
    """What a picture is found by when only its pixels are left: watermark payload, pixel hash, look; empty where unknown."""
    for column in ("mark", "pixels", "look"):
        connection.execute(f"ALTER TABLE record ADD COLUMN {column} TEXT NOT NULL DEFAULT ''")
        connection.execute(f"CREATE INDEX record_{column} ON record ({column}) WHERE {column} != ''")


def m006_hosted(connection: sqlite3.Connection) -> None:
    """Jobs know their backend, each of which has a line of its own, and can end as `needs_review`; money has a ledger.

    SQLite cannot change a CHECK, so both tables are made anew and their rows copied.
    """
    for statement in (
        "DROP VIEW job_in_line",
        "DROP TRIGGER job_added",
        "DROP TRIGGER job_advanced",
        "DROP INDEX job_line",
        "DROP INDEX job_event_job",
        "ALTER TABLE job_event RENAME TO job_event_before",
        "ALTER TABLE job RENAME TO job_before",
        """CREATE TABLE job (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            request TEXT NOT NULL,
            backend TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'queued'
                CHECK (state IN ('queued', 'running', 'delayed', 'done', 'blocked', 'failed', 'needs_review', 'cancelled')),
            lane TEXT NOT NULL CHECK (lane IN ('interactive', 'batch')),
            place INTEGER NOT NULL,
            worker TEXT NOT NULL DEFAULT '',
            attempts INTEGER NOT NULL DEFAULT 0,
            cancel_requested INTEGER NOT NULL DEFAULT 0,
            phase TEXT NOT NULL DEFAULT 'waiting',
            step INTEGER NOT NULL DEFAULT 0,
            steps INTEGER NOT NULL DEFAULT 0,
            eta REAL,
            message TEXT NOT NULL DEFAULT '',
            error_code TEXT NOT NULL DEFAULT '',
            error_field TEXT NOT NULL DEFAULT '',
            facts TEXT NOT NULL DEFAULT '{}',
            records TEXT NOT NULL DEFAULT '[]',
            created REAL NOT NULL,
            changed REAL NOT NULL,
            started REAL,
            ended REAL,
            is_over INTEGER NOT NULL
                GENERATED ALWAYS AS (state IN ('done', 'blocked', 'failed', 'needs_review', 'cancelled')) VIRTUAL
        )""",
        """CREATE TABLE job_event (
            seq INTEGER PRIMARY KEY,
            job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
            time REAL NOT NULL,
            state TEXT NOT NULL,
            message TEXT NOT NULL
        )""",
    ):
        connection.execute(statement)
    connection.create_function("backend_of_request", 1, _backend_of_request, deterministic=True)
    columns = """seq, id, request, state, lane, place, worker, attempts, cancel_requested, phase, step, steps, eta, message,
                 error_code, records, created, changed, started, ended"""
    for statement in (
        f"INSERT INTO job (backend, {columns}) SELECT backend_of_request(request), {columns} FROM job_before",  # noqa: S608  our own words
        "INSERT INTO job_event SELECT seq, job, time, state, message FROM job_event_before",
        "DROP TABLE job_event_before",
        "DROP TABLE job_before",
        "CREATE INDEX job_line ON job (state, backend, lane DESC, place, seq)",
        "CREATE INDEX job_event_job ON job_event (job)",
        """CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
            INSERT INTO job_event (job, time, state, message) VALUES (new.seq, new.changed, new.state, new.message);
        END""",
        """CREATE TRIGGER job_advanced AFTER UPDATE OF state ON job BEGIN
            INSERT INTO job_event (job, time, state, message) VALUES (new.seq, new.changed, new.state, new.message);
        END""",
        """CREATE VIEW job_in_line AS
            WITH line AS (
                SELECT seq, ROW_NUMBER() OVER (PARTITION BY backend ORDER BY lane DESC, place, seq) AS position
                FROM job WHERE state = 'queued'
            )
            SELECT job.*, line.position FROM job LEFT JOIN line ON line.seq = job.seq""",
        """CREATE TABLE ledger (
            id TEXT PRIMARY KEY,
            job TEXT NOT NULL,
            provider TEXT NOT NULL,
            day TEXT NOT NULL,
            time REAL NOT NULL,
            amount REAL,
            source TEXT NOT NULL
        )""",
        "CREATE INDEX ledger_day ON ledger (day, provider)",
    ):
        connection.execute(statement)


def m007_policy(connection: sqlite3.Connection) -> None:
    """Who was blocked by whom and why, every check's answer, reviews with their claims, accounts, and the audit log.

    The audit log only grows: triggers refuse to delete or replace a row, or to change anything but its content to nothing.
    `screening` has a row for every answer of a check: of refused jobs (`record` empty) and of kept pictures.
    """
    connection.create_function("backend_of_request", 1, _backend_of_request, deterministic=True)
    for statement in (
        "ALTER TABLE record ADD COLUMN backend TEXT NOT NULL DEFAULT ''",
        "UPDATE record SET backend = backend_of_request(request)",
        "ALTER TABLE job ADD COLUMN role TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE job ADD COLUMN blocked_by TEXT NOT NULL DEFAULT '' CHECK (blocked_by IN ('', 'policy', 'provider'))",
        "ALTER TABLE job ADD COLUMN reason_code TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE job ADD COLUMN verdicts TEXT NOT NULL DEFAULT '[]'",
        "CREATE INDEX job_blocked ON job (ended, id) WHERE state = 'blocked'",
        """CREATE TABLE screening (
            seq INTEGER PRIMARY KEY,
            job TEXT NOT NULL,
            record TEXT NOT NULL DEFAULT '',
            time REAL NOT NULL,
            stage TEXT NOT NULL,
            name TEXT NOT NULL,
            outcome TEXT NOT NULL,
            reason_code TEXT NOT NULL,
            score REAL,
            version TEXT NOT NULL
        )""",
        "CREATE INDEX screening_job ON screening (job)",
        "CREATE INDEX screening_record ON screening (record) WHERE record != ''",
        "CREATE INDEX screening_flag ON screening (time) WHERE outcome = 'flag'",
        "CREATE INDEX screening_reason ON screening (reason_code, outcome, record)",
        """CREATE TABLE review (
            seq INTEGER PRIMARY KEY,
            record TEXT NOT NULL,
            status TEXT NOT NULL,
            before TEXT NOT NULL,
            reviewer TEXT NOT NULL,
            note TEXT NOT NULL DEFAULT '',
            time REAL NOT NULL,
            undone INTEGER NOT NULL DEFAULT 0
        )""",
        "CREATE INDEX review_record ON review (record)",
        "CREATE INDEX review_reviewer ON review (reviewer)",
        "CREATE INDEX review_time ON review (time)",
        "CREATE TABLE review_claim (record TEXT PRIMARY KEY, reviewer TEXT NOT NULL, until REAL NOT NULL)",
        "CREATE INDEX record_review ON record (review_status, time) WHERE review_status != 'not_needed'",
        """CREATE TABLE account (
            name TEXT PRIMARY KEY,
            password TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('creator', 'reviewer', 'admin')),
            created REAL NOT NULL
        )""",
        """CREATE TABLE audit (
            seq INTEGER PRIMARY KEY,
            time REAL NOT NULL,
            action TEXT NOT NULL,
            person TEXT,
            subject TEXT,
            detail TEXT,
            salt TEXT,
            digest TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL
        )""",
        "CREATE INDEX audit_time ON audit (time)",
        "CREATE INDEX audit_person ON audit (person) WHERE person IS NOT NULL",
        "CREATE INDEX audit_subject ON audit (subject) WHERE subject IS NOT NULL",
        """CREATE TRIGGER audit_grows BEFORE INSERT ON audit WHEN new.seq <= (SELECT MAX(seq) FROM audit) BEGIN
            SELECT RAISE(ABORT, 'the audit log only grows');
        END""",
        """CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN
            SELECT RAISE(ABORT, 'the audit log only grows');
        END""",
        """CREATE TRIGGER audit_holds BEFORE UPDATE ON audit
            WHEN new.seq != old.seq OR new.time != old.time OR new.action != old.action OR new.digest != old.digest
                OR new.previous != old.previous OR new.hash != old.hash
                OR new.person IS NOT NULL OR new.subject IS NOT NULL OR new.detail IS NOT NULL OR new.salt IS NOT NULL
            BEGIN SELECT RAISE(ABORT, 'a row of the audit log can only be blanked'); END""",
    ):
        connection.execute(statement)


def m008_prompts(connection: sqlite3.Connection) -> None:
    """Every prompt that was used, as it was typed, once for each person; what was asked so far is taken along.

    `prompt_words` is the full-text index over it, kept in line by triggers.
    """
    for statement in (
        """CREATE TABLE prompt (
            seq INTEGER PRIMARY KEY,
            person TEXT NOT NULL,
            text TEXT NOT NULL,
            negative TEXT NOT NULL DEFAULT '',
            used INTEGER NOT NULL DEFAULT 1,
            last REAL NOT NULL,
            UNIQUE (person, text, negative)
        )""",
        "CREATE INDEX prompt_newest ON prompt (person, last)",
        """CREATE VIRTUAL TABLE prompt_words USING fts5(
            text, negative, content='prompt', content_rowid='seq', tokenize='unicode61 remove_diacritics 2', prefix='2 3'
        )""",
        """CREATE TRIGGER prompt_added AFTER INSERT ON prompt BEGIN
            INSERT INTO prompt_words (rowid, text, negative) VALUES (new.seq, new.text, new.negative);
        END""",
        """CREATE TRIGGER prompt_removed AFTER DELETE ON prompt BEGIN
            INSERT INTO prompt_words (prompt_words, rowid, text, negative)
            VALUES ('delete', old.seq, old.text, old.negative);
        END""",
        """INSERT INTO prompt (person, text, negative, used, last)
            SELECT COALESCE(json_extract(request, '$.user'), ''), json_extract(request, '$.prompt') AS words,
                   COALESCE(json_extract(request, '$.negative_prompt'), '') AS negative, COUNT(*), MAX(created)
            FROM job WHERE words NOT IN ('', '(erased)') AND blocked_by = '' GROUP BY 1, 2, 3""",
    ):
        connection.execute(statement)


def m009_gallery(connection: sqlite3.Connection) -> None:
    """What the Library tab reads: narrow rows in order, words, stars, tags, notes and boards."""
    gallery_schema.make(connection)


def m010_grids(connection: sqlite3.Connection) -> None:
    """Grids that were begun; `jobs` and `faults` are lists by cell, `axes` holds the labels that were read of each."""
    for statement in (
        """CREATE TABLE grid (
            seq INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            person TEXT NOT NULL DEFAULT '',
            base TEXT NOT NULL,
            axes TEXT NOT NULL,
            jobs TEXT NOT NULL,
            faults TEXT NOT NULL,
            sheet TEXT NOT NULL DEFAULT '',
            created REAL NOT NULL,
            changed REAL NOT NULL
        )""",
        "CREATE INDEX grid_newest ON grid (created, seq)",
        "CREATE INDEX grid_person ON grid (person)",
    ):
        connection.execute(statement)


def _backend_of_request(request: str) -> str:
    return str(json.loads(request).get("model", "")).partition(":")[0]


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    m001_jobs,
    m002_drafts,
    m003_records,
    m004_lineage,
    m005_marks,
    m006_hosted,
    m007_policy,
    m008_prompts,
    m009_gallery,
    m010_grids,
)
