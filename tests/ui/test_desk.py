"""The desk: what every page sees, whatever page it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import STARTER, FakeStudio
from PIL import Image

from studio.core.job import Job
from studio.core.request import ImageRequest, Sampling
from studio.ui.desk import Desk
from studio.ui.thumbs import Thumbs


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)
    yield studio
    studio.gate.set()
    studio.close()


@pytest.fixture
def desk(studio: FakeStudio, tmp_path: Path) -> Desk:
    return Desk(studio, Thumbs(tmp_path / "thumbs"), recent_every=0.0)


def a_request(prompt: str = "a fox", count: int = 1, steps: int = 2) -> ImageRequest:
    return ImageRequest(model=STARTER.id, prompt=prompt, count=count, sampling=Sampling(steps=steps, seed=1))


def until(desk: Desk, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The desk's news once they are as wanted."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        desk.touch()
        if wanted(news := desk.news()):
            return news
        time.sleep(0.02)
    raise AssertionError(f"never came: {desk.news()}")


def finished(desk: Desk, studio: FakeStudio, **asked: Any) -> Job:
    job = studio.submit(a_request(**asked))
    until(desk, lambda news: news["job"]["id"] == job.id and news["job"]["state"] in ("done", "failed"))
    found = studio.job(job.id)
    assert found
    return found


def test_an_empty_studio_invites(desk: Desk) -> None:
    news = desk.news()
    assert news["job"]["state"] == "idle"
    assert news["show"]["pictures"] == []
    assert "Nothing is waiting" in news["queue"]


def test_only_what_has_changed_is_sent_again(desk: Desk, studio: FakeStudio) -> None:
    seen = desk.news()["seen"]
    assert set(desk.news(seen)) == {"seen"}
    studio.pause(True)
    desk.touch()
    assert set(desk.news(seen)) == {"queue", "seen"}


def test_a_finished_job_shows_all_its_pictures_as_their_kept_files(desk: Desk, studio: FakeStudio) -> None:
    job = finished(desk, studio, count=3)
    shown = until(desk, lambda news: news["show"]["job"] == job.id)["show"]["pictures"]
    paths = [record.path for id in job.records if (record := studio.record(id))]
    assert [entry["src"] for entry in shown] == [f"/gradio_api/file={path}" for path in paths]


def test_a_running_job_has_a_preview_that_is_gone_when_it_is_over(desk: Desk, studio: FakeStudio) -> None:
    studio.step_seconds = 0.02
    job = studio.submit(a_request(steps=10))
    until(desk, lambda news: news["preview"]["src"].startswith("data:image/jpeg;base64,"))
    news = until(desk, lambda news: news["job"]["state"] == "done")
    assert news["job"]["id"] == job.id
    assert news["preview"]["src"] == ""


def test_the_card_shows_the_running_job_and_counts_those_that_wait(desk: Desk, studio: FakeStudio) -> None:
    studio.gate.clear()
    first = studio.submit(a_request("first"))
    for prompt in ("second", "third"):
        studio.submit(a_request(prompt))
    news = until(desk, lambda news: news["job"]["state"] == "running")
    assert news["job"]["id"] == first.id
    assert "2 more waiting" in news["job"]["detail"]
    assert news["queue"].index("first") < news["queue"].index("second") < news["queue"].index("third")


def test_jobs_are_moved_cancelled_paused_and_tried_again_from_the_queue(desk: Desk, studio: FakeStudio) -> None:
    desk.act({"do": "pause"})
    jobs = [studio.submit(a_request(prompt)) for prompt in ("one", "two", "three")]
    desk.act({"do": "move", "id": jobs[2].id, "place": 1})
    assert [job.request.prompt for job in studio.jobs()] == ["three", "one", "two"]
    desk.act({"do": "cancel", "id": jobs[0].id})
    assert [job.request.prompt for job in studio.jobs()] == ["three", "two"]
    desk.act({"do": "retry", "id": jobs[0].id})
    assert len(studio.jobs()) == 3
    desk.act({"do": "resume"})
    until(desk, lambda news: not studio.jobs())


def test_a_button_the_studio_does_not_know_is_answered_with_a_sentence(desk: Desk) -> None:
    assert desk.act({"do": "format disk"}).endswith(".")


def test_a_failed_job_stays_in_the_queue_panel_with_its_sentence(desk: Desk, studio: FakeStudio) -> None:
    finished(desk, studio, prompt="fail & <b>burn</b>")
    queue = desk.news()["queue"]
    assert "The device&#x27;s memory does not suffice" in queue
    assert "fail &amp; &lt;b&gt;burn&lt;/b&gt;" in queue
    assert 'data-do="retry"' in queue


def test_a_missing_file_is_shown_as_missing_and_its_record_still_tells(desk: Desk, studio: FakeStudio) -> None:
    job = finished(desk, studio)
    record = studio.record(job.records[0])
    assert record
    assert record.path
    record.path.unlink()
    news = until(desk, lambda news: "tile gone" in news["recent"])
    assert news["show"]["pictures"] == []
    details = desk.details(record.id)
    assert "The file is gone" in details
    assert 'id="download"' not in details
    assert record.sha256 in details


def test_details_tell_everything_and_escape_what_a_user_wrote(desk: Desk, studio: FakeStudio) -> None:
    job = finished(desk, studio, prompt='<img src=x onerror="alert(1)">')
    details = desk.details(job.records[0])
    for word in ("Seed", "Steps", "Guidance", "Sampler", "Size", "Took", "Device", "File", "SHA-256", "Starter"):
        assert word in details
    assert "<img" not in details
    assert "<img src=x" not in desk.news()["recent"]


def test_details_of_an_unknown_picture_are_empty(desk: Desk) -> None:
    assert desk.details("nothing") == ""


def test_a_large_picture_gets_a_small_copy_in_the_private_folder(tmp_path: Path, desk: Desk, studio: FakeStudio) -> None:
    path = tmp_path / "outputs" / "large.png"
    job = finished(desk, studio)
    Image.new("RGB", (1024, 512), "navy").save(path)
    studio.change_record(job.records[0], path=path, width=1024, height=512)
    news = until(desk, lambda news: ".webp" in news["recent"])
    (copy,) = (tmp_path / "thumbs").glob("*.webp")
    assert str(copy) in news["recent"]
    with Image.open(copy) as image:
        assert image.size == (256, 128)
