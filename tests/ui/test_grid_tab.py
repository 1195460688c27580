"""The grid page: what a grid starts from, what is said before it runs, how it gets on, and what its cells tell."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes import STARTER, FakeStudio
from hypothesis import given
from hypothesis import strategies as st

from studio.core.axes import TITLES, Axis, read_axis
from studio.core.errors import InvalidRequest
from studio.core.request import Adapter, ImageRequest, ImageToImage, Sampling, Source
from studio.core.result import Record
from studio.ui import gridding
from studio.ui.suggesting import suggestion
from studio.ui.tabs.grid import NAME, GridTab
from studio.ui.thumbs import Thumbs

pytestmark = pytest.mark.usefixtures("owner_asks")
STEPS = [["steps", "2, 3"]]


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)
    yield studio
    studio.gate.set()
    studio.close()


class SilentDesk:
    def touch(self) -> None: ...


@pytest.fixture
def tab(studio: FakeStudio, tmp_path: Path) -> GridTab:
    """The tab without its page."""
    tab: Any = object.__new__(GridTab)
    tab._studio, tab._thumbs, tab._desk, tab._ended = studio, Thumbs(tmp_path / "thumbs"), SilentDesk(), {}
    return tab


def made(studio: FakeStudio, prompt: str = "a red fox") -> Record:
    job = studio.submit(ImageRequest(model=STARTER.id, prompt=prompt, sampling=Sampling(steps=2, seed=5)))
    for snapshot in studio.watch(job.id):
        job = snapshot.job
    record = studio.record(job.records[0])
    assert record is not None
    return record


def until(look: Callable[[], dict[str, Any]], wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + 20
    while not wanted(told := look()):
        assert time.monotonic() < end, told
        time.sleep(0.02)
    return told


def test_it_starts_from_the_form_of_text_to_image_as_it_is_kept(studio: FakeStudio, tab: GridTab) -> None:
    assert "The prompt is empty" in tab._look({"axes": STEPS})["plan"]["faults"][0]["fault"]
    studio.save_draft("text-to-image", {"model": STARTER.id, "prompt": "a kept fox", "steps": 9, "count": 4, "seed": 3,
                                        "seed_mode": "Locked", "variation": "0.5 of 8"})  # fmt: skip
    told = tab._look({"axes": STEPS})
    assert (told["base"]["prompt"], told["base"]["record"]) == ("a kept fox", "")
    assert "9 steps" in told["base"]["facts"]
    assert "seed 3" in told["base"]["facts"]
    assert told["plan"]["count"] == 2
    assert gridding.form_request(studio).sampling.variations[0].seed == 8


def test_it_starts_from_a_picture_with_its_seed(studio: FakeStudio, tab: GridTab) -> None:
    record = made(studio)
    told = tab._look({"record": record.id, "axes": STEPS})
    assert told["base"]["record"] == record.id
    assert "seed 5" in told["base"]["facts"]
    assert tab._look({})["base"]["record"] == record.id  # the next page shows the same
    assert tab._look({})["axes"] == STEPS
    assert tab._look({"record": ""})["base"]["record"] == ""


def test_what_it_will_take_and_what_is_wrong_is_said_first(studio: FakeStudio, tab: GridTab) -> None:
    record = made(studio)
    plan = tab._look({"record": record.id, "axes": [*STEPS, ["size", "128x128, 9999x9999"]]})["plan"]
    assert (plan["count"], plan["sides"]) == (4, "2 × 2")
    assert plan["cost"] == "costs nothing"
    assert plan["time"].startswith("about ")
    assert [fault["cell"] for fault in plan["faults"]] == ["2 · 9999 × 9999", "3 · 9999 × 9999"]
    wrong = tab._look({"axes": [["steps", "many"]]})["plan"]
    assert wrong["field"] == "steps"
    assert "cannot be read" in wrong["problem"]
    assert studio.jobs() == []


def test_a_grid_runs_is_put_on_a_sheet_and_forgotten(studio: FakeStudio, tab: GridTab) -> None:
    record = made(studio)
    studio.gate.clear()
    id = tab._start({"record": record.id, "axes": [["prompt", "red | blue"], *STEPS]})["id"]
    news = tab._news({})
    assert news["shown"]["id"] == id
    assert news["list"][0]["state"] == "active"
    assert {cell["state"] for cell in news["shown"]["cells"]} <= {"queued", "running"}
    studio.gate.set()
    news = until(lambda: tab._news({"shown": id}), lambda told: told["shown"]["state"] == "done")
    assert [cell["label"] for cell in news["shown"]["cells"]] == ["red · 2", "blue · 2", "red · 3", "blue · 3"]
    assert all(cell["record"] and cell["task"] == "text-to-image" for cell in news["shown"]["cells"])
    assert "shown" not in tab._news({"shown": id, "seen": news["seen"]})
    assert tab._act({"do": "sheet", "id": id})["said"].startswith("The sheet is kept as grid-")
    sheet = tab._news({"shown": id})["shown"]["sheet"]
    assert studio.record(sheet["id"]).width > 256  # type: ignore[union-attr]
    assert "forgotten" in tab._act({"do": "remove", "id": id})["said"]
    assert tab._news({})["shown"] is None
    assert tab._act({"do": "cancel", "id": id})["problem"] == "There is no such grid any more."
    assert "older than the studio" in tab._act({"do": "dance", "id": id})["problem"]


def test_a_cell_that_failed_says_why_and_can_be_gone_on_with(studio: FakeStudio, tab: GridTab) -> None:
    id = tab._start({"record": made(studio).id, "axes": [["prompt", "red | fail | forbidden"]]})["id"]
    news = until(lambda: tab._news({"shown": id}), lambda told: told["shown"]["state"] == "broken")
    red, failed, refused = news["shown"]["cells"]
    assert red["record"]
    assert failed["words"] == "Failed"
    assert "memory does not suffice" in failed["fault"]
    assert refused["words"] == "Refused"
    assert "2 without a picture" in news["list"][0]["told"]
    assert "queued again" in tab._act({"do": "go-on", "id": id})["said"]


def test_a_grid_that_ended_is_not_asked_for_its_jobs_again(studio: FakeStudio, tab: GridTab) -> None:
    first = tab._start({"record": made(studio).id, "axes": STEPS})["id"]
    until(lambda: tab._news({"shown": first}), lambda told: told["shown"]["state"] == "done")
    second = tab._start({"record": made(studio).id, "axes": STEPS})["id"]
    until(lambda: tab._news({"shown": second}), lambda told: told["shown"]["state"] == "done")
    asked: list[str] = []
    job = studio.job
    studio.job = lambda id: asked.append(id) or job(id)  # type: ignore[method-assign,func-returns-value]
    assert [row["state"] for row in tab._news({"shown": second})["list"]] == ["done", "done"]
    own = studio.grids.find(second)
    assert own is not None
    assert set(asked) == set(own.jobs)


def test_a_faulty_grid_is_not_begun(studio: FakeStudio, tab: GridTab) -> None:
    assert "cannot be read" in tab._start({"record": made(studio).id, "axes": [["steps", "many"]]})["problem"]
    assert "one to 3 axes" in tab._start({"axes": "nonsense"})["problem"]
    assert studio.grids.newest() == []


def test_what_a_draft_may_hold_breaks_no_page(studio: FakeStudio, tab: GridTab) -> None:
    for odd in ({"axes": 5}, {"axes": [[1]]}, {"axes": [["steps", {"a": 1}]]}, {"record": [3]}, {"shown": 7}):
        studio.save_draft(NAME, odd)
        assert tab._look({})["base"]
        assert tab._news({})["list"] == []


image = Source(sha256="1" * 64, width=64, height=64)
bases = st.builds(
    ImageRequest,
    model=st.just(STARTER.id),
    prompt=st.sampled_from(["a red fox", "fox", "(a), b"]),
    sampling=st.builds(Sampling, steps=st.none() | st.integers(1, 60), seed=st.integers(0, 2**32 - 2),
                       guidance_scale=st.none() | st.floats(0, 30)),
    task=st.just(ImageToImage(image=image)),
    adapters=st.just((Adapter(kind="lora", name="ink"),)),
)  # fmt: skip


@given(bases, st.sampled_from(sorted(TITLES)))
def test_what_is_suggested_for_an_axis_can_be_read(base: ImageRequest, field: str) -> None:
    try:
        assert len(read_axis(Axis(field, suggestion(field, base, [STARTER])), base, [STARTER])) >= 1
    except InvalidRequest as error:
        pytest.fail(str(error))
