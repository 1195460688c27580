"""`studio.core.collection.Stock` on one data folder, one models folder and one cache of the hub."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from studio.core.collection import Download, Precision, Removed, Starter, Wish
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.settings import ROOT, Settings, hub_endpoint, write_private
from studio.stock.folders import ModelFolders
from studio.stock.hashes import Hashes
from studio.stock.naming import wanted
from studio.stock.orders import Orders
from studio.stock.trash import ModelTrash

OURS = "Apache-2.0"
"""The licence of what comes with the studio."""
STARTERS = Path(__file__).with_name("starters.toml")
_LICENCE = re.compile(r"^license(_name)?:[ ]*[\"']?([\w .+-]{1,80}?)[\"']?[ ]*$", re.MULTILINE)
WeightFiles = Callable[[str], Sequence[Path]]
"""The main weights of a model, by its id; their hash is the model's."""


class StockRoom:
    """Light: everything is read from the disk when it is asked for."""

    def __init__(self, settings: Settings, weight_files: WeightFiles) -> None:
        self._models, self._cache = settings.models, settings.hub_cache
        self._facts = Facts(settings.data)
        self._orders, self._folders = Orders(settings.data), ModelFolders(settings)
        self._trash = ModelTrash((self._models, self._cache))
        self._hashes, self._weight_files = Hashes(settings.data), weight_files

    @property
    def models_folder(self) -> str:
        return str(self._models)

    def downloads(self) -> list[Download]:
        return self._orders.downloads()

    def ask(self, text: str, precision: Precision = "auto", person: str = "") -> Download:
        return self._orders.shown(self._orders.add(wanted(text, hub_endpoint()), precision, person))

    def wish(self, id: str, wish: Wish) -> None:
        self._orders.wish(id, wish)

    def starters(self) -> Sequence[Starter]:
        return self._starters

    def licence(self, model: Model) -> str:
        """As the model says, else as its repository said when it came, else as its card says."""
        name = model.id.partition(":")[2]
        own = OURS if Path(model.source).is_relative_to(ROOT / "studio") else ""
        return model.licence or self._facts.licence(name) or own or card_licence(Path(model.source) / "README.md")

    def stays(self, model: Model) -> str:
        if model.hosted:
            return "It is a provider's."
        try:
            self._place(model)
        except InvalidRequest as error:
            return str(error)
        return ""

    def remove(self, model: Model) -> Removed:
        return self._trash.remove(model.title, self._place(model), model.size_bytes)

    def restore(self, id: str) -> Removed:
        return self._trash.restore(id)

    def removed(self) -> list[Removed]:
        return self._trash.all()

    def empty(self) -> int:
        return self._trash.empty()

    def folders(self) -> list[str]:
        return [str(folder) for folder in self._folders.linked()]

    def link(self, folder: str) -> str:
        return str(self._folders.link(folder))

    def unlink(self, folder: str) -> None:
        self._folders.unlink(folder)

    def hash_of(self, model: Model, *, now: bool = False) -> str:
        known, source = self._hashes.of(model.source), Path(model.source)
        if now and not known:
            self._hashes.compute(model.source, (source,) if source.is_file() else self._weight_files(model.id))
        return known

    @cached_property
    def _starters(self) -> tuple[Starter, ...]:
        told = tomllib.loads(STARTERS.read_text(encoding="utf-8"))["starter"]
        return tuple(_starter(each) for each in told)

    def _place(self, model: Model) -> Path:
        """What is moved when the model is removed: its folder or file, or its whole repository in the cache."""
        source = Path(model.source)
        if source.is_relative_to(self._models):
            return source
        if source.is_relative_to(self._cache):
            return self._cache / source.relative_to(self._cache).parts[0]
        linked = next((folder for folder in self._folders.linked() if source.is_relative_to(folder)), None)
        if linked is not None:
            raise InvalidRequest(f"It lies in the linked folder {linked}. Delete it there, or unlink the folder.")
        raise InvalidRequest("It came with the studio and stays.")


class Facts:
    """What a repository said of a model when it came: `<data>/model_facts.json`."""

    def __init__(self, data: Path) -> None:
        self._file = data / "model_facts.json"
        self._read: tuple[int, dict[str, Any]] = (0, {})

    def licence(self, name: str) -> str:
        told = self._all().get(name)
        return str(told.get("licence", "")) if isinstance(told, dict) else ""

    def note(self, name: str, **facts: Any) -> None:
        write_private(self._file, json.dumps({**self._all(), name: facts}, indent=1))

    def _all(self) -> dict[str, Any]:
        try:
            stamp = self._file.stat().st_mtime_ns
            if stamp != self._read[0]:
                told = json.loads(self._file.read_text(encoding="utf-8"))
                self._read = stamp, told if isinstance(told, dict) else {}
        except (OSError, ValueError):
            return {}
        return self._read[1]


def card_licence(card: Path) -> str:
    """The licence that a model card names in its head; empty if it names none."""
    try:
        return _licence(card, card.stat().st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=2048)
def _licence(card: Path, _: int) -> str:
    with card.open(encoding="utf-8", errors="replace") as stream:
        head = stream.read(4000).partition("\n---")[0]
    found = {match[1] or "": match[2] for match in _LICENCE.finditer(head)} if head.startswith("---") else {}
    return found.get("_name") or found.get("", "")


def _starter(told: dict[str, Any]) -> Starter:
    size, vram = told.pop("size_gb"), told.pop("vram_gb")
    return Starter(**told, size_bytes=round(size * 1e9), vram=vram)
