"""Grids on the small studio of the page's tests: the engine's own way, with a list in memory for the library's table."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from studio.core.axes import Axis
from studio.core.grid import KeptGrid
from studio.core.request import ImageRequest
from studio.core.result import Draft, Record
from studio.engine.grids import Grids


class MemoryGrids:
    """`studio.core.grid.GridStore` in a dict."""

    def __init__(self) -> None:
        self._kept: dict[str, KeptGrid] = {}

    def add(
        self, id: str, base: ImageRequest, axes: Sequence[Axis], labels: Sequence[Sequence[str]], faults: Sequence[str]
    ) -> KeptGrid:
        named = tuple(tuple(names) for names in labels)
        self._kept[id] = KeptGrid(id=id, base=base, axes=tuple(axes), labels=named, jobs=("",) * len(faults),
                                  faults=tuple(faults), created=time.time())  # fmt: skip
        return self._kept[id]

    def put(self, id: str, cells: Mapping[int, tuple[str, str]]) -> KeptGrid:
        jobs, faults = list(self._kept[id].jobs), list(self._kept[id].faults)
        for place, (job, fault) in cells.items():
            jobs[place], faults[place] = job, fault
        self._kept[id] = replace(self._kept[id], jobs=tuple(jobs), faults=tuple(faults))
        return self._kept[id]

    def set_sheet(self, id: str, record: str) -> None:
        self._kept[id] = replace(self._kept[id], sheet=record)

    def find(self, id: str) -> KeptGrid | None:
        return self._kept.get(id)

    def newest(self, limit: int = 50) -> list[KeptGrid]:
        return list(reversed(self._kept.values()))[:limit]

    def remove(self, id: str) -> None:
        self._kept.pop(id, None)


def grids_of(studio: Any) -> Grids:
    def keep(draft: Draft) -> Record:
        path = studio.outputs / f"{draft.id}.png"
        draft.picture.image.save(path)
        record = Record(id=draft.id, job=draft.job, path=path, name=path.name, request=draft.request, created=draft.created,
                        sha256=hashlib.sha256(path.read_bytes()).hexdigest(), width=draft.picture.image.width,
                        height=draft.picture.image.height, seed=draft.picture.seed, facts=draft.facts)  # fmt: skip
        studio.put_record(record)
        return record

    return Grids(studio, MemoryGrids(), keep, version=studio.version)
