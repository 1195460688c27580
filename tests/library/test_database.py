import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path

import pytest

from studio.core.errors import LibraryError
from studio.library.database import Database
from studio.library.jobs import SqliteJobs
from studio.library.migrations import MIGRATIONS

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from studio.core.job import Progress
from studio.core.request import ImageRequest
from studio.library.database import Database
from studio.library.migrations import MIGRATIONS
from studio.library.jobs import SqliteJobs

jobs = SqliteJobs(Database(Path(sys.argv[1])))
while True:
    job = jobs.add(ImageRequest(model="m", prompt="x" * 3000), "batch")
    jobs.claim("w")
    jobs.report(job.id, Progress(step=3, steps=20))
    jobs.advance(job.id, "done", records=["r-" + job.id])
    print(job.id, flush=True)
"""


def test_a_new_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    with Database(tmp_path / "a" / "data") as database:
        database.change("INSERT INTO switch VALUES ('paused', 0)")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in database.path.parent.iterdir()}
        assert stat.S_IMODE(database.path.parent.stat().st_mode) == 0o700
        assert len(modes) == 3
        assert set(modes.values()) == {0o600}


def test_a_file_that_is_no_database_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "studio.sqlite").write_bytes(b"these are not the bytes of a database\n" * 200)
    with pytest.raises(LibraryError, match=r"is not a database. Move it away .* reindex"):
        Database(tmp_path)


def test_a_damaged_database_gives_a_sentence(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        database.change("INSERT INTO draft VALUES ('form', ?, 0)", ("x" * 50_000,))
        path = database.path
    data = bytearray(path.read_bytes())
    data[100:20_000] = b"\xff" * 19_900
    path.write_bytes(data)
    with pytest.raises(LibraryError, match=r"is damaged. Move it away"):
        Database(tmp_path)


def test_a_newer_schema_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        database.change("INSERT INTO migration VALUES ('m999_holograms', 0)")
    with pytest.raises(LibraryError, match=r"newer studio \(m999_holograms\). Update the studio"):
        Database(tmp_path)


def test_a_data_folder_that_is_a_file_gives_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(LibraryError, match="Make it writable or set STUDIO_DATA"):
        Database(tmp_path / "data")


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    with suppress(ZeroDivisionError), database.transaction() as connection:
        connection.execute("INSERT INTO switch VALUES ('paused', 1)")
        raise ZeroDivisionError
    assert database.rows("SELECT * FROM switch") == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_every_thread_gets_its_own_connection_and_ended_threads_leave_none(database: Database) -> None:
    for _ in range(20):
        thread = threading.Thread(target=lambda: database.rows("SELECT 1"))
        thread.start()
        thread.join()
    targets = [str(file.readlink()) for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert targets.count(str(database.path)) <= 4  # SQLite closes some files later, for its locks' sake


def open_and_count(data: str) -> int:
    with Database(Path(data)) as database:
        return len(database.rows("SELECT * FROM migration"))


@pytest.mark.slow
def test_processes_that_open_a_new_library_at_once_all_get_the_whole_schema(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        counts = list(pool.map(open_and_count, [str(tmp_path / str(number // 4)) for number in range(12)]))
    assert counts == [len(MIGRATIONS)] * 12


@pytest.mark.slow
@pytest.mark.parametrize("jobs_before_the_kill", [1, 4, 13])
def test_a_killed_writer_leaves_a_usable_library_with_all_it_acknowledged(tmp_path: Path, jobs_before_the_kill: int) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert writer.stdout is not None
    with writer:
        told = [writer.stdout.readline().strip() for _ in range(jobs_before_the_kill)]
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().split()
    with Database(tmp_path) as database:
        jobs = SqliteJobs(database)
        assert [row[0] for row in database.rows("PRAGMA integrity_check")] == ["ok"]
        for id in told:
            job = jobs.get(id)
            assert job is not None
            assert (job.state, job.records) == ("done", (f"r-{id}",))
            assert [event.state for event in jobs.events(id)] == ["queued", "running", "done"]
        database.change("DELETE FROM job")


def test_importing_the_library_opens_nothing(tmp_path: Path) -> None:
    code = "import studio.library.database, studio.library.jobs, os; print(os.listdir('.'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_a_locked_library_gives_a_sentence(database: Database) -> None:
    other = sqlite3.connect(database.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        database.rows("PRAGMA busy_timeout = 1")
        with pytest.raises(LibraryError, match="held by another program"):
            database.change("INSERT INTO switch VALUES ('paused', 1)")
    finally:
        other.close()
