"""The search among what was refused or flagged: lists to choose from and the rows found; HTML, all texts escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any, get_args

from studio.core.review import ReviewStatus
from studio.core.statistics import Screened
from studio.core.verdict import OUTCOMES
from studio.ui.ports import Studio

STATES = {"block": "refused", "flag": "flagged", "not_screened": "not screened", "pending": "waits for a review",
          "escalated": "escalated", "approved": "approved", "rejected": "rejected"}  # fmt: skip
"""Outcomes and review states, in the words of the list."""
PAGE = 30
HEADS = ("When", "Who", "State", "Reasons", "Prompt", "From")


def filters(reasons: Mapping[str, int]) -> str:
    """The two lists, and where the rows go."""
    whys = "".join(
        f'<option value="{escape(name, quote=True)}">{escape(name)} ({n})</option>' for name, n in reasons.items()
    )
    states = "".join(f'<option value="{name}">{words}</option>' for name, words in STATES.items())
    heads = "".join(f"<th>{head}</th>" for head in HEADS)
    return (
        '<section class="found"><h3>Refused and flagged</h3><div class="filters">'
        f'<label>State <select data-filter="state"><option value="">any</option>{states}</select></label>'
        f'<label>Reason <select data-filter="reason"><option value="">any</option>{whys}</select></label></div>'
        f"<table><thead><tr>{heads}</tr></thead><tbody data-found></tbody></table>"
        '<button type="button" class="small" data-more hidden>More</button></section>'
    )


def find(studio: Studio, asked: Mapping[str, Any]) -> dict[str, str]:
    """Rows for the lists' choice behind the row `before`, newest first, and behind which one there are more."""
    state, before = str(asked.get("state") or ""), str(asked.get("before") or "")
    found = studio.oversight.screened(
        reason_code=str(asked.get("reason") or ""),
        outcome=next((outcome for outcome in OUTCOMES if outcome == state), None),
        review_status=next((status for status in get_args(ReviewStatus) if status == state), None),
        limit=PAGE + 1,
        before=before,
    )
    rows = "".join(_row(studio, each) for each in found[:PAGE])
    none = "" if rows or before else f'<tr><td colspan="{len(HEADS)}" class="quiet">Nothing is like that.</td></tr>'
    return {"html": rows or none, "more": found[PAGE - 1].id if len(found) > PAGE else ""}


def _row(studio: Studio, each: Screened) -> str:
    record, job = studio.record(each.record) if each.record else None, studio.job(each.job)
    request = record.request if record else job.request if job else None
    when = datetime.fromtimestamp(each.time).astimezone().strftime("%d %b %Y, %H:%M")
    state = "refused" if each.blocked_by else STATES.get(each.review_status) or STATES.get(each.outcome, each.outcome)
    prompt = request.prompt[:200] if request else ""
    cells = (when, each.person or "–", state, ", ".join(each.reason_codes) or each.blocked_by, prompt, each.provider)
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
