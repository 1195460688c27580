"""After a lack of memory the job goes on by the plan that the backend proposed; and which models are in memory is told."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from test_worker import Place, a_request, over, until

pytestmark = pytest.mark.slow


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.close()


def test_one_click_tries_the_plan_that_the_failure_proposed_and_the_plan_is_shown_meanwhile(place: Place) -> None:
    studio = place.studio()
    failed = until(studio, studio.submit(a_request("no memory, 20 steps", seed=99)).id, over)
    assert failed.smaller
    again = studio.retry(failed.id, smaller=True)
    assert dict(again.request.options) == {"memory": "tiles"}
    assert until(studio, again.id, lambda job: job.progress.step > 0).message == "Memory plan: tiles."
    done = until(studio, again.id, over)
    assert (done.state, done.message) == ("done", "")
    assert done.request.sampling.seed == 99


def test_models_in_memory_are_told_when_they_change(place: Place) -> None:
    studio = place.studio()
    until(studio, studio.submit(a_request()).id, over)
    assert studio.worker().warm == ("Toy",)
