"""Compare: two to four kept pictures side by side, under a slider, or as the difference of two; and how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.result import Record
from studio.ui import comparing
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Compare", 60, "compare"
TAKES, RIGHT = False, "create"
HERE = Path(__file__).parent.parent
RECENT = 48


def build(page: Page) -> None:
    """Lay the tab out; its own script does the rest."""
    CompareTab(page)


class CompareTab:
    """No state: which pictures were chosen is kept as the tab's draft, so that a reload shows the same."""

    def __init__(self, page: Page) -> None:
        self._studio, self._thumbs = page.studio, page.desk.thumbs
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"), gr.Column(elem_classes=["fields"]):
            choosing = (HERE / "compare_choose.html").read_text("utf-8")
            gr.HTML(html_template=choosing, apply_default_css=False, elem_id="compare-choose")

        def compare_look(asked: dict[str, Any]) -> dict[str, Any]:
            return self._look(asked)

        def compare_measure(asked: dict[str, Any]) -> dict[str, str]:
            return self._measure(asked)

        page.beside(
            gr.HTML(
                html_template=(HERE / "compare.html").read_text("utf-8"),
                js_on_load=(HERE / "zoom.js").read_text("utf-8") + (HERE / "compare.js").read_text("utf-8"),
                server_functions=[compare_look, compare_measure],
                apply_default_css=False,
                elem_id="compare",
                render=False,
            )
        )

    def _look(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The chosen pictures and those to choose from. Without `ids` they are those chosen last."""
        told = asked.get("ids") if isinstance(asked, Mapping) else None
        ids = told if isinstance(told, list) else self._studio.load_draft(NAME).get("ids")
        records = self._records(ids)
        if isinstance(told, list):
            with suppress(StudioError):
                self._studio.save_draft(NAME, {"ids": [record.id for record in records]})
        return {
            "pictures": [comparing.shown(record) for record in records],
            "differences": comparing.differences(records, self._studio.models()) if len(records) > 1 else [],
            "recent": [comparing.small(record, self._thumbs) for record in self._studio.recent(RECENT) if record.path],
        }

    def _measure(self, asked: Mapping[str, Any]) -> dict[str, str]:
        """How near two pictures are, with their heat map; or what is wrong."""
        records = self._records([asked.get("one"), asked.get("other")])
        if len(records) != 2:
            return {"problem": "One of the two is not in the library any more."}
        try:
            return comparing.measured(records[0], records[1], self._thumbs.folder)
        except (StudioError, OSError) as error:
            return {"problem": str(error)}

    def _records(self, ids: Any) -> list[Record]:
        """Those that are still known, each once."""
        wanted = dict.fromkeys(str(id) for id in ids) if isinstance(ids, list) else {}
        found = (self._studio.record(id) for id in list(wanted)[: comparing.MOST])
        return [record for record in found if record]
