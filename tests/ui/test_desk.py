"""The desk: what every page sees, whatever page it is."""

from __future__ import annotations

import html
import io
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import STARTER, FakeStudio
from PIL import Image

from studio.core.errors import Blocked
from studio.core.job import Job
from studio.core.request import ImageRequest, Inpaint, Outpaint, Sampling, Source, Task
from studio.ui.desk import Desk
from studio.ui.thumbs import Thumbs

pytestmark = pytest.mark.usefixtures("owner_asks")


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


def test_a_deleted_picture_leaves_the_strip_and_comes_back(desk: Desk, studio: FakeStudio) -> None:
    id = finished(desk, studio).records[0]
    assert 'data-do="delete"' in desk.details(id)
    assert desk.act({"do": "delete", "id": id}) == ""
    news = desk.news()
    assert (id in news["recent"], news["show"]["pictures"]) == (False, [])
    told = desk.details(id)
    assert "It is in the trash; what is known of it stays here." in told
    assert ('data-do="restore"' in told, 'data-do="delete"' in told, "a fox" in told) == (True, False, True)
    assert desk.act({"do": "restore", "id": id}) == ""
    assert id in desk.news()["recent"]


def test_the_details_tell_what_the_policy_said_and_a_waiting_picture_is_not_shared(desk: Desk, studio: FakeStudio) -> None:
    id = finished(desk, studio, prompt="flag a fox").records[0]
    told = html.unescape(desk.details(id))
    assert "<dt>Review</dt><dd>waits for a review; not shared until then</dd>" in told
    assert "nsfw (the picture): flagged · picture.nudity, score 0.82, falconsai 1" in told
    assert "waits for a review" in desk.share({"id": id})["problem"]
    studio.change_record(id, review_status="approved")
    assert "problem" not in desk.share({"id": id})


def test_words_that_the_policy_refused_are_not_tried_again_as_they_are(desk: Desk, studio: FakeStudio) -> None:
    with pytest.raises(Blocked):
        studio.submit(a_request("a forbidden scene"))
    news = desk.news()
    assert (news["job"]["state"], news["job"]["retry"]) == ("blocked", False)
    assert "a forbidden scene" in news["queue"]
    assert 'data-do="retry"' not in news["queue"]


def test_a_button_the_studio_does_not_know_is_answered_with_a_sentence(desk: Desk) -> None:
    assert desk.act({"do": "format disk"}).endswith(".")


def test_a_failed_job_stays_in_the_queue_panel_with_its_sentence(desk: Desk, studio: FakeStudio) -> None:
    finished(desk, studio, prompt="fail & <b>burn</b>")
    queue = desk.news()["queue"]
    assert "The device&#x27;s memory does not suffice" in queue
    assert "fail &amp; &lt;b&gt;burn&lt;/b&gt;" in queue
    assert 'data-do="retry"' in queue


def test_the_next_smaller_plan_is_one_click_away(desk: Desk, studio: FakeStudio) -> None:
    job = finished(desk, studio, prompt="fail in one piece")
    assert desk.news()["job"]["smaller"] == "Try again with “tiles”"
    assert desk.act({"do": "retry-smaller", "id": job.id}) == ""
    news = until(desk, lambda news: news["job"]["state"] == "done")
    assert (news["job"]["id"], news["job"]["smaller"]) == (job.id, "")
    assert studio.job(job.id).request.options == {"memory": "tiles"}


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
    (copy,) = (tmp_path / "thumbs").rglob("*.webp")
    assert str(copy) in news["recent"]
    with Image.open(copy) as image:
        assert image.size == (320, 160)


def a_source(studio: FakeStudio, image: Image.Image, record: str = "") -> Source:
    data = io.BytesIO()
    image.save(data, "PNG")
    return studio.add_source(data.getvalue(), "photo <b>.png", record)


def edited(desk: Desk, studio: FakeStudio, task: Task, prompt: str = "a fox") -> str:
    """The id of the picture that the task made."""
    sampling = Sampling(steps=1, seed=1)
    job = studio.submit(ImageRequest(model=STARTER.id, prompt=prompt, task=task, sampling=sampling))
    until(desk, lambda news: news["job"]["id"] == job.id and news["job"]["state"] == "done")
    found = studio.job(job.id)
    assert found
    return found.records[0]


def an_inpaint(studio: FakeStudio, record: str = "") -> Inpaint:
    mask = Image.new("L", (128, 96), 0)
    mask.paste(255, (40, 30, 80, 60))
    image = a_source(studio, Image.effect_noise((128, 96), 60).convert("RGB"), record)
    return Inpaint(image=image, mask=a_source(studio, mask))


def test_an_edited_picture_brings_what_it_was_made_from_to_the_stage(desk: Desk, studio: FakeStudio) -> None:
    task = an_inpaint(studio)
    id = edited(desk, studio, task)
    (shown,) = until(desk, lambda news: bool(news["show"]["pictures"]))["show"]["pictures"]
    assert (shown["before"]["left"], shown["before"]["width"]) == (0, 1)
    assert shown["before"]["src"].endswith(f"{task.image.sha256}.png")
    assert shown["id"] == id
    tile = re.search(r"data-before='([^']*)'", desk.news()["recent"])
    assert tile
    assert json.loads(html.unescape(tile[1])) == shown["before"]


def test_the_source_of_an_extended_picture_lies_in_its_place(desk: Desk, studio: FakeStudio) -> None:
    image = a_source(studio, Image.new("RGB", (100, 80), "red"))
    edited(desk, studio, Outpaint(image=image, left=60, right=40, up=20), prompt="")
    (shown,) = until(desk, lambda news: bool(news["show"]["pictures"]))["show"]["pictures"]
    place = shown["before"]
    assert (place["left"], place["top"], place["width"], place["height"]) == (0.3, 0.2, 0.5, 0.8)


def test_details_of_an_edit_tell_what_it_did_and_what_was_counted(desk: Desk, studio: FakeStudio) -> None:
    details = desk.details(edited(desk, studio, an_inpaint(studio)))
    for words in ("Inpaint", "Strength", "only masked", "0 of", "pixels outside the mask changed", "photo &lt;b&gt;.png"):
        assert words in details
    assert "<b>.png" not in details


def test_a_chain_is_shown_both_ways(desk: Desk, studio: FakeStudio) -> None:
    first = edited(desk, studio, an_inpaint(studio))
    second = edited(desk, studio, an_inpaint(studio, first))
    assert "Made from this one" in desk.details(first)
    assert f'data-picture="{second}"' in desk.details(first)
    assert f'data-picture="{first}"' in desk.details(second)
    assert "Made from this one" not in desk.details(second)


@pytest.mark.parametrize("make", [an_inpaint, lambda studio: Outpaint(image=an_inpaint(studio).image, left=64)])
def test_the_difference_is_dark_outside_the_mask(
    desk: Desk, studio: FakeStudio, tmp_path: Path, make: Callable[[FakeStudio], Task]
) -> None:
    answer = desk.difference(edited(desk, studio, make(studio)))
    assert answer["proof"].startswith("0 of ")
    with Image.open(next((tmp_path / "thumbs").glob("*-difference.webp"))) as heat:
        grey = heat.convert("L")
        assert grey.getpixel((heat.width - 4, heat.height - 4)) < 40
        assert grey.getextrema()[1] > 150


def test_a_difference_that_cannot_be_made_is_a_sentence(desk: Desk, studio: FakeStudio) -> None:
    job = finished(desk, studio)
    assert "words alone" in desk.difference(job.records[0])["problem"]
    task = an_inpaint(studio)
    id = edited(desk, studio, task)
    path = studio.source_path(task.image)
    assert path
    path.unlink()
    assert desk.difference(id)["problem"].endswith(".")
    assert "problem" in desk.difference("nothing")


def test_every_picture_can_be_sent_to_every_tab(studio: FakeStudio, tmp_path: Path) -> None:
    desk = Desk(studio, Thumbs(tmp_path / "thumbs"), recent_every=0.0, takers=(("inpaint", "Inpaint"), ("x", "Other <tab>")))
    job = finished(desk, studio)
    details = desk.details(job.records[0])
    assert f'data-choose="send" data-id="{job.records[0]}" data-to="inpaint"' in details
    assert "Other &lt;tab&gt;" in details


def test_the_queue_says_what_kind_of_work_waits(desk: Desk, studio: FakeStudio) -> None:
    studio.pause(True)
    task = Outpaint(image=a_source(studio, Image.new("RGB", (100, 80))), left=60)
    studio.submit(ImageRequest(model=STARTER.id, prompt="", task=task, sampling=Sampling(steps=1, seed=1)), "batch")
    queue = until(desk, lambda news: "(no prompt)" in news["queue"])["queue"]
    assert "outpaint · 160 × 80 · batch" in queue
