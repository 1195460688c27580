"""How fast one provider is called: so many calls at once, so many begun a minute, the form before batches.

A token bucket (RFC 2697's single rate) whose rate is halved by every rate-limit answer and grows back by an eighth with
every call that went well. While the provider asks for a pause, nobody begins.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from studio.core.hosting import Limit
from studio.core.job import Lane

LOOK = 0.1
"""Seconds between looks whether to stop."""
BURST_SECONDS = 2.0
"""So many seconds' worth of calls may begin at once."""
SLOWEST = 1 / 16


class Pace:
    """Shared by all jobs of one provider; thread-safe. `limit` is asked anew each time, so that settings act at once."""

    def __init__(
        self, limit: Callable[[], Limit], clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._limit, self._clock, self._wall = limit, clock, wall
        self._changed = threading.Condition()
        self._number = itertools.count()
        self._waiting: list[tuple[bool, int]] = []
        self._under_way = 0
        self._share = 1.0
        self._tokens, self._filled = 1.0, clock()
        self._held_until = 0.0

    @contextmanager
    def turn(self, lane: Lane, check: Callable[[], None]) -> Iterator[None]:
        """Wait for a place and a token, hold the place meanwhile. `check` may raise to give up waiting."""
        mine = (lane == "batch", next(self._number))
        with self._changed:
            self._waiting.append(mine)
            try:
                while not self._may_go(mine):
                    self._changed.wait(LOOK)
                    check()
                self._tokens -= 1
                self._under_way += 1
            finally:
                self._waiting.remove(mine)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def hold(self, until: float) -> None:
        """The provider asks for a pause until `until` (seconds since the epoch): nobody begins, and then more slowly."""
        with self._changed:
            self._held_until = max(self._held_until, until)
            self._share = max(SLOWEST, self._share / 2)

    def went_well(self) -> None:
        with self._changed:
            self._share = min(1.0, self._share * 1.125)

    def _may_go(self, mine: tuple[bool, int]) -> bool:
        limit = self._limit()
        self._fill(limit)
        free = limit.at_once - self._under_way
        is_next = min(self._waiting) == mine
        spare = mine[0] and limit.at_once > 1  # a batch leaves one place for the form
        return is_next and free > int(spare) and self._tokens >= 1 and self._wall() >= self._held_until

    def _fill(self, limit: Limit) -> None:
        now = self._clock()
        rate = limit.per_minute / 60 * self._share
        self._tokens = min(max(1.0, rate * BURST_SECONDS), self._tokens + (now - self._filled) * rate)
        self._filled = now
