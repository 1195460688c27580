"""Patience with providers (tenacity): rate limits are waited out, and only what cannot be billed twice is sent again.

| trouble | free call | call that is billed |
|---|---|---|
| 429 | wait as it says, else exponential back-off with full jitter | the same: nothing was made |
| never reached | a few tries | a few tries |
| a status in `safe` (503 …) | a few tries | a few tries: the provider made nothing |
| another 5xx, broken, silent | a few tries | `Uncertain`: a person must look |
| everything else | its error at once | its error at once |
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from studio.core.errors import RateLimited, StudioError, Unavailable, Uncertain
from studio.web._http import Answer, Door, Request, Trouble

TRIES = 3
LONGEST_WAIT = 3600.0
"""Seconds that rate limits are waited out in all; then the job fails with a sentence."""
LOOK = 0.2
"""Seconds between looks whether to stop."""
BACKOFF = wait_random_exponential(multiplier=1, max=60)
"""Full jitter (Brooker, Exponential Backoff And Jitter, AWS, 2015)."""


@dataclass(frozen=True, kw_only=True)
class Manners:
    """How one kind of call is treated. `failure` is what a bad answer means, None for a good one; `pause` the seconds that
    an answer asks for, None where it says nothing. `billed`: a repeat may be billed once more, except after `safe`.
    """

    service: str
    failure: Callable[[Answer], StudioError | None]
    pause: Callable[[Answer], float | None]
    billed: bool = False
    safe: frozenset[int] = frozenset({503})
    tries: int = TRIES
    limited_tries: int = 1000


@dataclass
class Waiting:
    """Who is told while a call waits: `check` may say stop, `delay(until, why)` waits out a rate limit, `hold(until)` tells
    everybody else who calls the same provider. `repeats` counts; `last` is the last answer, a bad one too.
    """

    check: Callable[[], None]
    delay: Callable[[float, str], None]
    hold: Callable[[float], None] = lambda _: None
    rest: Callable[[float], None] = time.sleep
    repeats: int = 0
    last: Answer | None = None


def ask(door: Door, request: Request, manners: Manners, waiting: Waiting) -> Answer:
    """A good answer. Raises the failure that `manners` names, `Uncertain`, or what `waiting.check` raises."""
    patience = _Patience(manners, waiting)
    retrying = Retrying(
        retry=retry_if_exception(lambda error: isinstance(error, _Paused)),
        wait=patience.wait,
        stop=patience.stop,
        sleep=patience.sleep,
        reraise=True,
    )
    try:
        return retrying(_once, door, request, manners, waiting)
    except _Paused as paused:
        raise paused.error from None


class _Paused(Exception):
    """A failure that may be worth a repeat, with the pause before it."""

    def __init__(self, error: StudioError, *, limited: bool, pause: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.limited, self.pause = error, limited, pause


class _Patience:
    """How long one call has been waited for: rate limits by time, troubles by number."""

    def __init__(self, manners: Manners, waiting: Waiting) -> None:
        self._manners, self._waiting = manners, waiting
        self._waited, self._limits, self._troubles = 0.0, 0, 0
        self._last: _Paused | None = None

    def wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        self._last = error if isinstance(error, _Paused) else None
        hint = self._last.pause if self._last else None
        return BACKOFF(state) if hint is None else hint

    def stop(self, state: RetryCallState) -> bool:
        if self._last and self._last.limited:
            self._limits += 1
            return self._waited + state.upcoming_sleep > LONGEST_WAIT or self._limits >= self._manners.limited_tries
        self._troubles += 1
        return self._troubles >= self._manners.tries

    def sleep(self, seconds: float) -> None:
        waiting = self._waiting
        waiting.repeats += 1
        until = time.time() + seconds
        if self._last and self._last.limited:
            self._waited += seconds
            waiting.hold(until)
            waiting.delay(until, f"{self._manners.service} has had too many requests and asks for a pause.")
            return
        while seconds > 0:
            waiting.check()
            waiting.rest(min(seconds, LOOK))
            seconds -= LOOK


def asked_pause(answer: Answer, now: float) -> float | None:
    """Seconds by `retry-after-ms` or `Retry-After` (seconds or a date, RFC 9110 §10.2.3); None without a usable one."""
    headers = answer.headers
    try:
        if milliseconds := headers.get("retry-after-ms"):
            return max(0.0, float(milliseconds) / 1000)
        told = headers.get("retry-after", "")
        if told.replace(".", "", 1).isdigit():
            return float(told)
        return max(0.0, parsedate_to_datetime(told).timestamp() - now) if told else None
    except (ValueError, TypeError, OverflowError):
        return None


def _once(door: Door, request: Request, manners: Manners, waiting: Waiting) -> Answer:
    waiting.check()
    try:
        answer = door.send(request, waiting.check)
    except Trouble as trouble:
        raise _of_trouble(trouble, manners) from None
    waiting.last = answer
    failure = manners.failure(answer)
    if failure is None:
        return answer
    if isinstance(failure, RateLimited):
        raise _Paused(failure, limited=True, pause=manners.pause(answer))
    if isinstance(failure, Unavailable) and (not manners.billed or answer.status in manners.safe):
        raise _Paused(failure, limited=False, pause=manners.pause(answer))
    if isinstance(failure, Unavailable):
        raise Uncertain(
            f"{failure} It may have made and billed the picture all the same. Look into your account there; Retry sends the "
            "request once more."
        )
    raise failure


def _of_trouble(trouble: Trouble, manners: Manners) -> Exception:
    service = manners.service
    if trouble.kind == "unreached":
        return _Paused(Unavailable(f"{service} is out of reach: {trouble}. Check the network and try again."), limited=False)
    if manners.billed:
        return Uncertain(
            f"{service} was asked, but {trouble}. It may have made and billed the picture. Look into your account there; "
            "Retry sends the request once more."
        )
    if trouble.kind == "too_large":
        return Unavailable(f"{service} answered too much: {trouble}. Try again later.")
    return _Paused(Unavailable(f"{service} does not answer: {trouble}. Try again later."), limited=False)
