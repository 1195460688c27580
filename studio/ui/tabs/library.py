"""Library: every picture there is, as a grid that scrolls at any length; words, filters, boards, stars, tags, the trash."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.ui import browsing, who
from studio.ui.easel import uploaded
from studio.ui.library_acts import act, count
from studio.ui.packing import Packing
from studio.ui.pictures import url
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Library", 85, "library"
TAKES, RIGHT = False, "create"
HERE = Path(__file__).parent.parent
SCRIPTS = ("library_grid.js", "library_look.js", "library_side.js", "library.js")
MOST_THUMBS = 200
MOST_CHOSEN = 5000


def build(page: Page) -> None:
    """Lay the tab out; its own script does the rest."""
    LibraryTab(page)


class LibraryTab:
    """No state but the exports under way: pictures, marks, boards and rights are the studio's."""

    def __init__(self, page: Page) -> None:
        self._studio, self._gallery, self._desk = page.studio, page.studio.gallery, page.desk
        self._thumbs, self._packing = page.desk.thumbs, Packing(page.studio, page.desk.thumbs.folder / "exports")
        self._bringing = threading.Lock()
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"), gr.Column(elem_classes=["fields"]):
            side = (HERE / "library_side.html").read_text("utf-8")
            gr.HTML(html_template=side, apply_default_css=False, elem_id="library-side")

        page.beside(
            gr.HTML(
                html_template=(HERE / "library.html").read_text("utf-8"),
                js_on_load="\n".join((HERE / name).read_text("utf-8") for name in SCRIPTS),
                server_functions=[*self._looking(), *self._doing()],
                apply_default_css=False,
                elem_id="library",
                render=False,
            )
        )

    def _looking(self) -> list[Callable[..., Any]]:
        """What the page asks for, under the names that its script knows."""

        def library_news(asked: dict[str, Any]) -> dict[str, Any]:
            return self._news(asked)

        def library_page(asked: dict[str, Any]) -> dict[str, Any]:
            return self._page(asked)

        def library_thumbs(ids: list[str]) -> dict[str, str]:
            return self._small(ids)

        def library_show(id: str) -> dict[str, Any]:
            return self._show(id)

        def library_choose(wanted: dict[str, Any]) -> dict[str, Any]:
            return self._choose(wanted)

        return [library_news, library_page, library_thumbs, library_show, library_choose]

    def _doing(self) -> list[Callable[..., Any]]:
        """What the page has done."""

        def library_act(asked: dict[str, Any]) -> dict[str, Any]:
            return act(self._gallery, asked, who.current())

        def library_bring_in(asked: dict[str, str]) -> dict[str, Any]:
            return self._bring_in(asked)

        def library_pack(asked: dict[str, Any]) -> dict[str, Any]:
            return self._packing.ask(asked, who.current())

        return [library_act, library_bring_in, library_pack]

    def _news(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Where the library stands; the outline, the boards and the filters only if something has changed."""
        edition = self._gallery.edition()
        if str(asked.get("edition")) == str(edition):
            return {"edition": str(edition)}
        wanted = browsing.wanted_of(asked.get("wanted"))
        outline, person = self._gallery.outline(wanted), who.current()
        boards = [
            {"id": board.id, "title": board.title, "count": board.count,
             "mine": board.by == person.name or person.may("review")}
            for board in self._gallery.boards()
        ]  # fmt: skip
        return {
            "edition": str(outline.edition),
            "count": outline.count,
            "marks": [str(mark) for mark in outline.marks],
            "boards": boards,
            "filters": browsing.filters(self._gallery.choices(), self._studio.models()),
        }

    def _page(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        start, end = (int(key) if (key := asked.get(name)) else None for name in ("start", "end"))
        seen = self._gallery.page(browsing.wanted_of(asked.get("wanted")), start, end)
        return {"items": [browsing.tile(each, self._thumbs) for each in seen]}

    def _small(self, ids: list[str]) -> dict[str, str]:
        """Small copies that are there by now; the others are being made."""
        found = {}
        for id in [str(id) for id in ids][:MOST_THUMBS]:
            copy = self._thumbs.ready(id)
            if copy is not None:
                found[id] = url(copy)
            elif (source := self._gallery.file_of(id)) is not None:
                self._thumbs.ask(id, source)
            else:
                found[id] = ""
        return found

    def _show(self, id: str) -> dict[str, Any]:
        """A picture large, with all that is known of it."""
        record = self._studio.record(str(id))
        if record is None:
            return {"problem": "This picture is not in the library any more."}
        marks = self._gallery.marks(record.id)
        small = self._thumbs.ready(record.id)
        return {
            "id": record.id, "src": url(record.path) if record.path else "", "small": url(small) if small else "",
            "name": record.name, "alt": record.request.prompt, "w": record.width, "h": record.height,
            "state": record.state, "path": str(record.path or ""), "html": self._desk.details(record.id),
            "stars": marks.stars, "tags": marks.tags, "note": marks.note, "boards": marks.boards,
            "tree": browsing.tree(record, self._studio.children(record.id), self._gallery, self._thumbs),
        }  # fmt: skip

    def _bring_in(self, asked: Mapping[str, str]) -> dict[str, Any]:
        """One uploaded file; several at once wait for each other, so that memory stays flat."""
        name = str(asked.get("name") or "")[:300]
        try:
            data = uploaded(str(asked.get("path") or ""))
            with self._bringing:
                found = self._gallery.bring_in(data, name, who.current())
        except (StudioError, OSError) as error:
            return {"problem": f"{name}: {error}"}
        finally:
            self._desk.touch()
        return {"id": found.record.id, "new": found.is_new}

    def _choose(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """All that are wanted, for “Select all”."""
        ids = self._gallery.ids(browsing.wanted_of(wanted), MOST_CHOSEN + 1)
        if len(ids) <= MOST_CHOSEN:
            return {"ids": ids, "said": ""}
        return {"ids": ids[:MOST_CHOSEN], "said": f"The first {count(MOST_CHOSEN)} are selected."}
