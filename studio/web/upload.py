"""A picture for a service that scores it: one multipart form, a few patient tries, the JSON of the answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import BackendError, NotConfigured, RateLimited, Rejected, StudioError, Unavailable
from studio.web._http import MEGABYTE, Answer, Door, Request
from studio.web.patience import TRIES, Manners, Waiting, ask, asked_pause

MOST_REST = 20.0
MAX_ANSWER = 4 * MEGABYTE


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A picture for a multipart form; `secrets` are texts that must never be told again."""

    url: str
    field: str
    data: bytes
    name: str
    mime: str
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    secrets: Sequence[str] = ()


def send(upload: Upload, service: str, door: Door, rest: Callable[[float], None] = time.sleep) -> Any:
    """Post it and give the JSON of the answer. Raises a `BackendError` whose sentence names the service."""
    request = Request(
        method="POST",
        url=upload.url,
        headers=upload.headers,
        form=[*upload.fields.items(), (upload.field, (upload.name, upload.data, upload.mime))],
        most_bytes=MAX_ANSWER,
    )

    def pause(answer: Answer) -> float | None:
        asked = asked_pause(answer, time.time())
        return None if asked is None else min(asked, MOST_REST)

    def failure(answer: Answer) -> StudioError | None:
        return _failure(answer, service, upload.secrets)

    manners = Manners(service=service, failure=failure, pause=pause, limited_tries=TRIES)
    waiting = Waiting(check=lambda: None, delay=lambda until, _: rest(max(0.0, until - time.time())), rest=rest)
    answer = ask(door, request, manners, waiting)
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        raise Unavailable(f"{service} answered something that is no JSON. Try again later.") from None


def _failure(answer: Answer, service: str, secrets: Sequence[str]) -> BackendError | None:
    status, told = answer.status, _message(answer.body, secrets)
    said = f": {told}" if told else ""
    if status < 300:
        return None
    if status in (401, 403):
        return NotConfigured(f"{service} refused the key ({status}). Check it.")
    if status == 402:
        return Rejected(f"{service} wants to be paid first (402){said}.")
    if status == 429:
        return RateLimited(f"{service} has had too many requests (429). Try again later.")
    if status >= 500:
        return Unavailable(f"{service} has trouble of its own ({status}). Try again later.")
    return Rejected(f"{service} refused the picture ({status}){said}.")


def _message(body: bytes, secrets: Sequence[str]) -> str:
    """The service's own words, one line, without any secret."""
    try:
        values = json.loads(body[:100_000])
    except (ValueError, RecursionError):
        return ""
    error = values.get("error", values) if isinstance(values, dict) else {}
    text = error.get("message", "") if isinstance(error, dict) else error
    if not isinstance(text, str) or any(secret and secret in text for secret in secrets):
        return ""
    return " ".join(text.split())[:200].rstrip(".")
