"""The six steps in their order, with small real parts."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from memory_receipts import MemoryReceiptBook, MemoryReceipts
from memory_sources import MemorySources
from toy_backend import MODEL, ToyBackend

from studio.core.errors import Blocked, Cancelled, InvalidRequest, NotConfigured
from studio.core.job import Job, Phase
from studio.core.request import ImageRequest, Sampling
from studio.core.result import Draft, Record
from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.engine import pipeline
from studio.engine.screening import Screening


class MemoryKeeper:
    def __init__(self) -> None:
        self.held: list[Draft] = []

    def hold(self, drafts: Sequence[Draft]) -> None:
        self.held.extend(drafts)

    def keep(self, job: str) -> tuple[Record, ...]:
        return ()

    def drop(self, job: str) -> None:
        self.held.clear()


class PlainWatch:
    lane = "interactive"

    def __init__(self, stop_at: int = 10**6) -> None:
        self.phases: list[Phase] = []
        self.steps = 0
        self.stop_at = stop_at
        self.receipts = MemoryReceipts()

    def delay(self, until: float, why: str) -> None: ...

    def say(self, text: str) -> None: ...

    def check(self) -> None:
        if self.steps >= self.stop_at:
            raise Cancelled("Cancelled.")

    def phase(self, phase: Phase) -> None:
        self.phases.append(phase)

    def step(self, done: int, total: int, preview: object = None) -> None:
        self.steps += 1
        self.check()


class Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, draft: Draft) -> Draft:
        return replace(draft, stamps=(*draft.stamps, self.name))


class NoCats:
    name, light = "no cats", True

    def __call__(self, subject: Subject) -> Verdict:
        outcome = "block" if "cat" in subject.request.prompt else "allow"
        message = "No cats here. Ask for a dog."
        return Verdict(check=self.name, outcome=outcome, reason_code="cat", message=message, stage=subject.stage)


NO_CATS = Screening(lambda: (NoCats(),))


def a_job(prompt: str = "a dog", **fields: object) -> Job:
    request = ImageRequest(model=MODEL.id, prompt=prompt, sampling=Sampling(seed=7), **fields)
    return Job(id="job", request=request, state="running")


def some_parts(**fields: object) -> pipeline.Parts:
    return pipeline.Parts(**{"backends": (ToyBackend(),), "keeper": MemoryKeeper(), "sources": MemorySources(),
                             "receipts": MemoryReceiptBook(), **fields})  # fmt: skip


def test_every_picture_passes_every_stamp_in_the_given_order() -> None:
    parts = some_parts(stamps=(Mark("watermark"), Mark("text")))
    drafts = pipeline.make(a_job(count=2), parts, PlainWatch())
    assert [draft.stamps for draft in drafts] == [("watermark", "text")] * 2
    assert [draft.id for draft in drafts] == ["job-0", "job-1"]
    assert [draft.picture.seed for draft in drafts] == [7, 8]


def test_a_blocked_prompt_never_reaches_the_backend() -> None:
    backend = ToyBackend()
    with pytest.raises(Blocked, match="Ask for a dog"):
        pipeline.make(a_job("a cat"), some_parts(backends=(backend,), screening=NO_CATS), PlainWatch())
    assert backend.asked == []


def test_the_verdicts_on_request_and_picture_stand_in_the_draft() -> None:
    (draft,) = pipeline.make(a_job(), some_parts(screening=NO_CATS), PlainWatch())
    assert [(verdict.stage, verdict.outcome) for verdict in draft.verdicts] == [("request", "allow"), ("output", "allow")]


def test_the_backend_gets_concrete_values_and_the_draft_keeps_what_was_asked() -> None:
    backend = ToyBackend()
    (draft,) = pipeline.make(a_job(), some_parts(backends=(backend,)), PlainWatch())
    assert backend.asked[0].sampling.steps == MODEL.default_steps
    assert backend.asked[0].task.size == MODEL.default_size
    assert draft.request.sampling.steps is None


def test_a_cancelled_job_leaves_nothing_held() -> None:
    keeper = MemoryKeeper()
    with pytest.raises(Cancelled):
        pipeline.make(a_job("50 steps"), some_parts(keeper=keeper), PlainWatch(stop_at=3))
    assert keeper.held == []


def test_an_unknown_model_says_what_to_do() -> None:
    with pytest.raises(NotConfigured, match="Choose another one"):
        pipeline.find_model("local:gone", (ToyBackend(),))


def test_a_request_no_model_could_do_is_refused_before_the_backend() -> None:
    backend = ToyBackend()
    with pytest.raises(InvalidRequest, match="at most 8"):
        pipeline.make(a_job(count=9), some_parts(backends=(backend,)), PlainWatch())
    assert backend.asked == []
