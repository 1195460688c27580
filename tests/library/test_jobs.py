from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from time import sleep

import pytest
from kept_builders import a_request

from studio.core.errors import InvalidRequest
from studio.core.job import ENDED, Job, Progress
from studio.core.ports import JobStore
from studio.library.database import Database
from studio.library.jobs import SqliteJobs, new_job_id


def line(jobs: SqliteJobs) -> list[tuple[str, int | None]]:
    return [(job.request.prompt, job.position) for job in jobs.find(active=True)]


def claimed(jobs: SqliteJobs, worker: str = "worker") -> Job:
    job = jobs.claim(worker)
    assert job is not None
    return job


def test_the_store_is_the_engines_job_store(jobs: SqliteJobs) -> None:
    store: JobStore = jobs
    assert store.find() == []


def test_a_job_comes_back_with_its_whole_request_after_a_restart(tmp_path: Path) -> None:
    request = a_request(
        "日本 😀\nline two", options={"a": [1, {"b": None}]}, user="ann", preset="night", negative_prompt="x"
    )
    with Database(tmp_path) as database:
        added = SqliteJobs(database).add(request, "interactive")
    with Database(tmp_path) as database:
        job = SqliteJobs(database).get(added.id)
    assert job == added
    assert job.request == request
    assert (job.state, job.position, job.attempts) == ("queued", 1, 0)


def test_interactive_jobs_run_before_batch_jobs_and_each_lane_in_order(jobs: SqliteJobs) -> None:
    for prompt, lane in (("b1", "batch"), ("i1", "interactive"), ("b2", "batch"), ("i2", "interactive")):
        jobs.add(a_request(prompt), lane)
    assert line(jobs) == [("i1", 1), ("i2", 2), ("b1", 3), ("b2", 4)]
    assert [claimed(jobs).request.prompt for _ in range(4)] == ["i1", "i2", "b1", "b2"]
    assert jobs.claim("worker") is None


def test_running_jobs_are_listed_first_and_have_no_position(jobs: SqliteJobs) -> None:
    for prompt in "abc":
        jobs.add(a_request(prompt), "interactive")
    first = claimed(jobs)
    assert (first.state, first.position) == ("running", None)
    assert line(jobs) == [("a", None), ("b", 1), ("c", 2)]
    jobs.advance(first.id, "delayed", message="disk full")
    assert line(jobs) == [("b", 1), ("c", 2), ("a", None)]


def test_a_worker_that_starts_again_finds_the_job_it_left(jobs: SqliteJobs) -> None:
    for prompt in "abcd":
        jobs.add(a_request(prompt), "interactive")
    first, other, second = claimed(jobs, "one"), claimed(jobs, "two"), claimed(jobs, "one")
    assert jobs.unfinished("one") == [first, second]
    jobs.advance(first.id, "delayed", message="disk full")
    assert jobs.unfinished("one") == [jobs.get(first.id), second]
    jobs.advance(first.id, "done")
    assert jobs.unfinished("one") == [second]
    jobs.advance(second.id, "failed")
    assert jobs.unfinished("one") == []
    assert jobs.unfinished("two") == [other]


def test_all_jobs_are_listed_newest_first(jobs: SqliteJobs) -> None:
    ids = [jobs.add(a_request(), "batch").id for _ in range(5)]
    jobs.advance(ids[1], "failed")
    assert [job.id for job in jobs.find()] == ids[::-1]
    assert [job.id for job in jobs.find(limit=2)] == ids[:2:-1]


@pytest.mark.parametrize(("place", "expected"), [(1, "cabd"), (2, "acbd"), (3, "abcd"), (99, "abdc"), (-4, "cabd")])
def test_a_queued_job_moves_within_its_lane(jobs: SqliteJobs, place: int, expected: str) -> None:
    ids = {prompt: jobs.add(a_request(prompt), "batch").id for prompt in "abcd"}
    jobs.add(a_request("i"), "interactive")
    jobs.move(ids["c"], place)
    assert "".join(prompt for prompt, _ in line(jobs)) == "i" + expected
    jobs.add(a_request("z"), "batch")
    assert line(jobs)[-1] == ("z", 6)


def test_a_running_job_does_not_move(jobs: SqliteJobs) -> None:
    for prompt in "abc":
        jobs.add(a_request(prompt), "batch")
    first = claimed(jobs)
    jobs.move(first.id, 2)
    assert line(jobs) == [("a", None), ("b", 1), ("c", 2)]


def test_a_paused_queue_gives_out_nothing(jobs: SqliteJobs) -> None:
    jobs.add(a_request(), "interactive")
    jobs.pause(True)
    assert (jobs.paused(), jobs.claim("worker")) == (True, None)
    jobs.pause(False)
    assert jobs.paused() is False
    assert claimed(jobs).state == "running"


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked(jobs: SqliteJobs) -> None:
    running, queued = jobs.add(a_request(), "batch"), jobs.add(a_request(), "batch")
    jobs.claim("worker")
    cancelled = jobs.request_cancel(queued.id)
    assert (cancelled.state, cancelled.error_code, cancelled.is_over) == ("cancelled", "cancelled", True)
    assert jobs.cancel_requested(running.id) is False
    asked = jobs.request_cancel(running.id)
    assert (asked.state, asked.cancel_requested, jobs.cancel_requested(running.id)) == ("running", True, True)
    assert [event.state for event in jobs.events(running.id)] == ["queued", "running"]


@pytest.mark.parametrize("state", sorted(ENDED))
def test_a_job_that_is_over_never_changes(jobs: SqliteJobs, state: str) -> None:
    job = jobs.add(a_request(), "interactive")
    over = jobs.advance(job.id, state, message="the end", error_code="code", records=["r1"])
    for _ in range(2):
        jobs.advance(job.id, "running", message="again")
        jobs.report(job.id, Progress(step=9, steps=9))
        jobs.request_cancel(job.id)
        jobs.move(job.id, 1)
    assert jobs.get(job.id) == over
    assert over.ended is not None
    assert [event.message for event in jobs.events(job.id)] == ["", "the end"]


def test_a_retried_job_is_queued_at_the_end_as_if_new(jobs: SqliteJobs) -> None:
    job = jobs.add(a_request("a"), "batch")
    jobs.claim("worker")
    jobs.begin(job.id)
    jobs.report(job.id, Progress(phase="denoising", step=5, steps=20, eta=1.5))
    jobs.request_cancel(job.id)
    jobs.advance(job.id, "cancelled", message="stopped", error_code="cancelled")
    jobs.add(a_request("b"), "batch")
    again = jobs.retry(job.id)
    assert again == Job(id=job.id, request=job.request, state="queued", lane="batch", position=2, created=job.created)
    assert [event.state for event in jobs.events(job.id)] == ["queued", "running", "cancelled", "queued"]


@pytest.mark.parametrize("state", ["done", "running", "queued", "delayed"])
def test_only_a_job_that_ended_badly_is_retried(jobs: SqliteJobs, state: str) -> None:
    job = jobs.add(a_request(), "batch")
    before = jobs.advance(job.id, state, message="here")
    assert jobs.retry(job.id) == before


def test_a_retry_may_ask_for_something_smaller(jobs: SqliteJobs) -> None:
    job = jobs.add(a_request(), "interactive")
    jobs.advance(job.id, "failed", message="Too large.", error_code="out_of_memory", facts={"smaller": {"title": "x"}})
    smaller = replace(job.request, options={"memory": "full, tiled"})
    again = jobs.retry(job.id, smaller)
    assert (again.state, again.request, dict(again.facts)) == ("queued", smaller, {})
    jobs.advance(job.id, "done")
    assert jobs.retry(job.id, job.request).request == smaller


def test_progress_is_kept_while_the_job_runs_and_starts_anew_with_each_attempt(jobs: SqliteJobs) -> None:
    job = jobs.add(a_request(), "batch")
    progress = Progress(phase="denoising", step=5, steps=20, eta=1.5)
    jobs.report(job.id, progress)
    assert jobs.find()[0].progress == Progress()
    jobs.claim("worker")
    jobs.report(job.id, progress)
    assert jobs.find()[0].progress == progress
    assert (jobs.begin(job.id), jobs.begin(job.id)) == (1, 2)
    assert jobs.find()[0].progress == Progress()


def test_a_job_put_back_keeps_its_place(jobs: SqliteJobs) -> None:
    job = jobs.add(a_request("a"), "batch")
    jobs.claim("worker")
    jobs.add(a_request("b"), "batch")
    back = jobs.advance(job.id, "queued", message="the worker ended")
    assert (back.position, back.started) == (1, None)


def test_records_of_a_job_stay_when_none_are_named(jobs: SqliteJobs) -> None:
    job = jobs.add(a_request(), "batch")
    jobs.advance(job.id, "delayed", records=["r1", "r2"])
    assert jobs.advance(job.id, "done").records == ("r1", "r2")


def test_an_unknown_job_is_named_in_a_sentence(jobs: SqliteJobs) -> None:
    assert jobs.get("nobody") is None
    assert jobs.cancel_requested("nobody") is False
    assert jobs.events("nobody") == []
    for act in (
        jobs.begin,
        jobs.retry,
        jobs.request_cancel,
        lambda id: jobs.advance(id, "done"),
        lambda id: jobs.move(id, 1),
    ):
        with pytest.raises(InvalidRequest, match="There is no job “nobody”"):
            act("nobody")


def test_job_ids_sort_by_time_and_are_safe_file_names() -> None:
    ids = []
    for _ in range(4):
        ids.append(new_job_id())
        sleep(0.003)
    assert ids == sorted(ids)
    assert len({new_job_id() for _ in range(500)}) == 500
    assert all(len(id) == 15 and id.isalnum() and id == id.lower() for id in ids)


def claim_all(data: str) -> list[str]:
    taken = []
    with Database(Path(data)) as database:
        jobs = SqliteJobs(database)
        while job := jobs.claim("worker"):
            taken.append(job.id)
            jobs.advance(job.id, "done")
    return taken


@pytest.mark.slow
def test_four_processes_claim_two_hundred_jobs_and_none_twice(tmp_path: Path) -> None:
    with Database(tmp_path) as database:
        jobs = SqliteJobs(database)
        added = {jobs.add(a_request(str(number)), "batch").id for number in range(200)}
        with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
            taken = list(pool.map(claim_all, [str(tmp_path)] * 4))
        everything = [id for part in taken for id in part]
        assert sorted(everything) == sorted(added)
        assert {job.state for job in jobs.find(limit=300)} == {"done"}
        assert all([event.state for event in jobs.events(id)] == ["queued", "running", "done"] for id in added)
