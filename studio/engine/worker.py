"""The worker process: owns one device, takes jobs, tells the studio what happens.

It speaks JSON lines: events go to its standard output, orders and questions come in at its standard input. Questions
are answered beside the drawing, on threads of their own. When the input ends the studio is gone (closed or killed):
the job at hand is finished, the rest waits for the next start. One worker at a time serves a data folder (a lock
file); another waits behind it and takes over.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO, TypeVar

from filelock import FileLock, Timeout

from studio.core.errors import Blocked, Cancelled, KeepError, LibraryError, Moderated, StudioError
from studio.core.job import JobState
from studio.core.ports import JobStore
from studio.engine import pipeline
from studio.engine.pipeline import Parts
from studio.engine.queue import Consumer
from studio.engine.watching import JobWatch

MAX_ATTEMPTS = 3
KEEP_RETRY = 1.0
log = logging.getLogger("studio.worker")
Result = TypeVar("Result")
Tell = Callable[[dict[str, Any]], None]
Answer = Callable[[Mapping[str, Any], Tell], Any]


class Worker:
    """Carries jobs through the pipeline. `describe` gives the device's name and may be slow; it runs after start.

    `answers` are what a question's name is answered by: from its values, and a way to tell of progress, to JSON.
    """

    def __init__(
        self,
        name: str,
        data: Path,
        parts: Parts,
        jobs: JobStore,
        *,
        describe: Callable[[], str],
        answers: Mapping[str, Answer] | None = None,
        out: TextIO | None = None,
    ) -> None:
        self._name, self._data, self._parts, self._jobs = name, data, parts, jobs
        self._describe, self._answers, self._out = describe, answers or {}, out or sys.stdout
        self._pipe, self._device = threading.Lock(), threading.Lock()
        self._stopping = threading.Event()
        self._serving = False

    def run(self, orders: Iterable[str]) -> None:
        """Serve until the orders end or say stop."""
        threading.Thread(target=self._listen, args=(orders,), daemon=True).start()
        lock = FileLock(self._data / f"{self._name}.lock")
        if not self._acquire(lock):
            return
        self._serving = True
        consumer = Consumer(self._data, self._name, self._claim, self._make, self._keep)
        consumer.start()
        self.emit({"event": "status", "state": "warming"})
        threading.Thread(target=self._warm, daemon=True).start()
        self._stopping.wait()
        consumer.stop(patience=24 * 3600)
        lock.release()

    def emit(self, event: dict[str, Any]) -> None:
        """Tell the studio; a studio that is gone hears nothing and nothing breaks."""
        try:
            with self._pipe:
                self._out.write(json.dumps(event) + "\n")
                self._out.flush()
        except (OSError, ValueError):
            log.debug("nobody listens")

    def _listen(self, orders: Iterable[str]) -> None:
        for line in orders:
            if line.strip() == "stop":
                if self._serving:
                    with suppress(LibraryError):
                        self._jobs.forgive(self._name)
                os._exit(0)  # the job at hand keeps its ticket and goes on at the next start
            if line.startswith("{"):
                threading.Thread(target=self._reply, args=(json.loads(line),), daemon=True).start()
        self._stopping.set()

    def _reply(self, question: dict[str, Any]) -> None:
        known = {"event": "answer", "id": question.get("id")}
        try:
            self.emit({**known, "answer": self._answers[question["ask"]](question, self.emit)})
        except StudioError as error:
            self.emit({**known, "error": str(error)})
        except Exception:  # a question must never end the worker; the log has the trace
            log.exception("question %s", question.get("ask"))
            self.emit({**known, "error": f"The engine could not answer; the details are in {self._data / 'logs'}."})

    def _acquire(self, lock: FileLock) -> bool:
        """Wait behind another worker of this data folder; False if our studio went meanwhile."""
        said = False
        while not self._stopping.is_set():
            try:
                lock.acquire(timeout=0.5)
                return True
            except Timeout:
                if not said:
                    self.emit({"event": "status", "state": "standby"})
                said = True
        return False

    def _warm(self) -> None:
        latest = next((job.request.model for job in self._jobs.find(limit=1)), "")
        models = [model.id for backend in self._parts.backends for model in backend.models()]
        try:
            with self._device:
                backend, model = pipeline.find_model(latest if latest in models else models[0], self._parts.backends)
                backend.warm(model)
            self.emit({"event": "status", "state": "ready", "device": self._describe()})
        except (StudioError, IndexError) as error:
            log.warning("warming up failed: %s", error)
            self.emit({"event": "status", "state": "ready", "device": self._describe(), "message": str(error)})

    def _claim(self) -> str:
        job = None if self._stopping.is_set() else self._jobs.unfinished(self._name) or self._jobs.claim(self._name)
        return job.id if job else ""

    def _make(self, id: str) -> bool:
        """Draw and hold; True if pictures are held. Every ending but that one is written to the job's row here."""
        job = self._jobs.get(id)
        if job is None or job.is_over:
            return False
        attempts = self._jobs.begin(id)
        if attempts > MAX_ATTEMPTS:
            message = (
                "The engine stopped three times while drawing this picture, most likely for lack of memory. "
                "Try a smaller size or fewer pictures."
            )
            self._advance(id, "failed", message=message, error_code="engine_died")
            return False
        watch = JobWatch(id, self._jobs, self.emit)
        try:
            self._jobs.advance(id, "running")
            watch.phase("loading")
            with self._device:
                watch.check()
                drafts = pipeline.make(replace(job, attempts=attempts), self._parts, watch)
            _when_written(lambda: self._parts.keeper.hold(drafts), self._delay(id))
            return True
        except StudioError as error:
            self._advance(id, _state_of(error), message=str(error), error_code=error.code)
        except Exception:  # the worker must survive whatever a model does; the log has the trace
            log.exception("job %s", id)
            message = f"The engine met an error it does not know. Try again; the details are in {self._data / 'logs'}."
            self._advance(id, "failed", message=message, error_code="unexpected")
        return False

    def _keep(self, id: str) -> None:
        job = self._jobs.get(id)
        if job is None or job.is_over:
            return
        watch = JobWatch(id, self._jobs, self.emit)
        try:
            records = _when_written(lambda: pipeline.keep(job, self._parts, watch), self._delay(id))
            self._advance(id, "done", records=[record.id for record in records])
        except Cancelled as error:
            self._parts.keeper.drop(id)
            self._advance(id, "cancelled", message=str(error), error_code=error.code)

    def _delay(self, id: str) -> Callable[[KeepError], None]:
        def wait(error: KeepError) -> None:
            job = self._jobs.get(id)
            if job and (job.state, job.message) != ("delayed", str(error)):
                self._advance(id, "delayed", message=str(error), error_code=error.code)
            if self._jobs.cancel_requested(id):
                raise Cancelled("Given up: the picture was not kept.") from error
            time.sleep(KEEP_RETRY)

        return wait

    def _advance(self, id: str, state: JobState, **fields: Any) -> None:
        """Write a change of state; a full disk is said on the page and waited out, so that no ending is ever lost."""
        while True:
            try:
                self._jobs.advance(id, state, **fields)
                break
            except LibraryError as error:
                self.emit({"event": "status", "message": str(error)})
                time.sleep(KEEP_RETRY)
        self.emit({"event": "changed", "job": id})


def _state_of(error: StudioError) -> JobState:
    match error:
        case Cancelled():
            return "cancelled"
        case Blocked() | Moderated():
            return "blocked"
        case _:
            return "failed"


def _when_written(action: Callable[[], Result], delay: Callable[[KeepError], None]) -> Result:
    """Do it until it works; `delay` says so, waits, and raises `Cancelled` when the user gives up."""
    while True:
        try:
            return action()
        except KeepError as error:
            delay(error)
