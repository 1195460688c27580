"""What is logged when, who is named, and what never stands in the log; and what is not shared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from examining import verifying
from overseen import ANN, CALL, KEY, OWNER, RITA, ROLF, SECRET, Place, Stubborn
from toy_backend import ToyBackend

from studio.core.errors import (
    Blocked,
    InvalidRequest,
    LibraryError,
    Moderated,
    NotAllowed,
    OverBudget,
    Rejected,
    StudioError,
    Uncertain,
)
from studio.core.hosting import Limit, Preferences
from studio.core.people import Person
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
    job = place.run(place.ask(person=ANN, count=2))
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
    place.studio.prefer(replace(place.studio.preferences(), audit_prompts=True), OWNER)
    place.ask("a red fox", negative_prompt="snow")
    row = place.rows()[-1]
    assert (row.detail["prompt"], row.detail["negative_prompt"]) == ("a red fox", "snow")


def test_the_studios_user_acts_where_nobody_is_named(place: Place) -> None:
    job = place.ask()
    place.studio.cancel(job.id)
    assert place.told() == [("request.submitted", "owner", job.id), ("request.cancelled", "owner", job.id)]


def test_a_request_that_policy_blocks_is_logged_with_its_reason_and_never_reaches_the_backend(place: Place) -> None:
    job = place.run(place.ask(f"a cat, {SECRET}", person=ANN))
    assert (job.state, job.blocked_by, job.reason_code) == ("blocked", "policy", "cat")
    assert place.told()[1:] == [("request.blocked", "ann", job.id)]
    assert place.rows()[-1].detail == {
        "model": "toy:one", "error_code": "blocked", "blocked_by": "policy", "reason_code": "cat",
    }  # fmt: skip
    assert place.backend.asked == []
    assert SECRET not in place.whole_log()
    (found,) = place.studio.oversight.screened(reason_code="cat", outcome="block")
    assert (found.job, found.person, found.blocked_by) == (job.id, "ann", "policy")


def test_words_that_policy_blocks_never_stand_in_the_line_and_are_kept_with_their_reason(tmp_path: Path) -> None:
    place = Place(tmp_path, early=True)
    with pytest.raises(Blocked, match=r"No cats\.") as refusal:
        place.ask(f"a cat, {SECRET}", ANN)
    assert refusal.value.field == "prompt"
    (job,) = place.studio.jobs(active=False)
    assert (job.state, job.blocked_by, job.reason_code, job.error_field) == ("blocked", "policy", "cat", "prompt")
    assert (job.request.user, job.role, [verdict.outcome for verdict in job.verdicts]) == ("ann", "creator", ["block"])
    assert place.library.jobs.claim("worker") is None
    assert (place.backend.asked, place.studio.jobs()) == ([], [])
    assert place.told() == [("request.submitted", "ann", job.id), ("request.blocked", "ann", job.id)]
    (found,) = place.studio.oversight.screened(reason_code="cat", outcome="block")
    assert (found.job, found.blocked_by) == (job.id, "policy")
    assert place.studio.oversight.statistics()[-1].blocked_by_policy == 1
    place.library.close()


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
    job = place.ask(person=ANN)
    place.library.jobs.claim("worker")
    place.studio.cancel(job.id, RITA)
    place.studio.cancel(job.id, RITA)
    place.running.make(job.id)
    assert place.told()[1:] == [("request.cancelled", "rita", job.id)]
    assert place.rows()[-1].detail == {"state": "running"}
    place.studio.cancel(job.id)
    assert len(place.rows()) == 2


def test_a_retry_is_a_request_again_and_a_retry_of_what_went_well_is_nothing(place: Place) -> None:
    job = place.run(place.ask("no memory", ANN))
    place.studio.retry(job.id, ANN)
    assert (place.told()[-1], place.rows()[-1].detail["again"]) == (("request.submitted", "ann", job.id), True)
    done = place.run(place.ask("a dog"))
    count = len(place.rows())
    place.studio.retry(done.id)
    assert len(place.rows()) == count


def test_each_hosted_picture_has_its_call_in_the_log_without_what_was_said(place: Place) -> None:
    job = place.run(place.ask("hosted fox", count=2, person=ANN))
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
    studio.prefer(Preferences(offline=True, daily_budget=2.5, limits={"bfl": Limit(at_once=3, per_minute=12)}), OWNER)
    studio.prefer(studio.preferences(), OWNER)
    with pytest.raises(InvalidRequest):
        studio.prefer(Preferences(daily_budget=-1), OWNER)
    studio.set_key("FAL_KEY", KEY, OWNER)
    studio.remove_key("FAL_KEY", OWNER)
    changed = "offline, daily_budget, limits"
    assert place.told() == [
        ("settings.changed", "owner", changed), ("key.set", "owner", "FAL_KEY"), ("key.removed", "owner", "FAL_KEY"),
    ]  # fmt: skip
    assert place.rows()[0].detail == {
        "offline": [False, True], "daily_budget": [None, 2.5], "limits": [{}, {"bfl": {"at_once": 3, "per_minute": 12}}],
    }  # fmt: skip
    assert KEY not in place.whole_log()


def test_a_deleted_picture_keeps_its_record_and_its_rows(place: Place) -> None:
    record, oversight = place.picture(person=ANN), place.studio.oversight
    oversight.delete(record.id, ANN)
    assert place.studio.recent() == []
    oversight.restore(record.id, ANN)
    assert place.studio.recent() == [record]
    oversight.delete(record.id, RITA)
    assert oversight.empty_trash(OWNER) == 1
    assert oversight.empty_trash(OWNER) == 0
    assert place.told()[-4:] == [
        ("picture.deleted", "ann", record.id), ("picture.restored", "ann", record.id),
        ("picture.deleted", "rita", record.id), ("picture.deleted", "owner", ""),
    ]  # fmt: skip
    assert place.rows()[-1].detail == {"for_good": True, "pictures": 1}
    found = place.studio.record(record.id)
    assert found is not None
    assert found.state == "deleted"


def test_a_creator_reaches_no_further_than_their_own_pictures_and_jobs(place: Place) -> None:
    record, studio, oversight = place.picture(), place.studio, place.studio.oversight
    job = place.ask()
    for act in (
        lambda: oversight.delete(record.id, ANN), lambda: oversight.restore(record.id, ANN), lambda: oversight.waiting(ANN),
        lambda: oversight.claim(record.id, ANN), lambda: oversight.decide(record.id, "approved", "", ANN),
        lambda: oversight.undo(ANN), lambda: oversight.empty_trash(RITA), lambda: oversight.erase("owner", RITA),
        lambda: oversight.extent("owner", RITA), lambda: oversight.audit_export(RITA),
        lambda: studio.cancel(job.id, ANN), lambda: studio.retry(job.id, ANN), lambda: studio.move(job.id, 1, ANN),
        lambda: studio.pause(True, RITA),
    ):  # fmt: skip
        with pytest.raises(NotAllowed, match="Ask an admin"):
            act()
    assert place.studio.recent() == [record]
    assert place.told()[-1][0] == "request.submitted"


def flag(place: Place, record: Record, status: str = "pending") -> None:
    place.library.database.change("UPDATE record SET review_status = ? WHERE id = ?", (status, record.id))


def test_reviewers_decide_through_the_studio_and_are_logged(place: Place) -> None:
    oversight, record = place.studio.oversight, place.picture()
    flag(place, record)
    assert ([each.id for each in oversight.waiting(RITA)], oversight.count()) == ([record.id], 1)
    assert (oversight.claim(record.id, RITA), oversight.claim(record.id, ROLF)) == ("", "rita")
    with pytest.raises(InvalidRequest, match="rita is looking"):
        oversight.decide(record.id, "approved", "", ROLF)
    with pytest.raises(InvalidRequest, match="Choose one of: approved, rejected, escalated"):
        oversight.decide(record.id, "pending", "", RITA)
    oversight.decide(record.id, "rejected", f"about {SECRET}", RITA)
    assert [entry.status for entry in oversight.history(record.id)] == ["rejected"]
    assert oversight.undo(RITA) is not None
    assert oversight.undo(RITA) is None
    assert place.told()[-2:] == [("review.decided", "rita", record.id), ("review.undone", "rita", record.id)]
    assert place.rows()[-2].detail == {"status": "rejected", "before": "pending"}
    assert SECRET not in place.whole_log()
    today = oversight.statistics()[-1]
    assert (len(oversight.statistics()), today.generated, today.flagged, today.rejected) == (14, 1, 1, 0)
    assert today.by_provider == {"toy": 1}


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("pending", "waits for a review"), ("escalated", "closer look"), ("rejected", "was rejected in review")],
)
def test_what_waits_or_was_rejected_is_not_shared(place: Place, status: str, sentence: str) -> None:
    record = place.picture()
    flag(place, record, status)
    with pytest.raises(InvalidRequest, match=sentence):
        place.studio.oversight.share(record.id, ShareOptions(), OWNER)
    assert place.told()[-1][0] == "picture.kept"


def test_a_shared_copy_is_logged_with_what_went_out(place: Place) -> None:
    record = place.picture()
    flag(place, record, "approved")
    copy = place.studio.oversight.share(record.id, ShareOptions(prompt=True, user=True), ANN)
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
            place.studio.oversight.share(record.id, ShareOptions(), OWNER)
        place.library.close()


def test_no_job_runs_that_could_not_be_logged(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "other") as library:
        audit = Stubborn(tmp_path / "data", library.database)
        place = Place(tmp_path, audit)
        audit.refusals = 1
        with pytest.raises(LibraryError):
            place.ask("a dog")
        (job,) = place.studio.jobs(active=False)
        assert (job.state, place.library.jobs.claim("worker")) == ("cancelled", None)
        audit.refusals = 1
        with pytest.raises(LibraryError):
            place.studio.retry(job.id)
        assert place.library.jobs.claim("worker") is None
        place.library.close()


def test_a_person_is_erased_through_the_studio(place: Place) -> None:
    record = place.picture(person=ANN)
    place.picture(person=Person("bob"))
    oversight = place.studio.oversight
    assert oversight.extent("ann", OWNER).pictures == 1
    assert oversight.erase("ann", OWNER).pictures == 1
    assert place.told()[-1] == ("person.erased", "owner", "")
    found = place.studio.record(record.id)
    assert found is not None
    assert (found.request.prompt, found.path) == ("(erased)", None)
    assert oversight.audit_verify()[1:] == (None, "")
    assert [row.person for row in place.library.audit.rows(action="picture.kept")] == ["", "bob"]


def test_an_export_tells_of_itself(place: Place) -> None:
    place.ask()
    lines = list(place.studio.oversight.audit_export(OWNER))
    assert json.loads(lines[-1])["action"] == "audit.exported"
    assert len(list(place.studio.oversight.audit_export(OWNER, as_csv=True))) == 4


def test_a_studio_without_these_parts_logs_nothing_and_says_so(library_less: Studio) -> None:
    log: AuditLog = SilentAudit()
    log.append("key.set")
    assert (log.rows(), log.verify(), list(log.lines())) == ([], (0, None, ""), [])
    oversight = library_less.oversight
    assert (oversight.audit_verify(), oversight.count()) == ((0, None, ""), 0)
    for act in (lambda: oversight.waiting(OWNER), oversight.statistics, lambda: oversight.empty_trash(OWNER)):
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
