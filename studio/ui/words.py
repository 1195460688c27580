"""The states of jobs and workers in plain words."""

from __future__ import annotations

from typing import Any

from studio.core.job import Job, Phase
from studio.core.worker import WorkerStatus

PHASES: dict[Phase, tuple[str, float]] = {
    "waiting": ("Starting", 0.0),
    "loading": ("Loading the model", 0.02),
    "encoding": ("Reading the prompt", 0.04),
    "denoising": ("Drawing", 0.06),
    "decoding": ("Developing the picture", 0.92),
    "sending": ("Sending the request", 0.05),
    "polling": ("The provider is drawing", 0.06),
    "fetching": ("Fetching the picture", 0.92),
    "stamping": ("Writing the metadata", 0.97),
    "keeping": ("Saving the file", 0.98),
}
"""A phase's words and where its part of the bar begins."""

TITLES = {
    "queued": "Waiting",
    "delayed": "Held back",
    "done": "Done",
    "blocked": "Not allowed",
    "failed": "That did not work",
    "needs_review": "Needs your look",
    "cancelled": "Cancelled",
}

IDLE: dict[str, Any] = {
    "id": "",
    "state": "idle",
    "title": "Ready when you are",
    "detail": "",
    "fraction": 0,
    "retry": False,
    "smaller": "",
    "cancel": False,
}


def worker(status: WorkerStatus) -> dict[str, str]:
    """State, the words of the header, and the sentence behind them."""
    device = status.device or "the engine"
    text = {
        "starting": "Starting the engine…",
        "warming": f"Warming up {device}…",
        "ready": status.device or "Ready",
        "standby": status.device or "Another studio's engine does the work",
        "down": "Engine is restarting…" if status.restarts else "Engine is not running",
    }[status.state]
    warm = f"In memory: {', '.join(status.warm)}." if status.warm else ""
    return {"state": status.state, "text": text, "message": " ".join(filter(None, (status.message, warm)))}


def card(job: Job, status: WorkerStatus, *, paused: bool, others: int) -> dict[str, Any]:
    """What the progress card says of a job; `fraction` is 0..1, or None where nobody knows how long it takes."""
    title, detail, fraction = _running(job) if job.state == "running" else (TITLES[job.state], job.message, 0.0)
    if job.facts.get("hosted", {}).get("request_id"):
        detail = f"{detail} (request {job.facts['hosted']['request_id']})"
    if job.state == "queued":
        detail = _waiting(job, status, paused=paused)
    elif job.state == "done":
        title, detail, fraction = _done(job)
    if others > 0 and not job.is_over:
        detail = " · ".join(filter(None, (detail, f"{others} more waiting")))
    return {
        "id": job.id,
        "state": job.state,
        "title": title,
        "detail": detail,
        "fraction": fraction,
        "retry": job.can_retry,
        "smaller": job.smaller[0] if job.smaller else "",
        "field": job.error_field,
        "form": job.request.task.kind,
        "cancel": not job.is_over and not job.cancel_requested,
    }


def _running(job: Job) -> tuple[str, str, float | None]:
    progress = job.progress
    title, begin = PHASES[progress.phase]
    if job.cancel_requested:
        hosted = progress.phase in ("sending", "polling", "fetching")
        return "Stopping", "The connection is being closed" if hosted else "This takes one step at most", begin
    if progress.phase == "polling" and progress.steps:
        return title, f"{progress.step} %", begin + (PHASES["decoding"][1] - begin) * progress.step / progress.steps
    if progress.phase != "denoising":
        return title, job.message, None if progress.phase in ("waiting", "loading", "sending", "polling") else begin
    fraction = begin + (PHASES["decoding"][1] - begin) * progress.step / max(progress.steps, 1)
    parts = [f"step {progress.step} of {progress.steps}"]
    if progress.eta is not None:
        parts.append(f"{span(progress.eta)} left")
    if job.message:
        parts.append(job.message)
    return title, " · ".join(parts), round(fraction, 3)


def _waiting(job: Job, status: WorkerStatus, *, paused: bool) -> str:
    if paused:
        return "The queue is paused. Resume it to go on"
    if status.state not in ("ready", "standby"):
        return status.message or worker(status)["text"]
    ahead = (job.position or 1) - 1
    return "Next in line" if ahead == 0 else f"Place {ahead + 1} in the queue"


def _done(job: Job) -> tuple[str, str, float]:
    count = len(job.records)
    made = "1 picture" if count == 1 else f"{count} pictures"
    return "Done", f"{made} in {span((job.ended or 0) - job.started)}" if job.started and job.ended else made, 1.0


def span(seconds: float) -> str:
    """A length of time as one says it."""
    if seconds < 10:
        return f"{max(seconds, 0.1):.1f} s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min"
