"""Replicate's shape: a prediction is created, looked at by its own address, and cancelled there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.backends._hosted.polled import failed, json_object, same_host, sounds_like_moderation
from studio.backends._hosted.provider import Call, Made, Reply, Ticket
from studio.core.errors import Moderated, Rejected
from studio.web import Answer

ENDED_BADLY = ("canceled", "aborted")


def read_prediction(answer: Answer, title: str, base: str, seed: int | None) -> Reply | Ticket:
    """A prediction in any state; unknown states count as still running. Raises a `StudioError` for one that failed."""
    values = json_object(answer)
    status = str(values.get("status", ""))
    if status == "succeeded":
        return _reply(values, title, seed)
    if status == "failed":
        text = str(values.get("error") or "")
        if sounds_like_moderation(text):
            raise Moderated(f"{title}'s model withheld the picture. It says: {text[:300]} Change the prompt or the seed.")
        raise failed(title, text)
    if status in ENDED_BADLY:
        raise Rejected(f"{title} ended the prediction ({status}) before it was done. Try again.")
    urls = values.get("urls") or {}
    told = {name: same_host(str(urls[name]), base) for name in ("get", "cancel") if urls.get(name)}
    return Ticket(id=str(values["id"]), values=told)


def look_at(ticket: Ticket, base: str, headers: Mapping[str, str]) -> Call:
    url = ticket.values.get("get") or f"{base}/predictions/{ticket.id}"
    return Call(method="GET", url=str(url), headers=headers)


def cancel_of(ticket: Ticket, base: str, headers: Mapping[str, str]) -> Call:
    url = ticket.values.get("cancel") or f"{base}/predictions/{ticket.id}/cancel"
    return Call(url=str(url), headers=headers)


def _reply(values: Mapping[str, Any], title: str, seed: int | None) -> Reply:
    if values.get("data_removed") or values.get("output") is None:
        raise Rejected(f"{title} has removed the picture already: it keeps results for one hour.")
    output = values["output"]
    texts = [output] if isinstance(output, str) else list(output.values() if isinstance(output, Mapping) else output)
    pictures = [str(text) for text in texts if isinstance(text, str)]
    metrics = values.get("metrics") or {}
    return Reply(
        made=tuple(Made(data=text, seed=seed) for text in pictures),
        request_id=str(values.get("id", "")),
        version=str(values.get("version") or ""),
        finish_reason="succeeded",
        moderation="unknown" if pictures else "blocked_by_provider",
        reason="" if pictures else "it gave no picture",
        told={"provider_seconds": metrics.get("predict_time")} if metrics.get("predict_time") else {},
    )
