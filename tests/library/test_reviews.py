"""Human review: the queue, claims, decisions that do not collide, and undo."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from kept_builders import a_draft

from studio.core.errors import InvalidRequest
from studio.core.ports import Reviews
from studio.core.result import Record
from studio.library import Library, open_library


def a_record(library: Library, number: int = 0, status: str = "pending", job: str = "job1") -> Record:
    """A kept picture that waits; the number is the second it was made in."""
    library.keeper.hold([a_draft(number, job=f"{job}-{number}")])
    (record,) = library.keeper.keep(f"{job}-{number}")
    library.database.change("UPDATE record SET review_status = ? WHERE id = ?", (status, record.id))
    return replace(record, review_status=status)


def status(library: Library, record: Record) -> str:
    found = library.records.record(record.id)
    assert found is not None
    return found.review_status


def test_the_store_is_the_engines_reviews(library: Library) -> None:
    reviews: Reviews = library.reviews
    assert (reviews.waiting(), reviews.count(), reviews.undo("ann"), reviews.history("x")) == ([], 0, None, [])


def test_what_waits_comes_oldest_first_and_escalated_last_page_by_page(library: Library) -> None:
    states = {3: "pending", 1: "escalated", 2: "pending", 5: "not_needed", 4: "approved", 6: "rejected", 7: "pending"}
    for number, state in states.items():
        a_record(library, number, state)
    gone = a_record(library, 0)
    library.trash.delete(gone.id)
    ids = [f"job1-{number}-{number}" for number in (2, 3, 7, 1)]
    assert [record.id for record in library.reviews.waiting()] == ids
    assert library.reviews.count() == 4
    pages, before = [], None
    while page := library.reviews.waiting(3, before):
        pages.append([record.id for record in page])
        before = page[-1].id
    assert pages == [ids[:3], ids[3:]]
    library.trash.restore(gone.id)
    assert library.reviews.waiting()[0].id == gone.id


def test_a_decision_changes_the_record_and_stands_in_the_history(library: Library) -> None:
    record = a_record(library)
    made = library.reviews.decide(record.id, "approved", "ann", "fine")
    assert (made.record, made.status, made.before, made.reviewer, made.note) == (
        record.id,
        "approved",
        "pending",
        "ann",
        "fine",
    )
    assert status(library, record) == "approved"
    assert library.reviews.history(record.id) == [made]
    assert library.reviews.waiting() == []


def test_what_one_reviewer_holds_another_can_neither_take_nor_decide(library: Library) -> None:
    record = a_record(library)
    assert library.reviews.claim(record.id, "ann") == "ann"
    assert library.reviews.claim(record.id, "bob") == "ann"
    with pytest.raises(InvalidRequest, match=r"ann is looking at this picture until \d\d:\d\d:\d\d\. Take the next one\."):
        library.reviews.decide(record.id, "rejected", "bob")
    assert library.reviews.claim(record.id, "ann") == "ann"
    library.reviews.decide(record.id, "escalated", "ann")
    assert library.reviews.claim(record.id, "bob") == "bob"
    library.reviews.decide(record.id, "approved", "bob")
    assert [entry.reviewer for entry in library.reviews.history(record.id)] == ["ann", "bob"]


def test_a_claim_runs_out_by_itself(library: Library) -> None:
    record = a_record(library)
    library.reviews.claim(record.id, "ann", seconds=0.05)
    threading.Event().wait(0.1)
    assert library.reviews.claim(record.id, "bob") == "bob"
    with pytest.raises(InvalidRequest, match="bob is looking"):
        library.reviews.decide(record.id, "approved", "ann")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [("not_needed", "does not wait for a review"), ("approved", "does not wait for a review")],
)
def test_what_does_not_wait_is_not_decided(library: Library, state: str, sentence: str) -> None:
    record = a_record(library, status=state)
    with pytest.raises(InvalidRequest, match=sentence):
        library.reviews.decide(record.id, "rejected", "ann")


def test_what_somebody_has_decided_meanwhile_is_told_with_name_and_time(library: Library) -> None:
    record = a_record(library)
    library.reviews.decide(record.id, "escalated", "ann")
    with pytest.raises(InvalidRequest, match=r"ann has escalated this picture at \d\d:\d\d:\d\d\. Take the next one\."):
        library.reviews.decide(record.id, "escalated", "bob")
    library.reviews.decide(record.id, "rejected", "carl")
    with pytest.raises(InvalidRequest, match="carl has rejected this picture"):
        library.reviews.decide(record.id, "approved", "bob")


def test_a_deleted_or_unknown_picture_gives_a_sentence(library: Library) -> None:
    record = a_record(library)
    library.trash.delete(record.id)
    for act in (lambda id: library.reviews.decide(id, "approved", "ann"), lambda id: library.reviews.claim(id, "ann")):
        with pytest.raises(InvalidRequest, match="was deleted meanwhile"):
            act(record.id)
        with pytest.raises(InvalidRequest, match="no such picture"):
            act("nobody")


def test_undo_takes_back_ones_own_last_decision_and_then_the_one_before(library: Library) -> None:
    first, second = a_record(library, 1), a_record(library, 2)
    library.reviews.decide(first.id, "rejected", "ann")
    library.reviews.decide(second.id, "approved", "ann")
    undone = library.reviews.undo("ann")
    assert undone is not None
    assert (undone.record, undone.undone, status(library, second)) == (second.id, True, "pending")
    assert library.reviews.undo("bob") is None
    assert library.reviews.undo("ann") == library.reviews.history(first.id)[0]
    assert status(library, first) == "pending"
    assert library.reviews.undo("ann") is None
    library.reviews.decide(first.id, "approved", "bob")
    assert [(entry.status, entry.undone) for entry in library.reviews.history(first.id)] == [
        ("rejected", True), ("approved", False),
    ]  # fmt: skip


def test_a_decision_that_somebody_built_on_is_not_undone(library: Library) -> None:
    record = a_record(library)
    library.reviews.decide(record.id, "escalated", "ann")
    library.reviews.decide(record.id, "rejected", "bob")
    assert library.reviews.undo("ann") is None
    assert status(library, record) == "rejected"
    assert library.reviews.undo("bob") is not None
    assert status(library, record) == "escalated"
    assert library.reviews.undo("ann") is not None
    assert status(library, record) == "pending"


def test_of_twenty_threads_that_decide_at_once_exactly_one_does(library: Library) -> None:
    records = [a_record(library, number) for number in range(5)]
    ready, won, told = threading.Barrier(20), [], []

    def decide(name: str) -> None:
        for record in records:
            ready.wait()
            try:
                won.append(library.reviews.decide(record.id, "approved" if name < "h" else "rejected", name))
            except InvalidRequest as error:
                told.append(str(error))

    threads = [threading.Thread(target=decide, args=(chr(ord("a") + number),)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.record for entry in won) == [record.id for record in records]
    assert len(told) == 95
    assert {status(library, record) for record in records} <= {"approved", "rejected"}
    assert [library.reviews.history(record.id) for record in records] == [
        [entry for entry in won if entry.record == record.id] for record in records
    ]


def decide_all(data: str, outputs: str, name: str, ids: list[str]) -> list[str]:
    with open_library(Path(data), Path(outputs)) as library:
        won = []
        for id in ids:
            try:
                library.reviews.decide(id, "approved", name)
                won.append(id)
            except InvalidRequest:
                continue
        return won


@pytest.mark.slow
def test_of_two_processes_that_decide_the_same_pictures_exactly_one_does_each(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        ids = [a_record(library, number).id for number in range(30)]
    folders = str(tmp_path / "data"), str(tmp_path / "outputs")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        ann, bob = (pool.submit(decide_all, *folders, name, order) for name, order in (("ann", ids), ("bob", ids[::-1])))
        won = [*ann.result(), *bob.result()]
    assert sorted(won) == sorted(ids)
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert [len(library.reviews.history(id)) for id in ids] == [1] * 30
