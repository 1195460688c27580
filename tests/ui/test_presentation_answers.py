"""What the presentation tells a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import OWNER, STARTER, FakeStudio

from studio.core.request import ImageRequest, Sampling
from studio.ui.desk import Desk
from studio.ui.presenting import Presentation, badges, is_showable
from studio.ui.thumbs import Thumbs

pytestmark = pytest.mark.usefixtures("owner_asks")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)
    yield studio
    studio.close()


@pytest.fixture
def shown(studio: FakeStudio, tmp_path: Path) -> Presentation:
    return Presentation(Desk(studio, Thumbs(tmp_path / "thumbs"), recent_every=0.0))


def made(studio: FakeStudio, prompt: str) -> str:
    """The record of a finished picture."""
    job = studio.submit(ImageRequest(model=STARTER.id, prompt=prompt, sampling=Sampling(steps=1, seed=1)))
    return over(studio, job.id).records[0]


def over(studio: FakeStudio, id: str) -> Any:
    end = time.monotonic() + 20
    while not (job := studio.job(id)) or not job.is_over:
        assert time.monotonic() < end
        time.sleep(0.01)
    return job


def test_slides_are_the_newest_first_with_caption_model_and_verdict(studio: FakeStudio, shown: Presentation) -> None:
    made(studio, "a fox"), made(studio, "an owl")
    slides = shown.answer({"do": "slides", "shelf": "recent"})["slides"]
    assert [slide["caption"] for slide in slides] == ["an owl", "a fox"]
    assert {slide["by"] for slide in slides} == {"Starter"}
    assert slides[0]["badges"][0]["text"] == "AI-generated"
    assert slides[0]["src"].endswith(".png")


def test_what_waits_for_review_or_was_rejected_is_not_shown_and_that_is_said(
    studio: FakeStudio, shown: Presentation
) -> None:
    made(studio, "a fox"), made(studio, "flag this owl")
    answer = shown.answer({"do": "slides"})
    assert [slide["caption"] for slide in answer["slides"]] == ["a fox"]
    assert answer["note"] == "1 picture waits for review or was rejected, and is not shown."
    record = studio.record(answer["slides"][0]["id"])
    assert record
    assert [is_showable(replace(record, review_status=state)) for state in ("approved", "rejected", "escalated")] == [
        True, False, False,
    ]  # fmt: skip


def test_a_board_is_shown_in_its_order_and_a_selection_alone(studio: FakeStudio, shown: Presentation) -> None:
    fox, owl, hen = (made(studio, prompt) for prompt in ("a fox", "an owl", "a hen"))
    board = studio.gallery.create_board("Animals", OWNER)
    studio.gallery.add_to_board(board.id, [owl, fox], OWNER)
    assert {"id": board.id, "title": "Animals"} in shown.answer({"do": "open"})["shelves"]
    assert [slide["id"] for slide in shown.answer({"do": "slides", "shelf": board.id})["slides"]] == [owl, fox]
    assert [slide["id"] for slide in shown.answer({"do": "slides", "ids": [hen]})["slides"]] == [hen]


def test_words_are_drawn_here_and_beside_it_by_a_hosted_model(studio: FakeStudio, shown: Presentation) -> None:
    studio.keys["CLOUD_API_KEY"] = "a key"
    (hosted,) = shown.answer({"do": "open"})["hosted"]
    assert hosted == {"id": "cloud:fine", "title": "Fine · $0.03"}
    asked = shown.answer({"do": "draw", "prompt": "a fox", "beside": hosted["id"]})["jobs"]
    assert [job["by"] for job in asked] == ["Starter", "Fine"]  # this computer's on the left
    for job in asked:
        over(studio, job["id"])
    states = shown.answer({"do": "look", "jobs": [job["id"] for job in asked]})["jobs"]
    assert [(state["over"], state["slide"]["caption"]) for state in states] == [(True, "a fox")] * 2


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"do": "draw", "prompt": ""}, "Say what the picture should show"),
        ({"do": "draw", "prompt": "a fox", "beside": "cloud:fine"}, "cannot draw now"),
        ({"do": "look", "jobs": ["never"]}, "not known any more"),
        ({"do": "dance"}, "Reload it"),
        ("nonsense", "Reload it"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(shown: Presentation, asked: Any, sentence: str) -> None:
    assert sentence in shown.answer(asked)["problem"]


def test_a_refused_picture_is_told_as_such(studio: FakeStudio, shown: Presentation) -> None:
    assert shown.answer({"do": "draw", "prompt": "something forbidden"})["problem"]
    (job,) = shown.answer({"do": "draw", "prompt": "flag an owl"})["jobs"]
    over(studio, job["id"])
    (state,) = shown.answer({"do": "look", "jobs": [job["id"]]})["jobs"]
    assert state["slide"] is None
    assert state["detail"] == "Waits for review before it is shown."


def test_where_one_was_and_what_one_typed_is_kept(shown: Presentation) -> None:
    shown.answer({"do": "keep", "mode": "live", "prompt": "a fox", "shelf": "recent", "at": "r1", "beside": ""})
    assert shown.answer({"do": "open"})["draft"] == {
        "shelf": "recent", "at": "r1", "mode": "live", "prompt": "a fox", "beside": "",
    }  # fmt: skip


def test_badges_tell_what_the_record_says_and_call_a_score_a_signal(studio: FakeStudio) -> None:
    record = studio.record(made(studio, "a fox"))
    assert record
    facts = {"watermark": {"present": True, "payload": "0123456789ab"},
             "detector": [{"verdict": "ai", "probability": 0.95}]}  # fmt: skip
    told = list(badges(replace(record, facts=facts, stamps=("c2pa",), review_status="approved")))
    assert [badge["text"] for badge in told] == [
        "AI-generated", "Content Credentials", "Watermark", "Reviewed", "Detector signal: likely AI-generated (95%)",
    ]  # fmt: skip
    assert told[-1]["title"] == "A detector gives a signal, never proof."
    strange = {"imported": True, "watermark": "no", "detector": [{"verdict": 3}, "x"]}
    assert [badge["text"] for badge in badges(replace(record, facts=strange, stamps=()))] == [
        "Imported", "Detector signal: uncertain",
    ]  # fmt: skip
