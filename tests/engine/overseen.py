"""A studio on a real library whose jobs are run by the test itself, with a backend that can look hosted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from examining import verifying
from memory_receipts import MemoryReceiptBook
from toy_backend import MODEL, ToyBackend

from studio.core.audit import AuditRow
from studio.core.canvas import Ground
from studio.core.errors import InvalidRequest, LibraryError, StudioError
from studio.core.hosting import Preferences, ProviderStatus
from studio.core.job import Job
from studio.core.model import Model
from studio.core.people import Person
from studio.core.ports import AuditLog, Watch
from studio.core.request import ImageRequest, Sampling
from studio.core.result import ImageResult, Record
from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.engine.pipeline import Parts
from studio.engine.press import Press
from studio.engine.queue import Tickets
from studio.engine.running import Running
from studio.engine.screening import Screening
from studio.engine.shelf import Shelf
from studio.engine.studio import Studio
from studio.library import open_library
from studio.library.audit import SqliteAudit
from studio.stamps.text import TextStamp

SECRET, KEY = "crimson lighthouse", "sk-planted-4411"


OWNER, ANN = Person("owner"), Person("ann", "creator")
RITA, ROLF = Person("rita", "reviewer"), Person("rolf", "reviewer")


class NoCats:
    name, light = "no cats", True

    def __call__(self, subject: Subject) -> Verdict:
        outcome = "block" if "cat" in subject.request.prompt else "allow"
        return Verdict(check=self.name, outcome=outcome, reason_code="cat", message="No cats.", stage=subject.stage)


class Cloudy(ToyBackend):
    """Adds what a hosted backend tells of its calls, or raises."""

    def __init__(self) -> None:
        super().__init__()
        self.error: StudioError | None = None

    def generate(self, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None = None) -> ImageResult:
        if self.error:
            raise self.error
        result = super().generate(request, model, watch, ground)
        if "hosted" not in request.prompt:
            return result
        return replace(result, pictures=tuple(replace(each, facts={"hosted": CALL}) for each in result.pictures))


CALL = {"provider": "Cloud", "endpoint": "https://cloud.example/v1", "request_id": "r-1", "cost": {"value": 0.03},
        "request": {"prompt": SECRET}, "response": {"status": 200}}  # fmt: skip


class Hosts:
    """Preferences and keys in memory."""

    def __init__(self) -> None:
        self.kept, self.keys = Preferences(), {}

    def statuses(self) -> list[ProviderStatus]:
        return []

    def preferences(self) -> Preferences:
        return self.kept

    def prefer(self, preferences: Preferences) -> None:
        if preferences.daily_budget is not None and preferences.daily_budget < 0:
            raise InvalidRequest("A daily budget lies above 0.", "budget")
        self.kept = preferences

    def set_key(self, name: str, value: str) -> None:
        self.keys[name] = value

    def remove_key(self, name: str) -> None:
        self.keys.pop(name, None)


class Place:
    """A studio whose jobs are run here, one by one, when the test says so; `early`: it looks at words before it queues."""

    def __init__(self, folder: Path, audit: AuditLog | None = None, *, early: bool = False) -> None:
        self.library = open_library(folder / "data", folder / "outputs")
        library, self.hosts, self.backend = self.library, Hosts(), Cloudy()
        self.audit = audit or library.audit
        library.outputs.mkdir()
        self.studio = Studio(
            backends=(self.backend,),
            shelf=Shelf(jobs=library.jobs, records=library.records, drafts=library.drafts, sources=library.sources,
                        receipts=library.receipts, audit=self.audit, reviews=library.reviews,
                        statistics=library.statistics, trash=library.trash, erasure=library.erasure,
                        grids=library.grids, keep_sheet=Press(lambda: (TextStamp("test"),), library.keeper),
                        gallery=library.gallery, keeper=library.keeper, outputs=library.outputs),
            tickets=Tickets(folder / "data"),
            outputs=library.outputs,
            verifying=verifying(library.records, folder / "data"),
            owner=OWNER,
            screening=Screening(lambda: (NoCats(),)) if early else None,
            hosting=self.hosts,
        )  # fmt: skip
        parts = Parts(
            backends=(self.backend,), keeper=library.keeper, sources=library.sources, receipts=MemoryReceiptBook(),
            stamps=(TextStamp("test"),), screening=Screening(lambda: (NoCats(),)), audit=self.audit,
        )  # fmt: skip
        self.running = Running(folder / "data", parts, library.jobs, lambda event: None)

    def ask(self, prompt: str = SECRET, person: Person | None = None, **fields: object) -> Job:
        request = ImageRequest(model=MODEL.id, prompt=prompt, sampling=Sampling(seed=7), **fields)
        return self.studio.submit(request, person=person)

    def run(self, job: Job) -> Job:
        self.library.jobs.claim("worker")
        if self.running.make(job.id):
            self.running.keep(job.id)
        ended = self.library.jobs.get(job.id)
        assert ended is not None
        return ended

    def picture(self, prompt: str = SECRET, **fields: object) -> Record:
        record = self.studio.record(self.run(self.ask(prompt, **fields)).records[0])
        assert record is not None
        return record

    def told(self) -> list[tuple[str, str, str]]:
        return [(row.action, row.person, row.subject) for row in self.rows()]

    def rows(self) -> list[AuditRow]:
        return self.library.audit.rows()

    def whole_log(self) -> str:
        return json.dumps([[row.person, row.subject, dict(row.detail)] for row in self.rows()])


class Stubborn(SqliteAudit):
    """Cannot be written the first times."""

    refusals = 0

    def append(self, action: str, person: str = "", subject: str = "", **detail: object) -> None:  # type: ignore[override]
        if self.refusals:
            self.refusals -= 1
            raise LibraryError("The library cannot grow: the disk is full.")
        super().append(action, person, subject, **detail)
