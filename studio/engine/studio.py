"""All that a page, a command or a program may do. Light: no torch, no model in memory."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from studio.core.adapt import adapt
from studio.core.adapters import Offer, require_offers
from studio.core.counting import TokenCount
from studio.core.errors import Blocked, InvalidRequest, LibraryError, NotConfigured
from studio.core.evidence import Examination
from studio.core.hosting import Preferences, ProviderStatus, Spent
from studio.core.job import Job, Lane, Snapshot
from studio.core.model import Model
from studio.core.people import Person
from studio.core.ports import Backend, Hosting
from studio.core.publishing import Ruling
from studio.core.request import ImageRequest, Source
from studio.core.result import Record
from studio.core.score import DetectorStatus
from studio.core.worker import WorkerStatus
from studio.engine.changes import Changes
from studio.engine.collection import Collection
from studio.engine.controls import adapter_with_hash, offers_of
from studio.engine.drawing import require_sources
from studio.engine.gallery import Gallery
from studio.engine.grids import grids_of
from studio.engine.long_work import LongWork, WorkStatus, folder_at
from studio.engine.making import Fingerprint, Making
from studio.engine.oversight import Oversight
from studio.engine.pipeline import find_model
from studio.engine.presets import Presets
from studio.engine.process import WorkerProcess
from studio.engine.prompting import Prompting
from studio.engine.queue import Tickets
from studio.engine.reports import Reports
from studio.engine.rights import require
from studio.engine.screening import Screening
from studio.engine.shelf import Shelf, check_room
from studio.engine.verifying import Ask, Verifying

PATIENCE_WITH_LOADING = 3.0
KEY_PATIENCE = 90.0
MakeWorker = Callable[[Callable[[dict[str, Any]], None]], WorkerProcess]
"""Makes a worker process that tells what happens to the given function."""


class Studio:
    """The facade. Every method is safe from any thread and returns at once, `watch` apart.

    `person` is who acts: their role decides (`NotAllowed`), their name stands in the audit log. Where it may be left out,
    the owner of this computer acts.
    """

    def __init__(
        self,
        *,
        backends: tuple[Backend, ...],
        shelf: Shelf,
        tickets: Tickets,
        outputs: Path,
        verifying: Verifying,
        version: str = "",
        owner: Person | None = None,
        screening: Screening | None = None,
        worker: MakeWorker | None = None,
        hosted: MakeWorker | None = None,
        hosting: Hosting | None = None,
        collection: Collection | None = None,
        prompting: Prompting | None = None,
        fingerprint: Fingerprint = lambda _: "",
    ) -> None:
        self._backends, self._shelf, self._tickets, self._verifying = backends, shelf, tickets, verifying
        self.outputs, self.version = outputs, version
        self.owner = self._owner = owner or Person("")
        self.oversight = Oversight(shelf, verifying)
        self.making = Making(self, prompting or Prompting(), fingerprint)
        self.grids = grids_of(self, shelf, prompting, version)
        self.reports = Reports(self.models)
        self.presets = Presets(shelf.presets, self.record, lambda record, options: verifying.share(record, options).data)
        self.gallery = Gallery(self, shelf, lambda data, role: verifying.checked(data, role, self._ask))
        self._screening, self._hosting = screening or Screening(), hosting
        self._long_work, self._changes = LongWork(), Changes(shelf.jobs)
        self._worker = worker(self._hear) if worker else None
        self._hosted = hosted(self._hear_hosted) if hosted else None
        self.collection = collection or Collection(backends=backends)
        self._starting = threading.Lock()

    def open(self) -> None:
        """Start the worker. Once it serves, every waiting job gets a ticket. The hosted one starts once it has work."""
        if self._worker:
            self._worker.start()
        self.collection.open()
        if any(self._is_hosted(job) for job in self.jobs(limit=100_000)):
            self._call_hosted()

    def close(self) -> None:
        """Stop. What is queued or running goes on at the next start."""
        if self._worker:
            self._worker.stop()
        if self._hosted:
            self._hosted.stop(kill=False)
        self.collection.close()
        self._tickets.close()

    def models(self) -> list[Model]:
        return [model for backend in self._backends for model in backend.models()]

    def adapters(self) -> list[Offer]:
        """What can be put onto models."""
        return offers_of(self._backends)

    def adapter_with_hash(self, kind: str, hash: str) -> str:
        """The name of the adapter of this hash; empty if it is not here."""
        return adapter_with_hash(self._backends, kind, hash)

    def count_tokens(self, model: str, text: str) -> tuple[int | None, int | None]:
        """Tokens of `text` and the length of one chunk of the model's text encoder (None where unknown)."""
        backend, found = find_model(model, self._backends)
        return backend.count_tokens(found, text), found.max_tokens

    def count_encoders(self, model: str, text: str) -> Sequence[TokenCount]:
        """Tokens of `text` and the room for them in each text encoder; empty where unknown."""
        backend, found = find_model(model, self._backends)
        return backend.count_encoders(found, text)

    def submit(self, request: ImageRequest, lane: Lane = "interactive", person: Person | None = None) -> Job:
        """Check, fix the seed and queue. Raises `InvalidRequest`, `Unsupported` or `Blocked` before anything is spent.

        The request gets the person's name and the job their role. What the policy blocks is kept as a job that ended.
        """
        person = person or self._owner
        require(person, "create")
        backend, model = find_model(request.model, self._backends)
        if model.unready:
            raise NotConfigured(model.unready)
        adapted, _ = adapt(request, model)
        require_sources(request, self._shelf.sources)
        if adapted.adapters:
            require_offers(adapted, self.adapters())
        check_room(self.outputs)
        seeded = replace(request.sampling, seed=adapted.sampling.seed)
        named = replace(request, sampling=seeded, user=person.name or request.user, user_in_file=person.in_files)
        named = self.presets.versioned(named)
        try:
            self._screening.words(named, person.role)
        except Blocked as error:
            self._refuse(named, lane, person, error)
            raise
        job = self._shelf.jobs.add(named, lane, person.role)
        self._log_submitted(job, job.request.user)
        self._begin(backend)
        return job

    def job(self, id: str) -> Job | None:
        return self._shelf.jobs.get(id)

    def jobs(self, *, active: bool = True, limit: int = 50) -> list[Job]:
        """Active jobs as they will run, the running one first; or all jobs, newest first."""
        return self._shelf.jobs.find(active=active, limit=limit)

    def watch(self, id: str) -> Iterator[Snapshot]:
        """Every change of a job until it is over. Closing the iterator stops the looking and nothing else."""
        return self._changes.watch(id)

    def cancel(self, id: str, person: Person | None = None) -> Job:
        """Stop a job: at once if it waits, within one step if it runs. A worker stuck in loading is started anew."""
        person = self._require_own(id, person)
        before, job = self._shelf.jobs.get(id), self._shelf.jobs.request_cancel(id)
        if before and not before.is_over and not before.cancel_requested:
            self.oversight.log.cancelled(before, person.name)
        if not job.is_over and self._worker and not self._is_hosted(job):
            threading.Thread(target=self._insist, args=(id, self._worker), daemon=True).start()
        self._changes.wake()
        return job

    def retry(self, id: str, person: Person | None = None, *, smaller: bool = False) -> Job:
        """Once more, same request and seed. A paid call whose end nobody knows is sent again: the user has looked.

        `smaller`: by the plan that the job itself proposes after a lack of memory.
        """
        person = self._require_own(id, person)
        self._shelf.receipts.forgive(id)
        before = self._shelf.jobs.get(id)
        proposed = before.smaller if before and smaller else None
        job = self._shelf.jobs.retry(id, proposed[1] if proposed else None)
        if before and before.is_over and not job.is_over:
            self._log_submitted(job, person.name, again=True)
        self._begin(next((backend for backend in self._backends if backend.name == job.backend), None))
        return job

    def move(self, id: str, place: int, person: Person | None = None) -> None:
        self._require_own(id, person)
        self._shelf.jobs.move(id, place)
        self._changes.wake()

    def pause(self, paused: bool, person: Person | None = None) -> None:
        """While paused no waiting job is begun; the running one goes on. It stops the jobs of everybody."""
        require(person or self._owner, "manage")
        self._shelf.jobs.pause(paused)
        if not paused:
            self._tickets.enqueue(self._waiting())
            self._tell_hosted()
        self._changes.wake()

    def paused(self) -> bool:
        return self._shelf.jobs.paused()

    def record(self, id: str) -> Record | None:
        return self._shelf.records.record(id)

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]:
        return self._shelf.records.recent(limit, before)

    def children(self, id: str) -> list[Record]:
        """The pictures made directly from a kept one, oldest first."""
        return self._shelf.records.children(id)

    def add_source(self, data: bytes, name: str = "", record: str = "") -> Source:
        """Keep a picture that a request is to start from. Raises `InvalidRequest` for what is none."""
        return self._shelf.sources.add(data, name, record)

    @property
    def source_folder(self) -> Path:
        return self._shelf.sources.folder

    def read_source(self, source: Source) -> bytes:
        return self._shelf.sources.read(source)

    def source_path(self, source: Source) -> Path | None:
        """Where a source's file lies, for showing it."""
        return self._shelf.sources.path(source)

    def save_draft(self, form: str, values: Mapping[str, Any]) -> None:
        self._shelf.drafts.save(form, values)

    def load_draft(self, form: str) -> dict[str, Any]:
        return self._shelf.drafts.load(form)

    def worker(self) -> WorkerStatus:
        return self._worker.status if self._worker else WorkerStatus(state="standby")

    def hosted_worker(self) -> WorkerStatus:
        """The worker that calls providers; it starts with the first hosted job."""
        return self._hosted.status if self._hosted else WorkerStatus(state="standby")

    def providers(self) -> list[ProviderStatus]:
        """All hosted backends with the state of their keys."""
        return self._hosting.statuses() if self._hosting else []

    def preferences(self) -> Preferences:
        return self._hosting.preferences() if self._hosting else Preferences()

    def prefer(self, preferences: Preferences, person: Person) -> None:
        """Heed these from now on, in every process. Raises `InvalidRequest`, or `NotAllowed` as all that takes a person."""
        require(person, "manage")
        before = self.preferences()
        self._on_hosting().prefer(preferences)
        self.oversight.log.preferred(before, preferences, person.name)
        self._tell_hosted()
        self._changes.wake()

    def set_key(self, name: str, value: str, person: Person) -> None:
        """Keep a provider's key in the system's keyring; it never comes out again. Raises a `StudioError`."""
        require(person, "manage")
        self._on_hosting().set_key(name, value)
        self.oversight.log.key_set(name, person.name)

    def remove_key(self, name: str, person: Person) -> None:
        require(person, "manage")
        self._on_hosting().remove_key(name)
        self.oversight.log.key_removed(name, person.name)

    def test_key(self, provider: str, person: Person) -> str:
        """What one cheap call to the provider says. Raises a `StudioError`."""
        require(person, "manage")
        if self._hosted is None:
            raise InvalidRequest("This studio calls no providers.")
        self._call_hosted()
        return str(self._hosted.ask("test_key", KEY_PATIENCE, provider=provider))

    def spent(self, days: int = 31) -> list[Spent]:
        """Money by day and provider, the newest day first."""
        return self._shelf.receipts.spent(days)

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination:
        """Everything that a file's bytes tell of its making; may take seconds. None: the detectors that run by default.

        Raises `InvalidRequest` for what is no picture.
        """
        return self._verifying.examine(data, name, self._ask, detectors)

    def ruling(self, found: Examination, data: bytes, person: Person) -> Ruling | None:
        """What the publishing policy says of an examined file and its bytes; None while the policy is switched off."""
        return self._verifying.rule(found, person.role, lambda: self._verifying.screened(data, person.role, self._ask))

    def detectors(self) -> list[DetectorStatus]:
        """All detectors; empty while the engine that runs them does not answer."""
        return self._verifying.detectors(self._ask)

    def calibrate(self, folder: str, detectors: Sequence[str], person: Person) -> None:
        """Begin to calibrate detectors on a folder of photos; `long_work` tells how it goes. Raises `InvalidRequest`."""
        require(person, "manage")  # it changes what everybody's pictures are judged by
        self._long_work.start("calibrate", self._ask, folder=folder_at(folder), detectors=list(detectors))

    def evaluate(self, photos: str, detectors: Sequence[str], person: Person) -> None:
        """Begin a report on the detectors, with or without a folder of photos. Raises `InvalidRequest`."""
        require(person, "manage" if photos else "create")  # a folder of this computer is not everybody's to read
        self._long_work.start("evaluate", self._ask, photos=folder_at(photos) if photos else "", detectors=list(detectors))

    def long_work(self) -> WorkStatus:
        return self._long_work.status

    def stop_long_work(self) -> None:
        self._long_work.stop(self._ask)

    @property
    def _ask(self) -> Ask | None:
        return self._worker.ask if self._worker else None

    def _on_hosting(self) -> Hosting:
        if self._hosting is None:
            raise InvalidRequest("This studio calls no providers.")
        return self._hosting

    def _require_own(self, id: str, person: Person | None) -> Person:
        """Who acts: on a job of their own, or with the right to decide on those of others."""
        job, person = self._shelf.jobs.get(id), person or self._owner
        is_own = job is None or job.request.user == person.name
        require(person, "create" if is_own else "review")
        return person

    def _log_submitted(self, job: Job, person: str, *, again: bool = False) -> None:
        """Nothing is done that is not logged: a job whose row cannot be written is taken back."""
        try:
            self.oversight.log.submitted(job, person, prompts=self.preferences().audit_prompts, again=again)
        except LibraryError:
            self._shelf.jobs.request_cancel(job.id)
            raise

    def _refuse(self, request: ImageRequest, lane: Lane, person: Person, error: Blocked) -> None:
        job = self._shelf.jobs.refuse(request, lane, person.role, error)
        self.oversight.log.submitted(job, job.request.user, prompts=self.preferences().audit_prompts)
        self.oversight.log.ended(job, error)
        self._changes.wake()

    def _is_hosted(self, job: Job) -> bool:
        return any(backend.hosted for backend in self._backends if backend.name == job.backend)

    def _begin(self, backend: Backend | None) -> None:
        """See to it that a queued job is taken up by whoever runs its backend."""
        if backend is not None and backend.hosted:
            self._call_hosted()
        else:
            self._tickets.enqueue()
        self._changes.wake()

    def _call_hosted(self) -> None:
        """Start the hosted worker if it is not there yet, and have it look at the table."""
        with self._starting:
            if self._hosted and not self._hosted.is_started:
                self._hosted.start()
        self._tell_hosted()

    def _tell_hosted(self) -> None:
        if self._hosted:
            self._hosted.tell("wake")

    def _hear_hosted(self, event: dict[str, Any]) -> None:
        self._changes.wake()

    def _hear(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "work":
                self._long_work.hear(event)
            case "preview":
                self._changes.show(event["job"], base64.b64decode(event["jpeg"]))
            case "status" if event.get("state") in ("ready", "standby"):
                if not self._tickets.is_open:
                    self._tickets.open()
                self._tickets.enqueue(self._waiting() + 1)
        self._changes.wake()

    def _waiting(self) -> int:
        return sum(job.state == "queued" for job in self.jobs(limit=100_000))

    def _insist(self, id: str, worker: WorkerProcess) -> None:
        """Reading one huge weight file cannot be interrupted from within; the process can."""
        time.sleep(PATIENCE_WITH_LOADING)
        job = self._shelf.jobs.get(id)
        if job and not job.is_over and job.progress.phase == "loading" and worker.status.state == "ready":
            worker.kill()
