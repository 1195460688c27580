"""What the engine writes into the audit log, all in one place: no key and no picture, and a prompt only where it is wanted.

A row is written before what it tells of is final, so a crash may leave one twice and never none. Messages and notes are left
out: they may quote a prompt. `subject` is the id of a job, a record or a provider's key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, Unpack

from studio.core.audit import Action, AuditQuery, AuditRow
from studio.core.errors import BackendError, Blocked, Cancelled, Moderated, StudioError
from studio.core.hosting import Preferences
from studio.core.job import Job
from studio.core.ports import AuditLog
from studio.core.result import Record
from studio.core.review import ReviewEntry
from studio.core.sharing import SharedCopy, ShareOptions

SENT_FOR_ALL_WE_KNOW = ("needs_review", "unavailable")
"""Codes of errors after which nobody knows whether a call arrived: it counts as made."""


class SilentAudit:
    """`studio.core.ports.AuditLog` of a studio that keeps none."""

    def append(self, action: Action, person: str = "", subject: str = "", **detail: Any) -> None: ...

    def rows(self, **wanted: Unpack[AuditQuery]) -> list[AuditRow]:
        return []

    def verify(self) -> tuple[int, int | None, str]:
        return 0, None, ""

    def lines(self, *, as_csv: bool = False) -> Iterator[str]:
        return iter(())


class Logbook:
    """Every method raises `LibraryError` if its row cannot be written."""

    def __init__(self, audit: AuditLog) -> None:
        self._audit = audit

    def submitted(self, job: Job, person: str, *, prompts: bool, again: bool = False) -> None:
        """`prompts`: the user wants them in the log."""
        request = job.request
        words = {"prompt": request.prompt, "negative_prompt": request.negative_prompt} if prompts else {}
        more = {"again": True} if again else {}
        self._audit.append(
            "request.submitted", person, job.id, model=request.model, task=request.task.kind, count=request.count,
            lane=job.lane, role=job.role, **words, **more,
        )  # fmt: skip

    def cancelled(self, job: Job, person: str) -> None:
        """Somebody said stop; `state` is where the job stood."""
        self._audit.append("request.cancelled", person, job.id, state=job.state)

    def ended(self, job: Job, error: StudioError | str) -> None:
        """It ended without a picture; `error` may be a bare code. What the user stopped was logged when they said so."""
        if isinstance(error, Cancelled):
            return
        if isinstance(error, BackendError):
            self._called_in_vain(job, error)
        code = error if isinstance(error, str) else error.code
        told: dict[str, Any] = {"model": job.request.model, "error_code": code}
        if isinstance(error, Blocked):
            told |= {"blocked_by": "policy", "reason_code": error.verdict.reason_code}
        elif isinstance(error, Moderated):
            told |= {"blocked_by": "provider", "reason_code": "provider.filter"}
        action: Action = "request.blocked" if "blocked_by" in told else "request.failed"
        self._audit.append(action, job.request.user, job.id, **told)

    def kept(self, job: Job, records: Iterable[Record]) -> None:
        """Each picture once, however often a job is carried to its end; a hosted one with the call it came of."""
        for record in records:
            hosted = record.facts.get("hosted")
            if isinstance(hosted, Mapping) and self._is_new("hosted.called", record.id):
                self._called(job.request.user, record.id, hosted, "done")
            if self._is_new("picture.kept", record.id):
                self._audit.append(
                    "picture.kept", job.request.user, record.id, job=job.id, model=job.request.model, sha256=record.sha256,
                    review_status=record.review_status,
                )  # fmt: skip

    def shared(self, record: Record, options: ShareOptions, copy: SharedCopy, person: str) -> None:
        """What went out with the copy, not the copy."""
        out = [name for name in ("prompt", "settings", "user", "parents") if getattr(options, name)]
        self._audit.append(
            "picture.shared", person, record.id, file=copy.name, size=[copy.width, copy.height], told=out,
            review_status=record.review_status,
        )  # fmt: skip

    def imported(self, record: Record, person: str) -> None:
        """A picture that was made elsewhere came into the library; its file's name is left out."""
        self._audit.append("picture.imported", person, record.id, sha256=record.sha256, review_status=record.review_status)

    def packed(self, pictures: int, person: str) -> None:
        """Kept files went out in one ZIP file, as they are."""
        self._audit.append("pictures.exported", person, pictures=pictures)

    def deleted(self, record: str, person: str) -> None:
        self._audit.append("picture.deleted", person, record)

    def emptied(self, pictures: int, person: str) -> None:
        self._audit.append("picture.deleted", person, for_good=True, pictures=pictures)

    def restored(self, record: str, person: str) -> None:
        self._audit.append("picture.restored", person, record)

    def decided(self, entry: ReviewEntry) -> None:
        self._audit.append("review.decided", entry.reviewer, entry.record, status=entry.status, before=entry.before)

    def undone(self, entry: ReviewEntry) -> None:
        self._audit.append("review.undone", entry.reviewer, entry.record, status=entry.status, back_to=entry.before)

    def preferred(self, before: Preferences, after: Preferences, person: str) -> None:
        """What was changed, from what to what; nothing if all is as it was."""
        names = [field.name for field in fields(Preferences) if getattr(before, field.name) != getattr(after, field.name)]
        changed = {name: [_plain(getattr(before, name)), _plain(getattr(after, name))] for name in names}
        if changed:
            self._audit.append("settings.changed", person, ", ".join(names), **changed)

    def key_set(self, name: str, person: str) -> None:
        self._audit.append("key.set", person, name)

    def key_removed(self, name: str, person: str) -> None:
        self._audit.append("key.removed", person, name)

    def exported(self, person: str, format: str) -> None:
        self._audit.append("audit.exported", person, format=format)

    def model_added(self, what: str, person: str, **told: Any) -> None:
        """A model came by a download (`what` is its repository or file), or a folder of models was linked."""
        self._audit.append("models.added", person, what, **told)

    def model_removed(self, what: str, person: str, **told: Any) -> None:
        """Into the trash; with `for_good` what lay there; with `unlinked` a folder that is not searched any more."""
        self._audit.append("models.removed", person, what, **told)

    def model_restored(self, what: str, person: str) -> None:
        self._audit.append("models.restored", person, what)

    def _is_new(self, action: Action, subject: str) -> bool:
        return not self._audit.rows(action=action, subject=subject, limit=1)

    def _called_in_vain(self, job: Job, error: BackendError) -> None:
        """A call that gave no picture, if there was one."""
        hosted = error.facts.get("hosted")
        if not isinstance(hosted, Mapping) or not hosted.get("endpoint"):
            return
        if hosted.get("response") is not None or error.code in SENT_FOR_ALL_WE_KNOW:
            self._called(job.request.user, job.id, hosted, error.code)

    def _called(self, person: str, subject: str, hosted: Mapping[str, Any], outcome: str) -> None:
        told = {name: hosted.get(name) for name in ("provider", "endpoint", "request_id", "cost")}
        self._audit.append("hosted.called", person, subject, outcome=outcome, **told)


def _plain(value: Any) -> Any:
    """Limits by provider are values of ours."""
    if isinstance(value, Mapping):
        return {name: vars(limit) if hasattr(limit, "__dict__") else limit for name, limit in value.items()}
    return value
