"""Receipts of paid calls, and the ledger."""

from __future__ import annotations

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kept_builders import a_request

from studio.core.errors import OverBudget
from studio.core.ports import ReceiptBook, Receipts
from studio.library import Library, open_library
from studio.library.database import Database
from studio.library.jobs import SqliteJobs
from studio.library.migrations import MIGRATIONS


def test_notes_are_whole_and_belong_to_a_part_of_a_job(library: Library) -> None:
    book: ReceiptBook = library.receipts
    one: Receipts = book.of("job1").within("call-0")
    one.write("ticket", b"abc")
    one.write("ticket", b"abcd")
    assert one.read("ticket") == b"abcd"
    assert book.of("job1").within("call-1").read("ticket") is None
    assert book.of("job2").within("call-0").read("ticket") is None
    one.remove("ticket")
    one.remove("ticket")
    assert one.read("ticket") is None


@pytest.mark.parametrize("name", ["../up", "", "a/b", ".hidden", "x" * 99, "a\0b"])
def test_a_note_stays_in_its_folder(library: Library, name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        library.receipts.of("job1").write(name, b"x")


def test_money_is_set_aside_once_and_settled(library: Library) -> None:
    call = library.receipts.of("job1").within("call-0")
    call.reserve("stability", 0.03, None)
    call.reserve("stability", 0.03, None)  # the same call after a crash
    (spent,) = library.receipts.spent()
    assert (spent.amount, spent.calls, spent.uncertain) == (0.03, 1, 1)
    call.settle(0.05, "provider")
    (spent,) = library.receipts.spent()
    assert (spent.amount, spent.uncertain, spent.day) == (0.05, 0, time.strftime("%Y-%m-%d"))


def test_what_was_not_billed_leaves_the_ledger_and_what_was_settled_stays(library: Library) -> None:
    call = library.receipts.of("job1").within("call-0")
    call.reserve("a", 1.0, None)
    call.release()
    assert library.receipts.spent() == []
    call.reserve("a", 1.0, None)
    call.settle(1.0, "table")
    call.release()
    call.clear()
    call.reserve("a", 1.0, None)  # a new call of the same part
    assert library.receipts.spent()[0].calls == 2


def test_a_budget_is_for_a_day_and_all_providers_and_holds_against_a_rush(library: Library) -> None:
    def spend(number: int) -> bool:
        try:
            library.receipts.of(f"job{number}").within("call-0").reserve(f"p{number % 3}", 0.1, 1.0)
        except OverBudget:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(spend, range(40))) == 10
    assert sum(spent.amount for spent in library.receipts.spent()) == pytest.approx(1.0)
    with pytest.raises(OverBudget, match=r"budget of \$1\.00 would be overrun"):
        library.receipts.of("job99").within("call-0").reserve("p", 0.1, 1.0)


def test_an_unknown_price_is_counted_apart(library: Library) -> None:
    library.receipts.of("job1").within("call-0").reserve("a", None, 1.0)
    (spent,) = library.receipts.spent()
    assert (spent.amount, spent.calls, spent.unpriced) == (0, 1, 1)


def test_a_person_forgives_calls_of_unknown_end_and_nothing_else(library: Library) -> None:
    book = library.receipts
    unsure, ordered = book.of("job1").within("call-0"), book.of("job1").within("call-1")
    for call in (unsure, ordered):
        call.reserve("a", 0.5, None)
    unsure.write("sending", b"12:00:00")
    ordered.write("ticket", b"t")
    book.forgive("job1")
    assert unsure.read("sending") is None
    assert ordered.read("ticket") == b"t"
    unsure.reserve("a", 0.5, None)
    ordered.reserve("a", 0.5, None)
    assert book.spent()[0].calls == 3  # the unsure one may have been billed: it stays


def test_receipts_are_forgotten_with_the_job_and_the_ledger_is_not(library: Library, tmp_path: Path) -> None:
    call = library.receipts.of("job1").within("call-0")
    call.reserve("a", 0.5, None)
    library.receipts.forget("job1")
    library.receipts.forget("never there")
    assert list((tmp_path / "data" / "receipts").iterdir()) == []
    assert library.receipts.spent()[0].calls == 1


def test_jobs_of_an_older_studio_keep_order_history_and_pictures(tmp_path: Path) -> None:
    """A database of version 0.3 is brought up to date: jobs know their backend, events stay, nothing is lost."""
    data = tmp_path / "data"
    data.mkdir()
    older = sqlite3.connect(data / "studio.sqlite", isolation_level=None)
    older.execute("PRAGMA foreign_keys = ON")
    older.execute("CREATE TABLE migration (name TEXT PRIMARY KEY, applied REAL NOT NULL)")
    for step in MIGRATIONS[:5]:
        step(older)
        older.execute("INSERT INTO migration VALUES (?, 0)", (step.__name__,))
    for number, state in enumerate(("done", "queued", "failed", "queued"), 1):
        older.execute(
            "INSERT INTO job (id, request, lane, place, created, changed) VALUES (?, ?, 'interactive', ?, 1, 1)",
            (f"job{number}", '{"model": "local:starter", "prompt": "p"}', number),
        )
        older.execute("UPDATE job SET state = ? WHERE id = ?", (state, f"job{number}"))
    older.close()
    with Database(data) as database:
        jobs = SqliteJobs(database)
        assert [job.id for job in jobs.find(active=True)] == ["job2", "job4"]
        assert [event.state for event in jobs.events("job1")] == ["queued", "done"]
        assert jobs.lines() == {"local": 2}
        jobs.advance("job2", "needs_review")
        assert jobs.get("job2").is_over
        assert [event.state for event in jobs.events("job2")][-1] == "needs_review"
    with Database(data) as database:  # a second opening changes nothing
        assert len(SqliteJobs(database).find()) == 4


def test_each_backend_has_a_line_of_its_own(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        jobs = library.jobs
        for model in ("local:a", "far:b", "local:c", "far:d", "far:e"):
            jobs.add(a_request(model, model=model), "interactive")
        placed = {job.request.prompt: job.position for job in jobs.find(active=True)}
        assert placed == {"local:a": 1, "local:c": 2, "far:b": 1, "far:d": 2, "far:e": 3}
        last = next(job for job in jobs.find(active=True) if job.request.prompt == "far:e")
        jobs.move(last.id, 1)
        assert jobs.claim("w", only="far").request.prompt == "far:e"
        assert jobs.claim("w", without=["far"]).request.prompt == "local:a"
        assert jobs.claim("w", only="nobody") is None
        assert jobs.claim("w", only="far", lanes=["batch"]) is None
        assert jobs.lines() == {"local": 1, "far": 2}
