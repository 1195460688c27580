"""Models: what is on this computer, what is on its way, and how more of it gets here. Everybody looks; admins change."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.collection import PRECISIONS, UNFINISHED, Entry, Precision, Wish
from studio.core.errors import StudioError
from studio.core.people import Person
from studio.ui import collecting, who
from studio.ui.models_port import Collection
from studio.ui.pictures import url
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Models", 91, "models"
TAKES, RIGHT = False, "create"
HERE = Path(__file__).parent.parent


def build(page: Page) -> None:
    """Lay the tab out; its own script does the rest."""
    ModelsTab(page)


class ModelsTab:
    """No state but the addresses of small pictures: models, downloads and rights are the studio's."""

    def __init__(self, page: Page) -> None:
        self._studio, self._collection, self._thumbs = page.studio, page.studio.collection, page.desk.thumbs
        self._pictures: dict[str, str] = {}
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"), gr.Column(elem_classes=["fields"]):
            adding = (HERE / "models_add.html").read_text("utf-8")
            gr.HTML(html_template=adding, apply_default_css=False, elem_id="models-add")

        def models_news(seen: dict[str, str]) -> dict[str, Any]:
            return self._news(seen)

        def models_act(asked: dict[str, Any]) -> dict[str, str]:
            return self._act(asked)

        def models_hash(id: str) -> str:
            return self._hash(id)

        page.beside(
            gr.HTML(
                html_template=(HERE / "models.html").read_text("utf-8"),
                js_on_load=(HERE / "models.js").read_text("utf-8"),
                server_functions=[models_news, models_act, models_hash],
                apply_default_css=False,
                elem_id="models",
                render=False,
            )
        )

    def _news(self, seen: Mapping[str, str]) -> dict[str, Any]:
        """The parts whose digest differs from the page's, as the desk tells them."""
        seen = seen if isinstance(seen, Mapping) else {}
        parts = self._parts()
        digests = {
            name: hashlib.blake2b(json.dumps(part).encode(), digest_size=9).hexdigest() for name, part in parts.items()
        }
        changed = {name: part for name, part in parts.items() if digests[name] != seen.get(name)}
        return {**changed, "seen": digests}

    def _parts(self) -> dict[str, Any]:
        collection, now = self._collection, time.time()
        entries, downloads = collection.entries(), collection.downloads()
        busy = any(each.state in UNFINISHED for each in downloads)
        here = {entry.model.id.partition(":")[2] for entry in entries}
        coming = {each.what for each in downloads if each.state != "done"}
        return {
            "rows": [collecting.row(entry, self._picture(entry), now) for entry in entries],
            "count": _count(entries),
            "downloads": [collecting.download(each) for each in downloads],
            "trouble": collecting.trouble(collection.downloader(), busy),
            "busy": busy,
            "starters": collecting.starters(collection.starters(), here, coming),
            "folders": collecting.folders(collection.models_folder, collection.folders()),
            "problems": collecting.problems(collection.problems()),
            "trash": collecting.trash(collection.removed(), now),
        }

    def _picture(self, entry: Entry) -> str:
        """The newest kept picture that was made with it, small; empty until there is one."""
        id = entry.use.record if entry.use else ""
        if id and id not in self._pictures:
            record = self._studio.record(id)
            thumb = self._thumbs.of(record) if record and record.path else None
            if thumb is None:
                return ""
            self._pictures[id] = url(thumb)
        return self._pictures.get(id, "")

    def _act(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """What a button says; a sentence under `said` or `problem`, and with `undo` the way back."""
        told = _Asked(**{name: str(asked.get(name) or "") for name in ("do", "id", "text", "precision")})
        if told.do not in ACTS:
            return {"problem": "This page is older than the studio. Reload it."}
        try:
            return ACTS[told.do](self._collection, told, who.current())
        except StudioError as error:
            return {"problem": str(error)}

    def _hash(self, id: str) -> str:
        try:
            return self._collection.hash_of(str(id))
        except StudioError:
            return ""


def _digest(part: Any) -> str:
    return hashlib.blake2b(json.dumps(part).encode(), digest_size=9).hexdigest()


def _count(entries: list[Entry]) -> str:
    number = "1 model" if len(entries) == 1 else f"{len(entries)} models"
    return f"{number}, {collecting.size(sum(entry.model.size_bytes for entry in entries))}"


@dataclass(frozen=True)
class _Asked:
    """What a button of the page sends."""

    do: str
    id: str
    text: str
    precision: str


def _add(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
    precision: Precision = next((each for each in PRECISIONS if each == asked.precision), "auto")
    return {"said": f"{collection.add(asked.text, person, precision).what} is on its way."}


def _wish(wish: Wish) -> Act:
    def act(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
        collection.wish(asked.id, wish, person)
        return {"said": ""}

    return act


def _remove(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
    removed = collection.remove(asked.id, person)
    return {"said": f"{removed.name} is in the trash.", "undo": removed.id}


def _restore(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
    return {"said": f"{collection.restore(asked.id, person).name} is back."}


def _empty(collection: Collection, _: _Asked, person: Person) -> dict[str, str]:
    return {"said": f"Removed for good: {collection.empty_trash(person)}."}


def _link(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
    return {"said": f"{collection.link(asked.text, person)} is searched for models from now on."}


def _unlink(collection: Collection, asked: _Asked, person: Person) -> dict[str, str]:
    collection.unlink(asked.id, person)
    return {"said": f"{asked.id} is not searched any more."}


Act = Callable[[Collection, _Asked, Person], dict[str, str]]
ACTS: dict[str, Act] = {
    "add": _add, "pause": _wish("pause"), "resume": _wish("run"), "cancel": _wish("cancel"), "remove": _remove,
    "restore": _restore, "empty": _empty, "link": _link, "unlink": _unlink,
}  # fmt: skip
