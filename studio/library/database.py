"""One SQLite file for all that is kept: connections, transactions, migrations, and SQLite's errors as sentences.

WAL on a local disk (it does not work over NFS or SMB). Kept truth is synced to the disk when a transaction ends;
`durable=False` is for what may be lost in a power cut (a progress bar), never in a crash.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.errors import LibraryError
from studio.library.migrations import MIGRATIONS

FILE = "studio.sqlite"
OLDEST_SQLITE = (3, 35, 0)
BUSY_SECONDS = 15.0

Values = Sequence[Any] | Mapping[str, Any]

_ADVICE = {
    sqlite3.SQLITE_CORRUPT: "is damaged. Move it away and start again; “python studio.py reindex” finds your pictures",
    sqlite3.SQLITE_NOTADB: "is not a database. Move it away and start again; “python studio.py reindex” finds your pictures",
    sqlite3.SQLITE_FULL: "cannot grow: the disk is full. Free some space and try again",
    sqlite3.SQLITE_IOERR: "cannot be read or written: the disk reports an error. Check the disk and its free space",
    sqlite3.SQLITE_READONLY: "cannot be written. Allow writing to it and its folder",
    sqlite3.SQLITE_PERM: "cannot be opened. Allow reading and writing it and its folder",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened. Check that its folder exists and may be written",
    sqlite3.SQLITE_BUSY: "is held by another program for too long. Close that program and try again",
}


class Database:
    """The file `<data>/studio.sqlite`, brought to the newest schema. One connection per thread; safe across processes.

    Raises `LibraryError` with a sentence when the file cannot be used, here and in every method.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / FILE
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise LibraryError(f"SQLite {sqlite3.sqlite_version} is too old; 3.35 is needed. Use a newer Python.")
        _make_private(data, self.path)
        try:
            self._migrate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every thread's connection. The database opens again by itself when it is next used."""
        with self._lock:
            connections, self._connections = self._connections, {}
            self._local = threading.local()
        for connection in connections.values():
            connection.close()

    @contextlib.contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[sqlite3.Connection]:
        """All statements in the block or none; the write lock is held from the start, so nothing changes in between."""
        with self._sentences():
            connection = self._connection()
            connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def change(self, sql: str, values: Values = (), *, durable: bool = True) -> list[sqlite3.Row]:
        """Run one writing statement in its own transaction; the rows of its RETURNING clause."""
        with self.transaction(durable=durable) as connection:
            return connection.execute(sql, values).fetchall()

    def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Run one reading statement."""
        with self._sentences():
            return self._connection().execute(sql, values).fetchall()

    def stream(self, sql: str, values: Values = ()) -> Iterator[sqlite3.Row]:
        """The same row by row, as they were when it began, for what is too much to hold at once."""
        with self._sentences():
            yield from self._connection().execute(sql, values)

    def rewrite(self) -> None:
        """Write the whole file anew, so that nothing that was erased can be found between its rows."""
        with self._sentences():
            self._connection().execute("VACUUM")
            self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._open()
            self._local.connection = connection
            with self._lock:
                for thread in [thread for thread in self._connections if not thread.is_alive()]:
                    self._connections.pop(thread).close()
                self._connections[threading.current_thread()] = connection
        return connection

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA foreign_keys = ON")
            _use_wal(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self) -> None:
        with self.transaction() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS migration (name TEXT PRIMARY KEY, applied REAL NOT NULL)")
        for migration in MIGRATIONS:
            with self.transaction() as connection:
                done = {row["name"] for row in connection.execute("SELECT name FROM migration")}
                if unknown := done - {known.__name__ for known in MIGRATIONS}:
                    raise LibraryError(
                        f"{self.path} was written by a newer studio ({', '.join(sorted(unknown))}). Update the studio."
                    )
                if migration.__name__ not in done:
                    migration(connection)
                    connection.execute("INSERT INTO migration VALUES (?, ?)", (migration.__name__, time.time()))

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            advice = _ADVICE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
            if advice is None:
                raise
            raise LibraryError(f"The library {self.path} {advice}.") from error


def _use_wal(connection: sqlite3.Connection) -> None:
    """Two processes that open a new file at once collide here, and SQLite's own waiting does not cover this pragma."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
        time.sleep(0.02)


def _make_private(data: Path, path: Path) -> None:
    """SQLite gives its side files the mode of the main one, so that one is made first, for its owner alone."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.suppress(PermissionError):  # a folder of another owner that we may write is used as it is
            data.chmod(0o700)
            path.chmod(0o600)
    except OSError as error:
        reason = error.strerror or str(error)
        raise LibraryError(
            f"The studio's data folder {data} cannot be used ({reason}). Make it writable or set STUDIO_DATA to another."
        ) from error
