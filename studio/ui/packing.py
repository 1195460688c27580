"""Exports under way: each packs on a thread of its own, the page asks how far it is, and gets the file to download."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.core.errors import Cancelled, StudioError
from studio.core.people import Person
from studio.ui.gallery_port import Gallery
from studio.ui.pictures import url

MOST = 3
"""Packed files that are kept for downloading; older ones go."""


@dataclass
class _Order:
    """One export; `stop` is set by the page."""

    done: int = 0
    total: int = 0
    src: str = ""
    name: str = ""
    said: str = ""
    problem: str = ""
    stop: bool = False

    def told(self, id: str) -> dict[str, Any]:
        return {"id": id, "done": self.done, "total": self.total, "src": self.src, "name": self.name, "said": self.said,
                "problem": self.problem}  # fmt: skip


class Packing:
    """Thread-safe. `folder` is served, emptied at every start, and its names cannot be guessed."""

    def __init__(self, gallery: Gallery, folder: Path) -> None:
        self._gallery, self._folder = gallery, folder
        self._lock = threading.Lock()
        self._orders: dict[str, _Order] = {}

    def ask(self, asked: Mapping[str, Any], person: Person) -> dict[str, Any]:
        """Begin one (`ids`), stop one (`stop`), or tell where one stands (`id`)."""
        if asked.get("ids"):
            return self._begin([str(id) for id in asked["ids"]], person)
        id = str(asked.get("id") or asked.get("stop") or "")
        order = self._orders.get(id)
        if order is None:
            return {"id": "", "problem": "This export is not there any more. Ask for it again."}
        order.stop = order.stop or bool(asked.get("stop"))
        return order.told(id)

    def _begin(self, ids: list[str], person: Person) -> dict[str, Any]:
        id, order = secrets.token_hex(8), _Order(total=len(ids))
        with self._lock:
            self._orders[id] = order
            old = list(self._orders)[:-MOST]
            for each in old:
                self._orders.pop(each).stop = True
                shutil.rmtree(self._folder / each, ignore_errors=True)
        threading.Thread(target=self._pack, args=(id, order, ids, person), daemon=True).start()
        return order.told(id)

    def _pack(self, id: str, order: _Order, ids: list[str], person: Person) -> None:
        def progress(done: int, total: int) -> None:
            order.done, order.total = done, total
            if order.stop:
                raise Cancelled("Stopped; nothing was packed.")

        try:
            packed = self._gallery.export(ids, self._folder / id, person, progress)
        except StudioError as error:
            order.problem = str(error)
            return
        left = f" Left out: {len(packed.left_out)}, gone or not reviewed." if packed.left_out else ""
        size = packed.path.stat().st_size / 1e6
        order.said = f"{packed.pictures} packed, {size:.1f} MB.{left}"
        order.name, order.src = packed.path.name, url(packed.path)
