"""Calls as they are sent, with keys and pictures, and as they are told: without either."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from studio.backends._hosted.provider import About, Attached, Call
from studio.core.metadata import to_plain
from studio.web import Answer, Request

SHOWN_HEADERS = (
    "content-type", "content-length", "date", "retry-after", "x-request-id", "finish-reason", "seed", "x-inference-id",
    "x-client-request-id", "x-aimlapi-credits-used", "x-aimlapi-usd-spent", "x-fal-request-id", "x-fal-error-type",
    "x-api-credits-left", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests", "openai-processing-ms", "x-compute-time",
)  # fmt: skip
"""What is kept of an answer's headers; cookies, addresses and whatever else a server sends is not."""
MOST_TEXT = 2_000
MOST_TOLD = 16_000
Key = Callable[[str], str]


def to_request(call: Call, about: About, key: Key, more: Mapping[str, str] | None = None) -> Request:
    """The call with its keys and files in place. A header is left out whose key is optional and not set."""
    asked = {**call.headers, **(more or {})}
    headers = {name: _with_key(value, about, key) for name, value in asked.items() if not _lacks_key(value, about, key)}
    body = _filled(call.json, call.key_fields, about, key)
    form = [(name, value) for name, given in (call.form or {}).items() for value in _parts(given)]
    return Request(
        method=call.method,
        url=_with_key(call.url, about, lambda name: quote(key(name), safe="")),
        headers=headers,
        json=body,
        form=form,
        read_seconds=about.read_seconds,
        whole_seconds=about.whole_seconds,
    )


def told(call: Call) -> dict[str, Any]:
    """The call for a record (`studio.core.recipe` reads it): `$NAME` where a key belongs; a file's name, type and hash."""
    values: dict[str, Any] = {"method": call.method, "url": call.url, "headers": dict(call.headers)}
    if call.json is not None:
        values["json"] = _told(call.json)
    if call.form is not None:
        values["form"] = _told(call.form)
    return values | ({"keys": list(call.key_fields)} if call.key_fields else {})


def told_answer(answer: Answer, secrets: tuple[str, ...]) -> dict[str, Any]:
    """An answer for a record: its status, allowed headers, and its JSON with long texts cut and secrets struck out."""
    kept = {name: answer.headers[name][:300] for name in SHOWN_HEADERS if name in answer.headers}
    values: dict[str, Any] = {"status": answer.status, "headers": kept, "bytes": len(answer.body)}
    body = json_of(answer)
    if body is not None:
        values["json"] = body
    shown = _struck(_short(values), secrets)
    return dict(shown if len(json.dumps(shown)) <= MOST_TOLD else _struck({**values, "json": "(too long)"}, secrets))


def json_of(answer: Answer) -> Any:
    """The answer's JSON, None if it is none."""
    try:
        return to_plain(json.loads(answer.body))
    except (ValueError, RecursionError):
        return None


def struck(text: str, secrets: tuple[str, ...]) -> str:
    """A text without secrets, in case a provider echoes one."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[key]").replace(_basic(secret), "[key]")
    return text


def _with_key(value: str, about: About, key: Key) -> str:
    """`$NAME` becomes the key, `$NAME|basic` the base64 of one that is `user:password` (RFC 7617)."""
    for name in about.keys:
        if f"${name}" in value:
            secret = key(name)
            value = value.replace(f"${name}|basic", _basic(secret)).replace(f"${name}", secret)
    return value


def _lacks_key(value: str, about: About, key: Key) -> bool:
    return about.key_optional and any(f"${name}" in value and not key(name) for name in about.keys)


def _basic(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()


def _filled(value: Any, key_fields: tuple[str, ...], about: About, key: Key) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _with_key(item, about, key) if name in key_fields else _filled(item, (), about, key)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_filled(item, (), about, key) for item in value]
    return _encoded(value) if isinstance(value, Attached) else value


def _encoded(file: Attached) -> str:
    text = base64.b64encode(file.data).decode()
    return f"data:{file.mime};base64,{text}" if file.as_ == "data-uri" else text


def _parts(given: Any) -> list[Any]:
    """One value or several of a form field of the same name."""
    many = given if isinstance(given, list | tuple) else [given]
    return [(each.name, each.data, each.mime) if isinstance(each, Attached) else str(each) for each in many]


def _told(value: Any) -> Any:
    if isinstance(value, Attached):
        return {
            "$file": value.name,
            "as": value.as_,
            "mime": value.mime,
            "bytes": len(value.data),
            "sha256": hashlib.sha256(value.data).hexdigest(),
        }
    if isinstance(value, Mapping):
        return {str(name): _told(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return to_plain(value)


def _short(value: Any) -> Any:
    """Long texts are pictures in base64 or worse: their beginning and length are enough."""
    if isinstance(value, str) and len(value) > MOST_TEXT:
        return f"{value[:60]}… ({len(value)} characters)"
    if isinstance(value, dict):
        return {name: _short(item) for name, item in value.items()}
    return [_short(item) for item in value] if isinstance(value, list) else value


def _struck(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return struck(value, secrets)
    if isinstance(value, dict):
        return {struck(name, secrets): _struck(item, secrets) for name, item in value.items()}
    return [_struck(item, secrets) for item in value] if isinstance(value, list) else value
