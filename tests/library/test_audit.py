"""The audit log: its chain under threads, processes and crashes, and every way somebody might mend it by hand."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.audit import FIRST, AuditRow, first_broken
from studio.core.errors import LibraryError
from studio.core.ports import AuditLog
from studio.library import Library, open_library
from studio.library.audit import SqliteAudit
from studio.library.database import Database

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys
from pathlib import Path
from studio.library import open_library

with open_library(Path(sys.argv[1]) / "data", Path(sys.argv[1]) / "outputs") as library:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        library.audit.append("picture.kept", person=sys.argv[2], subject=f"{sys.argv[2]}-{number}", number=number)
"""

COPY = """INSERT INTO audit SELECT {}, time, action, 'eve', subject, detail, salt, digest, previous, hash
          FROM audit WHERE seq = 3"""


@pytest.fixture
def audit(library: Library) -> SqliteAudit:
    return library.audit


def writer(folder: Path, name: str, count: int) -> Any:
    """A process that writes so many rows as soon as its input is closed."""
    command = [sys.executable, "-c", WRITER, str(folder), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def filled(audit: SqliteAudit, count: int = 10) -> SqliteAudit:
    for number in range(1, count + 1):
        audit.append("picture.kept", person="ann" if number % 2 else "bob", subject=f"record-{number}", number=number)
    return audit


def tamper(library: Library, *statements: str) -> None:
    """As somebody would who has the file and knows SQL."""
    with sqlite3.connect(library.database.path) as other:
        for trigger in ("audit_stays", "audit_holds", "audit_grows"):
            other.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            other.execute(statement)
    other.close()


def head(library: Library) -> Path:
    return library.database.path.with_name("audit.head")


def test_the_log_is_the_engines_audit_log(audit: SqliteAudit) -> None:
    log: AuditLog = audit
    assert log.verify() == (0, None, "")
    assert log.rows() == []
    assert list(log.lines()) == []


def test_a_row_says_who_did_what_when_and_follows_the_one_before(audit: SqliteAudit) -> None:
    audit.append("request.submitted", person="ann", subject="job1", model="toy:one", count=2)
    audit.append("key.set", subject="OPENAI_API_KEY")
    first, second = audit.rows()
    assert (first.seq, first.action, first.person, first.subject, first.previous) == (
        1, "request.submitted", "ann", "job1", FIRST,
    )  # fmt: skip
    assert first.detail == {"model": "toy:one", "count": 2}
    assert (second.seq, second.previous) == (2, first.hash)
    assert first.time <= second.time
    assert audit.verify() == (2, None, "")


def test_two_equal_contents_have_different_digests(audit: SqliteAudit) -> None:
    for _ in range(2):
        audit.append("key.set", person="ann", subject="FAL_KEY")
    first, second = audit.rows()
    assert first.digest != second.digest


def test_rows_are_found_by_person_action_and_subject_and_page_by_page(audit: SqliteAudit) -> None:
    filled(audit, 10)
    audit.append("picture.shared", person="ann", subject="record-1")
    assert [row.seq for row in audit.rows(person="bob")] == [2, 4, 6, 8, 10]
    assert [row.seq for row in audit.rows(person="ann", action="picture.shared")] == [11]
    assert [row.seq for row in audit.rows(subject="record-1")] == [1, 11]
    assert [row.seq for row in audit.rows(after=4, limit=3)] == [5, 6, 7]
    assert [row.seq for row in audit.rows(newest=True, limit=3)] == [9, 10, 11]


def test_details_that_json_cannot_say_are_written_all_the_same(audit: SqliteAudit) -> None:
    audit.append("settings.changed", person="\ud800x", subject="\0", path=Path("a"), nan=float("nan"), deep=[{1: (2, {3})}])
    assert audit.rows()[0].detail == {"path": "a", "nan": None, "deep": [{"1": [2, [3]]}]}
    assert audit.verify() == (1, None, "")


def test_the_database_itself_refuses_to_change_remove_or_replace_a_row(library: Library) -> None:
    filled(library.audit, 3)
    for statement in (
        "DELETE FROM audit WHERE seq = 3",
        "UPDATE audit SET detail = '{}' WHERE seq = 2",
        "UPDATE audit SET time = 0, person = NULL, subject = NULL, detail = NULL, salt = NULL WHERE seq = 2",
        COPY.format(2).replace("INSERT", "INSERT OR REPLACE"),
    ):
        with pytest.raises(sqlite3.IntegrityError, match="audit log"):
            library.database.change(statement)
    assert library.audit.verify() == (3, None, "")


SWAP = (
    "UPDATE audit SET seq = -1 WHERE seq = 4",
    "UPDATE audit SET seq = 4 WHERE seq = 5",
    "UPDATE audit SET seq = 5 WHERE seq = -1",
)
SHIFTED = (
    "UPDATE audit SET seq = -seq - 1 WHERE seq >= 7",
    "UPDATE audit SET seq = -seq WHERE seq < 0",
)


@pytest.mark.parametrize(
    ("statements", "broken", "why"),
    [
        (("UPDATE audit SET detail = '{\"number\": 99}' WHERE seq = 4",), 4, "the content of row 4 was changed"),
        (("UPDATE audit SET detail = 'no json' WHERE seq = 4",), 4, "the content of row 4 was changed"),
        (("UPDATE audit SET detail = NULL WHERE seq = 4",), 4, "the content of row 4 was changed"),
        (("UPDATE audit SET person = 'eve' WHERE seq = 1",), 1, "the content of row 1 was changed"),
        (("UPDATE audit SET salt = 'x', digest = 'y' WHERE seq = 2",), 2, "the content of row 2 was changed"),
        (("UPDATE audit SET time = time + 1 WHERE seq = 6",), 6, "row 6 was changed"),
        (("UPDATE audit SET time = 'noon' WHERE seq = 6",), 6, "row 6 was changed"),
        (("UPDATE audit SET action = 'picture.shared' WHERE seq = 10",), 10, "row 10 was changed"),
        (("UPDATE audit SET hash = previous WHERE seq = 5",), 5, "row 5 was changed"),
        (SWAP, 4, "row 4 does not follow the row before it"),
        (("DELETE FROM audit WHERE seq = 5",), 5, "row 5 is missing"),
        (("DELETE FROM audit WHERE seq = 1",), 1, "row 1 is missing"),
        (("DELETE FROM audit WHERE seq = 5", "UPDATE audit SET seq = seq - 1 WHERE seq > 5"), 5, "row 5 does not follow"),
        (("DELETE FROM audit WHERE seq = 10",), 10, "row 10 is missing: the log was cut off"),
        (("DELETE FROM audit WHERE seq > 7",), 8, "row 8 is missing: the log was cut off, it went up to row 10"),
        (("DELETE FROM audit",), 1, "row 1 is missing: the log was cut off"),
        ((*SHIFTED, COPY.format(7)), 7, "row 7 does not follow the row before it"),
        ((COPY.format(11),), 11, "row 11 does not follow the row before it"),
    ],
)  # fmt: skip
def test_whatever_is_done_by_hand_is_found_with_the_number_of_the_row(
    library: Library, statements: tuple[str, ...], broken: int, why: str
) -> None:
    filled(library.audit)
    tamper(library, *statements)
    _, found, told = library.audit.verify()
    assert found == broken
    assert told.startswith(why)


def test_what_was_cut_off_stays_found_whatever_is_written_afterwards(library: Library) -> None:
    filled(library.audit)
    tamper(library, "DELETE FROM audit WHERE seq > 8")
    library.audit.append("key.set", subject="FAL_KEY")
    assert library.audit.verify()[1:] == (10, "row 10 is missing: the log was cut off, it went up to row 10")
    filled(library.audit, 5)
    assert library.audit.verify() == (14, 10, "row 10 is not the one that was written")


def test_a_chain_that_was_computed_anew_does_not_fit_the_note(library: Library, tmp_path: Path) -> None:
    filled(library.audit)
    with open_library(tmp_path / "forged", tmp_path / "outputs") as forged:
        filled(forged.audit, 12)
        library.database.close()
        library.database.path.write_bytes(b"")
        forged.database.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        for side in library.database.path.parent.glob("studio.sqlite-*"):
            side.unlink()
        library.database.path.write_bytes(forged.database.path.read_bytes())
    assert library.audit.verify() == (12, 10, "row 10 is not the one that was written")


@pytest.mark.parametrize(
    "spoil", [Path.unlink, lambda path: path.write_text("{"), lambda path: path.write_text('{"seq": 1}')]
)
def test_a_log_without_its_note_says_so_and_goes_on(library: Library, spoil: Callable[[Path], None]) -> None:
    filled(library.audit, 4)
    spoil(head(library))
    count, broken, why = library.audit.verify()
    assert (count, broken) == (4, 5)
    assert why.startswith("audit.head is missing or damaged, so nobody can say whether rows after 4 were cut off.")
    library.audit.append("key.set")
    assert library.audit.verify()[1] == 6


def test_a_crash_between_row_and_note_breaks_nothing(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(library.audit, 3)
    note = head(library).read_text()
    filled(library.audit, 2)
    head(library).write_text(note)
    assert library.audit.verify() == (5, None, "")
    filled(library.audit, 1)
    assert json.loads(head(library).read_text())["seq"] == 6
    assert library.audit.verify() == (6, None, "")


def test_a_note_that_cannot_be_written_keeps_no_row_from_being_written(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library.audit, 1)
    part = head(library).with_suffix(".part")
    part.mkdir()
    filled(library.audit, 2)
    assert library.audit.verify() == (3, None, "")
    part.rmdir()
    filled(library.audit, 1)
    assert json.loads(head(library).read_text())["seq"] == 4


def test_a_log_that_cannot_be_written_gives_a_sentence(tmp_path: Path) -> None:
    with Database(tmp_path / "data") as database:
        (tmp_path / "data" / "audit.lock").mkdir()
        with pytest.raises(LibraryError, match=r"audit log in .* cannot be written .* try again"):
            SqliteAudit(tmp_path / "data", database).append("key.set")


def test_blanked_rows_lose_their_content_and_the_chain_still_fits(library: Library) -> None:
    audit = filled(library.audit, 6)
    audit.append("person.added", person="carl", subject="ann", role="creator")
    audit.append("session.refused", subject="ann")
    audit.append("review.decided", person="carl", subject="ann")
    assert audit.count_of("ann") == audit.blank("ann") == 5
    blanked = [row for row in audit.rows() if row.blanked]
    assert [row.seq for row in blanked] == [1, 3, 5, 7, 8]
    assert {(row.person, row.subject, row.salt, *row.detail) for row in blanked} == {("", "", "")}
    assert audit.verify() == (9, None, "")
    filled(audit, 1)
    assert audit.verify() == (10, None, "")
    assert audit.blank("nobody") == 0
    tamper(library, "UPDATE audit SET action = 'key.set' WHERE seq = 3")
    assert audit.verify()[1:] == (3, "row 3 was changed")


def test_forty_threads_write_one_unbroken_chain(library: Library) -> None:
    ready = threading.Barrier(40)

    def write(name: str) -> None:
        ready.wait()
        for number in range(5):
            library.audit.append("picture.kept", person=name, subject=f"{name}-{number}")

    threads = [threading.Thread(target=write, args=(f"thread {number}",)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert library.audit.verify() == (200, None, "")
    assert json.loads(head(library).read_text())["seq"] == 200
    rows = library.audit.rows()
    for number in range(40):
        own = [row.subject for row in rows if row.person == f"thread {number}"]
        assert own == [f"thread {number}-{place}" for place in range(5)]


@pytest.mark.slow
def test_two_processes_write_one_unbroken_chain(tmp_path: Path) -> None:
    with writer(tmp_path, "ann", 200) as ann, writer(tmp_path, "bob", 200) as bob:
        for each in (ann, bob):
            assert each.stdout.readline() == "ready\n"
        for each in (ann, bob):
            each.stdin.close()
        assert [each.wait() for each in (ann, bob)] == [0, 0]
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert library.audit.verify() == (400, None, "")
        assert len(library.audit.rows(person="ann")) == 200
        seen = [row.person for row in library.audit.rows()]
    assert seen != sorted(seen), "they write at the same time"


@pytest.mark.slow
def test_a_writer_that_is_killed_anywhere_leaves_a_log_that_fits(tmp_path: Path) -> None:
    for _ in range(4):
        with writer(tmp_path, "ann", 100_000) as ann:
            assert ann.stdout.readline() == "ready\n"
            ann.stdin.close()
            threading.Event().wait(0.3)
            ann.kill()
        with open_library(tmp_path / "data", tmp_path / "outputs") as library:
            assert library.audit.verify()[1:] == (None, "")


def test_an_export_in_json_lines_can_be_checked_elsewhere(audit: SqliteAudit) -> None:
    filled(audit, 5)
    audit.blank("bob")
    lines = list(audit.lines())
    assert all(line.endswith("\n") for line in lines)
    rows = [AuditRow(**json.loads(line)) for line in lines]
    assert first_broken(rows) == (None, "")
    assert rows == audit.rows()


def test_an_export_in_csv_gives_a_spreadsheet_nothing_to_run(audit: SqliteAudit) -> None:
    bad = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"]
    for text in bad:
        audit.append("picture.kept", person=text, subject=text, note=text)
    audit.append("picture.kept", person='a "b", c', subject="line\nbreak")
    audit.append("picture.kept", person="gone")
    audit.blank("gone")
    names, *rows = list(csv.reader(io.StringIO("".join(audit.lines(as_csv=True)), newline="")))
    assert names[:6] == ["seq", "time", "action", "person", "subject", "detail"]
    cells = [cell for row in rows for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))] == []
    assert [row[3] for row in rows[: len(bad)]] == [f"'{text}" for text in bad]
    assert rows[-2][3:5] == ['a "b", c', "line\nbreak"]
    assert rows[-1][3:7] == ["", "", "", "yes"]
    assert json.loads(rows[0][5]) == {"note": "=1+1"}


TEXT = st.text(max_size=20)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), TEXT, TEXT, st.dictionaries(TEXT, st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | TEXT, lambda inner: st.lists(inner, max_size=3)
        ), max_size=3)),
        st.tuples(st.just("blank"), TEXT),
    ),
    max_size=12,
)  # fmt: skip
CHANGES = ("person", "subject", "detail", "salt", "action", "digest", "previous", "hash")


@settings(max_examples=40, deadline=None)
@given(STEPS, st.data())
def test_any_sequence_fits_and_any_change_in_it_is_found_at_its_place(steps: list[tuple], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder, open_library(Path(folder) / "data", Path(folder) / "out") as library:
        library.database.rows("PRAGMA synchronous = OFF")
        for step in steps:
            if step[0] == "append":
                library.audit.append("picture.kept", step[1], step[2], **{f"key {name}": it for name, it in step[3].items()})
            else:
                library.audit.blank(step[1])
        count = sum(step[0] == "append" for step in steps)
        assert library.audit.verify() == (count, None, "")
        whole = [row for row in library.audit.rows() if not row.blanked]
        if whole:
            row = data.draw(st.sampled_from(whole))
            column = data.draw(st.sampled_from(CHANGES))
            tamper(library, f"UPDATE audit SET {column} = {column} || 'x' WHERE seq = {row.seq}")  # noqa: S608  our own words
            assert library.audit.verify()[1] == row.seq
