"""fal's queue (https://fal.ai/docs/documentation/model-apis/inference/queue), which the Hugging Face router speaks too.

Submit, ask for the status (202 until it is 200), then fetch the result: a second stage with an address of its own. All
addresses come from the first answer; composed ones fail, since they lack the endpoint's sub-path. There is no state of
failure: it is COMPLETED with an error. With an `error_type` fal itself failed; without one the model refused its input, and
the result's address then says which field is at fault.

Moderation: 422 with `content_policy_violation` among `detail`, or `has_nsfw_concepts` beside a picture, often a black one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import words_of
from studio.backends._hosted.openai_style import text_of
from studio.backends._hosted.options import as_json
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.polled import failed, json_object, number_of, sounds_like_moderation
from studio.backends._hosted.provider import Call, Made, Moderation, Reply, Ticket, Wish
from studio.core.errors import Moderated, Rejected, StudioError
from studio.web import Answer

LEAST_STRENGTH = 0.01
DONE = "COMPLETED"


def input_of(wish: Wish, *, mask_word: str = "mask_url", sized: bool = True) -> dict[str, Any]:
    """The input that most of fal's picture models share; `sized` for those that take `image_size` beside a picture.

    Strength is ours (0 = the picture, 1 = ignored), a mask's white is edited by convention.
    """
    values: dict[str, Any] = {
        "seed": wish.seed,
        "num_inference_steps": wish.steps,
        "guidance_scale": wish.guidance_scale,
        "negative_prompt": wish.negative_prompt or None,
        "strength": None if wish.strength is None else max(LEAST_STRENGTH, wish.strength),
        "image_size": {"width": wish.size.width, "height": wish.size.height} if wish.size and sized else None,
        "num_images": wish.count if wish.count > 1 else None,
        "image_url": attached(wish.image) if wish.image is not None else None,
        mask_word: white_is_edit(wish.mask) if wish.mask is not None else None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    return {"prompt": wish.prompt, **given, **as_json(wish.options)}


def submitted(answer: Answer, address: Callable[[str], str]) -> Ticket:
    """What was queued; `address` turns one that fal gave into the one to use, or refuses it."""
    values = json_object(answer)
    given = {name: values.get(f"{name}_url") for name in ("status", "response", "cancel")}
    if not (given["status"] and given["response"]):
        raise KeyError("status_url, response_url")
    return Ticket(id=str(values["request_id"]), values={name: address(str(url)) for name, url in given.items() if url})


def look_at(ticket: Ticket, headers: Mapping[str, str]) -> Call:
    stage = "response" if ticket.values.get("ready") else "status"
    return Call(method="GET", url=str(ticket.values[stage]), headers=headers)


def read_look(answer: Answer, ticket: Ticket, title: str) -> Reply | Ticket:
    """The status or, in the second stage, the result. Raises a `StudioError` for a failure that fal tells of as done."""
    values = json_object(answer)
    if ticket.values.get("ready"):
        return read_output(values, ticket)
    if values.get("status") != DONE:
        return ticket
    kind, text = str(values.get("error_type") or ""), words_of(values.get("error"))[0]
    if sounds_like_moderation(f"{kind} {text}"):
        raise Moderated(f"{title}'s filter refused the request. It says: {text or kind}. Change the prompt or the picture.")
    if kind:
        raise failed(title, text or kind)
    return replace(ticket, values={**ticket.values, "ready": True})


def read_output(values: Mapping[str, Any], ticket: Ticket) -> Reply:
    """`images`, or a single `image` with older models."""
    entries = values["images"] if "images" in values else [values["image"]]
    flags, seed = values.get("has_nsfw_concepts") or [], values.get("seed")
    made = tuple(
        Made(data=text, seed=seed if isinstance(seed, int) else None, moderation=_flagged(flags, number))
        for number, entry in enumerate(entries)
        if (text := text_of(entry))
    )
    seconds = number_of(values.get("timings") or {}, "inference")
    return Reply(
        made=made,
        request_id=ticket.id,
        finish_reason=DONE,
        moderation="unknown" if made else "blocked_by_provider",
        reason="" if made else "it sent an empty list of pictures",
        told={"provider_seconds": seconds} if seconds else {},
    )


def cancel_of(ticket: Ticket, headers: Mapping[str, str]) -> Call | None:
    url = ticket.values.get("cancel")
    return Call(method="PUT", url=str(url), headers=headers) if url else None


def failure_of(answer: Answer, title: str) -> StudioError | None:
    """By the `type` of each error; never by its words, which change."""
    body = json_of(answer)
    detail = body.get("detail") if isinstance(body, dict) else None
    if answer.status < 400 or not isinstance(detail, list):
        return None
    kinds = [str(entry.get("type", "")) for entry in detail if isinstance(entry, dict)]
    if any(sounds_like_moderation(kind) for kind in kinds):
        return Moderated(f"{title}'s filter refused the request. Change the prompt or the picture.")
    if "file_too_large" in kinds:
        return Rejected(f"{title} finds the picture too large. Use a smaller one.", "image")
    if answer.status >= 500:  # a model that broke: asking for the result again will not mend it
        words, _ = words_of(detail)
        return Rejected(
            f"{title}'s model failed ({answer.status}). It says: {words.rstrip('.')}. Try another prompt or seed."
        )
    return None


def _flagged(flags: Any, number: int) -> Moderation:
    if not isinstance(flags, list) or number >= len(flags):
        return "unknown"
    return "flagged" if flags[number] else "ok"
