"""Lack of memory on the page: the plan that is followed is shown, and one click tries the next smaller one."""

from dataclasses import replace

from studio.core.job import Job, Progress
from studio.core.request import ImageRequest, Size, TextToImage
from studio.core.worker import WorkerStatus
from studio.ui import pictures, words

PLAN = {"smaller": {"title": "Try again with “full, tiled”", "options": {"memory": "full, tiled"}}}
SIZE = {"smaller": {"title": "Try again at 512 × 512", "size": "512x512"}}
ASKED = ImageRequest(model="local:x", prompt="a fox", task=TextToImage(Size(1024, 1024)), options={"compile": "on"})


def a_job(state="failed", facts=PLAN, **fields):
    fields = {"message": "The memory does not suffice.", "error_code": "out_of_memory", **fields}
    return Job(id="j1", request=ASKED, state=state, facts=facts, **fields)


def card(job):
    return words.card(job, WorkerStatus(state="ready"), paused=False, others=0)


def test_a_job_proposes_a_plan_or_a_size_and_keeps_everything_else():
    title, request = a_job().smaller
    assert title == "Try again with “full, tiled”"
    assert request == replace(ASKED, options={"compile": "on", "memory": "full, tiled"})
    assert a_job(facts=SIZE).smaller[1] == replace(ASKED, task=TextToImage(Size(512, 512)))


def test_nothing_is_proposed_without_facts_or_while_it_runs():
    assert a_job(facts={}).smaller is None
    assert a_job("running").smaller is None
    assert a_job(facts={"smaller": "nonsense"}).smaller is None


def test_the_card_and_the_row_have_the_button_only_then():
    assert card(a_job())["smaller"] == "Try again with “full, tiled”"
    assert card(a_job(facts={}))["smaller"] == ""
    with_it, without = (pictures.queue([], [a_job(facts=facts)], paused=False) for facts in (PLAN, {}))
    assert 'data-do="retry-smaller" data-id="j1"' in with_it
    assert 'aria-label="Try again with “full, tiled”"' in with_it
    assert "retry-smaller" not in without
    assert 'data-do="retry"' in without


def test_the_plan_is_shown_beside_the_progress():
    said = "Memory plan: model offload; everything at once would need 11.6 GB, 8.0 GB are free."
    loading = card(a_job("running", facts={}, message=said, progress=Progress(phase="loading")))
    assert loading["detail"] == said
    drawing = Progress(phase="denoising", step=3, steps=20, eta=4.0)
    assert (
        card(a_job("running", facts={}, message=said, progress=drawing))["detail"] == f"step 3 of 20 · 4.0 s left · {said}"
    )


def test_models_in_memory_are_named_under_the_queue_and_behind_the_engines_chip():
    told = pictures.queue([], [], paused=False, warm=("Starter", "a<b"))
    assert "In memory: Starter, a&lt;b" in told
    assert "In memory" not in pictures.queue([], [], paused=False)
    assert words.worker(WorkerStatus(state="ready", device="CPU", warm=("Starter",)))["message"] == "In memory: Starter."
