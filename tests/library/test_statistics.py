"""Counts for the daily report, and the search among refused requests and kept pictures."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from kept_builders import a_draft, a_request

from studio.core.job import Job
from studio.core.ports import Statistics
from studio.core.request import request_to_json
from studio.core.result import Record
from studio.core.statistics import Tally
from studio.core.verdict import Verdict
from studio.library import Library, database, open_library
from studio.library.migrations import MIGRATIONS

NUDE = Verdict(check="nsfw", outcome="flag", reason_code="output.nsfw", score=0.8, version="2", stage="output")
GORE = Verdict(check="gore", outcome="flag", reason_code="output.gore", stage="output")
FINE = Verdict(check="words", outcome="allow", version="rules 3")
UNSEEN = Verdict(check="nsfw", outcome="not_screened", reason_code="missing", stage="output")
WAR = Verdict(check="words", outcome="block", reason_code="prompt.war", message="No war.", version="rules 3")


def today() -> str:
    """Asked when it is needed: a suite may begin before midnight."""
    return time.strftime("%Y-%m-%d")


def made(
    library: Library,
    number: int,
    *verdicts: Verdict,
    days_ago: int = 0,
    status: str = "not_needed",
    model: str = "local:starter",
) -> Record:
    created = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="milliseconds")
    request = a_request(model=model, user="ann")
    library.keeper.hold([a_draft(number, job=f"job{number}", created=created, request=request, verdicts=verdicts)])
    (record,) = library.keeper.keep(f"job{number}")
    library.database.change("UPDATE record SET review_status = ? WHERE id = ?", (status, record.id))
    return record


def refused(
    library: Library, *verdicts: Verdict, by: str = "policy", reason: str = "prompt.war", model: str = "local:x"
) -> Job:
    job = library.jobs.add(a_request(model=model, user="bob"), "interactive")
    return library.jobs.advance(job.id, "blocked", blocked_by=by, reason_code=reason, verdicts=verdicts)


def screening(library: Library) -> list[tuple]:
    columns = "job, record, stage, name, outcome, reason_code, score, version"
    return [tuple(row) for row in library.database.rows(f"SELECT {columns} FROM screening ORDER BY seq")]  # noqa: S608  our own words


def test_every_answer_of_a_check_becomes_a_row_once(library: Library) -> None:
    job = refused(library, FINE, WAR)
    library.jobs.advance(job.id, "blocked", verdicts=[WAR])
    record = made(library, 1, FINE, NUDE)
    library.records.add(record)
    assert screening(library) == [
        (job.id, "", "request", "words", "allow", "", None, "rules 3"),
        (job.id, "", "request", "words", "block", "prompt.war", None, "rules 3"),
        ("job1", record.id, "request", "words", "allow", "", None, "rules 3"),
        ("job1", record.id, "output", "nsfw", "flag", "output.nsfw", 0.8, "2"),
    ]


def test_a_strangers_verdict_with_odd_numbers_is_a_row_all_the_same(library: Library) -> None:
    odd = Verdict(check="x", outcome="allow", score=10**400, version={"a": 1})  # type: ignore[arg-type]
    made(library, 1, odd)
    assert [row[6:] for row in screening(library)] == [(None, "{'a': 1}")]


def test_the_statistics_are_the_engines(library: Library) -> None:
    statistics: Statistics = library.statistics
    assert (statistics.tallies(), statistics.search()) == ([], [])


def test_what_was_made_refused_flagged_and_reviewed_is_counted_by_day_provider_and_reason(library: Library) -> None:
    old = made(library, 1, days_ago=2)
    flagged = [made(library, number, FINE, NUDE, GORE, status="pending", model="bfl:pro") for number in (2, 3, 4)]
    made(library, 5, FINE)
    made(library, 6, days_ago=40)
    refused(library, WAR)
    refused(library, WAR)
    refused(library, by="provider", reason="provider.filter", model="openai:image")
    library.reviews.decide(flagged[0].id, "approved", "rita")
    library.reviews.decide(flagged[1].id, "escalated", "rita")
    library.reviews.decide(flagged[1].id, "rejected", "rolf")
    library.reviews.decide(flagged[2].id, "approved", "rita")
    library.reviews.undo("rita")
    day = datetime.fromisoformat(old.created).astimezone().date().isoformat()
    assert library.statistics.tallies() == [
        Tally(day=today(), counted="generated", provider="bfl", reason_code="", count=3),
        Tally(day=today(), counted="generated", provider="local", reason_code="", count=1),
        Tally(day=today(), counted="blocked_by_policy", provider="local", reason_code="prompt.war", count=2),
        Tally(day=today(), counted="blocked_by_provider", provider="openai", reason_code="provider.filter", count=1),
        Tally(day=today(), counted="flagged", provider="bfl", reason_code="output.nsfw", count=3),
        Tally(day=today(), counted="approved", provider="bfl", reason_code="output.nsfw", count=1),
        Tally(day=today(), counted="rejected", provider="bfl", reason_code="output.nsfw", count=1),
        Tally(day=today(), counted="escalated", provider="bfl", reason_code="output.nsfw", count=1),
        Tally(day=day, counted="generated", provider="local", reason_code="", count=1),
    ]
    assert [tally.day for tally in library.statistics.tallies(1)].count(day) == 0


def test_what_a_publishing_rule_alone_sent_to_review_counts_as_flagged_under_that_rule(library: Library) -> None:
    record = made(library, 1, FINE, status="pending")
    library.database.change("UPDATE record SET facts = ?", (json.dumps({"publishing": {"rule": "hosted people"}}),))
    library.reviews.decide(record.id, "rejected", "rita")
    found = [(each.counted, each.reason_code, each.count) for each in library.statistics.tallies()]
    assert found == [
        ("generated", "", 1), ("flagged", "publishing.hosted people", 1), ("rejected", "publishing.hosted people", 1),
    ]  # fmt: skip


def test_deleted_pictures_are_still_counted_and_found(library: Library) -> None:
    record = made(library, 1, NUDE)
    library.trash.delete(record.id)
    assert [(tally.counted, tally.count) for tally in library.statistics.tallies()] == [("generated", 1), ("flagged", 1)]
    assert [found.record for found in library.statistics.search(outcome="flag")] == [record.id]


def test_the_search_goes_by_reason_outcome_and_review_status(library: Library) -> None:
    plain = made(library, 1, FINE)
    nude = made(library, 2, FINE, NUDE, status="pending")
    both = made(library, 3, NUDE, GORE, status="rejected")
    unseen = made(library, 4, UNSEEN)
    war, provider = refused(library, FINE, WAR), refused(library, by="provider", reason="provider.filter")

    def found(**asked: str) -> set[str]:
        return {each.id for each in library.statistics.search(**asked)}

    assert found() == {plain.id, nude.id, both.id, unseen.id, war.id, provider.id}
    assert found(reason_code="output.nsfw") == {nude.id, both.id}
    assert found(reason_code="output.gore") == {both.id}
    assert found(reason_code="prompt.war") == {war.id}
    assert found(reason_code="provider.filter") == {provider.id}
    assert found(outcome="block") == {war.id, provider.id}
    assert found(outcome="flag") == {nude.id, both.id}
    assert found(outcome="not_screened") == {unseen.id}
    assert found(review_status="pending") == {nude.id}
    assert found(review_status="not_needed") == {plain.id, unseen.id}
    assert found(review_status="rejected", reason_code="output.gore", outcome="flag") == {both.id}
    assert found(reason_code="nothing") == set()


def test_what_is_found_says_who_when_and_why(library: Library) -> None:
    made(library, 1, FINE, NUDE, GORE, status="pending")
    made(library, 2, UNSEEN)
    refused(library, FINE, WAR)
    war, unseen, flagged = library.statistics.search()
    assert (flagged.person, flagged.outcome, flagged.reason_codes, flagged.review_status, flagged.provider) == (
        "ann", "flag", ("output.nsfw", "output.gore"), "pending", "local",
    )  # fmt: skip
    assert (unseen.outcome, unseen.reason_codes) == ("not_screened", ())
    assert (war.person, war.outcome, war.reason_codes, war.blocked_by, war.record) == (
        "bob", "block", ("prompt.war",), "policy", "",
    )  # fmt: skip


def test_a_job_that_was_tried_again_and_went_well_is_no_refused_one_any_more(library: Library) -> None:
    job = refused(library, WAR)
    library.jobs.retry(job.id)
    assert library.statistics.search() == []
    library.jobs.advance(job.id, "done")
    assert library.statistics.tallies() == []


def test_the_pages_hold_everything_once_even_where_times_are_equal(library: Library) -> None:
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    for number in range(9):
        library.keeper.hold([a_draft(number, job="job", created=created)])
    records = [record.id for record in library.keeper.keep("job")]
    jobs = [refused(library, WAR).id for _ in range(5)]
    seen, before = [], ""
    while page := library.statistics.search(limit=4, before=before):
        seen += [found.id for found in page]
        before = page[-1].id
    assert sorted(seen) == sorted([*records, *jobs])
    times = [found.time for found in library.statistics.search(limit=99)]
    assert times == sorted(times, reverse=True)
    assert library.statistics.search(before="nobody") == []


def test_a_library_of_before_is_brought_up_with_the_provider_of_every_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", MIGRATIONS[:6])
        with database.Database(tmp_path / "data") as old:
            old.change(
                """INSERT INTO record (id, job, path, name, sha256, width, height, seed, created, time, user, request, facts,
                   notes, stamps, verdicts) VALUES ('r1', 'j1', 'a.png', 'a.png', '', 1, 1, 1, '', ?, 'ann', ?, '{}', '[]',
                   '[]', '[]')""",
                (time.time(), json.dumps(request_to_json(a_request(model="stability:core")))),
            )
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert [(tally.counted, tally.provider) for tally in library.statistics.tallies()] == [("generated", "stability")]
        assert library.audit.verify() == (0, None, "")
