"""Family B: the answer is the picture, and headers tell its seed and whether a filter touched it."""

from __future__ import annotations

from studio.backends._hosted.provider import Made, Reply
from studio.web import Answer

FILTERED = "CONTENT_FILTERED"


def reply_of_bytes(answer: Answer, *, seed: str = "seed", finish: str = "finish-reason") -> Reply:
    """The body is one picture. A blurred one comes with status 200 and `CONTENT_FILTERED`."""
    reason = answer.headers.get(finish, "")
    told = answer.headers.get(seed, "")
    made = Made(data=answer.body, seed=int(told) if told.isdigit() else None, mime=answer.headers.get("content-type", ""))
    return Reply(
        made=(made,),
        request_id=answer.headers.get("x-request-id", ""),
        finish_reason=reason,
        moderation="blurred" if reason == FILTERED else "ok" if reason else "unknown",
    )
