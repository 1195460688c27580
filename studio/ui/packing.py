"""Exports and reports under way, each on a thread of its own: the page asks how far it is, and gets the file to download."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from studio.core.errors import Cancelled, StudioError
from studio.core.people import Person
from studio.engine.reports import Format
from studio.ui.pictures import url
from studio.ui.ports import Studio

MOST = 3
"""Packed files that are kept for downloading; older ones go."""
Progress = Callable[[int, int], None]
Make = Callable[[list[str], Path, Person, Progress], tuple[Path, str]]


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

    def __init__(self, studio: Studio, folder: Path) -> None:
        self._studio, self._folder = studio, folder
        self._lock = threading.Lock()
        self._orders: dict[str, _Order] = {}

    def ask(self, asked: Mapping[str, Any], person: Person) -> dict[str, Any]:
        """Begin one (`ids`, and for a report its format as `report`), stop one (`stop`), or tell where one stands (`id`)."""
        if asked.get("ids"):
            kind, title = asked.get("report"), str(asked.get("title") or "")
            make = partial(self._report, kind=str(kind), title=title) if kind else self._export
            return self._begin([str(id) for id in asked["ids"]], person, make)
        id = str(asked.get("id") or asked.get("stop") or "")
        order = self._orders.get(id)
        if order is None:
            return {"id": "", "problem": "This export is not there any more. Ask for it again."}
        order.stop = order.stop or bool(asked.get("stop"))
        return order.told(id)

    def _begin(self, ids: list[str], person: Person, make: Make) -> dict[str, Any]:
        id, order = secrets.token_hex(8), _Order(total=len(ids))
        with self._lock:
            self._orders[id] = order
            old = list(self._orders)[:-MOST]
            for each in old:
                self._orders.pop(each).stop = True
                shutil.rmtree(self._folder / each, ignore_errors=True)
        threading.Thread(target=self._pack, args=(id, order, ids, person, make), daemon=True).start()
        return order.told(id)

    def _pack(self, id: str, order: _Order, ids: list[str], person: Person, make: Make) -> None:
        def progress(done: int, total: int) -> None:
            order.done, order.total = done, total
            if order.stop:
                raise Cancelled("Stopped; nothing was packed.")

        try:
            path, said = make(ids, self._folder / id, person, progress)
        except StudioError as error:
            order.problem = str(error)
            return
        order.said, order.name, order.src = said, path.name, url(path)

    def _export(self, ids: list[str], folder: Path, person: Person, progress: Progress) -> tuple[Path, str]:
        packed = self._studio.gallery.export(ids, folder, person, progress)
        left = f" Left out: {len(packed.left_out)}, gone or not reviewed." if packed.left_out else ""
        return packed.path, f"{packed.pictures} packed, {packed.path.stat().st_size / 1e6:.1f} MB.{left}"

    def _report(
        self, ids: list[str], folder: Path, person: Person, progress: Progress, *, kind: str, title: str
    ) -> tuple[Path, str]:
        records = [record for id in ids if (record := self._studio.record(id))]
        progress(0, len(records))
        format: Format = "html" if kind == "html" else "pdf"
        data = self._studio.reports.make(records, title, format, person)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"report.{format}"
        path.write_bytes(data)
        return path, f"The report is ready, {len(data) / 1e6:.1f} MB."
