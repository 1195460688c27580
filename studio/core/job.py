"""A request on its way through the queue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from studio.core.people import Role
from studio.core.request import ImageRequest, Size, TextToImage
from studio.core.verdict import Verdict

JobState = Literal["queued", "running", "delayed", "done", "blocked", "failed", "needs_review", "cancelled"]
Lane = Literal["interactive", "batch"]
BlockedBy = Literal["", "policy", "provider"]
"""The studio's own policy, or the provider's or model's own filter."""
LANES: tuple[Lane, ...] = ("interactive", "batch")
Phase = Literal[
    "waiting", "loading", "encoding", "denoising", "decoding", "sending", "polling", "fetching", "stamping", "keeping"
]
"""`sending`, `polling` and `fetching` belong to hosted jobs."""

ENDED: frozenset[JobState] = frozenset({"done", "blocked", "failed", "needs_review", "cancelled"})


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

    Times are seconds since the epoch. `error_code` is a StudioError's `code`, `message` its sentence, `error_field` the
    field of the request at fault, `facts` what is known of a call that gave no picture. `attempts` counts the times a
    worker took the job up. `role` is the asker's; `blocked_by` and `reason_code` say who refused and why, `verdicts` are the
    checks' answers until then. `needs_review`: a paid request was sent and its end is unknown; only a retry sends it again.
    """

    id: str
    request: ImageRequest
    state: JobState
    lane: Lane = "interactive"
    position: int | None = None
    progress: Progress = Progress()
    message: str = ""
    error_code: str = ""
    error_field: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    role: Role = "creator"
    blocked_by: BlockedBy = ""
    reason_code: str = ""
    verdicts: tuple[Verdict, ...] = ()
    records: tuple[str, ...] = ()
    attempts: int = 0
    created: float = 0.0
    started: float | None = None
    ended: float | None = None
    cancel_requested: bool = False

    @property
    def backend(self) -> str:
        """The backend whose model it asks for; each has a line of its own."""
        return backend_of(self.request.model)

    @property
    def can_retry(self) -> bool:
        """Whether the same request may end otherwise; words that the policy refused have to change first."""
        refused = self.blocked_by == "policy" and self.error_field == "prompt"
        return self.is_over and self.state != "done" and not refused

    @property
    def smaller(self) -> tuple[str, ImageRequest] | None:
        """After a lack of memory: what one click tries instead, in words and as a request."""
        asked = self.facts.get("smaller")
        if not self.can_retry or not isinstance(asked, Mapping) or not asked.get("title"):
            return None
        request = replace(self.request, options={**self.request.options, **asked.get("options", {})})
        if asked.get("size") and isinstance(request.task, TextToImage):
            request = replace(request, task=TextToImage(Size.parse(str(asked["size"]))))
        return str(asked["title"]), request

    @property
    def is_over(self) -> bool:
        return self.state in ENDED


def backend_of(model: str) -> str:
    """`stability:core` → `stability`."""
    return model.partition(":")[0]


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
