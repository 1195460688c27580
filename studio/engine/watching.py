"""How a running job reports to the page and learns that it is to stop."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import Image

from studio.core.errors import Cancelled, LibraryError
from studio.core.job import Job, Lane, Phase, Progress
from studio.core.ports import JobStore, Receipts

PREVIEW_SIDE = 256
PREVIEW_EVERY = 0.25
PREVIEW_SHARE = 0.05
"""Previews may cost this share of the denoising time and no more."""

LOOK = 0.2
"""Seconds between looks whether a waiting job was cancelled."""

Emit = Callable[[dict[str, Any]], None]


class JobWatch:
    """`Watch` of one job: progress into the job's row, previews down the pipe to the studio and nowhere else."""

    def __init__(
        self, job: Job, store: JobStore, receipts: Receipts, emit: Emit, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._job, self._store, self._emit, self._clock = job.id, store, emit, clock
        self.lane: Lane = job.lane
        self.receipts = receipts
        self._progress = Progress()
        self._begun = self._reported = self._previewed = clock()
        self._preview_cost = 0.0
        self._said = ""

    def check(self) -> None:
        if self._store.cancel_requested(self._job):
            raise Cancelled("Cancelled.")

    def delay(self, until: float, why: str) -> None:
        """The job is *delayed* meanwhile, not failed; other pictures of it may wait for the same moment."""
        self._store.advance(
            self._job, "delayed", message=f"{why} Delayed until {time.strftime('%H:%M:%S', time.localtime(until))}."
        )
        self._emit({"event": "changed", "job": self._job})
        while (left := until - time.time()) > 0:
            self.check()
            time.sleep(min(left, LOOK))
        self._store.advance(self._job, "running")
        self._emit({"event": "changed", "job": self._job})

    def say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            with suppress(LibraryError):  # a full disk must not stop the drawing
                self._store.advance(self._job, "running", message=text)
            self._emit({"event": "changed", "job": self._job})

    def phase(self, phase: Phase) -> None:
        if phase != self._progress.phase:
            if phase == "denoising" and not self._progress.step:
                self._begun, self._preview_cost = self._clock(), 0.0
            self._report(Progress(phase=phase, step=self._progress.step, steps=self._progress.steps))
        self.check()

    def step(self, done: int, total: int, preview: Callable[[], Image.Image | None] | None = None) -> None:
        self.check()
        now = self._clock()
        eta = (now - self._begun) / max(done, 1) * (total - done)
        progress = Progress(phase="denoising", step=done, steps=total, eta=round(eta, 1))
        if preview is not None and self._preview_is_due(now):
            self._send_preview(preview, now)
        if now - self._reported >= PREVIEW_EVERY or done == total:
            self._report(progress)
        self._progress = progress

    def _preview_is_due(self, now: float) -> bool:
        return now - self._previewed >= PREVIEW_EVERY and self._preview_cost <= PREVIEW_SHARE * (now - self._begun)

    def _send_preview(self, preview: Callable[[], Image.Image | None], now: float) -> None:
        image = preview()
        if image is not None:
            image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
            data = BytesIO()
            image.convert("RGB").save(data, "JPEG", quality=80)
            self._emit({"event": "preview", "job": self._job, "jpeg": base64.b64encode(data.getvalue()).decode()})
        self._previewed = self._clock()
        self._preview_cost += self._previewed - now

    def _report(self, progress: Progress) -> None:
        self._progress, self._reported = progress, self._clock()
        with suppress(LibraryError):  # a full disk must not stop the drawing
            self._store.report(self._job, progress)
        self._emit({"event": "changed", "job": self._job})
