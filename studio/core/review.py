"""Human review: what waits, what was decided, and which decisions may follow which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Decision = Literal["approved", "rejected", "escalated"]
ReviewStatus = Literal["not_needed", "pending", "approved", "rejected", "escalated"]
DECISIONS: tuple[Decision, ...] = ("approved", "rejected", "escalated")
UNDECIDED: frozenset[ReviewStatus] = frozenset({"pending", "escalated"})
"""What the queue shows; and, with `rejected`, what no share copy is made of."""


@dataclass(frozen=True, kw_only=True)
class ReviewEntry:
    """One decision on a picture. `time` is seconds since the epoch; an undone one stays in the history."""

    seq: int
    record: str
    status: ReviewStatus
    before: ReviewStatus
    reviewer: str
    note: str = ""
    time: float = 0.0
    undone: bool = False
