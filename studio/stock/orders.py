"""What is to be downloaded and how far it is: `<data>/downloads/<id>/`, three small files.

    wanted.json   what, for whom, and the wish: run, pause or cancel; written by whoever asks (page, command)
    plan.json     the commit and the files with their hashes; written once by the downloader
    state.json    how far it is; written by the downloader

Each wish has a number, and a state names the number of the wish that it heeds. So a wish waits for the downloader across
processes and crashes, and nobody writes what another one writes. No token ever stands here.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from studio.core.collection import UNFINISHED, Download, DownloadState, Precision, Wish
from studio.core.errors import InvalidRequest
from studio.settings import write_private
from studio.stock.hub import HubFile, Listing
from studio.stock.naming import Wanted

DAY = 24 * 3600.0
_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
Value = TypeVar("Value")


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is wanted. `turn` counts the wishes."""

    repository: str
    path: str = ""
    revision: str = "main"
    precision: Precision = "auto"
    person: str = ""
    created: float = 0.0
    wish: Wish = "run"
    turn: int = 1

    @property
    def what(self) -> str:
        return str(Wanted(self.repository, self.path, self.revision))


@dataclass(frozen=True, kw_only=True)
class State:
    """How far it is. `turn` is the wish that this is the answer to."""

    state: DownloadState = "queued"
    turn: int = 0
    done: int = 0
    total: int = 0
    speed: float = 0.0
    eta: float | None = None
    file: str = ""
    message: str = ""
    link: str = ""


class Orders:
    """All of one data folder. Safe across threads and processes: every file is replaced whole."""

    def __init__(self, data: Path) -> None:
        self._folder = data / "downloads"

    def ids(self) -> list[str]:
        """The oldest first."""
        found = [(order.created, id) for id in self._names() if (order := self.order(id)) is not None]
        return [id for _, id in sorted(found)]

    def add(self, wanted: Wanted, precision: Precision, person: str) -> str:
        """A new order's id. Raises `InvalidRequest` if the same is under way."""
        for id in self.ids():
            known = self.order(id)
            if known and known.what == str(wanted) and known.wish != "cancel" and self.shown(id).state != "done":
                raise InvalidRequest(f"{wanted} is among the downloads already. Resume it there.", "repository")
        id = f"{str(wanted).replace('/', '--')[-60:].lstrip('.-_')}-{secrets.token_hex(3)}"
        self._write(id, "wanted", Order(repository=wanted.repository, path=wanted.path, revision=wanted.revision,
                                        precision=precision, person=person, created=time.time()))  # fmt: skip
        return id

    def wish(self, id: str, wish: Wish) -> None:
        """Raises `InvalidRequest` for an unknown one."""
        order = self.order(id) if _ID.fullmatch(id) else None
        if order is None:
            raise InvalidRequest(f"There is no download “{id[:80]}”. Look at the list.", "id")
        self._write(id, "wanted", replace(order, wish=wish, turn=order.turn + 1))

    def order(self, id: str) -> Order | None:
        return _made(Order, self._read(id, "wanted"))

    def state(self, id: str) -> State:
        return _made(State, self._read(id, "state")) or State()

    def report(self, id: str, state: State) -> None:
        if (self._folder / id).is_dir():  # not if it was forgotten meanwhile
            self._write(id, "state", state)

    def plan(self, id: str) -> Listing | None:
        """What was planned, and so is fetched even if the repository has changed since."""
        told = self._read(id, "plan")
        try:
            files = tuple(HubFile(str(path), int(size), str(digest)) for path, size, digest in told.pop("files"))
            return Listing(**told, files=files)
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def set_plan(self, id: str, plan: Listing) -> None:
        files = [[file.path, file.size, file.digest] for file in plan.files]
        self._write(id, "plan", {**asdict(plan), "files": files})

    def forget(self, id: str) -> None:
        shutil.rmtree(self._folder / id, ignore_errors=True)

    def sweep(self, seconds: float = DAY) -> None:
        """Forget what was done so long ago; the models stay."""
        for id in self._names():
            with suppress(OSError):
                done = self.state(id).state == "done"
                if done and time.time() - (self._folder / id / "state.json").stat().st_mtime > seconds:
                    self.forget(id)

    def shown(self, id: str) -> Download:
        """An order with its state; a wish that nobody has heeded yet counts."""
        order, state = self.order(id) or Order(repository=""), self.state(id)
        word = state.state
        if order.turn > state.turn and word != "done":
            word = "paused" if order.wish == "pause" else "queued"
        running = word == "running"
        plan = self._read(id, "plan") if word == "done" else {}
        return Download(
            id=id, what=order.what, state=word, done=state.done, total=state.total, speed=state.speed if running else 0.0,
            eta=state.eta if running else None, file=state.file if running else "", commit=str(plan.get("commit", "")),
            message=state.message if word == state.state else "", link=state.link if word == state.state else "",
            created=order.created, person=order.person,
        )  # fmt: skip

    def downloads(self) -> list[Download]:
        """All that were not cancelled, the oldest first."""
        return [self.shown(id) for id in self.ids() if (order := self.order(id)) and order.wish != "cancel"]

    def due(self) -> Iterator[tuple[str, Order]]:
        """Orders with something to do, the oldest first."""
        for id in self.ids():
            order, state = self.order(id), self.state(id)
            unheeded = order is not None and order.turn > state.turn
            if order and (order.wish == "cancel" or (state.state != "done" and (unheeded or state.state in UNFINISHED))):
                yield id, order

    def _names(self) -> list[str]:
        with suppress(OSError):
            return [path.name for path in self._folder.iterdir() if path.is_dir() and _ID.fullmatch(path.name)]
        return []

    def _read(self, id: str, name: str) -> dict[str, Any]:
        try:
            told = json.loads((self._folder / id / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}

    def _write(self, id: str, name: str, value: Any) -> None:
        told = value if isinstance(value, dict) else asdict(value)
        write_private(self._folder / id / f"{name}.json", json.dumps(told))


def _made(kind: type[Value], told: dict[str, Any]) -> Value | None:
    """A value from its file; None if the file is not there or holds something else."""
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    try:
        return kind(**{name: value for name, value in told.items() if name in known}) if told else None
    except TypeError:
        return None
