"""Review: people decide on what the checks flagged; and the report of what was made, refused and decided."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.review import DECISIONS
from studio.ui import who
from studio.ui.report import report
from studio.ui.reviewing import bench, queue
from studio.ui.screened import find
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Review", 92, "review"
TAKES, RIGHT = False, "review"
HERE = Path(__file__).parent.parent
DAYS = 14


def build(page: Page) -> None:
    """Lay the tab out; its own script does the rest."""
    ReviewTab(page)


class ReviewTab:
    """No state: the queue, the claims and the decisions are the studio's."""

    def __init__(self, page: Page) -> None:
        self._studio, self._oversight, self._thumbs = page.studio, page.studio.oversight, page.desk.thumbs

        def review_list(_asked: object = None) -> dict[str, Any]:
            return self._list()

        def review_show(id: str) -> dict[str, Any]:
            return self._show(id)

        def review_decide(asked: dict[str, Any]) -> str:
            return self._decide(asked)

        def review_undo(_asked: object = None) -> dict[str, str]:
            return self._undo()

        def review_report(_asked: object = None) -> str:
            return report(self._oversight.statistics(DAYS))

        def review_find(asked: dict[str, Any]) -> dict[str, str]:
            return find(self._studio, asked)

        component = gr.HTML(
            html_template=(HERE / "review.html").read_text("utf-8"),
            js_on_load=(HERE / "review.js").read_text("utf-8"),
            server_functions=[review_list, review_show, review_decide, review_undo, review_report, review_find],
            apply_default_css=False,
            elem_id="review",
            render=False,
        )
        page.beside(component)

    def _list(self) -> dict[str, Any]:
        waiting = self._oversight.waiting(who.current())
        return {
            "ids": [record.id for record in waiting],
            "html": queue(waiting, self._thumbs),
            "count": self._oversight.count(),
        }

    def _show(self, id: str) -> dict[str, Any]:
        """The picture with all that speaks for and against it; and who else holds it."""
        record = self._studio.record(str(id))
        if record is None:
            return {"html": '<p class="empty"><b>This picture is not in the library any more.</b></p>', "holder": ""}
        holder = self._oversight.claim(record.id, who.current())
        return {"html": bench(record, self._studio.models(), self._oversight.history(record.id)), "holder": holder}

    def _decide(self, asked: Mapping[str, Any]) -> str:
        """A sentence if it cannot be decided, else nothing."""
        decision = str(asked.get("decision"))
        if decision not in DECISIONS:
            return "This page is older than the studio. Reload it."
        try:
            note = str(asked.get("note") or "")[:2000]
            self._oversight.decide(str(asked.get("id")), decision, note, who.current())
        except StudioError as error:
            return str(error)
        return ""

    def _undo(self) -> dict[str, str]:
        try:
            entry = self._oversight.undo(who.current())
        except StudioError as error:
            return {"problem": str(error)}
        return {"id": entry.record} if entry else {"problem": "There is no decision of yours to take back."}
