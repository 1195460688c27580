"""All that a page, a command or a program may do. Light: no torch, no model in memory."""

from __future__ import annotations

import base64
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, KeepError
from studio.core.evidence import Examination
from studio.core.job import Job, Lane, Snapshot
from studio.core.model import Model
from studio.core.ports import Backend, Drafts, JobStore, Records, Sources
from studio.core.preset import Preset
from studio.core.request import ImageRequest, Source
from studio.core.result import Record
from studio.core.score import DetectorStatus
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.worker import WorkerStatus
from studio.engine.drawing import require_sources
from studio.engine.long_work import LongWork, WorkStatus
from studio.engine.pipeline import find_model
from studio.engine.process import WorkerProcess
from studio.engine.queue import Tickets
from studio.engine.verifying import Ask, Verifying

LOOK_AGAIN = 0.5
"""Seconds between looks at a job whose worker is not ours and so cannot wake us."""
LEAST_ROOM = 20_000_000
"""Bytes that must be free before a job is taken."""
PATIENCE_WITH_LOADING = 3.0


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Where the studio keeps things: queue rows, records, drafts of forms, presets."""

    jobs: JobStore
    records: Records
    drafts: Drafts
    sources: Sources
    presets: tuple[Preset, ...] = ()


class Studio:
    """The facade. Every method is safe from any thread and returns at once, `watch` apart."""

    def __init__(
        self,
        *,
        backends: tuple[Backend, ...],
        shelf: Shelf,
        tickets: Tickets,
        outputs: Path,
        verifying: Verifying,
        version: str = "",
        user: str = "",
        worker: Callable[[Callable[[dict[str, Any]], None]], WorkerProcess] | None = None,
    ) -> None:
        self._backends, self._shelf, self._tickets, self._verifying = backends, shelf, tickets, verifying
        self.outputs, self.version, self._user = outputs, version, user
        self._long_work = LongWork()
        self._changed = threading.Condition()
        self._changes = 0
        self._previews: dict[str, bytes] = {}
        self._worker = worker(self._hear) if worker else None

    def open(self) -> None:
        """Start the worker. Once it serves, every waiting job gets a ticket."""
        if self._worker:
            self._worker.start()

    def close(self) -> None:
        """Stop. What is queued or running goes on at the next start."""
        if self._worker:
            self._worker.stop()
        self._tickets.close()

    def models(self) -> list[Model]:
        return [model for backend in self._backends for model in backend.models()]

    def presets(self) -> list[Preset]:
        return list(self._shelf.presets)

    def count_tokens(self, model: str, text: str) -> tuple[int | None, int | None]:
        """Tokens of `text` and the length of one chunk of the model's text encoder (None where unknown)."""
        backend, found = find_model(model, self._backends)
        return backend.count_tokens(found, text), found.max_tokens

    def submit(self, request: ImageRequest, lane: Lane = "interactive") -> Job:
        """Check, fix the seed and queue. Raises `InvalidRequest` or `Unsupported` before anything is spent."""
        _, model = find_model(request.model, self._backends)
        adapted, _ = adapt(request, model)
        require_sources(request, self._shelf.sources)
        self._check_room()
        seeded = replace(request.sampling, seed=adapted.sampling.seed)
        job = self._shelf.jobs.add(replace(request, sampling=seeded, user=request.user or self._user), lane)
        self._tickets.enqueue()
        self._wake()
        return job

    def job(self, id: str) -> Job | None:
        return self._shelf.jobs.get(id)

    def jobs(self, *, active: bool = True, limit: int = 50) -> list[Job]:
        """Active jobs as they will run, the running one first; or all jobs, newest first."""
        return self._shelf.jobs.find(active=active, limit=limit)

    def watch(self, id: str) -> Iterator[Snapshot]:
        """Every change of a job until it is over. Closing the iterator stops the looking and nothing else."""
        shown, seen = None, -1
        while True:
            seen, snapshot = self._changes, self._snapshot(id)
            if snapshot != shown:
                yield snapshot
                shown = snapshot
            if snapshot.job.is_over:
                return
            with self._changed:
                self._changed.wait_for(lambda before=seen: self._changes != before, LOOK_AGAIN)  # type: ignore[misc]

    def cancel(self, id: str) -> Job:
        """Stop a job: at once if it waits, within one step if it runs. A worker stuck in loading is started anew."""
        job = self._shelf.jobs.request_cancel(id)
        if not job.is_over and self._worker:
            threading.Thread(target=self._insist, args=(id, self._worker), daemon=True).start()
        self._wake()
        return job

    def retry(self, id: str) -> Job:
        job = self._shelf.jobs.retry(id)
        self._tickets.enqueue()
        self._wake()
        return job

    def move(self, id: str, place: int) -> None:
        self._shelf.jobs.move(id, place)
        self._wake()

    def pause(self, paused: bool) -> None:
        """While paused no waiting job is begun; the running one goes on."""
        self._shelf.jobs.pause(paused)
        if not paused:
            self._tickets.enqueue(self._waiting())
        self._wake()

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

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination:
        """Everything that a file's bytes tell of its making; may take seconds. None: the detectors that run by default.

        Raises `InvalidRequest` for what is no picture.
        """
        return self._verifying.examine(data, name, self._ask, detectors)

    def detectors(self) -> list[DetectorStatus]:
        """All detectors; empty while the engine that runs them does not answer."""
        return self._verifying.detectors(self._ask)

    def calibrate(self, folder: str, detectors: Sequence[str] = ()) -> None:
        """Begin to calibrate detectors on a folder of photos; `long_work` tells how it goes. Raises `InvalidRequest`."""
        self._long_work.start("calibrate", self._ask, folder=_folder(folder), detectors=list(detectors))

    def evaluate(self, photos: str = "", detectors: Sequence[str] = ()) -> None:
        """Begin a report on the detectors, with or without a folder of photos. Raises `InvalidRequest`."""
        self._long_work.start("evaluate", self._ask, photos=_folder(photos) if photos else "", detectors=list(detectors))

    def long_work(self) -> WorkStatus:
        return self._long_work.status

    def stop_long_work(self) -> None:
        self._long_work.stop(self._ask)

    def share(self, record: str, options: ShareOptions) -> SharedCopy:
        """A stamped and signed copy of a kept picture for others. Raises `InvalidRequest` or `StampFailed`."""
        return self._verifying.share(self.record(record), options)

    @property
    def _ask(self) -> Ask | None:
        return self._worker.ask if self._worker else None

    def _snapshot(self, id: str) -> Snapshot:
        job = self._shelf.jobs.get(id)
        if job is None:
            raise InvalidRequest(f"There is no job {id}.")
        if job.is_over:
            self._previews.pop(id, None)
        return Snapshot(job, self._previews.get(id))

    def _hear(self, event: dict[str, Any]) -> None:
        match event.get("event"):
            case "work":
                self._long_work.hear(event)
            case "preview":
                self._previews = {event["job"]: base64.b64decode(event["jpeg"])}
            case "status" if event.get("state") in ("ready", "standby"):
                if not self._tickets.is_open:
                    self._tickets.open()
                self._tickets.enqueue(self._waiting() + 1)
        self._wake()

    def _waiting(self) -> int:
        return sum(job.state == "queued" for job in self.jobs(limit=100_000))

    def _wake(self) -> None:
        with self._changed:
            self._changes += 1
            self._changed.notify_all()

    def _insist(self, id: str, worker: WorkerProcess) -> None:
        """Reading one huge weight file cannot be interrupted from within; the process can."""
        time.sleep(PATIENCE_WITH_LOADING)
        job = self._shelf.jobs.get(id)
        if job and not job.is_over and job.progress.phase == "loading" and worker.status.state == "ready":
            worker.kill()

    def _check_room(self) -> None:
        with suppress(OSError):
            if shutil.disk_usage(self.outputs).free < LEAST_ROOM:
                raise KeepError(f"The disk of {self.outputs} is full. Make space there, then generate again.")


def _folder(text: str) -> str:
    """An absolute folder that is there. Raises `InvalidRequest`."""
    path = Path(text.strip().strip('"')).expanduser()
    if not text.strip() or not path.is_dir():
        raise InvalidRequest(f"“{text.strip()}” is not a folder on this computer. Type the path of the folder.", "folder")
    return str(path.absolute())
