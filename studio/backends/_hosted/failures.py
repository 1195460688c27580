"""Answers that are errors, as sentences: the common table, which a provider's own goes before.

| status | means |
|---|---|
| 400, 422 | `Rejected`, with the provider's words and the field at fault |
| 401 | the key was refused |
| 402 | no credit |
| 403 | not allowed |
| 404 | the model or address is unknown there |
| 413 | too large |
| 429 | `RateLimited` |
| 408, 5xx | `Unavailable` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.backends._hosted.calls import json_of, struck
from studio.backends._hosted.provider import Provider
from studio.core.errors import BackendError, NotConfigured, RateLimited, Rejected, StudioError, Unavailable
from studio.web import Answer

MOST_WORDS = 300
WORDED = ("error", "detail", "errors", "message", "messege", "invalid_fields", "details", "title", "name")
"""Where providers put their words, the best ones first."""
WRAPPED = {"error", "detail", "body", "errors"}
"""AUTOMATIC1111 puts the kind of its exception under `error`, and its words under one of the others."""
OUR_FIELDS = {
    "prompt": "prompt", "negative_prompt": "negative_prompt", "seed": "seed", "steps": "steps",
    "num_inference_steps": "steps", "guidance_scale": "guidance_scale", "guidance": "guidance_scale",
    "cfg_scale": "guidance_scale", "width": "size", "height": "size", "size": "size", "image_size": "size",
    "aspect_ratio": "size", "strength": "strength", "denoising_strength": "strength", "image": "image", "mask": "mask",
    "input_image": "image", "image_url": "image", "init_image": "image", "mask_image": "mask", "mask_url": "mask",
    "n": "count", "num_images": "count", "samples": "count", "num_outputs": "count", "model": "model",
    "sampler_name": "sampler", "scheduler": "sampler", "sampler": "sampler",
}  # fmt: skip
"""Providers' names of our form's fields."""


def failure(answer: Answer, provider: Provider, secrets: tuple[str, ...]) -> StudioError | None:
    """What an answer means; None for a good one. No sentence holds a secret."""
    own = provider.failure(answer)
    if own is not None:
        return without_secrets(own, secrets)
    if answer.status < 400:
        return None
    title = provider.about.title
    words, name = words_of(json_of(answer))
    said = f" It says: {struck(words, secrets).rstrip('.')}." if words else ""
    return _of_status(answer.status, title, said, {**OUR_FIELDS, **provider.field_names}.get(name, ""))


def without_secrets(error: StudioError, secrets: tuple[str, ...]) -> StudioError:
    """The error itself, its sentence cleaned of keys that a provider's words may echo."""
    error.args = tuple(struck(each, secrets) if isinstance(each, str) else each for each in error.args)
    return error


def no_credit(title: str, said: str = "") -> BackendError:
    return Rejected(f"{title} has no credit left on your account.{said} Add credit there and try again.")


def key_refused(title: str, status: int, said: str = "") -> BackendError:
    return NotConfigured(f"{title} refused the key ({status}).{said} Check it in Settings.")


def not_allowed(title: str, said: str = "") -> BackendError:
    return Rejected(
        f"{title} does not allow this request for your key (403).{said} Look at your plan and permissions there."
    )


def busy(title: str) -> BackendError:
    return RateLimited(f"{title} has had too many requests. Try again later.")


def words_of(body: Any) -> tuple[str, str]:
    """A provider's own words in an error body of any known shape, and its name of the field at fault."""
    if isinstance(body, str):
        return _line(body), ""
    if isinstance(body, list):
        return _of_list(body)
    if not isinstance(body, Mapping):
        return "", ""
    if "msg" in body:
        return _of_list([body])
    if body.keys() >= WRAPPED:
        return words_of(body["detail"] or body["errors"] or body["error"])
    found = [words_of(body.get(key)) for key in WORDED]
    words = next((words for words, _ in found if words), "")
    return words, str(body.get("param") or next((name for _, name in found if name), ""))


def _of_list(entries: list[Any]) -> tuple[str, str]:
    """FastAPI's `[{loc, msg, type}]`, or a list of sentences."""
    told, name = [], ""
    for entry in entries[:5]:
        if isinstance(entry, Mapping):
            place = [str(part) for part in entry.get("loc") or [entry.get("field")] if isinstance(part, str)]
            name = name or (place[-1] if place else "")
            words = _line(str(entry.get("msg") or entry.get("message") or entry.get("description") or ""))
            told.append(f"{place[-1]}: {words}" if place else words)
        else:
            told.append(_line(str(entry)))
            before, colon, _ = told[-1].partition(":")
            name = name or (before.rpartition(".")[2] if colon and before.rpartition(".")[2] in OUR_FIELDS else "")
    return "; ".join(filter(None, told))[:MOST_WORDS], name


def _line(text: str) -> str:
    return " ".join(text.split())[:MOST_WORDS]


def _of_status(status: int, title: str, said: str, name: str) -> StudioError:
    table: dict[int, StudioError] = {
        401: key_refused(title, status, said),
        402: no_credit(title, said),
        403: not_allowed(title, said),
        404: Rejected(f"{title} does not know this model or address (404).{said} Choose another model.", "model"),
        408: Unavailable(f"{title} ran out of time (408).{said}"),
        413: Rejected(f"{title} finds the request too large (413).{said} Use a smaller picture.", "image"),
        429: busy(title),
    }
    if status >= 500:
        return Unavailable(f"{title} has trouble of its own ({status}).{said}")
    refused = Rejected(f"{title} refused the request ({status}).{said} Change it and try again.", name)
    return table.get(status, refused)
