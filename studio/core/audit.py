"""The audit log's rows and their chain, as pure functions.

Each row's hash covers the one before it and a salted digest of its content, not the content itself: when a person's data
is erased, the content of rows goes and every hash still fits (cf. RFC 6962 for the idea of a log that only grows).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

Action = Literal[
    "request.submitted", "request.blocked", "request.failed", "request.cancelled", "hosted.called", "picture.kept",
    "picture.shared", "picture.deleted", "picture.restored", "picture.imported", "pictures.exported", "review.decided",
    "review.undone", "settings.changed", "key.set", "key.removed", "person.added", "person.changed", "person.removed",
    "person.erased", "session.opened", "session.refused", "audit.exported", "models.added", "models.removed",
    "models.restored",
]  # fmt: skip
FIRST = "0" * 64
"""What the first row names as the one before it."""
_CONTENT = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode
_PLACE = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """One thing that happened. `subject` is the id of a job, record, provider or account; `detail` is JSON without secrets.

    `time` is seconds since the epoch. A blanked row's person, subject and detail were erased; its digest stands.
    """

    seq: int
    time: float
    action: str
    person: str = ""
    subject: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    salt: str = ""
    digest: str = ""
    previous: str = FIRST
    hash: str = ""
    blanked: bool = False


class AuditQuery(TypedDict, total=False):
    """Which rows are wanted: those behind number `after`, at most `limit` (1000), of one person, action or subject; with
    `newest` the last ones.
    """

    after: int
    limit: int
    person: str
    action: str
    subject: str
    newest: bool


def digest_of(person: str, subject: str, detail: Mapping[str, Any], salt: str) -> str:
    """SHA-256 of a row's content with its own salt, so that erased content cannot be guessed from it."""
    return hashlib.sha256(_CONTENT([salt, person, subject, detail]).encode()).hexdigest()


def hash_of(row: AuditRow) -> str:
    """SHA-256 over the row before, the row's own place, time and action, and the digest of its content."""
    told = _PLACE([row.previous, row.seq, f"{row.time:.6f}", row.action, row.digest])
    return hashlib.sha256(told.encode()).hexdigest()


def first_broken(rows: Iterable[AuditRow]) -> tuple[int | None, str]:
    """The number of the first row that does not fit and why; None and nothing if all do."""
    previous, expected = FIRST, 1
    for row in rows:
        if row.seq != expected:
            return expected, f"row {expected} is missing"
        if row.previous != previous:
            return row.seq, f"row {row.seq} does not follow the row before it"
        if not row.blanked and row.digest != digest_of(row.person, row.subject, row.detail, row.salt):
            return row.seq, f"the content of row {row.seq} was changed"
        if row.hash != hash_of(row):
            return row.seq, f"row {row.seq} was changed"
        previous, expected = row.hash, expected + 1
    return None, ""
