"""The daily report: what was made, refused, flagged and reviewed, by day, provider and reason; HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from html import escape

from studio.core.statistics import DayReport
from studio.ui import plots, screened

Count = Callable[[DayReport], int]
SHOWN: tuple[tuple[str, str, Count], ...] = (
    ("passed without a flag", "accent", lambda day: day.generated - day.flagged),
    ("flagged", "warn", lambda day: day.flagged),
    ("blocked by policy", "bad", lambda day: day.blocked_by_policy),
    ("blocked by a provider", "edge", lambda day: day.blocked_by_provider),
)
REVIEWED: tuple[tuple[str, str, Count], ...] = (
    ("approved", "good", lambda day: day.approved),
    ("rejected", "bad", lambda day: day.rejected),
    ("escalated", "warn", lambda day: day.escalated),
)


def report(days: Sequence[DayReport]) -> str:
    """`days` in order, the oldest first, each present even if nothing happened."""
    names = [f"{date.fromisoformat(day.day):%d %b}" for day in days]
    made = [(name, colour, [count(day) for day in days]) for name, colour, count in SHOWN]
    reviewed = [(name, colour, [count(day) for day in days]) for name, colour, count in REVIEWED]
    providers: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for day in days:
        providers.update(day.by_provider)
        reasons.update(day.by_reason)
    parts = (
        _figures(days),
        plots.stacked(names, made, "Pictures and refusals by day"),
        plots.stacked(names, reviewed, "Reviews by day"),
        '<div class="pair">'
        + plots.ranked(providers, "Pictures by provider")
        + plots.ranked(reasons, "Reasons", "bad")
        + "</div>",
        _table(days),
        screened.filters(dict(reasons.most_common())),
    )
    return f'<div class="report">{"".join(parts)}</div>'


def _figures(days: Sequence[DayReport]) -> str:
    """The last day and all of them, as large numbers."""
    today = days[-1] if days else DayReport(day="")
    shown = (
        ("made today", today.generated),
        ("flagged today", today.flagged),
        ("refused today", today.blocked_by_policy + today.blocked_by_provider),
        ("reviewed today", today.approved + today.rejected + today.escalated),
    )
    cells = "".join(f"<div><b>{number}</b><span>{name}</span></div>" for name, number in shown)
    return f'<div class="figures">{cells}</div>'


def _table(days: Sequence[DayReport]) -> str:
    heads = ("Day", "Made", "Flagged", "Blocked by policy", "Blocked by a provider", "Approved", "Rejected", "Escalated")
    rows = "".join(
        "<tr>" + "".join(f"<td>{escape(str(value))}</td>" for value in (
            day.day, day.generated, day.flagged, day.blocked_by_policy, day.blocked_by_provider, day.approved, day.rejected,
            day.escalated)) + "</tr>"
        for day in reversed(days)
        if any((day.generated, day.blocked_by_policy, day.blocked_by_provider, day.approved, day.rejected, day.escalated))
    )  # fmt: skip
    if not rows:
        return '<p class="quiet">Nothing has happened yet.</p>'
    return f"<table><thead><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr></thead><tbody>{rows}</tbody></table>"
