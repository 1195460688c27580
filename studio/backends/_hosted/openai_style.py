"""Family A: POST JSON, and `{data: [{b64_json | url}]}` comes back, with dialects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from studio.backends._hosted.provider import Made, Moderation, Reply
from studio.web import Answer

PICTURE_WORDS = ("b64_json", "url", "image_base64", "base64")


def reply_of_data(answer: Answer) -> Reply:
    """All shapes seen: `data`, `images`, `output.choices`; entries with base64 or an address, or bare texts."""
    values: dict[str, Any] = json.loads(answer.body)
    made = tuple(Made(data=text, seed=_seed(entry)) for entry in entries_of(values) if (text := text_of(entry)))
    nothing: Moderation = "unknown" if made else "blocked_by_provider"
    return Reply(
        made=made,
        request_id=str(answer.headers.get("x-request-id") or values.get("id") or ""),
        moderation=nothing,
        reason="" if made else "it sent an empty list of pictures",
    )


def entries_of(values: Mapping[str, Any]) -> list[Any]:
    output = values.get("output")
    choices = output.get("choices") if isinstance(output, Mapping) else output
    for entries in (values.get("data"), values.get("images"), choices):
        if isinstance(entries, list):
            return entries
    raise ValueError("no list of pictures")


def text_of(entry: Any) -> str:
    """The address or base64 of one picture; empty if the entry holds none."""
    if isinstance(entry, str):
        return entry
    return next((str(entry[word]) for word in PICTURE_WORDS if entry.get(word)), "")


def _seed(entry: Any) -> int | None:
    seed = entry.get("seed") if isinstance(entry, Mapping) else None
    return seed if isinstance(seed, int) else None
