"""What the grid page shows: what a grid starts from, what it will take, how it gets on, and its cells."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from studio.core.axes import TITLES, Axis
from studio.core.errors import InvalidRequest, StudioError
from studio.core.grid import KeptGrid, Plan
from studio.core.model import Model
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.engine.grids import MadeCell
from studio.ui import enlarging, options, values
from studio.ui.choosing import pick
from studio.ui.pictures import url
from studio.ui.ports import Studio
from studio.ui.suggesting import suggestion
from studio.ui.tabs.text_to_image import NAME as WORDS
from studio.ui.tabs.text_to_image import Words
from studio.ui.thumbs import Thumbs
from studio.ui.words import span

FAULTS_SHOWN = 12
STATES = {"queued": "Waiting", "running": "Being drawn", "delayed": "Held", "done": "Done", "failed": "Failed",
          "blocked": "Blocked", "needs_review": "Look at it", "cancelled": "Cancelled", "missing": "Not queued",
          "fault": "Refused"}  # fmt: skip


def form_request(studio: Studio) -> ImageRequest:
    """What the form of text to image asks for, as it is kept. Raises a `StudioError`."""
    part, models = Words(), studio.models()
    kept = studio.load_draft(WORDS)
    sound = {**part.sound, **options.sound(WORDS), **enlarging.sound(WORDS)}
    model = pick(kept.get("model"), models, WORDS)

    def defaults(model: Model) -> values.Values:
        return {**part.defaults(model), **options.defaults(model, WORDS), **enlarging.defaults(WORDS)}

    read = values.from_draft({**kept, "model": model.id}, models, defaults, sound)
    (task,) = part.tasks(read)
    request = values.to_request(read, model, task, options.read(read, model, WORDS))
    return enlarging.asked(request, read, model)


def base(request: ImageRequest, record: Record | None, models: Sequence[Model], thumbs: Thumbs) -> dict[str, Any]:
    """What a grid starts from, for a reader."""
    title = next((model.title for model in models if model.id == request.model), request.model)
    sampling = request.sampling
    told = (title, f"{sampling.steps} steps" if sampling.steps else "", sampling.sampler or "",
            f"seed {sampling.seed}" if sampling.seed is not None else "one new seed for all")  # fmt: skip
    thumb = thumbs.of(record) if record and record.path else None
    return {
        "from": record.name if record else "the form of Text to image",
        "record": record.id if record else "",
        "prompt": request.prompt,
        "facts": " · ".join(filter(None, told)),
        "thumb": url(thumb) if thumb else "",
    }


def fields(request: ImageRequest, models: Sequence[Model]) -> list[dict[str, str]]:
    """What can be an axis, with values to begin with."""
    return [{"name": name, "title": title, "try": suggestion(name, request, list(models))} for name, title in TITLES.items()]


def planned(plan: Plan) -> dict[str, Any]:
    """What comes of the axes as they stand."""
    told = plan.forecast
    faults = [{"cell": " · ".join(cell.labels), "fault": cell.fault} for cell in plan.faults]
    return {
        "count": len(plan.cells),
        "sides": " × ".join(str(len(names)) for names in plan.labels),
        "cost": told.cost,
        "time": _time(told.seconds, told.untimed, told.pictures),
        "labels": [list(names) for names in plan.labels],
        "faults": faults[:FAULTS_SHOWN],
        "more": max(0, len(faults) - FAULTS_SHOWN),
    }


def _time(seconds: float | None, untimed: int, pictures: int) -> str:
    if seconds is None:
        return "time unknown: nothing was made with it yet"
    return f"about {span(seconds)}" + (f", {untimed} of {pictures} of unknown time" if untimed else "")


def row(grid: KeptGrid, cells: Sequence[MadeCell]) -> dict[str, Any]:
    """One grid of the list."""
    done, active = sum(cell.record is not None for cell in cells), any(cell.is_open for cell in cells)
    lacking = len(cells) - done - sum(cell.is_open for cell in cells)
    state = "active" if active else "done" if not lacking else "broken"
    told = f"{done} of {len(cells)}" + (f", {lacking} without a picture" if lacking else "")
    return {
        "id": grid.id,
        "title": " × ".join(axis.title for axis in grid.axes),
        "prompt": grid.base.prompt[:200],
        "told": told,
        "state": state,
        "done": done / max(1, len(cells)),
        "when": time.strftime("%d %b, %H:%M", time.localtime(grid.created)),
    }


def shown(grid: KeptGrid, cells: Sequence[MadeCell], sheet: Record | None, thumbs: Thumbs) -> dict[str, Any]:
    """The chosen grid with all its cells."""
    return {
        **row(grid, cells),
        "axes": [axis.title for axis in grid.axes],
        "labels": [list(names) for names in grid.labels],
        "cells": [_cell(cell, thumbs) for cell in cells],
        "sheet": {"src": url(sheet.path), "name": sheet.name, "id": sheet.id} if sheet and sheet.path else None,
    }


def _cell(cell: MadeCell, thumbs: Thumbs) -> dict[str, Any]:
    record, job = cell.record, cell.job
    thumb = thumbs.of(record) if record and record.path else None
    progress = job.progress if job and cell.state == "running" else None
    return {
        "state": cell.state,
        "words": STATES.get(cell.state, cell.state),
        "fault": cell.fault,
        "thumb": url(thumb) if thumb else "",
        "record": record.id if record else "",
        "task": record.request.task.kind if record else "",
        "gone": bool(record and not record.path),
        "label": " · ".join(cell.labels),
        "part": progress.step / progress.steps if progress and progress.steps else 0,
    }


def axes_of(told: Any) -> list[Axis]:
    """The axes that a page or a draft tells; those that are not filled in are left out."""
    pairs = [each for each in told if isinstance(each, list | tuple) and len(each) == 2] if isinstance(told, list) else []
    return [Axis(str(field), str(text)[:2000]) for field, text in pairs if field]


def plan_of(studio: Studio, request: ImageRequest, axes: Sequence[Axis]) -> dict[str, Any]:
    """The plan of the axes so far, or what is wrong with them."""
    if not axes:
        return {"problem": "", "field": ""}
    try:
        return planned(studio.grids.plan(request, axes))
    except StudioError as error:
        return {"problem": str(error), "field": error.field if isinstance(error, InvalidRequest) else ""}
