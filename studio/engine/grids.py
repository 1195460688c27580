"""Grids: planned before anything runs, made in the batch lane, kept, gone on with after a break, and put on one sheet."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from studio.core.adapters import Offer, require_offers
from studio.core.axes import Axis
from studio.core.errors import InvalidRequest, StudioError
from studio.core.grid import GridStore, KeptGrid, Plan, paces_of, plan_grid
from studio.core.grid_sheet import LARGEST_CELL, Sheet, draw_sheet
from studio.core.job import Job, Lane
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.people import Person
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture, Record
from studio.core.review import ReviewStatus
from studio.engine import reproduce
from studio.engine.logbook import Logbook, SilentAudit
from studio.engine.press import KeepSheet
from studio.engine.prompting import Prompting
from studio.engine.rights import require
from studio.engine.shelf import Shelf

REMEMBERED = 300
"""Kept pictures whose times a forecast goes by."""
CLOSED: tuple[ReviewStatus, ...] = ("pending", "escalated", "rejected")


class Studio(Protocol):
    """The part of the studio that this needs."""

    def models(self) -> list[Model]: ...

    def adapters(self) -> list[Offer]: ...

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Job: ...

    def cancel(self, id: str, person: Person | None = None) -> Job: ...

    def job(self, id: str) -> Job | None: ...

    def record(self, id: str) -> Record | None: ...

    def recent(self, limit: int = 60, before: str | None = None) -> list[Record]: ...


@dataclass(frozen=True, kw_only=True)
class MadeCell:
    """Where one cell of a kept grid stands. `state` is its job's, or “missing” or “fault”."""

    place: tuple[int, ...]
    labels: tuple[str, ...]
    state: str
    job: Job | None = None
    record: Record | None = None
    fault: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in ("queued", "running", "delayed")


class Grids:
    """Each method that queues raises as `Studio.submit` does, and `InvalidRequest` for what is no grid."""

    def __init__(
        self, studio: Studio, store: GridStore, keep_sheet: KeepSheet, *, log: Logbook | None = None,
        prompting: Prompting | None = None, version: str = "",
    ) -> None:  # fmt: skip
        self._studio, self._store, self._keep_sheet, self._version = studio, store, keep_sheet, version
        self._log = log or Logbook(SilentAudit())
        self._prompting = prompting or Prompting()

    def base_of(self, record: Record) -> ImageRequest:
        """What a grid from a kept picture starts from: all that made it, its seed too."""
        return replace(reproduce.of_record(record, None).request, again=None)

    def plan(self, base: ImageRequest, axes: Sequence[Axis]) -> Plan:
        """Every cell, what is wrong with it, and what all of them will take. Nothing is queued."""
        models, offers = self._studio.models(), self._studio.adapters()
        paces = paces_of(self._studio.recent(REMEMBERED), {model.id: model for model in models})
        (first, *_) = self._prompting.requests(replace(base, count=1))

        def check(request: ImageRequest) -> None:
            if request.adapters:
                require_offers(request, offers)

        return plan_grid(first, axes, models, check=check, paces=paces)

    def start(self, base: ImageRequest, axes: Sequence[Axis], person: Person) -> KeptGrid:
        """Keep the grid and queue its cells in the batch lane. A grid with a faulty cell is not begun."""
        require(person, "create")
        plan = self.plan(base, axes)
        if plan.faults:
            first, others = plan.faults[0], len(plan.faults) - 1
            more = f" {others} more cells cannot be made either." if others else ""
            raise InvalidRequest(f"{' · '.join(first.labels)}: {first.fault}{more}")
        id = secrets.token_hex(6)
        named = replace(plan.base, user=person.name, user_in_file=person.in_files)
        grid = self._store.add(id, named, plan.axes, plan.labels, [""] * len(plan.cells))
        return self._queue(grid, {number: cell.request for number, cell in enumerate(plan.cells)}, person)

    def go_on(self, id: str, person: Person) -> KeptGrid:
        """Queue once more what is missing, failed or was cancelled."""
        grid = self._own(id, person)
        wanted = [number for number, cell in enumerate(self.cells(grid)) if cell.record is None and not cell.is_open]
        plan = self._again(grid)
        return self._queue(grid, {number: plan[number] for number in wanted}, person)

    def cancel(self, id: str, person: Person) -> int:
        """Stop what has not ended; returns how many cells that were."""
        waiting = [cell.job for cell in self.cells(self._own(id, person)) if cell.job and cell.is_open]
        for job in reversed(waiting):  # the last first, so that the next one does not begin meanwhile
            self._studio.cancel(job.id, person)
        return len(waiting)

    def remove(self, id: str, person: Person) -> None:
        """Forget the grid; its pictures stay."""
        self._own(id, person)
        self._store.remove(id)

    def find(self, id: str) -> KeptGrid | None:
        return self._store.find(id)

    def newest(self, limit: int = 50) -> list[KeptGrid]:
        return self._store.newest(limit)

    def cells(self, grid: KeptGrid) -> list[MadeCell]:
        return [
            self._cell(grid, place, job, fault)
            for place, job, fault in zip(grid.places, grid.jobs, grid.faults, strict=True)
        ]

    def sheet(self, id: str, person: Person) -> Record:
        """Put the pictures on one sheet, stamped and kept as a picture of its own.

        It waits for a review while one of its pictures does. No detector scores it: they are made for single pictures.
        """
        grid = self._own(id, person)
        cells = self.cells(grid)
        if not any(cell.record for cell in cells):
            raise InvalidRequest("The grid has no picture yet, so there is nothing to put on a sheet.")
        image = draw_sheet(_sheet(grid, cells))
        held = any(cell.record and cell.record.review_status in CLOSED for cell in cells)
        draft = Draft(
            id=f"grid-{id}-{secrets.token_hex(3)}", job=f"grid-{id}", request=grid.base, role=person.role,
            picture=Picture(image=image, seed=grid.base.sampling.seed or 0),
            created=datetime.now(UTC).isoformat(timespec="milliseconds"),
            facts={"studio": self._version, "grid": _facts(grid, cells)},
            notes=("sheet of a grid: put together of kept pictures",),
            review_status="pending" if held else "not_needed",
        )  # fmt: skip
        record = self._keep_sheet(draft)
        self._log.kept(Job(id=draft.job, request=replace(grid.base, user=person.name), state="done"), [record])
        self._store.set_sheet(id, record.id)
        return record

    def _queue(self, grid: KeptGrid, requests: Mapping[int, ImageRequest], person: Person) -> KeptGrid:
        """What cannot be queued is said in its cell; the others go on."""
        for number, request in requests.items():
            try:
                told = (self._studio.submit(request, "batch", person).id, "")
            except StudioError as error:
                told = ("", str(error))
            grid = self._store.put(grid.id, {number: told})
        return grid

    def _again(self, grid: KeptGrid) -> dict[int, ImageRequest]:
        """The request of each cell: its job's, or planned anew for one that never had a job."""
        jobs = {number: self._studio.job(job) for number, job in enumerate(grid.jobs) if job}
        known = {number: job.request for number, job in jobs.items() if job}
        if len(known) < len(grid.jobs):
            plan = plan_grid(grid.base, grid.axes, self._studio.models())
            if plan.labels != grid.labels:
                raise InvalidRequest(
                    "The values of this grid mean something else now. Begin it anew from one of its pictures."
                )
            known = {**{number: cell.request for number, cell in enumerate(plan.cells)}, **known}
        return known

    def _cell(self, grid: KeptGrid, place: tuple[int, ...], id: str, fault: str) -> MadeCell:
        labels, job = grid.labels_of(place), self._studio.job(id) if id else None
        if job is None:
            return MadeCell(place=place, labels=labels, state="fault" if fault else "missing", fault=fault)
        record = self._studio.record(job.records[0]) if job.records else None
        told = job.message if job.is_over and record is None else ""
        return MadeCell(place=place, labels=labels, state=job.state, job=job, record=record, fault=told)

    def _own(self, id: str, person: Person) -> KeptGrid:
        """One's own grid, or the right to decide on those of others."""
        grid = self._store.find(id)
        if grid is None:
            raise InvalidRequest("There is no such grid any more.")
        require(person, "create" if grid.base.user == person.name else "review")
        return grid


def grids_of(studio: Studio, shelf: Shelf, prompting: Prompting | None, version: str) -> Grids:
    """Those of a studio; one without a library for them says so when it is asked."""
    store, press = shelf.grids or _NoStore(), shelf.keep_sheet or _no_press
    return Grids(studio, store, press, log=Logbook(shelf.audit), prompting=prompting, version=version)


def _sheet(grid: KeptGrid, cells: Sequence[MadeCell]) -> Sheet:
    pictures, missing = {}, {}
    for cell in cells:
        with suppress(InvalidRequest, OSError):
            if cell.record and cell.record.path:
                picture = open_picture(cell.record.path.read_bytes(), cell.record.name)
                picture.thumbnail((LARGEST_CELL, LARGEST_CELL))  # all of them are in memory at once
                pictures[cell.place] = picture
        if cell.place not in pictures:
            missing[cell.place] = cell.fault or ("The file is gone." if cell.record else f"No picture: {cell.state}")
    titles = tuple(axis.title for axis in grid.axes)
    return Sheet(titles=titles, labels=grid.labels, pictures=pictures, missing=missing, heading=grid.base.prompt[:200])


def _facts(grid: KeptGrid, cells: Sequence[MadeCell]) -> dict[str, Any]:
    """What the sheet's own record and file tell of it."""
    return {
        "id": grid.id,
        "axes": [{"field": axis.field, "values": list(names)} for axis, names in zip(grid.axes, grid.labels, strict=True)],
        "cells": [
            {"place": list(cell.place), "record": cell.record.id if cell.record else "", "state": cell.state,
             "sha256": cell.record.sha256 if cell.record else ""}
            for cell in cells
        ],
    }  # fmt: skip


class _NoStore:
    """A studio opened without its library keeps no grids."""

    def add(
        self, id: str, base: ImageRequest, axes: Sequence[Axis], labels: Sequence[Sequence[str]], faults: Sequence[str]
    ) -> KeptGrid:
        raise InvalidRequest("This studio was opened without its library, so it makes no grids. Start it with studio.py.")

    def put(self, id: str, cells: Mapping[int, tuple[str, str]]) -> KeptGrid:
        raise LookupError(id)

    def set_sheet(self, id: str, record: str) -> None: ...

    def find(self, id: str) -> KeptGrid | None:
        return None

    def newest(self, limit: int = 50) -> list[KeptGrid]:
        return []

    def remove(self, id: str) -> None: ...


def _no_press(draft: Draft) -> Record:
    raise InvalidRequest("This studio was opened without its library, so it keeps no sheets. Start it with studio.py.")
