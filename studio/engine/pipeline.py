"""The way of a picture, on one screen: screen, adapt, generate, screen, stamp, keep.

`make` ends in drafts that the worker holds on disk, which is one checkpoint; `keep` is the next. A worker that dies
anywhere draws at most once more and keeps nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from studio.core.adapt import adapt
from studio.core.errors import NotConfigured, StampFailed
from studio.core.job import Job, backend_of
from studio.core.model import Model
from studio.core.ports import AuditLog, Backend, Keeper, ReceiptBook, Sources, Stamp, Watch
from studio.core.result import Draft, ImageResult, Picture, Record
from studio.core.verdict import Verdict
from studio.engine.drawing import draw
from studio.engine.logbook import SilentAudit
from studio.engine.screening import Screening


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Everything a worker needs, given to it by the composition root. `facts` go into every record.

    `stamping` is held while a job's pictures are stamped: a lock where many jobs run at once.
    """

    backends: tuple[Backend, ...]
    keeper: Keeper
    sources: Sources
    receipts: ReceiptBook
    audit: AuditLog = field(default_factory=SilentAudit)
    screening: Screening = field(default_factory=Screening)
    stamps: tuple[Stamp, ...] = ()
    stamping: AbstractContextManager[Any] = field(default_factory=nullcontext)
    facts: Mapping[str, Any] = field(default_factory=dict)


def make(job: Job, parts: Parts, watch: Watch) -> list[Draft]:
    """Draw and stamp a job's pictures. Raises a `StudioError`; nothing is on disk yet."""
    backend, model = find_model(job.request.model, parts.backends)
    before = parts.screening.before(job.request, job.role, parts.sources)
    request, changes = adapt(job.request, model)
    result = draw(request, model, backend, parts.sources, watch)
    watch.phase("stamping")
    with parts.stamping:
        return [_stamp(draft, parts.stamps, watch) for draft in _drafts(job, parts, result, before, changes)]


def keep(job: Job, parts: Parts, watch: Watch) -> tuple[Record, ...]:
    """Move a job's held pictures into `outputs/` and write their rows. Raises `KeepError`; may be called again."""
    watch.phase("keeping")
    return parts.keeper.keep(job.id)


def find_model(id: str, backends: Iterable[Backend]) -> tuple[Backend, Model]:
    """The backend and the declared abilities of a model id."""
    for backend in (each for each in backends if each.name == backend_of(id)):
        for model in backend.models():
            if model.id == id:
                return backend, model
    raise NotConfigured(f"The model “{id}” is not here. Choose another one, or put it into the models folder.")


def _drafts(
    job: Job, parts: Parts, result: ImageResult, before: tuple[Verdict, ...], changes: tuple[str, ...]
) -> Iterable[Draft]:
    created = datetime.now(UTC).isoformat(timespec="milliseconds")
    facts = {**parts.facts, "used": dict(result.used), "attempts": job.attempts}
    for index, picture in enumerate(result.pictures):
        own = {**picture.facts, **_original(picture, parts.sources)}
        verdicts = parts.screening.output(job.request, job.role, picture.image, {**facts, **own}, before)
        yield Draft(id=f"{job.id}-{index}", job=job.id, picture=picture, request=job.request, created=created,
                    facts={**facts, **own}, notes=(*changes, *result.notes), verdicts=verdicts, role=job.role)  # fmt: skip


def _original(picture: Picture, sources: Sources) -> dict[str, Any]:
    """A provider's own bytes that carry Content Credentials are kept beside the picture, untouched, as sources are."""
    if picture.original is None:
        return {}
    kept = sources.add(picture.original, "as the provider sent it")
    return {"original": {"sha256": kept.sha256, "width": kept.width, "height": kept.height}}


def _stamp(draft: Draft, stamps: Iterable[Stamp], watch: Watch) -> Draft:
    for stamp in stamps:
        watch.check()
        try:
            draft = stamp(draft)
        except (OSError, ValueError) as error:
            reason = f"The mark “{stamp.name}” could not be put on the picture ({error}), so it was not saved. Try again."
            raise StampFailed(reason) from error
    return draft
