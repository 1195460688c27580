"""The one door to the network for pictures sent to a service: bounded, patient with the right errors, silent on keys.

429 and 5xx are tried again (three times in all, as `Retry-After` says, at most 20 seconds), everything else is not. Neither
headers nor bodies nor addresses with their queries ever stand in an exception.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import BackendError, NotConfigured, RateLimited, Rejected, Unavailable

TRIES, MOST_REST = 3, 20.0
TIMEOUT = 60.0
MAX_ANSWER = 4 * 1024 * 1024


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


def send(upload: Upload, service: str, rest: Callable[[float], None] = time.sleep) -> Any:
    """Post it and give the JSON of the answer. Raises a `BackendError` whose sentence names the service."""
    import httpx

    with httpx.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=True) as client:
        for attempt in range(TRIES):
            try:
                status, headers, body = _post(client, upload)
            except httpx.HTTPError as error:
                failure: BackendError = Unavailable(f"{service} is out of reach ({type(error).__name__}). Try again later.")
                pause = float(2**attempt)
            else:
                if status < 300:
                    return _json(body, service)
                failure = _failure(status, body, service, upload.secrets)
                pause = _pause(headers.get("retry-after", ""), attempt)
            if not isinstance(failure, RateLimited | Unavailable) or attempt == TRIES - 1:
                raise failure
            rest(pause)
    raise Unavailable(f"{service} is out of reach. Try again later.")


def _post(client: Any, upload: Upload) -> tuple[int, Mapping[str, str], bytes]:
    """Status, headers and at most `MAX_ANSWER` bytes of the answer."""
    files = {upload.field: (upload.name, upload.data, upload.mime)}
    with client.stream("POST", upload.url, headers=dict(upload.headers), data=dict(upload.fields), files=files) as answer:
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > MAX_ANSWER:
                break
        return int(answer.status_code), answer.headers, body


def _json(body: bytes, service: str) -> Any:
    try:
        return json.loads(body[:MAX_ANSWER])
    except (ValueError, RecursionError):
        raise Unavailable(f"{service} answered something that is no JSON. Try again later.") from None


def _failure(status: int, body: bytes, service: str, secrets: Sequence[str]) -> BackendError:
    told = _message(body, secrets)
    said = f": {told}" if told else ""
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


def _pause(header: str, attempt: int) -> float:
    return min(float(header), MOST_REST) if header.isdigit() else float(2**attempt)
