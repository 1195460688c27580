"""The process of the downloads: serves one data folder while its studio is there. Network, but no torch and no page."""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from studio.core.collection import Download
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.settings import Settings, hub_endpoint
from studio.stock.cache import HubCache
from studio.stock.downloader import Added, Downloader
from studio.stock.hub import Hub
from studio.stock.room import Facts
from studio.web import Door

TOKEN = "HF_TOKEN"  # noqa: S105  its name
LOOK = 0.5
"""Seconds between looks for new wishes, such as those of a command."""


def open_downloader(settings: Settings, log: Callable[[Added], None]) -> Downloader:
    """A downloader with its real parts; `log` is told of each model before it can be found."""
    keys, facts = Keys(settings.data), Facts(settings.data)
    hub = Hub(hub_endpoint(), Door(PreferenceFile(settings).offline), lambda: keys.get(TOKEN))

    def added(model: Added) -> None:
        log(model)
        name = model.path.stem if model.path.suffix else model.what
        facts.note(name, licence=model.licence, commit=model.commit, repository=model.what)

    return Downloader(settings.data, hub, HubCache(settings.hub_cache), settings.models, added, half=draws_in_half(settings))


def draws_in_half(settings: Settings, platform: str = sys.platform) -> bool:
    """Whether this computer seems to draw on a GPU, where half precision is the right one; without asking torch."""
    if settings.device:
        return not settings.device.startswith("cpu")
    return platform == "darwin" or shutil.which("nvidia-smi") is not None or Path("/dev/kfd").exists()


def serve(downloader: Downloader, is_over: threading.Event, *, woken: threading.Event) -> None:
    """Carry orders until it is over; what is under way then goes on at the next start."""

    def close() -> None:
        is_over.wait()
        downloader.closing.set()

    threading.Thread(target=close, daemon=True).start()
    while not is_over.is_set():
        if not downloader.step():
            woken.wait(LOOK)
            woken.clear()


def follow(downloader: Downloader, id: str, show: Callable[[Download], None]) -> Download:
    """For a command: carry orders here, or watch the studio do it, until this one is over or waits for somebody."""
    serving = downloader.acquire()
    try:
        while True:
            thread = threading.Thread(target=downloader.step, daemon=True) if serving else threading.Thread(target=_pause)
            thread.start()
            while thread.is_alive():
                thread.join(LOOK)
                show(downloader.orders.shown(id))
            last = downloader.orders.shown(id)
            if last.state in ("done", "failed", "paused"):
                return last
            serving = serving or downloader.acquire()
    finally:
        downloader.closing.set()
        if serving:
            downloader.release()


def _pause() -> None:
    threading.Event().wait(LOOK)
