"""What the progress card and the header say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args, get_type_hints

import pytest

from studio.core.job import Job, JobState, Phase, Progress
from studio.core.request import ImageRequest
from studio.core.worker import WorkerStatus
from studio.ui import words

READY = WorkerStatus(state="ready", device="CPU")


def a_job(state: JobState = "running", **changed: Any) -> Job:
    return replace(Job(id="j", request=ImageRequest(model="m", prompt="p"), state=state), **changed)


def card(job: Job, status: WorkerStatus = READY, *, paused: bool = False, others: int = 0) -> dict[str, Any]:
    return words.card(job, status, paused=paused, others=others)


def test_a_running_job_says_its_step_and_the_time_left() -> None:
    shown = card(a_job(progress=Progress(phase="denoising", step=5, steps=20, eta=3.04)))
    assert (shown["title"], shown["detail"], shown["cancel"]) == ("Drawing", "step 5 of 20 · 3.0 s left", True)


def test_the_bar_never_goes_back_from_phase_to_phase() -> None:
    steps = [Progress(phase="encoding"), *(Progress(phase="denoising", step=n, steps=20) for n in range(21))]
    steps += [Progress(phase="decoding"), Progress(phase="stamping"), Progress(phase="keeping")]
    bar = [card(a_job(progress=step))["fraction"] for step in steps]
    assert bar == sorted(bar)
    assert bar[-1] < 1


@pytest.mark.parametrize("phase", get_args(Phase))
def test_every_phase_has_words(phase: Phase) -> None:
    assert card(a_job(progress=Progress(phase=phase)))["title"]


@pytest.mark.parametrize("state", get_args(JobState))
def test_every_state_has_words(state: JobState) -> None:
    assert card(a_job(state, message="Why."))["title"]


@pytest.mark.parametrize("state", get_args(get_type_hints(WorkerStatus)["state"]))
def test_every_state_of_the_engine_has_words(state: Any) -> None:
    assert words.worker(WorkerStatus(state=state))["text"]


def test_a_waiting_job_says_why_it_waits() -> None:
    warming = WorkerStatus(state="warming", device="CPU")
    assert "paused" in card(a_job("queued", position=1), paused=True)["detail"]
    assert card(a_job("queued", position=1), warming)["detail"] == "Warming up CPU…"
    assert card(a_job("queued", position=1))["detail"] == "Next in line"
    assert card(a_job("queued", position=3))["detail"] == "Place 3 in the queue"


def test_a_failed_job_shows_its_sentence_and_can_be_tried_again() -> None:
    shown = card(a_job("failed", message="The disk is full. Make space."))
    assert (shown["detail"], shown["retry"], shown["cancel"]) == ("The disk is full. Make space.", True, False)


def test_a_job_that_is_being_stopped_cannot_be_cancelled_twice() -> None:
    shown = card(a_job(cancel_requested=True))
    assert (shown["title"], shown["cancel"]) == ("Stopping", False)


def test_a_finished_job_says_how_many_and_how_long() -> None:
    shown = card(a_job("done", records=("a", "b"), started=10.0, ended=12.5))
    assert shown["detail"] == "2 pictures in 2.5 s"


def test_others_in_the_queue_are_counted() -> None:
    assert card(a_job(progress=Progress(phase="decoding")), others=2)["detail"] == "2 more waiting"


@pytest.mark.parametrize(("seconds", "said"), [(0.0, "0.1 s"), (3.14, "3.1 s"), (42.4, "42 s"), (300, "5 min")])
def test_lengths_of_time_are_said_as_one_says_them(seconds: float, said: str) -> None:
    assert words.span(seconds) == said
