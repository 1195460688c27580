"""Which model draws before an audience, and what it is asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import InvalidRequest
from studio.core.job import Job
from studio.core.model import Model
from studio.core.people import Person
from studio.core.request import ImageRequest, Size
from studio.core.result import Record
from studio.engine.presenting import draw, fastest, seconds_of

LARGE = Model(id="local:large", title="Large", backend="local", size_bytes=7_000, default_size=Size(1024, 1024))
SMALL = Model(id="local:small", title="Small", backend="local", size_bytes=900)
CLOUD = Model(id="cloud:fine", title="Fine", backend="cloud", hosted=True)


def a_record(model: Model, seconds: Any) -> Record:
    return Record(
        id="r", job="j", path=Path("a.png"), name="a.png", sha256="0", width=8, height=8, seed=1,
        created="2026-11-26T10:00:00+00:00", request=ImageRequest(model=model.id, prompt="a fox"),
        facts={"used": {"seconds": seconds}},
    )  # fmt: skip


def test_the_model_that_took_the_least_time_lately_is_the_fastest() -> None:
    lately = [a_record(LARGE, {"denoising": 1.0}), a_record(SMALL, {"denoising": 4.0}), a_record(SMALL, {"denoising": 5.0})]
    assert fastest([SMALL, LARGE], lately) is LARGE


def test_one_slow_picture_among_many_does_not_make_a_model_slow() -> None:
    lately = [a_record(SMALL, {"denoising": seconds}) for seconds in (1.0, 1.1, 90.0)] + [
        a_record(LARGE, {"denoising": 3.0})
    ]
    assert fastest([LARGE, SMALL], lately) is SMALL


def test_a_measured_model_goes_before_an_unknown_one_and_among_unknown_ones_the_smallest() -> None:
    assert fastest([LARGE, SMALL], [a_record(LARGE, {"denoising": 30.0})]) is LARGE
    assert fastest([LARGE, SMALL], []) is SMALL


def test_hosted_unready_and_editing_models_are_not_taken_and_none_is_said() -> None:
    broken = replace(SMALL, unready="Its files are not whole.")
    editor = replace(SMALL, id="local:editor", tasks=("image-to-image",))
    with pytest.raises(InvalidRequest, match="No model of this computer"):
        fastest([CLOUD, broken, editor], [])


def test_waiting_for_the_model_to_load_does_not_count() -> None:
    assert seconds_of(a_record(SMALL, {"loading": 60.0, "denoising": 2.0, "decoding": 0.5, "total": 63.0})) == 2.5
    assert seconds_of(a_record(SMALL, "from a stranger's file")) == 0.0


class Line:
    """Takes every request as a job."""

    def __init__(self) -> None:
        self.asked: list[ImageRequest] = []

    def submit(self, request: ImageRequest, lane: str, person: Person) -> list[Job]:
        self.asked.append(request)
        return [Job(id=f"job{len(self.asked)}", request=request, state="queued")]


def test_every_model_gets_the_same_words_in_its_own_size() -> None:
    line = Line()
    jobs = draw(line, [CLOUD, LARGE], "a fox", Person("anna"))
    assert [(job.request.model, job.request.prompt, job.request.count) for job in jobs] == [
        ("cloud:fine", "a fox", 1),
        ("local:large", "a fox", 1),
    ]
    assert [request.task.size for request in line.asked] == [CLOUD.default_size, Size(1024, 1024)]


def test_no_words_are_no_request() -> None:
    line = Line()
    with pytest.raises(InvalidRequest, match="Say what the picture should show"):
        draw(line, [SMALL], "  ", Person("anna"))
    assert line.asked == []
