"""What the errands of one provider share, and the facts that are kept of each."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from studio.backends._hosted import failures
from studio.backends._hosted.calls import struck, to_request, told_answer
from studio.backends._hosted.pace import Pace
from studio.backends._hosted.provider import Call, Provider, Reply, Ticket, Wish
from studio.core.errors import StudioError
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.web import Answer, Door, Manners, Trouble, ask, asked_pause
from studio.web.patience import Waiting


@dataclass
class Counter:
    """How many paid calls are in the air in this process."""

    _lock: Lock = field(default_factory=Lock)
    count: int = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        yield from self._changed(1)

    @contextmanager
    def none(self) -> Iterator[None]:
        """Within `one`: the call waits and is not in the air meanwhile."""
        yield from self._changed(-1)

    def _changed(self, by: int) -> Iterator[None]:
        with self._lock:
            self.count += by
        try:
            yield
        finally:
            with self._lock:
                self.count -= by


@dataclass(frozen=True, kw_only=True)
class Tools:
    """Door, pace and keys of one provider."""

    provider: Provider
    door: Door
    pace: Pace
    keys: Keys
    preferences: PreferenceFile
    in_the_air: Counter

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(key for name in self.provider.about.keys if (key := self.keys.get(name)))

    def ask(self, call: Call, waiting: Waiting, *, billed: bool, more: Mapping[str, str] | None = None) -> Answer:
        """A good answer, with the provider's own manners. Raises a `StudioError`."""
        about, secrets = self.provider.about, self.secrets
        manners = Manners(
            service=about.title,
            failure=lambda answer: failures.failure(answer, self.provider, secrets),
            pause=self._pause,
            billed=billed,
            safe=about.safe,
        )
        return ask(self.door, to_request(call, about, self.keys.get, more), manners, waiting)

    def tell_to_stop(self, ticket: Ticket | None) -> bool | None:
        """Whether the provider took it; None where there is no way to tell it."""
        call = self.provider.cancel(ticket)
        if call is None:
            return None
        try:
            return self.door.send(to_request(call, self.provider.about, self.keys.get)).status < 400
        except (Trouble, StudioError):
            return False

    def _pause(self, answer: Answer) -> float | None:
        own = self.provider.pause(answer)
        return own if own is not None else asked_pause(answer, time.time())


def facts_of(tools: Tools, wish: Wish, reply: Reply, request: Mapping[str, Any], answer: Answer | None) -> dict[str, Any]:
    """What is kept with each picture, or with a job that got none: all in JSON, nothing secret."""
    about, secrets = tools.provider.about, tools.secrets
    return {
        "provider": about.title,
        "endpoint": request.get("url", ""),
        "model": wish.name,
        "version": reply.version,
        "request_id": reply.request_id or _header_id(answer),
        "seed_asked": wish.seed,
        "finish_reason": reply.finish_reason,
        "moderation": reply.moderation,
        "moderation_reason": struck(reply.reason, secrets),
        "cost": cost_of(wish, reply, free=about.free),
        "request": request,
        "response": told_answer(answer, secrets) if answer else None,
        **reply.told,
    }


def cost_of(wish: Wish, reply: Reply, *, free: bool) -> dict[str, Any]:
    """Value (None where nobody knows it), unit and whose figure it is."""
    price = wish.model.price
    value: float | None = None
    if reply.cost is not None:
        value, source = reply.cost, reply.cost_source or "provider"
    elif free:
        value, source = 0.0, "own server"
    elif price:
        value, source = (
            price.of(wish.size, wish.count),
            f"price table of {price.date}" if price.date else "price not checked",
        )
    else:
        source = "unknown"
    return {"value": value, "unit": "USD", "source": source}


def _header_id(answer: Answer | None) -> str:
    names = ("x-request-id", "x-inference-id", "x-fal-request-id")
    return next((answer.headers[name] for name in names if answer and answer.headers.get(name)), "")
