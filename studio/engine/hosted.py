"""The worker of the hosted backends: many jobs at once, each on a thread that mostly waits for a provider.

The job table is its queue: every backend has a line of its own and takes as many jobs as it may have at once, the last
place kept free of batch jobs, so that a batch of a thousand never starves the form. It needs no tickets: what a crash
must not lose stands in the jobs' rows and in their receipts.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from studio.core.errors import LibraryError
from studio.core.job import LANES, Job, Lane
from studio.core.ports import JobStore
from studio.engine.pipe import Pipe
from studio.engine.running import Running

LOOK = 0.5
"""Seconds between looks at the table, for jobs that another studio put in; ours wakes us."""
SILENT: tuple[Lane, ...] = ("interactive",)
DIED = (
    "The studio stopped three times while this job was under way. What was sent and paid for is noted; try again to go on "
    "from there."
)
log = logging.getLogger("studio.hosted")


class HostedWorker:
    """`at_once` tells, by backend, how many jobs it may have now; `is_sending` whether a paid call is in the air."""

    def __init__(
        self, name: str, data: Path, running: Running, jobs: JobStore, pipe: Pipe, *,
        at_once: Callable[[], Mapping[str, int]], is_sending: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._name, self._data, self._running, self._jobs, self._pipe = name, data, running, jobs, pipe
        self._at_once, self._is_sending = at_once, is_sending
        self._changed = threading.Condition()
        self._taken: dict[str, Job] = {}
        self._stopping = False
        self._serving = False

    def run(self, orders: Iterable[str]) -> None:
        """Serve until the orders end or say stop; what is under way is finished in the first case."""
        self._pipe.listen(orders, {"stop": self._stop, "wake": self._wake})
        lock = FileLock(self._data / f"{self._name}.lock")
        if not self._pipe.wait_for(lock):
            return
        self._serving = True
        self._pipe.emit({"event": "status", "state": "ready"})
        for job in self._jobs.unfinished(self._name):
            self._take(job)
        while not self._pipe.is_over.is_set():
            with suppress(LibraryError):
                self._fill()
            with self._changed:
                self._changed.wait(LOOK)
        with self._changed:
            self._changed.wait_for(lambda: not self._taken)
        lock.release()

    def _fill(self) -> None:
        """Take what may be begun now."""
        waiting = self._jobs.lines()
        for backend, most in self._at_once().items():
            while waiting.get(backend) and not self._stopping:
                own = [job for job in list(self._taken.values()) if job.backend == backend]
                lanes = LANES if len(own) < max(1, most - 1) else SILENT
                job = self._jobs.claim(self._name, only=backend, lanes=lanes) if len(own) < most else None
                if job is None:
                    break
                self._take(job)

    def _take(self, job: Job) -> None:
        with self._changed:
            self._taken[job.id] = job
        threading.Thread(target=self._carry, args=(job,), daemon=True, name=f"job {job.id}").start()

    def _carry(self, job: Job) -> None:
        try:
            if self._running.make(job.id):
                self._running.keep(job.id)
        except Exception:  # one job must not end the others; it is taken up again at the next start
            log.exception("job %s", job.id)
        finally:
            with self._changed:
                self._taken.pop(job.id, None)
                self._changed.notify_all()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _stop(self) -> None:
        """End now, but let a paid call that is in the air come back first: its answer is noted before we go."""
        self._stopping = True
        threading.Thread(target=self._leave, daemon=True).start()

    def _leave(self) -> None:
        while self._is_sending():
            threading.Event().wait(0.05)
        if self._serving:
            with suppress(LibraryError):
                self._jobs.forgive(self._name)
        os._exit(0)
