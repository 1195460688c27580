"""Examined files that are made again, to compare what comes of it."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from pathlib import Path
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.ui import who
from studio.ui.tabs import Page

MOST_OFFERED = 500


class FilesAgain:
    """Makes examined files again: each file that told its settings is offered by the token of its reading."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._files: OrderedDict[str, Path] = OrderedDict()
        self._told: set[str] = set()
        quick: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
        page.view.select(self._take, None, page.view, **quick)

    def offer(self, token: str, path: Path) -> None:
        self._files[token] = path
        while len(self._files) > MOST_OFFERED:
            self._files.popitem(last=False)

    def _take(self, event: gr.EventData) -> Any:
        """The button was pressed. A doubt is said; pressed once more, it is meant."""
        data = event._data
        token = str(data.get("again") or "") if isinstance(data, dict) else ""
        path = self._files.get(token)
        if path is None:
            return gr.skip()
        notice: dict[str, Any] = {"turn": secrets.token_hex(4), "form": "text-to-image"}
        try:
            sure = token in self._told
            job, doubt = self._page.studio.making.again_file(path.read_bytes(), path.name, who.current(), sure=sure)
        except (StudioError, OSError) as error:
            return gr.HTML(notice={**notice, "problem": {"field": "", "message": str(error)}})
        if job is None:
            self._told.add(token)
            return gr.HTML(notice={**notice, "problem": {"field": "", "message": doubt}})
        self._page.desk.touch()
        return gr.HTML(notice={**notice, "job": job.id})
