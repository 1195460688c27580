"""Following a job: whoever watches is woken by every change, and sees the latest preview, which is in memory only."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from studio.core.errors import InvalidRequest
from studio.core.job import Snapshot
from studio.core.ports import JobStore

LOOK_AGAIN = 0.5
"""Seconds between looks at a job whose worker is not ours and so cannot wake us."""


class Changes:
    """Safe from any thread."""

    def __init__(self, jobs: JobStore) -> None:
        self._jobs = jobs
        self._changed = threading.Condition()
        self._count = 0
        self._previews: dict[str, bytes] = {}

    def wake(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def show(self, job: str, jpeg: bytes) -> None:
        """The preview of the job that is drawn now; the last one's goes."""
        self._previews = {job: jpeg}

    def watch(self, id: str) -> Iterator[Snapshot]:
        """Every change of a job until it is over. Closing the iterator stops the looking and nothing else."""
        shown, seen = None, -1
        while True:
            seen, snapshot = self._count, self._snapshot(id)
            if snapshot != shown:
                yield snapshot
                shown = snapshot
            if snapshot.job.is_over:
                return
            with self._changed:
                self._changed.wait_for(lambda before=seen: self._count != before, LOOK_AGAIN)  # type: ignore[misc]

    def _snapshot(self, id: str) -> Snapshot:
        job = self._jobs.get(id)
        if job is None:
            raise InvalidRequest(f"There is no job {id}.")
        if job.is_over:
            self._previews.pop(id, None)
        return Snapshot(job, self._previews.get(id))
