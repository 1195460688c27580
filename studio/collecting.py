"""Puts the collection of models together: its store, its use, its log, and the process that downloads."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from studio.core.collection import Download
from studio.core.ports import Backend
from studio.engine.collection import Collection
from studio.engine.logbook import Logbook
from studio.engine.pipe import Pipe
from studio.engine.process import WorkerProcess
from studio.settings import Settings
from studio.stock.downloader import Added
from studio.stock.room import StockRoom
from studio.stock.serving import TOKEN, follow, open_downloader, serve

if TYPE_CHECKING:
    from studio.library import Library

__all__ = ["TOKEN", "open_collection", "open_follow", "serve_downloads"]


def open_collection(
    settings: Settings,
    backends: Sequence[Backend],
    library: Library,
    worker: Callable[[Callable[[dict[str, Any]], None]], WorkerProcess] | None = None,
) -> Collection:
    """Without a `worker` somebody else carries the downloads: the studio that is open, or a command itself."""
    return Collection(
        backends=backends,
        stock=StockRoom(settings, lambda id: _main_weights(backends, id)),
        usage=library.usage,
        audit=library.audit,
        worker=worker,
    )


def open_follow(settings: Settings, library: Library) -> Callable[[str, Callable[[Download], None]], Download]:
    """For a command: carries a download, or watches an open studio do so."""
    return lambda id, show: follow(open_downloader(settings, _log(library)), id, show)


def serve_downloads(settings: Settings, library: Library, out: TextIO) -> None:
    """The downloads' process, from its start until its studio is gone or says stop."""
    downloader, woken = open_downloader(settings, _log(library)), threading.Event()
    pipe = Pipe(settings.data, {}, out)

    def stop() -> None:
        pipe.is_over.set()
        woken.set()

    pipe.listen(sys.stdin, {"stop": stop, "wake": woken.set})
    while not downloader.acquire(0.5):
        if pipe.is_over.is_set():
            return
        pipe.emit({"event": "status", "state": "standby"})
    pipe.emit({"event": "status", "state": "ready"})
    serve(downloader, pipe.is_over, woken=woken)
    downloader.release()


def _log(library: Library) -> Callable[[Added], None]:
    """A row for each model that has come."""
    book = Logbook(library.audit)

    def log(added: Added) -> None:
        book.model_added(
            added.what, added.person, commit=added.commit, licence=added.licence, size_bytes=added.size_bytes,
            sha256=list(added.digests),
        )  # fmt: skip

    return log


def _main_weights(backends: Sequence[Backend], id: str) -> Sequence[Path]:
    """By the backend that has the model; providers' models have no files."""
    from studio.backends.local import LocalBackend

    return next((backend.main_weights(id) for backend in backends if isinstance(backend, LocalBackend)), ())
