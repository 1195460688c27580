"""A request on its way through the queue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from studio.core.request import ImageRequest

JobState = Literal["queued", "running", "delayed", "done", "blocked", "failed", "cancelled"]
Lane = Literal["interactive", "batch"]
Phase = Literal["waiting", "loading", "encoding", "denoising", "decoding", "stamping", "keeping"]

ENDED: frozenset[JobState] = frozenset({"done", "blocked", "failed", "cancelled"})


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a running job stands; `eta` in seconds, None while unknown."""

    phase: Phase = "waiting"
    step: int = 0
    steps: int = 0
    eta: float | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of the queue. `position` is 1 for the next job to start and None once it has started.

    Times are seconds since the epoch. `error_code` is a StudioError's `code`, `message` its sentence.
    `attempts` counts the times a worker took the job up.
    """

    id: str
    request: ImageRequest
    state: JobState
    lane: Lane = "interactive"
    position: int | None = None
    progress: Progress = Progress()
    message: str = ""
    error_code: str = ""
    records: tuple[str, ...] = ()
    attempts: int = 0
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    cancel_requested: bool = False

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


@dataclass(frozen=True)
class JobEvent:
    """One kept change of state."""

    time: float
    state: JobState
    message: str = ""


@dataclass(frozen=True)
class Snapshot:
    """A job as a page shows it; `preview` is a small JPEG that exists in memory only."""

    job: Job
    preview: bytes | None = None
