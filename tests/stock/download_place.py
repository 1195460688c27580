"""Folders with a downloader that works with a hub on this computer."""

from __future__ import annotations

from pathlib import Path

from toy_hub import ToyHub

from studio.core.collection import Download
from studio.stock.cache import HubCache
from studio.stock.downloader import Added, Downloader
from studio.stock.hub import Hub
from studio.stock.naming import wanted
from studio.web import Door


class Place:
    """Folders, a downloader, and what it logged. `token` is what the user has set."""

    def __init__(self, folder: Path, hub: ToyHub, *, half: bool = True) -> None:
        self.data, self.models, self.cache = folder / "data", folder / "models", folder / "hub"
        self.data.mkdir()
        self.token = ""
        self.offline = False
        self.added: list[Added] = []
        self.hub = hub
        self.half = half
        self.downloader = self.new()

    def new(self) -> Downloader:
        """Another one on the same folders, as after a restart."""
        door = Door(lambda: self.offline)
        hub = Hub(self.hub.url, door, lambda: self.token)
        self.downloader = Downloader(self.data, hub, HubCache(self.cache), self.models, self.added.append, half=self.half,
                                     first_pause=0.01)  # fmt: skip
        return self.downloader

    def ask(self, text: str) -> str:
        return self.downloader.orders.add(wanted(text, self.hub.url), "auto", "ada")

    def get(self, text: str = "toys/model") -> Download:
        """Ask and carry to the end."""
        id = self.ask(text)
        while self.downloader.step():
            pass
        return self.downloader.orders.shown(id)

    @property
    def repository(self) -> Path:
        return self.cache / "models--toys--model"
