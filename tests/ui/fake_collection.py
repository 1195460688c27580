"""The models of the small studio: the engine's real `Collection` on a store in memory; downloads move while looked at."""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import Any

from studio.core.collection import Download, Precision, Removed, Starter, Use, Wish
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import Size
from studio.engine.collection import Collection
from studio.stock.naming import wanted

FAMILIES = ("Stable Diffusion", "Stable Diffusion XL", "FLUX.1", "Stable Diffusion 3", "Qwen-Image", "Z-Image")
LICENCES = ("apache-2.0", "creativeml-openrail-m", "openrail++", "flux-1-dev-non-commercial-license", "")
NAMES = ("Dreamshaper", "Juggernaut", "RealVis", "Pony", "Animagine", "Deliberate", "Playground", "Chroma")
STARTERS = (
    Starter(repository="toys/small", title="Small", family="Stable Diffusion", size_bytes=2_600_000_000, vram=4, sure=True,
            licence="MIT", why="The smallest of all."),
    Starter(repository="toys/large", title="Large", family="FLUX.1", size_bytes=33_700_000_000, vram=24, gated=True,
            licence="Apache-2.0", why="The largest of all."),
)  # fmt: skip
HOSTILE = '<img src=x onerror="document.title=1">'


def a_model(number: int) -> Model:
    """The same each time."""
    name, family = NAMES[number % len(NAMES)], FAMILIES[number % len(FAMILIES)]
    side = 512 if family == "Stable Diffusion" else 1024
    return Model(
        id=f"local:makers/{name.lower()}-{number}", title=f"{name} {number}", backend="local", family=family,
        size_bytes=2_100_000_000 + number * 97_000_001, precision=("float16", "bfloat16", "float32")[number % 3],
        source=f"/home/ada/models/{name.lower()}-{number}", default_size=Size(side, side),
        tasks=("text-to-image", "image-to-image", "inpaint"), licence=LICENCES[number % len(LICENCES)],
    )  # fmt: skip


class ToyModels:
    """`studio.core.collection.Stock`, `Usage` and a backend at once."""

    name, hosted = "local", False
    models_folder = "/home/ada/studio/models"

    def __init__(self, studio: Any, number: int) -> None:
        self._studio = studio
        self._models = {model.id: model for model in map(a_model, range(number))}
        self._trash: dict[str, tuple[Removed, Model]] = {}
        self._folders: list[str] = []
        self._downloads: dict[str, Download] = {}
        self._hashes: dict[str, str] = {}
        self._number = itertools.count(1)
        self.fault = f"broken {HOSTILE} is incomplete: the folder unet is missing. Download it again."

    def models(self) -> list[Model]:
        return [*(model for model in self._studio.models() if not model.hosted), *self._models.values()]

    def problems(self) -> list[str]:
        return [self.fault]

    def by_model(self) -> dict[str, Use]:
        found: dict[str, Use] = {}
        for record in self._studio.recent(1000):
            found.setdefault(record.request.model, Use(last=time.time(), record=record.id))
        for number, id in enumerate(self._models):
            if number % 3 == 0:
                found[id] = Use(last=time.time() - number * 86_400)
        return found

    def downloads(self) -> list[Download]:
        for id, each in list(self._downloads.items()):
            if each.state == "running" and each.total:
                done = min(each.total, each.done + each.total // 40)
                state = "done" if done == each.total else "running"
                left = (each.total - done) / 31e6
                self._downloads[id] = replace(each, done=done, state=state, speed=31e6, eta=left)
        return list(self._downloads.values())

    def ask(self, text: str, precision: Precision = "auto", person: str = "") -> Download:
        what = str(wanted(text, "https://huggingface.co"))
        id = f"d{next(self._number)}"
        new = Download(id=id, what=what, state="running", total=6_900_000_000, file="unet/model.safetensors", person=person)
        if "gated" in what:
            link = f"https://huggingface.co/{what}"
            new = replace(
                new, state="failed", total=0, link=link, message=f"{what} is open to those who have access at {link}."
            )
        self._downloads[id] = new
        return new

    def wish(self, id: str, wish: Wish) -> None:
        if wish == "cancel":
            self._downloads.pop(id)
            return
        self._downloads[id] = replace(self._downloads[id], state="paused" if wish == "pause" else "running", message="")

    def starters(self) -> tuple[Starter, ...]:
        return STARTERS

    def licence(self, model: Model) -> str:
        return model.licence

    def stays(self, model: Model) -> str:
        return "" if model.id in self._models else "It came with the studio and stays."

    def remove(self, model: Model) -> Removed:
        id = f"t{next(self._number)}"
        removed = Removed(id=id, name=model.title, place=model.source, when=time.time(), size_bytes=model.size_bytes)
        self._trash[id] = removed, self._models.pop(model.id)
        return removed

    def restore(self, id: str) -> Removed:
        if id not in self._trash:
            raise InvalidRequest("That model is not in the trash any more. Add it again.")
        removed, model = self._trash.pop(id)
        self._models[model.id] = model
        return removed

    def removed(self) -> list[Removed]:
        return [removed for removed, _ in reversed(self._trash.values())]

    def empty(self) -> int:
        count = len(self._trash)
        self._trash.clear()
        return count

    def folders(self) -> list[str]:
        return self._folders

    def link(self, folder: str) -> str:
        if not folder.startswith("/"):
            raise InvalidRequest(f"“{folder}” is no folder on this computer. Type its whole path.", "folder")
        self._folders.append(folder)
        return folder

    def unlink(self, folder: str) -> None:
        self._folders.remove(folder)

    def hash_of(self, model: Model, *, now: bool = False) -> str:
        if now and model.id not in self._hashes:
            self._hashes[model.id] = ""
        elif model.id in self._hashes:
            self._hashes[model.id] = "5d20c7f1" * 8
        return self._hashes.get(model.id, "")


def a_collection(studio: Any, number: int = 0) -> Collection:
    """With so many models besides the small studio's own."""
    toys = ToyModels(studio, number)
    return Collection(backends=(toys,), stock=toys, usage=toys)  # type: ignore[arg-type]
