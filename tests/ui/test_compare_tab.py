"""The comparing page and the buttons beside a picture: what is chosen and kept, how pictures differ, what is offered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import STARTER, TURBO, FakeStudio
from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.people import Person
from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from studio.core.result import Record
from studio.ui import again, comparing, exploring
from studio.ui.tabs.compare import NAME, CompareTab
from studio.ui.thumbs import Thumbs

pytestmark = pytest.mark.usefixtures("owner_asks")
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)
    yield studio
    studio.close()


@pytest.fixture
def tab(studio: FakeStudio, tmp_path: Path) -> CompareTab:
    """The tab without its page."""
    tab: Any = object.__new__(CompareTab)
    tab._studio, tab._thumbs = studio, Thumbs(tmp_path / "thumbs")
    return tab


def made(studio: FakeStudio, prompt: str = "a fox", seed: int = 1, side: int = 128, **fields: Any) -> Record:
    request = ImageRequest(model=STARTER.id, prompt=prompt, task=TextToImage(Size(side, side)),
                           sampling=Sampling(steps=2, seed=seed), **fields)  # fmt: skip
    job = studio.submit(request)
    for snapshot in studio.watch(job.id):
        job = snapshot.job
    record = studio.record(job.records[0])
    assert record is not None
    return record


def test_the_chosen_pictures_are_kept_for_the_next_page(studio: FakeStudio, tab: CompareTab) -> None:
    one, other = made(studio), made(studio, "a red fox", seed=2)
    told = tab._look({"ids": [one.id, other.id, one.id, "gone"]})
    assert [picture["id"] for picture in told["pictures"]] == [one.id, other.id]
    assert tab._look({}) == told
    assert studio.load_draft(NAME) == {"ids": [one.id, other.id]}
    assert {picture["id"] for picture in told["recent"]} == {one.id, other.id}
    assert tab._look({"ids": []})["pictures"] == []
    assert tab._look("nonsense")["differences"] == []  # type: ignore[arg-type]


def test_no_more_than_four_are_shown(studio: FakeStudio, tab: CompareTab) -> None:
    ids = [made(studio, seed=seed).id for seed in range(6)]
    assert len(tab._look({"ids": ids})["pictures"]) == 4


def test_how_they_differ_is_told_against_the_first(studio: FakeStudio, tab: CompareTab) -> None:
    records = [made(studio), made(studio, "a red fox"), made(studio, seed=3)]
    red, seed = tab._look({"ids": [record.id for record in records]})["differences"]
    assert [(row["name"], row["added"]) for row in red["rows"]] == [("Prompt", ["red"])]
    assert [(row["name"], row["before"], row["after"]) for row in seed["rows"]] == [("Seed", "1", "3")]


def test_the_surroundings_are_told_once(studio: FakeStudio, tab: CompareTab) -> None:
    one, other = made(studio), made(studio)
    studio.change_record(other.id, facts={"used": {**other.facts["used"], "torch": "9.9", "steps": 50}})
    (told,) = tab._look({"ids": [one.id, other.id]})["differences"]
    assert [row["name"] for row in told["rows"]] == ["Steps"]
    assert any(each.startswith("torch: ") for each in told["around"])
    assert not any(each.startswith("Steps") for each in told["around"])


def test_two_are_measured_in_words_with_a_heat_map(studio: FakeStudio, tab: CompareTab, tmp_path: Path) -> None:
    one, other = made(studio), made(studio, seed=2)
    told = tab._measure({"one": one.id, "other": other.id})
    assert told["sentence"].endswith((" dB: different pictures.", "of the same kind."))
    (heat,) = (tmp_path / "thumbs").glob("*-heat.webp")
    with Image.open(heat) as image:
        assert image.size == (128, 128)
    assert tab._measure({"one": one.id, "other": one.id})["problem"].startswith("One of the two")
    same = made(studio)
    assert tab._measure({"one": one.id, "other": same.id})["sentence"] == "Equal: every pixel is the same."


def test_other_sizes_are_said_and_fitted(studio: FakeStudio, tab: CompareTab) -> None:
    one, other = made(studio), made(studio, side=256)
    told = tab._measure({"one": one.id, "other": other.id})
    assert told["sentence"].startswith("The sizes differ, 128 × 128 and 256 × 256: the second was fitted")


def test_a_picture_whose_file_is_gone_stays_in_the_list(studio: FakeStudio, tab: CompareTab) -> None:
    one, other = made(studio), made(studio, seed=2)
    assert other.path
    other.path.unlink()
    told = tab._look({"ids": [one.id, other.id]})
    assert [bool(picture["src"]) for picture in told["pictures"]] == [True, False]
    assert "is gone" in tab._measure({"one": one.id, "other": other.id})["problem"]
    with pytest.raises(InvalidRequest):
        comparing.measured(one, replace(other, path=None), Path("unused"))


def test_the_buttons_escape_what_a_file_may_hold(studio: FakeStudio) -> None:
    strange = replace(made(studio), id=HOSTILE)
    assert HOSTILE not in exploring.tools(strange, studio.models()) + exploring.one_thing(strange, studio.models())


def test_only_what_the_model_heeds_is_offered_to_change(studio: FakeStudio) -> None:
    record = made(studio)
    assert 'data-axis="sampler"' in exploring.one_thing(record, [STARTER])
    turbo = replace(record, request=replace(record.request, model=TURBO.id, prompt=""))
    offered = exploring.one_thing(turbo, [TURBO])
    assert 'data-axis="sampler"' not in offered  # there is one only
    assert 'data-axis="prompt"' not in offered
    assert 'data-axis="strength"' not in offered
    assert "data-do" not in exploring.tools(turbo, [TURBO])  # its noise is its own
    assert exploring.one_thing(turbo, []) == ""


def test_vary_makes_four_beside_it_and_more_like_this_goes_on_from_there(studio: FakeStudio) -> None:
    record = made(studio, count=1)
    assert ">Vary<" in exploring.tools(record, [STARTER])
    assert again.act(studio, "vary", record.id, 0, Person("")) == ""
    job = studio.jobs(active=False)[0]
    (step,) = job.request.sampling.variations
    assert (job.lane, job.request.count, job.request.sampling.seed, step.strength) == ("interactive", 4, record.seed, 0.25)
    for snapshot in studio.watch(job.id):
        job = snapshot.job
    third = studio.record(job.records[2])
    assert third is not None
    assert third.facts["variations"] == [{"seed": step.seed + 2, "strength": 0.25}]
    assert ">More like this<" in exploring.tools(third, [STARTER])
    again.act(studio, "vary", third.id, 0, Person(""))
    first, second = studio.jobs(active=False)[0].request.sampling.variations
    assert first.seed == step.seed + 2
    assert second.seed != first.seed
