"""The job store against a plain list: whatever is done in whatever order, both say the same."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from kept_builders import a_request

from studio.core.job import ENDED
from studio.library.database import Database
from studio.library.jobs import SqliteJobs

STATES = ["queued", "running", "delayed", "done", "blocked", "failed", "cancelled"]


@dataclass
class Expected:
    lane: str
    state: str = "queued"
    cancel: bool = False
    attempts: int = 0
    events: int = 1


class JobMachine(RuleBasedStateMachine):
    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database(Path(self.folder.name))
        self.jobs = SqliteJobs(self.database)
        self.expected: dict[str, Expected] = {}
        self.paused = False

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(target=ids, lane=st.sampled_from(["interactive", "batch"]))
    def add(self, lane: str) -> str:
        job = self.jobs.add(a_request(), lane)
        self.expected[job.id] = Expected(lane)
        return job.id

    @rule()
    def claim(self) -> None:
        line = [job.id for job in self.jobs.find(active=True) if job.position]
        job = self.jobs.claim("worker")
        assert (job.id if job else None) == (line[0] if line and not self.paused else None)
        if job:
            self._change(job.id, "running")

    @rule(id=ids, state=st.sampled_from(STATES))
    def advance(self, id: str, state: str) -> None:
        self.jobs.advance(id, state)
        if self.expected[id].state not in ENDED:
            self._change(id, state)

    @rule(id=ids)
    def cancel(self, id: str) -> None:
        self.jobs.request_cancel(id)
        if self.expected[id].state not in ENDED:
            self.expected[id].cancel = True
        if self.expected[id].state == "queued":
            self._change(id, "cancelled")

    @rule(id=ids)
    def retry(self, id: str) -> None:
        self.jobs.retry(id)
        if self.expected[id].state in ENDED - {"done"}:
            self._change(id, "queued")
            self.expected[id].cancel = False
            self.expected[id].attempts = 0

    @rule(id=ids)
    def begin(self, id: str) -> None:
        self.expected[id].attempts += 1
        assert self.jobs.begin(id) == self.expected[id].attempts

    @rule(id=ids, place=st.integers(-1, 6))
    def move(self, id: str, place: int) -> None:
        lane = self.expected[id].lane
        before = self._queued(lane)
        self.jobs.move(id, place)
        if id in before:
            before.remove(id)
            before.insert(max(place, 1) - 1, id)
        assert self._queued(lane) == before

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        self.jobs.pause(paused)
        self.paused = paused

    @invariant()
    def the_store_says_what_was_done(self) -> None:
        jobs = {job.id: job for job in self.jobs.find(limit=1000)}
        seen = {id: (job.lane, job.state, job.cancel_requested, job.attempts) for id, job in jobs.items()}
        assert seen == {id: (e.lane, e.state, e.cancel, e.attempts) for id, e in self.expected.items()}
        assert all((job.ended is not None) == job.is_over for job in jobs.values())
        for id, expected in self.expected.items():
            events = self.jobs.events(id)
            assert (len(events), events[-1].state) == (expected.events, expected.state)

    @invariant()
    def positions_count_from_one_and_interactive_comes_first(self) -> None:
        active = self.jobs.find(active=True, limit=1000)
        line = [job for job in active if job.state == "queued"]
        assert [job.position for job in line] == list(range(1, len(line) + 1))
        assert [job.lane for job in line] == sorted((job.lane for job in line), reverse=True)
        assert all(job.position is None for job in active if job.state != "queued")

    def _queued(self, lane: str) -> list[str]:
        return [job.id for job in self.jobs.find(active=True, limit=1000) if job.position and job.lane == lane]

    def _change(self, id: str, state: str) -> None:
        self.expected[id].state = state
        self.expected[id].events += 1


TestJobs = JobMachine.TestCase
TestJobs.settings = settings(max_examples=30, stateful_step_count=25, deadline=None)
