"""What is logged when, who is named, and what never stands in the log; and what is not shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from examining import verifying
from overseen import CALL, KEY, SECRET, Place, Stubborn
from toy_backend import ToyBackend

from studio.core.errors import InvalidRequest, LibraryError, Moderated, OverBudget, Rejected, StudioError, Uncertain
from studio.core.hosting import Limit, Preferences
from studio.core.ports import AuditLog
from studio.core.result import Record
from studio.core.sharing import ShareOptions
from studio.engine import running
from studio.engine.logbook import SilentAudit
from studio.engine.queue import Tickets
from studio.engine.shelf import Shelf
from studio.engine.studio import Studio
from studio.library import Library, open_library


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.library.close()


def test_a_picture_leaves_the_request_and_every_kept_picture_in_the_log(place: Place) -> None:
    job = place.run(place.ask(user="ann", count=2))
    assert place.told() == [
        ("request.submitted", "ann", job.id),
        ("picture.kept", "ann", f"{job.id}-0"),
        ("picture.kept", "ann", f"{job.id}-1"),
    ]
    submitted, kept, _ = place.rows()
    assert submitted.detail == {
        "model": "toy:one", "task": "text-to-image", "count": 2, "lane": "interactive", "role": "creator",
    }  # fmt: skip
    record = place.studio.record(f"{job.id}-0")
    assert record is not None
    assert kept.detail == {"job": job.id, "model": "toy:one", "sha256": record.sha256, "review_status": "not_needed"}
    assert SECRET not in place.whole_log()


def test_prompts_stand_in_the_log_only_where_the_user_wants_them(place: Place) -> None:
    place.studio.prefer(replace(place.studio.preferences(), audit_prompts=True))
    place.ask("a red fox", negative_prompt="snow")
    row = place.rows()[-1]
    assert (row.detail["prompt"], row.detail["negative_prompt"]) == ("a red fox", "snow")


def test_the_studios_user_acts_where_nobody_is_named(place: Place) -> None:
    job = place.ask()
    place.studio.cancel(job.id)
    assert place.told() == [("request.submitted", "owner", job.id), ("request.cancelled", "owner", job.id)]


def test_a_request_that_policy_blocks_is_logged_with_its_reason_and_never_reaches_the_backend(place: Place) -> None:
    job = place.run(place.ask(f"a cat, {SECRET}", user="ann"))
    assert (job.state, job.blocked_by, job.reason_code) == ("blocked", "policy", "cat")
    assert place.told()[1:] == [("request.blocked", "ann", job.id)]
    assert place.rows()[-1].detail == {
        "model": "toy:one", "error_code": "blocked", "blocked_by": "policy", "reason_code": "cat",
    }  # fmt: skip
    assert place.backend.asked == []
    assert SECRET not in place.whole_log()
    (found,) = place.studio.screened(reason_code="cat", outcome="block")
    assert (found.job, found.person, found.blocked_by) == (job.id, "ann", "policy")


@pytest.mark.parametrize(
    ("prompt", "code"), [("no memory", "out_of_memory"), ("blow up", "unexpected")]
)  # fmt: skip
def test_a_failure_is_logged_with_its_code_and_not_with_its_words(place: Place, prompt: str, code: str) -> None:
    job = place.run(place.ask(prompt))
    assert place.told()[1:] == [("request.failed", "owner", job.id)]
    assert place.rows()[-1].detail == {"model": "toy:one", "error_code": code}


def test_an_engine_that_died_too_often_is_logged(place: Place) -> None:
    job = place.ask()
    for _ in range(running.MAX_ATTEMPTS):
        place.library.jobs.begin(job.id)
    assert place.run(job).error_code == "engine_died"
    assert place.rows()[-1].detail["error_code"] == "engine_died"


def test_a_running_job_that_is_stopped_is_logged_once_with_who_stopped_it(place: Place) -> None:
    job = place.ask(user="ann")
    place.library.jobs.claim("worker")
    place.studio.cancel(job.id, person="rita")
    place.studio.cancel(job.id, person="rita")
    place.running.make(job.id)
    assert place.told()[1:] == [("request.cancelled", "rita", job.id)]
    assert place.rows()[-1].detail == {"state": "running"}
    place.studio.cancel(job.id)
    assert len(place.rows()) == 2


def test_a_retry_is_a_request_again_and_a_retry_of_what_went_well_is_nothing(place: Place) -> None:
    job = place.run(place.ask("no memory"))
    place.studio.retry(job.id, person="ann")
    assert (place.told()[-1], place.rows()[-1].detail["again"]) == (("request.submitted", "ann", job.id), True)
    done = place.run(place.ask("a dog"))
    count = len(place.rows())
    place.studio.retry(done.id)
    assert len(place.rows()) == count


def test_each_hosted_picture_has_its_call_in_the_log_without_what_was_said(place: Place) -> None:
    job = place.run(place.ask("hosted fox", count=2, user="ann"))
    actions = [(row.action, row.subject) for row in place.rows()[1:]]
    assert actions == [
        ("hosted.called", f"{job.id}-0"), ("picture.kept", f"{job.id}-0"),
        ("hosted.called", f"{job.id}-1"), ("picture.kept", f"{job.id}-1"),
    ]  # fmt: skip
    assert place.rows()[1].detail == {
        "outcome": "done", "provider": "Cloud", "endpoint": "https://cloud.example/v1", "request_id": "r-1",
        "cost": {"value": 0.03},
    }  # fmt: skip
    assert SECRET not in place.whole_log()


@pytest.mark.parametrize(
    ("error", "facts", "actions"),
    [
        (Moderated, CALL, ["hosted.called", "request.blocked"]),
        (Rejected, CALL, ["hosted.called", "request.failed"]),
        (Uncertain, CALL | {"response": None}, ["hosted.called", "request.failed"]),
        (OverBudget, CALL | {"endpoint": "", "response": None}, ["request.failed"]),
        (OverBudget, CALL | {"response": None}, ["request.failed"]),
    ],
)  # fmt: skip
def test_a_call_that_gave_no_picture_is_logged_if_it_was_made(
    place: Place, error: type[StudioError], facts: dict, actions: list[str]
) -> None:
    place.backend.error = error(f"Refused: {SECRET}", facts={"hosted": facts})
    job = place.run(place.ask())
    assert [row.action for row in place.rows()[1:]] == actions
    assert {row.subject for row in place.rows()} == {job.id}
    assert {row.detail.get("reason_code") for row in place.rows()[1:]} <= {None, "provider.filter"}
    assert SECRET not in place.whole_log()


def test_a_worker_that_dies_before_the_job_is_done_logs_each_picture_once(place: Place) -> None:
    job = place.ask("hosted", count=2)
    place.library.jobs.claim("worker")
    assert place.running.make(job.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place.library.jobs, "advance", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            place.running.keep(job.id)
    place.running.keep(job.id)
    found = place.library.jobs.get(job.id)
    assert found is not None
    assert found.state == "done"
    assert sorted(row.action for row in place.rows()) == ["hosted.called"] * 2 + ["picture.kept"] * 2 + ["request.submitted"]


def test_a_full_disk_delays_an_ending_until_it_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "KEEP_RETRY", 0.01)
    with open_library(tmp_path / "data", tmp_path / "other") as library:
        audit = Stubborn(tmp_path / "data", library.database)
        place = Place(tmp_path, audit)
        job = place.ask("no memory")
        audit.refusals = 3
        assert place.run(job).state == "failed"
        assert [row.action for row in place.rows()] == ["request.submitted", "request.failed"]
        place.library.close()


def test_settings_and_keys_are_logged_by_name_and_never_a_key(place: Place) -> None:
    studio = place.studio
    studio.prefer(Preferences(offline=True, daily_budget=2.5, limits={"bfl": Limit(at_once=3, per_minute=12)}), "ann")
    studio.prefer(studio.preferences(), "ann")
    with pytest.raises(InvalidRequest):
        studio.prefer(Preferences(daily_budget=-1))
    studio.set_key("FAL_KEY", KEY, "ann")
    studio.remove_key("FAL_KEY")
    changed = "offline, daily_budget, limits"
    assert place.told() == [
        ("settings.changed", "ann", changed), ("key.set", "ann", "FAL_KEY"), ("key.removed", "owner", "FAL_KEY"),
    ]  # fmt: skip
    assert place.rows()[0].detail == {
        "offline": [False, True], "daily_budget": [None, 2.5], "limits": [{}, {"bfl": {"at_once": 3, "per_minute": 12}}],
    }  # fmt: skip
    assert KEY not in place.whole_log()


def test_a_deleted_picture_keeps_its_record_and_its_rows(place: Place) -> None:
    record = place.picture()
    place.studio.delete(record.id, "ann")
    assert place.studio.recent() == []
    place.studio.restore(record.id, "ann")
    assert place.studio.recent() == [record]
    place.studio.delete(record.id)
    assert place.studio.empty_trash("rita") == 1
    assert place.studio.empty_trash("rita") == 0
    assert place.told()[-4:] == [
        ("picture.deleted", "ann", record.id), ("picture.restored", "ann", record.id),
        ("picture.deleted", "owner", record.id), ("picture.deleted", "rita", ""),
    ]  # fmt: skip
    assert place.rows()[-1].detail == {"for_good": True, "pictures": 1}
    found = place.studio.record(record.id)
    assert found is not None
    assert found.state == "deleted"


def flag(place: Place, record: Record, status: str = "pending") -> None:
    place.library.database.change("UPDATE record SET review_status = ? WHERE id = ?", (status, record.id))


def test_reviewers_decide_through_the_studio_and_are_logged(place: Place) -> None:
    studio, record = place.studio, place.picture()
    flag(place, record)
    assert ([each.id for each in studio.review_queue()], studio.review_count()) == ([record.id], 1)
    assert (studio.review_claim(record.id, "rita"), studio.review_claim(record.id, "rolf")) == ("", "rita")
    with pytest.raises(InvalidRequest, match="rita is looking"):
        studio.review_decide(record.id, "approved", person="rolf")
    with pytest.raises(InvalidRequest, match="Choose one of: approved, rejected, escalated"):
        studio.review_decide(record.id, "pending", person="rita")
    studio.review_decide(record.id, "rejected", f"about {SECRET}", "rita")
    assert [entry.status for entry in studio.review_history(record.id)] == ["rejected"]
    assert studio.review_undo("rita") is not None
    assert studio.review_undo("rita") is None
    assert place.told()[-2:] == [("review.decided", "rita", record.id), ("review.undone", "rita", record.id)]
    assert place.rows()[-2].detail == {"status": "rejected", "before": "pending"}
    assert SECRET not in place.whole_log()
    today = studio.statistics()[-1]
    assert (len(studio.statistics()), today.generated, today.flagged, today.rejected) == (14, 1, 1, 0)
    assert today.by_provider == {"toy": 1}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("pending", "waits for a review"), ("escalated", "closer look"), ("rejected", "was rejected in review")],
)
def test_what_waits_or_was_rejected_is_not_shared(place: Place, status: str, sentence: str) -> None:
    record = place.picture()
    flag(place, record, status)
    with pytest.raises(InvalidRequest, match=sentence):
        place.studio.share(record.id, ShareOptions())
    assert place.told()[-1][0] == "picture.kept"


def test_a_shared_copy_is_logged_with_what_went_out(place: Place) -> None:
    record = place.picture()
    flag(place, record, "approved")
    copy = place.studio.share(record.id, ShareOptions(prompt=True, user=True), "ann")
    assert place.told()[-1] == ("picture.shared", "ann", record.id)
    assert place.rows()[-1].detail == {
        "file": copy.name, "size": [1, 1], "told": ["prompt", "user"], "review_status": "approved",
    }  # fmt: skip
    assert SECRET not in place.whole_log()


def test_no_copy_goes_out_that_could_not_be_logged(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "other") as library:
        audit = Stubborn(tmp_path / "data", library.database)
        place = Place(tmp_path, audit)
        record = place.picture()
        audit.refusals = 1
        with pytest.raises(LibraryError):
            place.studio.share(record.id, ShareOptions())
        place.library.close()


def test_a_person_is_erased_through_the_studio(place: Place) -> None:
    record = place.picture(user="ann")
    place.picture(user="bob")
    assert place.studio.oversight.extent("ann").pictures == 1
    assert place.studio.erase_person("ann", "rita").pictures == 1
    assert place.told()[-1] == ("person.erased", "rita", "")
    found = place.studio.record(record.id)
    assert found is not None
    assert (found.request.prompt, found.path) == ("(erased)", None)
    assert place.studio.audit_verify()[1:] == (None, "")
    assert [row.person for row in place.studio.audit_rows(action="picture.kept")] == ["", "bob"]


def test_an_export_tells_of_itself(place: Place) -> None:
    place.ask()
    lines = list(place.studio.audit_export(person="rita"))
    assert json.loads(lines[-1])["action"] == "audit.exported"
    assert len(list(place.studio.audit_export(as_csv=True))) == 4


def test_a_studio_without_these_parts_logs_nothing_and_says_so(library_less: Studio) -> None:
    log: AuditLog = SilentAudit()
    log.append("key.set")
    assert (log.rows(), log.verify(), list(log.lines())) == ([], (0, None, ""), [])
    assert (library_less.audit_rows(), library_less.audit_verify(), library_less.review_count()) == ([], (0, None, ""), 0)
    for act in (library_less.review_queue, library_less.statistics, library_less.empty_trash):
        with pytest.raises(InvalidRequest, match=r"Start it with studio\.py\."):
            act()


@pytest.fixture
def library_less(tmp_path: Path) -> Iterator[Studio]:
    library: Library
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        yield Studio(
            backends=(ToyBackend(),),
            shelf=Shelf(jobs=library.jobs, records=library.records, drafts=library.drafts, sources=library.sources,
                        receipts=library.receipts),
            tickets=Tickets(tmp_path / "data"),
            outputs=library.outputs,
            verifying=verifying(library.records, tmp_path / "data"),
        )  # fmt: skip
