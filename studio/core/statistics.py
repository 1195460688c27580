"""What happened on a day, counted: for the daily report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class DayReport:
    """One day (local time, ISO date). `generated` are kept pictures, `flagged` those of them that a person had to look at;
    `blocked_*` are refused requests. `by_provider` counts kept pictures by backend, `by_reason` refusals and flags by
    reason code.
    """

    day: str
    generated: int = 0
    flagged: int = 0
    blocked_by_policy: int = 0
    blocked_by_provider: int = 0
    approved: int = 0
    rejected: int = 0
    escalated: int = 0
    by_provider: Mapping[str, int] = field(default_factory=dict)
    by_reason: Mapping[str, int] = field(default_factory=dict)
