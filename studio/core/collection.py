"""The models on this computer as the page and the commands see them: what is here, what is on its way, what could be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from studio.core.model import Model

Precision = Literal["auto", "half", "full"]
"""Which weights of a repository to take where it has several; `auto` goes by the device."""
PRECISIONS: tuple[Precision, ...] = ("auto", "half", "full")
DownloadState = Literal["queued", "running", "paused", "failed", "done"]
Wish = Literal["run", "pause", "cancel"]
UNFINISHED: tuple[DownloadState, ...] = ("queued", "running")
"""States in which a download waits for nobody."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """One download. `what` is a repository, or one file of it; `file` is the one that is being fetched.

    `speed` is bytes a second over the last moments, `eta` seconds or None, `link` where the reader has to go when the
    message says so.
    """

    id: str
    what: str
    state: DownloadState = "queued"
    done: int = 0
    total: int = 0
    speed: float = 0.0
    eta: float | None = None
    file: str = ""
    message: str = ""
    link: str = ""
    commit: str = ""
    created: float = 0.0
    person: str = ""


@dataclass(frozen=True, kw_only=True)
class Starter:
    """A model that is good to begin with. `vram` and `size_bytes` are GB and bytes in the precision that a GPU gets.

    `sure` is False where the figures were not looked up at the source.
    """

    repository: str
    title: str
    family: str
    size_bytes: int
    vram: int
    licence: str
    why: str
    gated: bool = False
    sure: bool = False


@dataclass(frozen=True, kw_only=True)
class Removed:
    """A model in the trash. `place` is where it lay and where it goes back to."""

    id: str
    name: str
    place: str
    when: float
    size_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Use:
    """What is known of a model's pictures: when the last one was made, and the newest that is still kept."""

    last: float
    record: str = ""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model in the list. `sha256` is empty until it was asked for; `stays` says why it cannot be removed here."""

    model: Model
    licence: str = ""
    sha256: str = ""
    use: Use | None = None
    stays: str = ""


class Usage(Protocol):
    """Which models made the kept pictures."""

    def by_model(self) -> dict[str, Use]: ...


class Stock(Protocol):
    """Where models lie and how they come and go. Everything is quick; all of it survives a crash."""

    @property
    def models_folder(self) -> str: ...

    def downloads(self) -> list[Download]:
        """The oldest first."""

    def ask(self, text: str, precision: Precision = "auto", person: str = "") -> Download:
        """Note that a repository, or one file of it, is wanted. Raises `InvalidRequest` or `Rejected`."""

    def wish(self, id: str, wish: Wish) -> None:
        """Pause, resume or cancel. Raises `InvalidRequest` for an unknown one."""

    def starters(self) -> Sequence[Starter]: ...

    def licence(self, model: Model) -> str: ...

    def stays(self, model: Model) -> str:
        """Why a model cannot be removed; empty if it can."""

    def remove(self, model: Model) -> Removed:
        """Into the trash. Raises `InvalidRequest` for one that stays, `KeepError` if it cannot be moved."""

    def restore(self, id: str) -> Removed:
        """Raises `InvalidRequest` if it is not in the trash, or another one lies in its place."""

    def removed(self) -> list[Removed]:
        """What lies in the trash, the newest first."""

    def empty(self) -> int:
        """Remove what lies in the trash for good; returns how many models that were."""

    def folders(self) -> list[str]:
        """Linked folders."""

    def link(self, folder: str) -> str:
        """Look for models in this folder too; they stay where they are. Raises `InvalidRequest`."""

    def unlink(self, folder: str) -> None: ...

    def hash_of(self, model: Model, *, now: bool = False) -> str:
        """The SHA-256 of its main weights, as it stands in pictures; empty if it is not known yet.

        `now`: begin to compute it in the background.
        """
