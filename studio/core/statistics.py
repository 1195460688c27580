"""What is counted and found for the people who answer for a studio: how much was made, refused, flagged and reviewed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal, TypedDict, get_args

from studio.core.job import BlockedBy
from studio.core.review import ReviewStatus
from studio.core.verdict import Outcome

Counted = Literal[
    "generated", "blocked_by_policy", "blocked_by_provider", "flagged", "approved", "rejected", "escalated"
]  # fmt: skip
COUNTED: tuple[Counted, ...] = get_args(Counted)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """So many on a day (local time, ISO 8601). `provider` is the backend's name; `reason_code` is empty for `generated`.

    Pictures are counted by the day they were made, requests by the day they were refused, decisions by the day they were
    taken. A picture with several reasons counts once, under its first; one that a publishing rule alone sent to review under
    that rule (`publishing.<rule>`). An undone decision does not count.
    """

    day: str
    counted: Counted
    provider: str
    reason_code: str
    count: int


class Sought(TypedDict, total=False):
    """What a search is for; nothing for what does not matter. `limit` is 60 unless told, `before` is the `id` of the last
    one on the page before.
    """

    reason_code: str
    outcome: Outcome | None
    review_status: ReviewStatus | None
    limit: int
    before: str


@dataclass(frozen=True, kw_only=True)
class Screened:
    """A refused request (`record` is empty), or a kept picture with what the checks said of it.

    `time` is seconds since the epoch, `outcome` the verdict that decided, `reason_codes` those of all flags and blocks.
    """

    job: str
    time: float
    provider: str
    outcome: Outcome
    record: str = ""
    person: str = ""
    reason_codes: tuple[str, ...] = ()
    blocked_by: BlockedBy = ""
    review_status: ReviewStatus = "not_needed"

    @property
    def id(self) -> str:
        """What the next page is asked for with."""
        return self.record or self.job


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


def day_reports(tallies: Iterable[Tally], last: date, days: int) -> list[DayReport]:
    """So many days up to the last one, the oldest first, each present even if nothing happened."""
    found: dict[str, list[Tally]] = {(last - timedelta(days - 1 - number)).isoformat(): [] for number in range(days)}
    for tally in tallies:
        if tally.day in found:
            found[tally.day].append(tally)
    return [_day_report(day, own) for day, own in found.items()]


def _day_report(day: str, tallies: Iterable[Tally]) -> DayReport:
    counts: Counter[str] = Counter()
    providers: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for tally in tallies:
        counts[tally.counted] += tally.count
        if tally.counted == "generated":
            providers[tally.provider] += tally.count
        elif tally.counted in ("flagged", "blocked_by_policy", "blocked_by_provider"):
            reasons[tally.reason_code or "unknown"] += tally.count
    return DayReport(day=day, by_provider=providers, by_reason=reasons, **counts)
