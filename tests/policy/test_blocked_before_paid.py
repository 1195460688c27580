"""Nothing is asked of a backend for what the policy blocks: here is one that fails the test when it is touched."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from memory_receipts import MemoryReceiptBook
from memory_sources import MemorySources
from subjects import a_picture, as_file, sure_classifier
from test_pipeline import MemoryKeeper, PlainWatch
from toy_backend import MODEL, ToyBackend

from studio import plugins
from studio.core.errors import Blocked
from studio.core.evidence import Evidence, Suspect
from studio.core.job import Job
from studio.core.request import ImageRequest, ImageToImage, Sampling, Task, TextToImage
from studio.core.result import Draft, ImageResult
from studio.core.rules import FILE
from studio.core.screening import Check
from studio.engine import pipeline
from studio.engine.screening import Screening
from studio.policy.blocked_files import FILE as BLOCKED_FILES
from studio.settings import ROOT, Settings

SOURCE = as_file(a_picture())
POLICY = (ROOT / "presets" / FILE).read_text(encoding="utf-8")


class UntouchableBackend(ToyBackend):
    def generate(self, *_: object, **__: object) -> ImageResult:
        raise AssertionError("the backend was asked for a picture that is blocked")


class Notary:
    """Finds a signature in every file."""

    name = "notary"

    def look(self, suspect: Suspect) -> Sequence[Evidence]:
        facts = {"ours": False, "state": "valid", "signer": suspect.format}
        return [Evidence(kind="manifest", finding="Signed.", facts=facts)]


@pytest.fixture
def place(tmp_path: Path) -> Settings:
    (tmp_path / FILE).write_text(POLICY, encoding="utf-8")
    return Settings(data=tmp_path, models=tmp_path, presets=tmp_path)


def made(checks: tuple[Check, ...], backend: ToyBackend, prompt: str = "a lamp", task: Task | None = None) -> list[Draft]:
    sources = MemorySources()
    sources.add(SOURCE, "a.png")
    request = ImageRequest(model=MODEL.id, prompt=prompt, task=task or TextToImage(), sampling=Sampling(seed=7))
    parts = pipeline.Parts(backends=(backend,), keeper=MemoryKeeper(), sources=sources, receipts=MemoryReceiptBook(),
                           screening=Screening(lambda: checks, (Notary(),)))  # fmt: skip
    return pipeline.make(Job(id="job", request=request, state="running"), parts, PlainWatch())


def an_edit() -> ImageToImage:
    return ImageToImage(image=MemorySources().add(SOURCE, "a.png"))


def words(_: Settings) -> tuple[str, Task]:
    return "a n u d e schoolgirl", TextToImage()


def a_listed_file(place: Settings) -> tuple[str, Task]:
    (place.data / BLOCKED_FILES).write_text(f"{hashlib.sha256(SOURCE).hexdigest()}  # withdrawn\n")
    return "a lamp", an_edit()


def a_picture_not_safe_for_work(place: Settings) -> tuple[str, Task]:
    (place.presets / FILE).write_text("[nsfw]\nblock = 0.9\n")
    sure_classifier(place.models / "classifiers" / "mine", 0.97)
    return "a lamp", an_edit()


@pytest.mark.parametrize(
    ("prepare", "reason", "stage"),
    [
        (words, "prompt.minors", "request"),
        (a_listed_file, "file.blocked", "source"),
        (a_picture_not_safe_for_work, "picture.nsfw", "source"),
    ],
)
def test_what_is_blocked_never_reaches_the_backend(
    place: Settings, prepare: Callable[[Settings], tuple[str, Task]], reason: str, stage: str
) -> None:
    prompt, task = prepare(place)
    with pytest.raises(Blocked) as caught:
        made(plugins.checks(place), UntouchableBackend(), prompt, task)
    assert (caught.value.verdict.reason_code, caught.value.verdict.stage) == (reason, stage)
    with pytest.raises(AssertionError, match="was asked"):
        made((), UntouchableBackend(), prompt, task)  # the same without the checks does reach it


def test_a_harmless_edit_is_drawn_and_every_check_has_had_its_say(place: Settings) -> None:
    sure_classifier(place.models / "classifiers" / "mine", 0.1)
    (place.data / BLOCKED_FILES).write_text("0" * 64)
    (draft,) = made(plugins.checks(place), ToyBackend(), task=an_edit())
    assert {(verdict.stage, verdict.check, verdict.outcome) for verdict in draft.verdicts} == {
        ("request", "prompt_rules", "allow"),
        ("source", "blocked_files", "allow"),
        ("source", "credentials", "flag"),
        ("source", "nsfw", "allow"),
        ("output", "blank", "allow"),
        ("output", "nsfw", "allow"),
    }
    signed = next(verdict for verdict in draft.verdicts if verdict.check == "credentials")
    assert "signed by “PNG”" in signed.message


def test_without_a_classifier_the_record_says_not_screened(place: Settings) -> None:
    (draft,) = made(plugins.checks(place), ToyBackend())
    assert [verdict.outcome for verdict in draft.verdicts if verdict.check == "nsfw"] == ["not_screened"]


def test_the_light_checks_run_before_a_job_is_queued_and_need_no_file(place: Settings) -> None:
    screening = Screening(lambda: plugins.checks(place))
    with pytest.raises(Blocked, match="Take out what is sexual"):
        screening.words(ImageRequest(model=MODEL.id, prompt="a nude child"), "admin")
    (verdict,) = screening.words(ImageRequest(model=MODEL.id, prompt="a lamp"), "creator")
    assert (verdict.check, verdict.outcome) == ("prompt_rules", "allow")
