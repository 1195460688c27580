"""Grids in a studio on a real library: begun, run, gone on with after a break, put on a sheet, forgotten and erased."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from overseen import ANN, OWNER, RITA, Place
from PIL import Image
from toy_backend import MODEL

from studio.core.axes import Axis
from studio.core.errors import InvalidRequest, NotAllowed, Unavailable
from studio.core.grid import KeptGrid
from studio.core.people import Person
from studio.core.request import ImageRequest, Sampling
from studio.library import open_library

BASE = ImageRequest(model=MODEL.id, prompt="a dog by the sea", sampling=Sampling(seed=7))
STEPS = [Axis("steps", "2, 3")]
BOTH = [*STEPS, Axis("prompt", "dog | fox")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def run_all(place: Place, grid: KeptGrid) -> None:
    for id in grid.jobs:
        job = place.studio.job(id) if id else None
        if job and not job.is_over:
            place.run(job)


def states(place: Place, grid: KeptGrid) -> list[str]:
    found = place.studio.grids.find(grid.id)
    assert found is not None
    return [cell.state for cell in place.studio.grids.cells(found)]


def test_a_grid_is_queued_in_the_batch_lane_and_kept_with_the_job_of_every_cell(place: Place) -> None:
    grid = place.studio.grids.start(BASE, BOTH, ANN)
    jobs = [place.studio.job(id) for id in grid.jobs]
    assert [(job.lane, job.request.prompt, job.request.sampling.steps, job.request.user) for job in jobs if job] == [
        ("batch", f"a {animal} by the sea", steps, "ann") for animal in ("dog", "fox") for steps in (2, 3)
    ]
    run_all(place, grid)
    assert states(place, grid) == ["done"] * 4
    assert [kept.id for kept in place.studio.grids.newest()] == [grid.id]


def test_a_grid_with_a_faulty_cell_queues_nothing(place: Place) -> None:
    with pytest.raises(InvalidRequest, match=r"9999: .*between 1 and 500.* 1 more"):
        place.studio.grids.start(BASE, [Axis("steps", "2, 9999, 8888")], ANN)
    assert place.studio.jobs() == []
    assert place.studio.grids.newest() == []


def test_what_a_grid_will_take_is_told_by_what_was_made_before(place: Place) -> None:
    assert place.studio.grids.plan(BASE, STEPS).forecast.seconds is None
    assert place.studio.grids.plan(BASE, STEPS).forecast.pictures == 2


def test_it_survives_a_restart_and_goes_on_with_what_is_missing_or_failed(place: Place, tmp_path: Path) -> None:
    grid = place.studio.grids.start(BASE, [Axis("seed", "1-3")], ANN)
    first, second, third = (place.studio.job(id) for id in grid.jobs)
    assert first
    assert second
    assert third
    place.run(first)
    place.backend.error = Unavailable("Out of reach.")
    place.run(second)
    place.backend.error = None
    place.studio.cancel(third.id, ANN)
    assert states(place, grid) == ["done", "failed", "cancelled"]
    again = open_library(tmp_path / "data", tmp_path / "outputs").grids.find(grid.id)
    assert again == place.studio.grids.find(grid.id)
    went_on = place.studio.grids.go_on(grid.id, ANN)
    assert went_on.jobs[0] == grid.jobs[0]
    assert set(went_on.jobs[1:]).isdisjoint(grid.jobs)
    run_all(place, went_on)
    assert states(place, grid) == ["done"] * 3


def test_a_break_before_the_last_cell_was_queued_loses_none(place: Place) -> None:
    grid = place.studio.grids.start(BASE, BOTH, ANN)
    place.library.grids.put(grid.id, {3: ("", "")})  # as if the studio had ended here
    assert states(place, grid)[3] == "missing"
    run_all(place, place.studio.grids.go_on(grid.id, ANN))
    last = place.studio.grids.cells(place.studio.grids.find(grid.id))[3]  # type: ignore[arg-type]
    assert last.record is not None
    assert (last.record.request.prompt, last.record.request.sampling.steps) == ("a fox by the sea", 3)


def test_a_cell_that_the_policy_refuses_is_said_and_the_others_go_on(tmp_path: Path) -> None:
    place = Place(tmp_path, early=True)
    grid = place.studio.grids.start(BASE, [Axis("prompt", "dog | cat | fox")], ANN)
    run_all(place, grid)
    cells = place.studio.grids.cells(grid)
    assert [cell.state for cell in cells] == ["done", "fault", "done"]
    assert cells[1].fault == "No cats."


def test_cancelling_stops_what_has_not_ended(place: Place) -> None:
    grid = place.studio.grids.start(BASE, BOTH, ANN)
    place.run(place.studio.job(grid.jobs[0]))  # type: ignore[arg-type]
    assert place.studio.grids.cancel(grid.id, ANN) == 3
    assert states(place, grid) == ["done", *["cancelled"] * 3]


def test_the_sheet_is_a_stamped_picture_of_its_own_that_names_its_cells(place: Place) -> None:
    grid = place.studio.grids.start(BASE, BOTH, ANN)
    with pytest.raises(InvalidRequest, match="no picture yet"):
        place.studio.grids.sheet(grid.id, ANN)
    for id in grid.jobs[:3]:
        place.run(place.studio.job(id))  # type: ignore[arg-type]
    record = place.studio.grids.sheet(grid.id, ANN)
    assert record.path is not None
    with Image.open(record.path) as file:
        told = json.loads(file.text["studio_metadata"])  # type: ignore[attr-defined]
        assert file.size == (record.width, record.height)
    cells = told["facts"]["grid"]["cells"]
    assert [bool(cell["record"]) for cell in cells] == [True, True, True, False]
    assert told["facts"]["grid"]["axes"][1] == {"field": "prompt", "values": ["dog", "fox"]}
    assert place.studio.record(record.id) is not None
    assert place.studio.grids.find(grid.id).sheet == record.id  # type: ignore[union-attr]
    assert place.studio.grids.base_of(record).sampling.seed == 7
    assert place.told()[-1] == ("picture.kept", "ann", record.id)
    second = place.studio.grids.sheet(grid.id, ANN)
    assert second.id != record.id


def test_a_sheet_waits_for_a_review_while_one_of_its_pictures_does(place: Place) -> None:
    grid = place.studio.grids.start(BASE, STEPS, ANN)
    run_all(place, grid)
    record = place.studio.job(grid.jobs[0]).records[0]  # type: ignore[union-attr]
    place.library.database.change("UPDATE record SET review_status = 'pending' WHERE id = ?", (record,))
    assert place.studio.grids.sheet(grid.id, ANN).review_status == "pending"


def test_others_neither_stop_nor_forget_a_grid_but_a_reviewer_may(place: Place) -> None:
    grid = place.studio.grids.start(BASE, STEPS, ANN)
    for act in (place.studio.grids.cancel, place.studio.grids.go_on, place.studio.grids.remove, place.studio.grids.sheet):
        with pytest.raises(NotAllowed):
            act(grid.id, Person("bob", "creator"))
    place.studio.grids.remove(grid.id, RITA)
    assert place.studio.grids.newest() == []
    with pytest.raises(InvalidRequest, match="no such grid"):
        place.studio.grids.cancel(grid.id, OWNER)


def test_a_template_is_drawn_once_for_all_cells(place: Place) -> None:
    grid = place.studio.grids.start(replace(BASE, prompt="a {dog|cat|fox} by the sea"), STEPS, ANN)
    assert len({job.request.prompt for job in map(place.studio.job, grid.jobs) if job}) == 1
    assert "{" not in grid.base.prompt


def test_erasing_a_person_erases_their_grids(place: Place) -> None:
    grid = place.studio.grids.start(BASE, STEPS, ANN)
    place.studio.grids.cancel(grid.id, ANN)
    place.library.erasure.erase("ann", "owner")
    assert place.library.grids.newest() == []
    assert b"a dog by the sea" not in (place.library.database.path).read_bytes()
