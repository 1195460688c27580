"""Jobs through real worker processes: done, cancelled, killed, delayed, never lost and never twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from examining import verifying
from PIL import Image
from toy_backend import MODEL, ToyBackend

from studio.core.errors import InvalidRequest, Unavailable
from studio.core.job import Job
from studio.core.request import ImageRequest, Sampling
from studio.engine.process import WorkerProcess
from studio.engine.queue import Tickets
from studio.engine.running import MAX_ATTEMPTS
from studio.engine.studio import Shelf, Studio
from studio.library import open_library

pytestmark = pytest.mark.slow
WORKER = Path(__file__).with_name("toy_worker.py")


class Place:
    """A data and an outputs folder, and studios that open on them."""

    def __init__(self, folder: Path) -> None:
        self.data, self.outputs = folder / "data", folder / "outputs"
        self.outputs.mkdir()
        self._open: list[tuple[Studio, object]] = []

    def studio(self) -> Studio:
        library = open_library(self.data, self.outputs)
        command = [sys.executable, str(WORKER), str(self.data), str(self.outputs)]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        studio = Studio(
            backends=(ToyBackend(),),
            shelf=Shelf(
                jobs=library.jobs,
                records=library.records,
                drafts=library.drafts,
                sources=library.sources,
                receipts=library.receipts,
            ),
            tickets=Tickets(self.data),
            outputs=self.outputs,
            verifying=verifying(library.records, self.data),
            worker=lambda heard: WorkerProcess(command, environment, self.data / "worker.log", heard),
        )
        studio.open()
        self._open.append((studio, library))
        return studio

    def close(self) -> None:
        for studio, library in self._open:
            studio.close()
            library.close()
        self._open.clear()

    def files(self) -> list[Path]:
        return sorted(self.outputs.rglob("*.png"))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def a_request(prompt: str = "a dog", seed: int = 7, **fields: object) -> ImageRequest:
    return ImageRequest(model=MODEL.id, prompt=prompt, sampling=Sampling(seed=seed), **fields)


def until(studio: Studio, id: str, right: Callable[[Job], bool], patience: float = 60) -> Job:
    """The job as soon as it is right. Asked again and again: a job of a worker that does not start never changes."""
    deadline = time.monotonic() + patience
    while (job := studio.job(id)) and not right(job):
        assert not job.is_over, job
        assert time.monotonic() < deadline, job
        time.sleep(0.02)
    assert job is not None
    return job


def over(job: Job) -> bool:
    return job.is_over


def drawing(job: Job) -> bool:
    return job.progress.phase == "denoising" and job.progress.step > 1


def kill_worker(studio: Studio) -> None:
    process = studio._worker
    assert process is not None
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)


def test_a_job_ends_as_files_with_records(place: Place) -> None:
    studio = place.studio()
    job = until(studio, studio.submit(a_request(count=2)).id, over)
    assert job.state == "done"
    records = [studio.record(id) for id in job.records]
    assert {record.path for record in records} == set(place.files())
    assert [record.seed for record in records] == [7, 8]


def test_previews_reach_the_watcher_and_no_file(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("60 steps"))
    previews = {snapshot.preview for snapshot in studio.watch(job.id) if snapshot.preview}
    assert previews
    assert all(preview.startswith(b"\xff\xd8") for preview in previews)
    assert len([file for file in place.outputs.rglob("*") if file.is_file()]) == 1
    assert not list(place.data.rglob("*.jpg"))


def test_a_running_job_is_cancelled_within_a_step(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("2000 steps"))
    until(studio, job.id, drawing)
    studio.cancel(job.id)
    assert until(studio, job.id, over).state == "cancelled"
    assert place.files() == []
    assert until(studio, studio.submit(a_request()).id, over).state == "done"


def test_a_waiting_job_is_cancelled_at_once_and_the_others_move_up(place: Place) -> None:
    studio = place.studio()
    running = studio.submit(a_request("2000 steps"))
    until(studio, running.id, drawing)
    second, third = studio.submit(a_request()), studio.submit(a_request())
    assert studio.cancel(second.id).state == "cancelled"
    assert studio.job(third.id).position == 1
    studio.cancel(running.id)
    assert until(studio, third.id, over).state == "done"


def test_interactive_work_goes_before_batch_work_and_places_can_be_changed(place: Place) -> None:
    studio = place.studio()
    studio.pause(True)
    batch = studio.submit(a_request("batch"), lane="batch")
    first, second = studio.submit(a_request("first")), studio.submit(a_request("second"))
    assert [studio.job(job.id).position for job in (first, second, batch)] == [1, 2, 3]
    studio.move(second.id, 1)
    assert [job.id for job in studio.jobs()] == [second.id, first.id, batch.id]
    studio.pause(False)
    ended = [until(studio, job.id, over) for job in (second, first, batch)]
    assert [job.id for job in sorted(ended, key=lambda job: job.ended)] == [second.id, first.id, batch.id]


def test_while_paused_nothing_is_begun(place: Place) -> None:
    studio = place.studio()
    until(studio, studio.submit(a_request()).id, over)
    studio.pause(True)
    job = studio.submit(a_request())
    time.sleep(1)
    assert studio.job(job.id).state == "queued"
    studio.pause(False)
    assert until(studio, job.id, over).state == "done"


def test_a_worker_killed_in_mid_picture_draws_it_again_and_keeps_it_once(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("50 steps"))
    until(studio, job.id, drawing)
    kill_worker(studio)
    ended = until(studio, job.id, over)
    assert (ended.state, ended.attempts) == ("done", 2)
    assert len(place.files()) == len(ended.records) == 1


def test_a_job_that_kills_its_worker_fails_with_a_sentence_and_the_next_one_runs(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("die, 9 steps"))
    after = studio.submit(a_request())
    ended = until(studio, job.id, over, patience=120)
    assert (ended.state, ended.error_code) == ("failed", "engine_died")
    assert "smaller size" in ended.message
    assert until(studio, after.id, over).state == "done"


def test_a_closed_studio_leaves_its_job_for_the_next_start(place: Place) -> None:
    studio = place.studio()
    running, waiting = studio.submit(a_request("100 steps")), studio.submit(a_request())
    until(studio, running.id, drawing)
    place.close()
    again = place.studio()
    assert until(again, running.id, over).state == "done"
    assert until(again, waiting.id, over).state == "done"
    assert len(place.files()) == 2


def test_closing_the_studio_often_in_mid_job_does_not_count_against_the_job(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("150 steps"))
    for _ in range(MAX_ATTEMPTS + 1):
        until(studio, job.id, drawing)
        place.close()
        studio = place.studio()
    ended = until(studio, job.id, over)
    assert (ended.state, ended.attempts) == ("done", 1)


def test_a_second_studio_on_the_same_folder_waits_behind_the_first_and_takes_over(place: Place) -> None:
    first = place.studio()
    until(first, first.submit(a_request()).id, over)
    second = place.studio()
    job = second.submit(a_request("30 steps"))
    assert until(second, job.id, over).state == "done"
    first.close()
    assert until(second, second.submit(a_request()).id, over).state == "done"
    assert len(place.files()) == 3


def test_an_unknown_error_is_a_sentence_and_the_worker_lives_on(place: Place) -> None:
    studio = place.studio()
    ended = until(studio, studio.submit(a_request("blow up")).id, over)
    assert (ended.state, ended.error_code) == ("failed", "unexpected")
    assert "secret" not in ended.message
    assert studio.worker().restarts == 0
    assert until(studio, studio.submit(a_request()).id, over).state == "done"


def test_out_of_memory_carries_the_plan_that_fits(place: Place) -> None:
    studio = place.studio()
    ended = until(studio, studio.submit(a_request("no memory")).id, over)
    assert (ended.state, ended.error_code) == ("failed", "out_of_memory")
    assert "32 × 32 would fit" in ended.message


def test_a_failed_job_can_be_tried_again_with_the_same_seed(place: Place) -> None:
    studio = place.studio()
    failed = until(studio, studio.submit(a_request("no memory", seed=99)).id, over)
    again = studio.retry(failed.id)
    assert again.request == failed.request
    assert until(studio, again.id, over).error_code == "out_of_memory"
    assert [event.state for event in studio._shelf.jobs.events(failed.id)].count("queued") == 2


def test_a_worker_stuck_in_loading_is_started_anew_when_its_job_is_cancelled(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("load slowly"))
    until(studio, job.id, lambda job: job.progress.phase == "loading")
    studio.cancel(job.id)
    assert until(studio, job.id, over, patience=30).state == "cancelled"
    assert until(studio, studio.submit(a_request()).id, over).state == "done"


def test_a_folder_that_cannot_be_written_delays_the_job_until_it_can(place: Place) -> None:
    studio = place.studio()
    until(studio, studio.submit(a_request()).id, over)
    aside = place.outputs.rename(place.outputs.with_name("aside"))
    place.outputs.write_text("a file stands where the folder should be")
    job = studio.submit(a_request())
    delayed = until(studio, job.id, lambda job: job.state == "delayed")
    assert delayed.message
    place.outputs.unlink()
    aside.rename(place.outputs)
    assert until(studio, job.id, over).state == "done"
    assert len(place.files()) == 2


def test_a_delayed_picture_can_be_given_up(place: Place) -> None:
    studio = place.studio()
    place.outputs.rmdir()
    place.outputs.write_text("in the way")
    job = studio.submit(a_request())
    until(studio, job.id, lambda job: job.state == "delayed")
    studio.cancel(job.id)
    assert until(studio, job.id, over).state == "cancelled"
    assert not list(place.data.rglob("*.png"))


def test_a_bad_request_is_refused_before_it_is_a_job(place: Place) -> None:
    studio = place.studio()
    with pytest.raises(InvalidRequest, match="prompt is empty"):
        studio.submit(a_request("   "))
    assert studio.jobs(active=False) == []


def test_closing_a_watch_stops_nothing(place: Place) -> None:
    studio = place.studio()
    job = studio.submit(a_request("30 steps"))
    watching = studio.watch(job.id)
    next(watching)
    watching.close()
    assert until(studio, job.id, over).state == "done"
    assert threading.active_count() < 30


def test_a_worker_that_cannot_start_says_so_and_where_the_log_is(tmp_path: Path) -> None:
    changed = threading.Event()
    process = WorkerProcess(
        [sys.executable, "-c", "raise SystemExit(3)"], {}, tmp_path / "w.log", lambda event: changed.set()
    )
    process.start()
    end = time.monotonic() + 30
    while process.status.state != "down":
        assert time.monotonic() < end, process.status
        changed.wait(1)
        changed.clear()
    process.stop()
    assert "doctor" in process.status.message
    assert str(tmp_path / "w.log") in process.status.message
    assert process.status.restarts == 3


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs Linux and root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def test_a_disk_that_runs_full_in_mid_picture_loses_nothing(small_disk: Path) -> None:
    place = Place(small_disk)
    studio = place.studio()
    until(studio, studio.submit(a_request("warm up")).id, over)
    job = studio.submit(a_request("80 steps"))
    until(studio, job.id, drawing)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        fill(filler)
    time.sleep(5)
    assert not studio.job(job.id).is_over
    assert len(place.files()) == 1
    filler.unlink()
    assert until(studio, job.id, over).state == "done"
    assert len(place.files()) == 2
    assert until(studio, studio.submit(a_request()).id, over).state == "done"
    place.close()


def test_a_damaged_queue_file_is_made_anew_and_every_waiting_job_still_runs(place: Place) -> None:
    studio = place.studio()
    studio.pause(True)
    waiting = studio.submit(a_request())
    place.close()
    for side in place.data.glob("queue.sqlite-*"):
        side.unlink()
    (place.data / "queue.sqlite").write_bytes(b"this is no database" * 500)
    again = place.studio()
    again.pause(False)
    assert until(again, waiting.id, over).state == "done"


def wait_until_ready(studio: Studio) -> None:
    end = time.monotonic() + 60
    while studio.worker().state != "ready" and time.monotonic() < end:
        time.sleep(0.02)


def test_the_worker_answers_beside_its_drawing(place: Place) -> None:
    studio = place.studio()
    wait_until_ready(studio)
    (status,) = studio.detectors()
    assert (status.name, status.by_default) == ("brightness", True)
    path = place.outputs / "a.png"
    Image.new("RGB", (32, 32), "white").save(path)
    found = studio.examine(path.read_bytes(), "a.png")
    assert [(score.detector, score.raw) for score in found.scores] == [("brightness", 255.0)]
    assert studio.examine(path.read_bytes(), "a.png", ("none",)).scores == ()


def test_a_question_that_cannot_be_answered_is_a_sentence(place: Place) -> None:
    studio = place.studio()
    wait_until_ready(studio)
    assert studio._worker is not None
    with pytest.raises(Unavailable, match="could not answer"):
        studio._worker.ask("nonsense", 10)
    assert studio._worker.pid is not None
    os.kill(studio._worker.pid, signal.SIGSTOP)
    with pytest.raises(Unavailable, match="did not answer"):
        studio._worker.ask("detectors", 0.2)
    os.kill(studio._worker.pid, signal.SIGCONT)
    studio._worker.stop()
    with pytest.raises(Unavailable, match="not running"):
        studio._worker.ask("detectors", 10)
