"""Hosted jobs through a real worker process: many at once, delayed, killed, never lost and never paid twice."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from at_replicate import ReplicateServer
from at_stability import StabilityServer
from at_together import TogetherServer
from hosted_place import CORE, FLUX, SCHNELL, HostedPlace, ask, over, until
from loopback import KEY, Asked, Fault, Said

from studio.core.people import Person
from studio.settings import PROVIDER_KEYS

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROVIDER_KEYS:
        monkeypatch.setenv(name, KEY)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[HostedPlace]:
    with StabilityServer() as stability, ReplicateServer() as replicate:
        place = HostedPlace(tmp_path, {"stability": stability, "replicate": replicate}, stability={"at_once": 3})
        yield place
        place.close()


def test_a_hosted_job_ends_as_a_file_with_its_receipt_settled(place: HostedPlace) -> None:
    studio = place.studio()
    job = over(studio, ask(studio, "a fox", user="alice"))
    assert (job.state, job.message) == ("done", "")
    record = studio.record(job.records[0])
    assert record is not None
    assert record.path in set(place.outputs.rglob("*.png"))
    assert record.facts["hosted"]["request_id"] == "req-stability"
    assert record.request.user == "alice"
    (spent,) = studio.spent()
    assert (spent.provider, spent.amount, spent.calls, spent.uncertain) == ("stability", 0.03, 1, 0)
    assert not (place.data / "receipts" / job.id).exists()
    assert not [path for path in place.data.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_jobs_of_one_provider_run_side_by_side_within_its_limit(place: HostedPlace) -> None:
    studio = place.studio()
    server = place.servers["stability"]
    server.faults += [Fault("slow", "generate", seconds=1.0)] * 6
    jobs = [ask(studio, f"fox {number}") for number in range(6)]
    began = time.monotonic()
    assert all(over(studio, job).state == "done" for job in jobs)
    assert server.most_at_once == 3
    assert time.monotonic() - began < 6  # one after the other would take at least that long


def test_a_long_batch_leaves_a_place_for_the_form(place: HostedPlace) -> None:
    studio = place.studio()
    place.servers["stability"].faults += [Fault("slow", "generate", seconds=1.5)] * 6
    batch = [ask(studio, f"batch {number}", lane="batch") for number in range(6)]
    until(lambda: place.servers["stability"].asked)
    place.servers["stability"].faults.insert(0, Fault("slow", "generate", seconds=0.01))
    quick = over(studio, ask(studio, "from the form"))
    assert quick.state == "done"
    assert sum(studio.job(job.id).is_over for job in batch) < 3


def test_a_rate_limit_delays_the_job_until_a_time_that_is_said(place: HostedPlace) -> None:
    studio = place.studio()
    place.servers["stability"].faults.append(Fault("say", "generate", Said({}, 429, {"Retry-After": "2"})))
    job = ask(studio, "a fox")
    delayed = until(lambda: studio.job(job.id) if studio.job(job.id).state == "delayed" else None)
    assert "Delayed until " in delayed.message
    time.strptime(delayed.message.rpartition(" ")[2].rstrip("."), "%H:%M:%S")
    assert over(studio, job).state == "done"


def test_a_delayed_job_can_be_cancelled(place: HostedPlace) -> None:
    studio = place.studio()
    place.servers["stability"].faults.append(Fault("say", "generate", Said({}, 429, {"Retry-After": "60"})))
    job = ask(studio, "a fox")
    until(lambda: studio.job(job.id).state == "delayed")
    studio.cancel(job.id)
    assert over(studio, job, 5).state == "cancelled"
    assert studio.spent() == []


def test_a_refusal_names_the_field_and_a_retry_asks_again(place: HostedPlace) -> None:
    studio = place.studio()
    wrong = Said({"id": "e", "name": "bad_request", "errors": ["prompt: cannot be about foxes"]}, 400)
    place.servers["stability"].faults.append(Fault("say", "generate", wrong))
    job = over(studio, ask(studio, "a fox"))
    assert (job.state, job.error_field) == ("failed", "prompt")
    assert "cannot be about foxes" in job.message
    assert job.facts["hosted"]["response"]["status"] == 400
    studio.retry(job.id)
    assert over(studio, job).state == "done"


def test_after_kill_9_the_same_prediction_is_fetched_and_nothing_is_paid_twice(place: HostedPlace) -> None:
    studio, server = place.studio(), place.servers["replicate"]
    server.looks_needed = 10**6
    job = ask(studio, "a fox", SCHNELL, count=2)
    until(lambda: len([asked for asked in server.asked if "/predictions/p2" in asked.path]) > 2)
    place.kill_worker(studio)
    until(lambda: studio.hosted_worker().restarts == 1)
    server.looks_needed = 1
    ended = over(studio, job)
    assert ended.state == "done"
    assert len(ended.records) == 2
    assert server.made == 2
    assert len(list(place.outputs.rglob("*.png"))) == 2


def test_killed_while_a_paid_call_was_in_the_air_a_person_must_look_and_may_retry(place: HostedPlace) -> None:
    studio, server = place.studio(), place.servers["stability"]
    server.faults.append(Fault("slow", "generate", seconds=60))
    job = ask(studio, "a fox")
    until(lambda: server.asked)
    place.kill_worker(studio)
    ended = over(studio, job)
    assert ended.state == "needs_review"
    assert "Retry" in ended.message
    assert server.made == 0
    assert studio.spent()[0].uncertain == 1
    studio.retry(job.id)
    assert over(studio, job).state == "done"
    assert server.made == 1
    assert [spent.calls for spent in studio.spent()] == [2]


def test_closing_the_studio_lets_a_paid_call_come_back_first(place: HostedPlace) -> None:
    studio, server = place.studio(), place.servers["stability"]
    server.faults.append(Fault("slow", "generate", seconds=1.5))
    job = ask(studio, "a fox")
    until(lambda: server.asked)
    place.close()
    assert server.made == 1
    again = place.studio()
    assert over(again, job).state == "done"
    assert server.made == 1


def test_a_studio_that_is_gone_leaves_its_worker_to_finish(place: HostedPlace) -> None:
    """As when the studio alone is killed: the pipe closes, what is under way is carried to its end."""
    studio, server = place.studio(), place.servers["stability"]
    server.faults.append(Fault("slow", "generate", seconds=1.0))
    job = ask(studio, "a fox")
    until(lambda: server.asked)
    child = studio._hosted._child
    child.stdin.close()
    child.wait(30)
    assert studio.job(job.id).state == "done"


def test_a_budget_stops_before_anything_is_sent(place: HostedPlace) -> None:
    (place.data / "preferences.json").write_text('{"daily_budget": 0.05}')
    studio = place.studio()
    jobs = [over(studio, ask(studio, f"fox {number}")) for number in range(2)]
    assert [job.state for job in jobs] == ["done", "failed"]
    assert jobs[1].error_code == "over_budget"
    assert place.servers["stability"].made == 1
    assert sum(spent.amount for spent in studio.spent()) == 0.03


def test_a_key_is_tested_by_the_worker_which_starts_for_it(place: HostedPlace) -> None:
    studio = place.studio()
    assert studio.test_key("stability", Person("me")).startswith("The key is good: 123.5 credits")


class Counting(StabilityServer):
    """Counts by prompt what was made, and when calls began."""

    def __init__(self) -> None:
        super().__init__()
        self.by_prompt: Counter[str] = Counter()
        self.begun: list[float] = []

    def answer(self, asked: Asked) -> Said:
        self.begun.append(time.monotonic())
        said = super().answer(asked)
        if said.status == 200:
            self.by_prompt[asked.form["prompt"]] += 1
        return said


class CountingPredictions(ReplicateServer):
    def __init__(self) -> None:
        super().__init__()
        self.by_prompt: Counter[str] = Counter()
        self.looks_needed = 1

    def create(self, asked: Asked) -> Said:
        self.by_prompt[asked.json["input"]["prompt"]] += 1
        return super().create(asked)


class CountingJson(TogetherServer):
    def __init__(self) -> None:
        super().__init__()
        self.by_prompt: Counter[str] = Counter()

    def answer(self, asked: Asked) -> Said:
        said = super().answer(asked)
        if said.status == 200:
            self.by_prompt[asked.json["prompt"]] += 1
        return said


FAULTS: list[dict[str, Any]] = [
    {"kind": "say", "said": Said({}, 429, {"Retry-After": "0.05"})},
    {"kind": "say", "said": Said({}, 503)},
    {"kind": "say", "said": Said({}, 502)},
    {"kind": "drop"},
    {"kind": "cut"},
]
MODELS = (CORE, SCHNELL, FLUX)
SOAK = 300
PER_MINUTE = 2400


@pytest.fixture
def soaked(tmp_path: Path) -> Iterator[HostedPlace]:
    """Three providers of which a fifth of the paid calls goes wrong in some way."""
    chance = random.Random(5)

    def trouble(path: str) -> Fault | None:
        paid = path.endswith(("/core", "/predictions", "/generations"))
        return Fault(on="", **chance.choice(FAULTS)) if paid and chance.random() < 0.2 else None

    with Counting() as stability, CountingPredictions() as replicate, CountingJson() as together:
        servers = {"stability": stability, "replicate": replicate, "together": together}
        for server in servers.values():
            server.trouble = trouble
        limits = {name: {"at_once": 4 + number, "per_minute": 6000} for number, name in enumerate(servers)}
        limits["stability"]["per_minute"] = PER_MINUTE
        place = HostedPlace(tmp_path, servers, **limits)
        yield place
        place.close()


def test_hundreds_of_jobs_with_faults_all_end_and_none_is_sent_twice(soaked: HostedPlace) -> None:
    """And the worker is killed once in between, and a form is not starved by the batch."""
    studio, servers = soaked.studio(), soaked.servers
    studio.pause(True)
    jobs = [ask(studio, f"number {n}", MODELS[n % 3], "batch") for n in range(SOAK)]
    studio.pause(False)
    until(lambda: sum(servers["stability"].by_prompt.values()) > SOAK // 12, 120)
    soaked.kill_worker(studio)
    quick = ask(studio, "in between")
    left = len(studio.jobs(limit=SOAK))
    assert over(studio, quick, 120).state in ("done", "needs_review")
    assert left - len(studio.jobs(limit=SOAK)) < SOAK // 4
    until(lambda: not studio.jobs(limit=1), 500, every=0.5)
    ended = Counter(job.state for job in studio.jobs(active=False, limit=SOAK + 1))
    assert len(jobs) + 1 == sum(ended.values())
    failed = [job for job in studio.jobs(active=False, limit=SOAK + 1) if job.state == "failed"]
    assert {job.error_code for job in failed} <= {"unavailable"}  # somebody may meet four refusals in a row
    assert len(failed) <= SOAK // 60
    assert set(ended) - {"failed"} == {"done", "needs_review"}
    assert ended["done"] > SOAK * 0.8
    made = sum((server.by_prompt for server in servers.values()), Counter())
    assert {prompt: times for prompt, times in made.items() if times > 1} == {}
    assert len(list(soaked.outputs.rglob("*.png"))) == ended["done"]
    _check_limits(soaked)


def _check_limits(place: HostedPlace) -> None:
    for number, server in enumerate(place.servers.values()):
        assert server.most_at_once <= 4 + number
    begun, rate = sorted(place.servers["stability"].begun), PER_MINUTE / 60
    for first, start in enumerate(begun):
        within_a_second = sum(later < start + 1 for later in begun[first:])
        assert within_a_second <= rate * 3 + 6  # two seconds' worth may begin at once
