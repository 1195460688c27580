"""One job through the pipeline, from taken to ended; every ending is written to the job's row here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from studio.core.errors import (
    BackendError,
    Blocked,
    Cancelled,
    InvalidRequest,
    KeepError,
    LibraryError,
    Moderated,
    Rejected,
    StudioError,
    Uncertain,
)
from studio.core.job import Job, JobState, Phase
from studio.core.ports import JobStore
from studio.engine import pipeline
from studio.engine.logbook import Logbook
from studio.engine.pipeline import Parts
from studio.engine.watching import Emit, JobWatch

MAX_ATTEMPTS = 3
KEEP_RETRY = 1.0
DIED = (
    "The engine stopped three times while drawing this picture, most likely for lack of memory. "
    "Try a smaller size or fewer pictures."
)
log = logging.getLogger("studio.worker")
Result = TypeVar("Result")


class Running:
    """`make`, then `keep`, each of which may be run again after a crash. `device` is held while a job is drawn; `begin` is
    the phase a job is in before its backend says another, `died` the sentence for one that its worker did not survive.
    """

    def __init__(
        self,
        data: Path,
        parts: Parts,
        jobs: JobStore,
        emit: Emit,
        *,
        device: threading.Lock | None = None,
        died: str = DIED,
        begin: Phase = "loading",
    ) -> None:
        self._data, self._parts, self._jobs, self._emit = data, parts, jobs, emit
        self._died, self._begin = died, begin
        self._log = Logbook(parts.audit)
        self._device: AbstractContextManager[Any] = device or nullcontext()

    def make(self, id: str) -> bool:
        """Draw and hold; True if pictures are held."""
        job = self._jobs.get(id)
        if job is None or job.is_over:
            return False
        attempts = self._jobs.begin(id)
        if attempts > MAX_ATTEMPTS:
            self._fail(job, "engine_died", message=self._died)
            return False
        watch = self._watch(job)
        try:
            self._jobs.advance(id, "running")
            watch.phase(self._begin)
            with self._device:
                watch.check()
                drafts = pipeline.make(replace(job, attempts=attempts), self._parts, watch)
            _when_written(lambda: self._parts.keeper.hold(drafts), self._delay(id))
            return True
        except StudioError as error:
            field = error.field if isinstance(error, Blocked | InvalidRequest | Rejected) else ""
            facts = error.facts if isinstance(error, BackendError) else {}
            self._fail(job, error, message=str(error), error_field=field, facts=facts)
        except Exception:  # the worker must survive whatever a model does; the log has the trace
            log.exception("job %s", id)
            message = f"The engine met an error it does not know. Try again; the details are in {self._data / 'logs'}."
            self._fail(job, "unexpected", message=message)
        return False

    def keep(self, id: str) -> None:
        """Move what is held into the outputs folder."""
        job = self._jobs.get(id)
        if job is None or job.is_over:
            return
        watch = self._watch(job)
        try:
            records = _when_written(lambda: pipeline.keep(job, self._parts, watch), self._delay(id))
            self._surely(lambda: self._log.kept(job, records))
            self._end(id, "done", records=[record.id for record in records])
            self._parts.receipts.forget(id)
        except Cancelled as error:
            self._parts.keeper.drop(id)
            records = self._parts.keeper.keep(id)  # nothing is held any more: those that were kept before the user gave up
            self._surely(lambda: self._log.kept(job, records))
            self._end(id, "cancelled", message=str(error), error_code=error.code, records=[record.id for record in records])

    def _watch(self, job: Job) -> JobWatch:
        return JobWatch(job, self._jobs, self._parts.receipts.of(job.id), self._emit)

    def _fail(self, job: Job, error: StudioError | str, **told: Any) -> None:
        """It ends without a picture, for a reason of the tree or for one that has a code alone."""
        self._surely(lambda: self._log.ended(job, error))
        if isinstance(error, str):
            self._end(job.id, "failed", error_code=error, **told)
        else:
            self._end(job.id, _state_of(error), error_code=error.code, **told, **_refusal(error))

    def _delay(self, id: str) -> Callable[[KeepError], None]:
        def wait(error: KeepError) -> None:
            job = self._jobs.get(id)
            if job and (job.state, job.message) != ("delayed", str(error)):
                self._end(id, "delayed", message=str(error), error_code=error.code)
            if self._jobs.cancel_requested(id):
                raise Cancelled("Given up: the picture was not kept.") from error
            time.sleep(KEEP_RETRY)

        return wait

    def _end(self, id: str, state: JobState, **fields: Any) -> None:
        """Write a change of state."""
        self._surely(lambda: self._jobs.advance(id, state, **fields))
        self._emit({"event": "changed", "job": id})

    def _surely(self, write: Callable[[], object]) -> None:
        """A full disk is said on the page and waited out, so that no ending and no row of the log is ever lost."""
        while True:
            try:
                write()
                return
            except LibraryError as error:
                self._emit({"event": "status", "message": str(error)})
                time.sleep(KEEP_RETRY)


def _state_of(error: StudioError) -> JobState:
    match error:
        case Cancelled():
            return "cancelled"
        case Blocked() | Moderated():
            return "blocked"
        case Uncertain():
            return "needs_review"
        case _:
            return "failed"


def _refusal(error: StudioError) -> dict[str, Any]:
    """Who refused, and why: the studio's policy, or somebody else's filter."""
    match error:
        case Blocked():
            return {"blocked_by": "policy", "reason_code": error.verdict.reason_code, "verdicts": error.verdicts}
        case Moderated():
            return {"blocked_by": "provider", "reason_code": "provider.filter"}
        case _:
            return {}


def _when_written(action: Callable[[], Result], delay: Callable[[KeepError], None]) -> Result:
    """Do it until it works; `delay` says so, waits, and raises `Cancelled` when the user gives up."""
    while True:
        try:
            return action()
        except KeepError as error:
            delay(error)
