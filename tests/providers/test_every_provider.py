"""What must hold for every provider, on its loopback server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from case import KEY, Case, HostedWatch, draw
from loopback import Fault, Loopback, Said, black

from studio.backends._hosted.backend import HostedBackend
from studio.core.errors import (
    BackendError,
    Cancelled,
    Moderated,
    NotConfigured,
    Rejected,
    StudioError,
    Unavailable,
    Uncertain,
)
from studio.core.request import Outpaint, TextToImage

TASKS = ("text-to-image", "image-to-image", "inpaint", "outpaint")
KEPT = {"provider", "endpoint", "model", "version", "request_id", "seed_asked", "seed_returned", "finish_reason",
        "moderation", "cost", "seconds", "retries", "request", "response"}  # fmt: skip


def first(case: Case) -> str:
    return case.models["text-to-image"]


@pytest.mark.parametrize("kind", TASKS)
def test_each_task_gives_a_picture_and_everything_that_is_known_of_it(
    case: Case, server: Loopback, backend: HostedBackend, kind: str
) -> None:
    if kind not in case.models:
        assert all(kind not in model.tasks for model in backend.models())
        pytest.skip(f"{case.name} has no {kind}")
    watch = HostedWatch()
    (picture,) = draw(backend, case.models[kind], kind, watch, options=dict(case.options)).pictures
    facts = picture.facts["hosted"]
    assert set(facts) >= KEPT
    assert facts["moderation"] in ("ok", "unknown", "flagged")
    assert facts["request"]["url"].startswith(server.url)
    assert facts["response"]["status"] < 300
    assert picture.image.getextrema() != ((0, 0),) * 3
    assert "sending" in watch.phases
    assert server.made == 1
    if kind == Outpaint.kind:
        assert picture.image.size[0] > 1


def test_a_key_that_was_planted_is_nowhere_but_in_the_request(
    case: Case, server: Loopback, backend: HostedBackend, tmp_path: Path
) -> None:
    watch = HostedWatch()
    result = draw(backend, first(case), watch=watch)
    told = (
        json.dumps([picture.facts for picture in result.pictures]) + json.dumps(dict(result.used)) + repr(backend.__dict__)
    )
    assert KEY not in told + repr(watch.receipts.notes)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    if not case.free:
        asked = [each for each in server.asked if case.submit in each.path]
        assert any(KEY in json.dumps(each.headers) or KEY.encode() in each.body for each in asked)


def test_no_error_tells_the_key_even_if_the_provider_echoes_it(case: Case, server: Loopback, backend: HostedBackend) -> None:
    if not case.keys:
        pytest.skip(f"{case.name} has no key")
    server.faults.append(Fault("say", case.submit, Said({"error": {"message": f"the key {KEY} is odd"}}, 400)))
    with pytest.raises(StudioError) as caught:
        draw(backend, first(case))
    error = caught.value
    facts = json.dumps(dict(error.facts)) if isinstance(error, BackendError) else ""
    assert KEY not in f"{error!r} {error.__cause__!r} {error.__context__!r} {facts}"


@pytest.mark.parametrize(
    ("what", "kind"),
    [("key", NotConfigured), ("credit", Rejected), ("forbidden", Rejected), ("invalid", Rejected), ("moderated", Moderated)],
)
def test_what_was_wrong_is_a_sentence_and_is_not_tried_again(
    case: Case, server: Loopback, backend: HostedBackend, what: str, kind: type[StudioError]
) -> None:
    if what not in case.wrong:
        pytest.skip(f"{case.name} has no such answer")
    server.faults.append(case.wrong[what])
    watch = HostedWatch()
    with pytest.raises(kind) as caught:
        draw(backend, first(case), watch=watch)
    assert backend.about.title in str(caught.value)
    assert str(caught.value).rstrip().endswith((".", "!", "?"))
    assert len([each for each in server.asked if case.submit in each.path and each.method != "GET"]) == 1
    assert server.faults == []
    if what == "invalid":
        assert caught.value.field == case.invalid_field
    if what != "moderated":
        assert watch.receipts.ledger == {}
    assert caught.value.facts["hosted"]["request"]["url"]
    watch.receipts.ledger.clear()
    draw(backend, first(case), watch=watch)  # a retry is a new call


def test_a_rate_limit_delays_the_job_and_the_provider_and_loses_nothing(
    case: Case, server: Loopback, backend: HostedBackend
) -> None:
    if "busy" not in case.wrong:
        pytest.skip(f"{case.name} has no rate limit")
    server.faults += [case.wrong["busy"]] * 2
    watch = HostedWatch()
    backend._tools.pace._wall = lambda: 10**12  # the pause is told, not slept
    (picture,) = draw(backend, first(case), watch=watch).pictures
    assert len(watch.delays) == 2
    assert backend.about.title in watch.delays[0][1]
    assert picture.facts["hosted"]["retries"] == 2
    assert backend._tools.pace._share < 1
    assert server.made == 1


@pytest.mark.parametrize("how", ["drop", "cut"])
def test_a_paid_call_that_breaks_off_is_never_sent_again_by_itself(
    case: Case, server: Loopback, backend: HostedBackend, how: str
) -> None:
    server.faults.append(Fault(how, case.submit))
    watch = HostedWatch()
    if case.free:
        draw(backend, first(case), watch=watch)
        return
    with pytest.raises(Uncertain, match="Retry"):
        draw(backend, first(case), watch=watch)
    assert server.made == 1
    with pytest.raises(Uncertain):  # nor when the job is run again after a crash
        draw(backend, first(case), watch=watch)
    assert server.made == 1
    assert [entry[2] for entry in watch.receipts.ledger.values()] == ["reserved"]
    for note in [name for name in watch.receipts.notes if name.endswith(("sending", "call"))]:
        del watch.receipts.notes[note]  # what Retry does
    draw(backend, first(case), watch=watch)
    assert server.made == 2


def test_a_server_error_is_tried_again_only_where_nothing_was_made(
    case: Case, server: Loopback, backend: HostedBackend
) -> None:
    server.faults.append(Fault("say", case.submit, Said({"message": "overloaded"}, 503)))
    draw(backend, first(case))
    assert server.made == 1
    server.faults.append(Fault("say", case.submit, Said({"message": "bad gateway"}, 502)))
    if case.free or 502 in backend.about.safe:
        draw(backend, first(case))
    else:
        with pytest.raises(Uncertain):
            draw(backend, first(case))
        assert server.made == 1


def test_a_provider_that_is_down_is_a_sentence(case: Case, server: Loopback, backend: HostedBackend) -> None:
    server.close()
    watch = HostedWatch()
    with pytest.raises(Unavailable, match="out of reach"):
        draw(backend, first(case), watch=watch)
    assert watch.receipts.ledger == {}
    assert not [note for note in watch.receipts.notes if note.endswith("sending")]


def test_the_same_job_run_again_pays_once(case: Case, server: Loopback, backend: HostedBackend) -> None:
    """As after a crash that lost everything but the notes."""
    watch = HostedWatch()
    one = draw(backend, first(case), watch=watch).pictures[0]
    other = draw(backend, first(case), watch=watch).pictures[0]
    assert one.image.tobytes() == other.image.tobytes()
    assert server.made == 1
    assert other.facts["hosted"]["request"] == one.facts["hosted"]["request"]
    assert len(watch.receipts.ledger) == 1


def test_a_submitted_picture_is_looked_for_again_after_a_crash(case: Case, server: Loopback, backend: HostedBackend) -> None:
    if not case.polled:
        pytest.skip(f"{case.name} answers at once")
    watch = HostedWatch()
    draw(backend, first(case), watch=watch)
    for note in [name for name in watch.receipts.notes if "answer" in name or "picture" in name]:
        del watch.receipts.notes[note]
    draw(backend, first(case), watch=watch)
    assert server.made == 1


def test_cancel_is_quick_and_says_what_may_be_billed(case: Case, server: Loopback, backend: HostedBackend) -> None:
    watch = HostedWatch(stop_in="polling" if case.polled else "sending")
    server.faults.append(Fault("slow", case.submit, seconds=20))
    if case.polled:
        server.faults.clear()
        server.looks_needed = 10**6
    with pytest.raises(Cancelled) as caught:
        draw(backend, first(case), watch=watch)
    if not case.polled and server.made == 0 and not server.asked:
        return
    if case.cancels:
        assert any("cancel" in each.path or "interrupt" in each.path or each.method == "PUT" for each in server.asked)
    assert str(caught.value).startswith("Cancelled")


def test_a_black_picture_is_told_as_a_filter(case: Case, server: Loopback, backend: HostedBackend, monkeypatch) -> None:
    import importlib

    module = importlib.import_module(f"at_{case.name.replace('-', '_')}")
    monkeypatch.setattr(module, "picture", lambda *_, **__: black())
    with pytest.raises(Moderated, match="blank"):
        draw(backend, first(case))


def test_several_pictures_have_seeds_that_count_up(case: Case, server: Loopback, backend: HostedBackend) -> None:
    pictures = draw(backend, first(case), count=3).pictures
    assert len(pictures) == 3
    if case.seeds:
        assert [picture.facts["hosted"]["seed_asked"] for picture in pictures] == [1234, 1235, 1236]
        assert len({picture.image.tobytes() for picture in pictures}) == 3


def test_without_a_key_nothing_is_sent(case: Case, server: Loopback, backend: HostedBackend, monkeypatch) -> None:
    if case.free or backend.about.key_optional:
        pytest.skip("no key is needed")
    for name in case.keys:
        monkeypatch.delenv(name)
    with pytest.raises(NotConfigured, match="needs a key"):
        draw(backend, first(case))
    assert server.asked == []


def test_the_key_is_tested_by_a_call_that_costs_nothing(case: Case, server: Loopback, backend: HostedBackend) -> None:
    if backend.provider.test() is None:
        pytest.skip(f"{case.name} has no such call")
    assert backend.test()
    assert server.made == 0


def test_every_declared_model_makes_a_call_for_every_task(case: Case, server: Loopback, backend: HostedBackend) -> None:
    for model in backend.models():
        assert set(model.tasks) <= set(TASKS)
        for kind in model.tasks:
            options = {option.name: "a cat" for option in model.options_for(kind) if option.name == "search_prompt"}
            result = draw(backend, model.id.partition(":")[2], kind, options={**case.options, **options})
            assert result.pictures[0].image.width > 0, (model.id, kind)


def test_models_without_pictures_of_their_own_say_why_a_task_is_missing(case: Case, backend: HostedBackend) -> None:
    for model in backend.models():
        assert model.hosted
        assert TextToImage.kind in model.tasks or model.needs_prompt != () or model.tasks
