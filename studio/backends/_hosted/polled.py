"""Family C: submit, then look until the status says how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from studio.core.errors import Rejected, Unavailable
from studio.web import Answer, is_loopback

MODERATION_WORDS = ("nsfw", "safety", "moderat", "content policy", "content_policy", "flagged", "sensitive")


def json_object(answer: Answer) -> dict[str, Any]:
    values = json.loads(answer.body)
    if not isinstance(values, dict):
        raise TypeError("no JSON object")
    return values


def sounds_like_moderation(text: str) -> bool:
    """Whether a provider's free text tells of its filter: some have no other sign."""
    lower = text.lower()
    return any(word in lower for word in MODERATION_WORDS)


def same_host(url: str, base: str, *more: str) -> str:
    """`url` if it leads to the host of `base` or one of `more` (`*.example.com` takes subdomains). Raises `Rejected`.

    Addresses to look at come from answers; the key must not follow them anywhere.
    """
    parts, home = urlsplit(url), urlsplit(base)
    host = parts.hostname or ""
    known = host == home.hostname or any(host == each or (each[:2] == "*." and host.endswith(each[1:])) for each in more)
    plain = parts.scheme == "https" or (is_loopback(base) and is_loopback(url))
    if not (known and plain) or parts.username:
        raise Rejected(f"An address to ask for the picture leads to {host[:100] or 'nowhere'}, so it was not used.")
    return url


def failed(title: str, text: str) -> Unavailable:
    """The provider says that its model failed; nothing is known to be wrong with the request."""
    said = f": {' '.join(text.split())[:300].rstrip('.')}" if text else ""
    return Unavailable(f"{title}'s model failed{said}. Try again, or change the prompt or the seed.")


def number_of(values: Mapping[str, Any], name: str) -> float | None:
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
