"""The worker process: owns one device, takes jobs, tells the studio what happens.

When the studio is gone (closed or killed), the job at hand is finished and the rest waits for the next start. One worker
at a time serves a data folder (a lock file); another waits behind it and takes over.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from studio.core.errors import LibraryError, StudioError
from studio.core.ports import JobStore
from studio.engine import pipeline
from studio.engine.pipe import Pipe
from studio.engine.pipeline import Parts
from studio.engine.queue import Consumer
from studio.engine.running import Running

log = logging.getLogger("studio.worker")


class Worker:
    """Carries jobs of the device's backends through the pipeline.

    `describe` gives the device's name and may be slow; it runs after start. `warm` names the models in memory. Jobs of
    hosted backends are another worker's.
    """

    def __init__(
        self,
        name: str,
        data: Path,
        parts: Parts,
        jobs: JobStore,
        pipe: Pipe,
        *,
        describe: Callable[[], str],
        warm: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self._name, self._data, self._parts, self._jobs, self._pipe = name, data, parts, jobs, pipe
        self._describe, self._warm_models, self._device = describe, warm, threading.Lock()
        self._running = Running(data, parts, jobs, pipe.emit, device=self._device)
        self._serving = False

    def run(self, orders: Iterable[str]) -> None:
        """Serve until the orders end or say stop."""
        self._pipe.listen(orders, {"stop": self._stop})
        lock = FileLock(self._data / f"{self._name}.lock")
        if not self._pipe.wait_for(lock):
            return
        self._serving = True
        consumer = Consumer(self._data, self._name, self._claim, self._make, self._running.keep)
        consumer.start()
        self._pipe.emit({"event": "status", "state": "warming"})
        threading.Thread(target=self._warm, daemon=True).start()
        self._pipe.is_over.wait()
        consumer.stop(patience=24 * 3600)
        lock.release()

    def _stop(self) -> None:
        if self._serving:
            with suppress(LibraryError):
                self._jobs.forgive(self._name)
        os._exit(0)  # the job at hand keeps its ticket and goes on at the next start

    def _warm(self) -> None:
        latest = next((job.request.model for job in self._jobs.find(limit=1)), "")
        own = [backend for backend in self._parts.backends if not backend.hosted]
        models = [model.id for backend in own for model in backend.models()]
        try:
            with self._device:
                backend, model = pipeline.find_model(latest if latest in models else models[0], own)
                backend.warm(model)
            told = {"device": self._describe(), "warm": list(self._warm_models())}
            self._pipe.emit({"event": "status", "state": "ready", **told})
        except (StudioError, IndexError) as error:
            log.warning("warming up failed: %s", error)
            self._pipe.emit({"event": "status", "state": "ready", "device": self._describe(), "message": str(error)})

    def _make(self, id: str) -> bool:
        before, is_held = list(self._warm_models()), self._running.make(id)
        if list(self._warm_models()) != before:
            self._pipe.emit({"event": "status", "warm": list(self._warm_models())})
        return is_held

    def _claim(self) -> str:
        if self._pipe.is_over.is_set():
            return ""
        hosted = [backend.name for backend in self._parts.backends if backend.hosted]
        left = self._jobs.unfinished(self._name)
        job = left[0] if left else self._jobs.claim(self._name, without=hosted)
        return job.id if job else ""
