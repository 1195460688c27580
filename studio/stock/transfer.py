"""One file from the hub: range requests into `<digest>.part`, checked as it comes, renamed whole.

The part is the state: after a broken connection, a pause or `kill -9` the next try asks for what is missing. Nothing is ever
called finished whose digest is not the one that the hub's list names.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from studio.core.errors import KeepError, RateLimited, Rejected, Unavailable
from studio.stock.hub import HOPS, Hub, HubFile, pause
from studio.web import Answer, Request, Trouble, Write

TRIES = 8
"""Failures in a row without a byte gained; then the download has failed and can be resumed."""
LIMITED_TRIES = 30
LONGEST_PAUSE = 60.0
LONGEST_ASKED = 3600.0
SILENCE, WEEK = 60.0, 7 * 24 * 3600.0
BLOCK = 1 << 20
LOOK = 0.1


class Limited(RateLimited):
    """The hub wants a pause of so many seconds; None where it does not say."""

    def __init__(self, message: str, seconds: float | None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Follower:
    """Who is told how a transfer goes: `check` may say stop, `note` is a sentence for the user.

    `moved` counts bytes that came, `found` those that were there already, or less than nothing where they are given up.
    """

    def check(self) -> None: ...

    def moved(self, size: int) -> None: ...

    def found(self, size: int) -> None: ...

    def note(self, sentence: str) -> None: ...


class Transfer:
    """Fetches files from one hub. `first_pause` is the seconds after a failure; each further one doubles them."""

    def __init__(self, hub: Hub, follower: Follower, first_pause: float = 1.0) -> None:
        self._hub, self._follower, self._first_pause = hub, follower, first_pause

    def fetch(self, repository: str, commit: str, file: HubFile, target: Path) -> None:
        """See to it that `target` is the file, whole and right. Raises a `StudioError`; what came so far stays."""
        try:
            if target.exists() or part_of(target, file).exists():
                self._follower.note("Checking what is here already …")  # gigabytes take their time
            if is_right(target, file, self._follower.check):
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            url = self._hub.address(repository, commit, file.path)
            with Part(part_of(target, file), file, self._follower) as part:
                self._follower.note("")
                self._fill(part, url, repository)
                part.become(target)
        except OSError as error:
            raise KeepError(
                f"{target.parent} cannot be written ({error.strerror}). Make space there, then resume."
            ) from error

    def _fill(self, part: Part, url: str, repository: str) -> None:
        tries = _Tries(self._first_pause)
        while not part.is_right:
            self._follower.check()
            before = part.have
            try:
                self._attempt(part, url, repository, tries)
            except Limited as limited:
                self._rest(tries.after_limit(limited), "The hub asks for a pause")
            except Unavailable as error:
                self._rest(tries.after_failure(error, gained=part.have > before), "The connection broke")

    def _attempt(self, part: Part, url: str, repository: str, tries: _Tries) -> None:
        if part.is_full:  # and not right
            tries.count_spoilt(part.file.path)
            self._follower.note(f"{part.file.path} came damaged; it is fetched once more.")
            part.clear()
        self._once(part, url, repository)
        if not part.is_full:
            raise Unavailable("The connection ended early. Resume later.")

    def _once(self, part: Part, url: str, repository: str) -> None:
        """One answer's worth of bytes. Raises `RateLimited`, `Unavailable`, or what cannot be mended by trying again."""
        for _ in range(HOPS):
            wanted = {"range": f"bytes={part.have}-"} if part.have else {}
            request = Request(
                url=url, headers={**wanted, **self._hub.headers(url)}, into=part.receive, most_bytes=4_000_000,
                read_seconds=SILENCE, whole_seconds=WEEK,
            )  # fmt: skip
            try:
                answer = self._hub.door.send(request, partial(self._check, url))
            except Trouble as trouble:
                raise Unavailable(f"The hub does not answer: {trouble}. Check the network, then resume.") from None
            self._look_at(answer, part)
            to = self._hub.next_hop(url, answer)
            if not to:
                return self._judge(answer, url, repository, part)
            url = to
        raise Unavailable("The hub leads from one address to the next without end. Resume later.")

    def _check(self, url: str) -> None:
        """Hours may pass: the offline switch is heeded in mid-file too."""
        self._follower.check()
        self._hub.door.refuse_offline(url)

    def _look_at(self, answer: Answer, part: Part) -> None:
        """The hub names the file's hash before a byte of it comes; another one than was listed is not worth fetching."""
        told = answer.headers.get("x-linked-etag", "").removeprefix("W/").strip('"')
        if told and part.file.is_large and told != part.file.digest:
            raise Unavailable(f"The hub gives another file for {part.file.path} than it listed. Cancel and add it again.")

    def _judge(self, answer: Answer, url: str, repository: str, part: Part) -> None:
        if answer.status == 416:
            part.clear()
            raise Unavailable("The hub could not go on where the file broke off. Resume to begin it again.")
        if self._hub.is_own(url) or answer.status == 429:
            failure = self._hub.failure(answer, repository)
            if isinstance(failure, RateLimited):
                raise Limited(str(failure), pause(answer))
            if failure is not None:
                raise failure
        elif answer.status >= 400:  # an address that has expired, or a host with trouble: asked again, the hub gives another
            raise Unavailable(f"The hub's file host answered {answer.status}. Resume later.")

    def _rest(self, seconds: float, why: str) -> None:
        self._follower.note(f"{why}; going on in {max(1, round(seconds))} s.")
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._follower.check()
            time.sleep(min(LOOK, left))
        self._follower.note("")


class _Tries:
    """How often a file was tried, and the pauses between: exponential, with jitter."""

    def __init__(self, first_pause: float) -> None:
        self._first_pause = first_pause
        self._vain = self._limits = self._spoilt = 0

    def after_failure(self, error: Unavailable, *, gained: bool) -> float:
        """Seconds to rest. Raises the error after too many in a row that gained nothing."""
        self._vain = 0 if gained else self._vain + 1
        if self._vain >= TRIES:
            raise error
        return self._pause(max(1, self._vain))

    def after_limit(self, limited: Limited) -> float:
        self._limits += 1
        if self._limits > LIMITED_TRIES:
            raise limited
        return self._pause(self._limits) if limited.seconds is None else min(limited.seconds, LONGEST_ASKED)

    def count_spoilt(self, name: str) -> None:
        self._spoilt += 1
        if self._spoilt > 1:
            raise Rejected(f"{name} came damaged twice (its hash is wrong), so it was not kept. Resume to try again.")

    def _pause(self, failures: int) -> float:
        longest = min(LONGEST_PAUSE, self._first_pause * 2 ** (failures - 1))
        return float(longest * (0.5 + random.random() / 2))  # noqa: S311  no secret


class Part:
    """The beginning of a file, on the disk, with the digest of what is there."""

    def __init__(self, path: Path, file: HubFile, follower: Follower) -> None:
        self.path, self.file, self._follower = path, file, follower
        self._digest, self.have = digest_of(file), 0
        self._stream: BinaryIO | None = None

    def __enter__(self) -> Part:
        """Read what an earlier try left."""
        self.path.touch()
        self._stream = self.path.open("r+b")
        while block := self._stream.read(BLOCK):
            self._follower.check()
            self._digest.update(block)
            self.have += len(block)
        self._follower.found(self.have)
        if self.have > self.file.size:
            self.clear()
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream is not None:
            with suppress(OSError):  # a full disk: what is there counts
                self._stream.close()
            self._stream = None

    @property
    def is_full(self) -> bool:
        return self.have >= self.file.size

    @property
    def is_right(self) -> bool:
        return self.have == self.file.size and self._digest.hexdigest() == self.file.digest

    def receive(self, status: int, headers: Mapping[str, str]) -> Write | None:
        """Where an answer's bytes go. One that starts elsewhere begins the file anew, or is not taken."""
        if status == 200:
            self.clear()
            return self._write
        goes_on = headers.get("content-range", "").startswith(f"bytes {self.have}-")
        return self._write if status == 206 and goes_on else None

    def clear(self) -> None:
        """Begin anew."""
        assert self._stream is not None  # noqa: S101  open between enter and exit
        self._follower.found(-self.have)
        self._stream.seek(0)
        self._stream.truncate()
        self._digest, self.have = digest_of(self.file), 0

    def become(self, target: Path) -> None:
        """Rename it to what it is."""
        assert self._stream is not None  # noqa: S101  open between enter and exit
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self.path.replace(target)

    def _write(self, piece: bytes) -> None:
        stream = self._stream
        if stream is None or self.have + len(piece) > self.file.size:
            raise Trouble("too_large", "more came than the file has")
        stream.write(piece)
        stream.flush()
        self._digest.update(piece)
        self.have += len(piece)
        self._follower.moved(len(piece))


def part_of(target: Path, file: HubFile) -> Path:
    return target.parent / f"{file.digest}.part"


def is_right(path: Path, file: HubFile, check: Callable[[], None]) -> bool:
    """Whether a file is there and is the one that the hub lists. Reads all of it."""
    try:
        if path.stat().st_size != file.size:
            return False
        digest = digest_of(file)
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                check()
                digest.update(block)
    except OSError:
        return False
    return digest.hexdigest() == file.digest


def digest_of(file: HubFile) -> hashlib._Hash:
    """SHA-256 for large files; for the rest git's SHA-1 of a blob, which begins with its length."""
    if file.is_large:
        return hashlib.sha256()
    return hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
