"""Grid: two or three settings as axes, or one thing changed alone; what it takes is said first, what comes of it is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.grid import KeptGrid
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.ui import gridding, who
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Grid", 61, "grid"
TAKES, RIGHT = False, "create"
HERE = Path(__file__).parent.parent
LISTED = 30


def build(page: Page) -> None:
    """Lay the tab out; its own script does the rest."""
    GridTab(page)


class GridTab:
    """What is being set up is kept as the tab's draft, grids and their jobs are the studio's.

    Here is remembered only how grids ended, so that a long list does not ask for thousands of jobs each second.
    """

    def __init__(self, page: Page) -> None:
        self._studio, self._thumbs, self._desk = page.studio, page.desk.thumbs, page.desk
        self._ended: dict[str, tuple[KeptGrid, dict[str, Any]]] = {}
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"), gr.Column(elem_classes=["fields"]):
            form = (HERE / "grid_form.html").read_text("utf-8")
            gr.HTML(html_template=form, apply_default_css=False, elem_id="grid-form")

        def grid_look(asked: dict[str, Any]) -> dict[str, Any]:
            return self._look(asked)

        def grid_start(asked: dict[str, Any]) -> dict[str, Any]:
            return self._start(asked)

        def grid_news(asked: dict[str, Any]) -> dict[str, Any]:
            return self._news(asked)

        def grid_act(asked: dict[str, Any]) -> dict[str, Any]:
            return self._act(asked)

        page.beside(
            gr.HTML(
                html_template=(HERE / "grid.html").read_text("utf-8"),
                js_on_load=(HERE / "grid.js").read_text("utf-8"),
                server_functions=[grid_look, grid_start, grid_news, grid_act],
                apply_default_css=False,
                elem_id="grid",
                render=False,
            )
        )

    def _look(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What the grid starts from and what comes of its axes. Without `axes` they are those of the draft."""
        kept = self._studio.load_draft(NAME)
        told = {**kept, **asked} if isinstance(asked, Mapping) else kept
        request, record, problem = self._base(told)
        models, axes = self._studio.models(), gridding.axes_of(told.get("axes"))
        if isinstance(asked, Mapping) and asked:
            self._keep({"record": record.id if record else "", "axes": [[axis.field, axis.text] for axis in axes]})
        if request is None:
            return {"problem": problem}
        return {
            "base": gridding.base(request, record, models, self._thumbs),
            "fields": gridding.fields(request, models),
            "axes": [[axis.field, axis.text] for axis in axes],
            "plan": gridding.plan_of(self._studio, request, axes),
        }

    def _base(self, told: Mapping[str, Any]) -> tuple[ImageRequest | None, Record | None, str]:
        """A kept picture, or the form of text to image."""
        record = self._studio.record(str(told.get("record") or ""))
        try:
            if record:
                return self._studio.grids.base_of(record), record, ""
            return gridding.form_request(self._studio), None, ""
        except StudioError as error:
            return None, record, str(error)

    def _start(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        request, _, problem = self._base(asked)
        if request is None:
            return {"problem": problem}
        try:
            grid = self._studio.grids.start(request, gridding.axes_of(asked.get("axes")), who.current())
        except StudioError as error:
            return {"problem": str(error)}
        self._keep({"shown": grid.id})
        self._desk.touch()
        return {"id": grid.id, "said": f"{len(grid.jobs)} pictures are queued behind what you do yourself."}

    def _news(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The list and the chosen grid, as far as they differ from what the page has."""
        told = asked if isinstance(asked, Mapping) else {}
        kept = str(told.get("shown") or self._studio.load_draft(NAME).get("shown") or "")
        grids = self._studio.grids.newest(LISTED)
        chosen = next((grid for grid in grids if grid.id == kept), grids[0] if grids else None)
        parts: dict[str, Any] = {
            "list": [self._row(grid, is_shown=grid is chosen) for grid in grids],
            "shown": self._shown(chosen) if chosen else None,
        }
        if chosen and told.get("shown") == chosen.id:
            self._keep({"shown": chosen.id})
        digest = {
            name: hashlib.blake2b(json.dumps(part).encode(), digest_size=9).hexdigest() for name, part in parts.items()
        }
        raw = told.get("seen")
        seen: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        return {**{name: part for name, part in parts.items() if digest[name] != seen.get(name)}, "seen": digest}

    def _row(self, grid: KeptGrid, *, is_shown: bool) -> dict[str, Any]:
        known = self._ended.get(grid.id)
        if known and known[0] == grid and not is_shown:
            return known[1]
        row = gridding.row(grid, self._studio.grids.cells(grid))
        if row["state"] != "active":
            self._ended[grid.id] = grid, row
        return row

    def _shown(self, grid: KeptGrid) -> dict[str, Any]:
        return gridding.shown(grid, self._studio.grids.cells(grid), self._studio.record(grid.sheet), self._thumbs)

    def _act(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What a button of a grid says; a sentence under `said` or `problem`."""
        grids, id = self._studio.grids, str(asked.get("id"))
        try:
            person = who.current()
            match str(asked.get("do")):
                case "cancel":
                    return {"said": f"Stopped: {grids.cancel(id, person)} pictures."}
                case "go-on":
                    grids.go_on(id, person)
                    return {"said": "What had no picture is queued again."}
                case "remove":
                    grids.remove(id, person)
                    return {"said": "The grid is forgotten. Its pictures stay."}
                case "sheet":
                    return {"said": f"The sheet is kept as {grids.sheet(id, person).name}."}
                case _:
                    return {"problem": "This page is older than the studio. Reload it."}
        except StudioError as error:
            return {"problem": str(error)}
        finally:
            self._desk.touch()

    def _keep(self, changed: dict[str, Any]) -> None:
        """A draft that does not change is not written again."""
        kept = self._studio.load_draft(NAME)
        if {**kept, **changed} != kept:
            with suppress(StudioError):
                self._studio.save_draft(NAME, {**kept, **changed})


def _digest(part: Any) -> str:
    return hashlib.blake2b(json.dumps(part).encode(), digest_size=9).hexdigest()
