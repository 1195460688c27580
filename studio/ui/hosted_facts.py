"""What a provider told of a picture, as rows, as its raw answer, and as commands that ask for it again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from studio.core.price import dollars
from studio.core.recipe import as_curl, as_python
from studio.core.result import Record
from studio.ui.words import span

MODERATION = {
    "ok": "passed the provider's filter",
    "flagged": "flagged by the provider, and sent all the same",
    "blurred": "blurred by the provider",
    "blocked_by_provider": "blocked by the provider",
    "unknown": "the provider says nothing of it",
}
Rows = list[tuple[str, object]]


def rows(record: Record) -> Rows:
    """Empty for a picture that was drawn on this computer. Facts may come from a stranger's file."""
    told = facts_of(record)
    if not told:
        return []
    asked, returned = told.get("seed_asked"), told.get("seed_returned")
    seeds = f"{'none' if asked is None else asked} asked, {'not told' if returned is None else returned} returned"
    return [
        ("Provider", told.get("provider")),
        ("Endpoint", told.get("endpoint")),
        ("Version", told.get("version")),
        ("Request", told.get("request_id")),
        ("Seeds", seeds),
        ("Finish", told.get("finish_reason")),
        (
            "Moderation",
            " · ".join(filter(None, (MODERATION.get(str(told.get("moderation"))), _text(told, "moderation_reason")))),
        ),
        ("Cost", _cost(told.get("cost"))),
        ("Waited", _seconds(told.get("seconds"))),
        ("Retries", told.get("retries") or ""),
        ("Original", _original(record)),
    ]


def tools(record: Record) -> str:
    """Buttons that copy the request, and the raw answer behind a fold; HTML."""
    told = facts_of(record)
    request = told.get("request")
    if not isinstance(request, dict) or not request.get("url"):
        return ""
    copies = "".join(
        f'<button data-copy="{escape(text, quote=True)}">{title}</button>'
        for title, text in (("Copy as cURL", as_curl(request)), ("Copy as Python", as_python(request)))
    )
    raw = escape(json.dumps({"request": request, "response": told.get("response")}, indent=2, ensure_ascii=False))
    return (
        f'<div class="tools">{copies}</div><details class="raw"><summary>Raw request and answer</summary>'
        f'<pre tabindex="0">{raw}</pre></details>'
    )


def facts_of(record: Record) -> Mapping[str, Any]:
    found = record.facts.get("hosted")
    return found if isinstance(found, dict) else {}


def _cost(cost: Any) -> str:
    if not isinstance(cost, dict):
        return ""
    value, source = cost.get("value"), cost.get("source")
    return f"{dollars(value)} ({source})" if isinstance(value, int | float) else f"unknown ({source})"


def _seconds(seconds: Any) -> str:
    if not isinstance(seconds, dict):
        return ""
    return ", ".join(f"{name} {span(value)}" for name, value in seconds.items() if isinstance(value, int | float))


def _original(record: Record) -> str:
    original = record.facts.get("original")
    if not isinstance(original, dict):
        return ""
    return f"kept untouched with the provider's Content Credentials ({str(original.get('sha256'))[:10]})"


def _text(told: Mapping[str, Any], name: str) -> str:
    return str(told.get(name) or "")
