"""Carries orders to their end, one after the other: list, check the space, fetch file by file, publish, log."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from studio.core.errors import InvalidRequest, KeepError, StudioError, Unavailable
from studio.stock import choosing
from studio.stock.cache import HubCache
from studio.stock.hub import Hub, HubFile, Listing
from studio.stock.orders import Order, Orders
from studio.stock.transfer import Follower, Transfer, is_right, part_of
from studio.web import Waiting

REPORT_EVERY = 0.4
WINDOW = 5.0
"""Seconds over which the speed is measured."""
SPARE = 500_000_000
"""Bytes that a download leaves free."""
PARTS = ".parts"
"""Where parts of single files wait, in the models folder."""

log = logging.getLogger("studio.downloads")


class Stopped(Exception):
    """The user paused or cancelled, or the studio closes."""


@dataclass(frozen=True, kw_only=True)
class Added:
    """A model that has come. `path` is its folder or file, `digests` are those of its large files."""

    what: str
    commit: str
    licence: str
    person: str
    path: Path
    size_bytes: int
    digests: tuple[str, ...]


class Downloader:
    """`added` is called once for each model, before it can be found; what it raises keeps the model from being published.

    One downloader at a time serves a data folder. `half`: this computer draws in half precision.
    """

    def __init__(
        self, data: Path, hub: Hub, cache: HubCache, models: Path, added: Callable[[Added], None], *, half: bool,
        first_pause: float = 1.0,
    ) -> None:  # fmt: skip
        self.orders = Orders(data)
        self._lock = FileLock(data / "downloads.lock")
        self._hub, self._cache, self._models, self._added, self._half = hub, cache, models, added, half
        self._first_pause = first_pause
        self.closing = threading.Event()

    def acquire(self, seconds: float = 0.0) -> bool:
        """Become the one that serves; False if another one does."""
        try:
            self._lock.acquire(timeout=seconds)
        except Timeout:
            return False
        self.orders.sweep()
        return True

    def release(self) -> None:
        self._lock.release()

    def step(self) -> bool:
        """Do what is due next; False if nothing was."""
        due = next(iter(self.orders.due()), None)
        if due is None:
            return False
        id, order = due
        match order.wish:
            case "cancel":
                self._clean(id, order)
            case "pause":
                self.orders.report(id, replace(self.orders.state(id), state="paused", turn=order.turn, message="", link=""))
            case "run":
                self._carry(id, order)
        return not self.closing.is_set()

    def _carry(self, id: str, order: Order) -> None:
        follower = _Following(self.orders, id, order, self.closing)
        try:
            self._fetch(id, order, follower)
        except Stopped:
            return  # the next step heeds the wish, or the next start goes on
        except StudioError as error:
            follower.fail(error)
        except Exception:  # one download must not end the others; the log has the trace
            log.exception("download %s", id)
            follower.fail(Unavailable("The download broke; the details are in the folder logs. Resume to try again."))

    def _fetch(self, id: str, order: Order, follower: _Following) -> None:
        follower.note("Asking the hub …")
        waiting = Waiting(check=follower.check, delay=follower.delay)
        plan = self.orders.plan(id)
        if plan is None:
            plan = self._plan(order, waiting)
            self.orders.set_plan(id, plan)
        follower.begin(sum(file.size for file in plan.files))
        if self._is_here(order, plan):
            follower.finish()
            return
        self._check_space(order, plan)
        transfer = Transfer(self._hub, follower, self._first_pause)
        for file in plan.files:
            follower.next_file(file)
            transfer.fetch(order.repository, plan.commit, file, self._target(order, file))
            follower.whole(file)
        self._publish(order, plan)
        follower.finish()

    def _plan(self, order: Order, waiting: Waiting) -> Listing:
        listing = self._hub.listing(order.repository, order.revision, waiting)
        if order.path:
            return replace(listing, files=(choosing.one(listing.files, order.path, order.repository),))
        choosing.refuse_without_index(listing.files, order.repository)
        index = self._hub.read(order.repository, listing.commit, choosing.INDEX, waiting)
        files = choosing.needed(listing.files, index, order.repository, order.precision, half=self._half)
        return replace(listing, files=tuple(files))

    def _target(self, order: Order, file: HubFile) -> Path:
        """Where a file is kept until all are there."""
        return self._models / PARTS / file.digest if order.path else self._cache.blob(order.repository, file)

    def _is_here(self, order: Order, plan: Listing) -> bool:
        """Whether the single file lies in its place. Raises `InvalidRequest` if another one does."""
        place = self._models / Path(order.path).name
        if not order.path or not place.exists():
            return False
        if not is_right(place, plan.files[0], lambda: None):
            raise InvalidRequest(f"Another file named {place.name} is in {self._models}. Rename it, then resume.")
        return True

    def _check_space(self, order: Order, plan: Listing) -> None:
        folder = next(path for path in (self._target(order, plan.files[0]), *self._target(order, plan.files[0]).parents)
                      if path.is_dir())  # fmt: skip
        missing = sum(file.size - self._there(order, file) for file in plan.files)
        free = shutil.disk_usage(folder).free
        if missing and missing + SPARE > free:
            raise KeepError(
                f"{order.what} needs {missing / 1e9:.1f} GB more and {folder} has {free / 1e9:.1f} GB free, of which "
                f"{SPARE / 1e9:.1f} GB stay free. Make space there, then resume."
            )

    def _there(self, order: Order, file: HubFile) -> int:
        target = self._target(order, file)
        found = target if target.is_file() else part_of(target, file)
        return min(file.size, found.stat().st_size) if found.is_file() else 0

    def _publish(self, order: Order, plan: Listing) -> None:
        repository = self._cache.repository(order.repository) / "snapshots" / plan.commit
        place = self._models / Path(order.path).name if order.path else repository
        self._added(Added(
            what=order.what, commit=plan.commit, licence=plan.licence, person=order.person, path=place,
            size_bytes=sum(file.size for file in plan.files),
            digests=tuple(file.digest for file in plan.files if file.is_large),
        ))  # fmt: skip
        if order.path:
            self._target(order, plan.files[0]).replace(place)
            with suppress(OSError):  # other parts wait there
                (self._models / PARTS).rmdir()
        else:
            self._cache.publish(order.repository, plan.commit, plan.files)

    def _clean(self, id: str, order: Order) -> None:
        """Cancelled: what came so far goes, unless another model uses it."""
        plan = self.orders.plan(id)
        if plan and self.orders.state(id).state != "done":
            if order.path:
                for file in plan.files:
                    target = self._target(order, file)
                    target.unlink(missing_ok=True)
                    part_of(target, file).unlink(missing_ok=True)
            else:
                self._cache.forget(order.repository, plan.files)
        self.orders.forget(id)


class _Following(Follower):
    """Writes an order's state down, at most a few times a second, and listens for another wish."""

    def __init__(self, orders: Orders, id: str, order: Order, closing: threading.Event) -> None:
        self._orders, self._id, self._order, self._closing = orders, id, order, closing
        self._state = replace(orders.state(id), state="running", turn=order.turn, message="", link="", speed=0.0, eta=None)
        self._marks: deque[tuple[float, int]] = deque()
        self._before, self._here = 0, 0
        self._looked = self._reported = 0.0
        self._tell(now=True)

    def check(self) -> None:
        if self._closing.is_set():
            raise Stopped
        now = time.monotonic()
        if now - self._looked > REPORT_EVERY / 2:
            self._looked = now
            order = self._orders.order(self._id)
            if order is None or order.turn != self._order.turn:
                raise Stopped

    def begin(self, total: int) -> None:
        self._state = replace(self._state, total=total, done=0, message="")
        self._tell(now=True)

    def next_file(self, file: HubFile) -> None:
        self._here = 0
        self._state = replace(self._state, file=file.path)

    def whole(self, file: HubFile) -> None:
        """All of it is there, wherever it came from."""
        self._before += file.size
        self._here = 0
        self._state = replace(self._state, message="")
        self._tell()

    def moved(self, size: int) -> None:
        self._here += size
        now = time.monotonic()
        self._marks.append((now, self._before + self._here))
        while len(self._marks) > 2 and now - self._marks[0][0] > WINDOW:
            self._marks.popleft()
        self._tell()

    def found(self, size: int) -> None:
        self._here += size
        self._marks.clear()
        self._tell()

    def note(self, sentence: str) -> None:
        self._state = replace(self._state, message=sentence)
        self._tell(now=True)

    def delay(self, until: float, why: str) -> None:
        self.note(why)
        while time.time() < until:
            self.check()
            time.sleep(0.1)
        self.note("")

    def fail(self, error: StudioError) -> None:
        link = str(getattr(error, "link", ""))
        self._state = replace(self._state, state="failed", message=str(error), link=link, speed=0.0, eta=None)
        self._tell(now=True)

    def finish(self) -> None:
        self._state = replace(self._state, state="done", done=self._state.total, file="", message="", speed=0.0, eta=None)
        self._orders.report(self._id, self._state)

    def _tell(self, *, now: bool = False) -> None:
        moment = time.monotonic()
        if not now and moment - self._reported < REPORT_EVERY:
            return
        self._reported = moment
        done, speed = self._before + self._here, self._speed()
        eta = (self._state.total - done) / speed if speed > 0 else None
        self._state = replace(self._state, done=done, speed=speed, eta=eta)
        self._orders.report(self._id, self._state)

    def _speed(self) -> float:
        """Bytes a second over the last moments; 0 where nobody knows."""
        if len(self._marks) < 2:
            return 0.0
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return max(0.0, (last - first) / (ended - began)) if ended - began > 0.2 else 0.0
