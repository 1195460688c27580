"""The part of the settings that concerns everybody: the policy's switch, prompts in the audit log, and the log itself."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.ui import who
from studio.ui.pictures import url
from studio.ui.sheet import QUICK
from studio.ui.tabs import Page


class Overseeing:
    """Every change holds at once and stands in the log. `switches` show what `values` returns."""

    def __init__(self, page: Page) -> None:
        self._studio, self._folder = page.studio, page.desk.thumbs.folder / "exports"
        gr.HTML('<h2 class="part">Policy and audit log</h2>')
        switch: dict[str, Any] = {"elem_classes": ["switch"]}
        policy = gr.Checkbox(label="Check prompts and pictures by the policy", elem_id="settings-policy", **switch)
        prompts = gr.Checkbox(label="Keep prompts in the audit log", elem_id="settings-audit-prompts", **switch)
        self.switches = [policy, prompts]
        with gr.Row(elem_classes=["buttons"]):
            check = gr.Button("Check log", size="sm", elem_id="audit-check")
            lines = gr.Button("Export JSON", size="sm", elem_id="audit-jsonl")
            table = gr.Button("Export CSV", size="sm", elem_id="audit-csv")
        said = gr.HTML("", elem_id="audit-said")
        for field in self.switches:
            field.input(self._prefer, self.switches, said, **QUICK)
        check.click(self._check, None, said, **QUICK)
        lines.click(lambda: self._export(as_csv=False), None, said, **QUICK)
        table.click(lambda: self._export(as_csv=True), None, said, **QUICK)

    def values(self) -> tuple[bool, bool]:
        """What the switches show."""
        preferences = self._studio.preferences()
        return preferences.policy, preferences.audit_prompts

    def _prefer(self, policy: bool, prompts: bool) -> str:
        try:
            preferences = replace(self._studio.preferences(), policy=policy, audit_prompts=prompts)
            self._studio.prefer(preferences, who.current())
        except StudioError as error:
            return bad(str(error))
        checked = "Prompts and pictures are checked by the policy" if policy else "Nothing is checked by the policy"
        return good(f"{checked}; new rows of the log {'hold' if prompts else 'do not hold'} prompts.")

    def _check(self) -> str:
        rows, broken, why = self._studio.oversight.audit_verify()
        if broken is None:
            return good(f"{rows} rows, all fit.")
        return bad(
            f"The audit log is broken: {why}. What comes before row {broken} fits. Compare it with an earlier export."
        )

    def _export(self, *, as_csv: bool) -> str:
        """Writes the log where the page can fetch it once; an older export is removed."""
        name = f"audit.{'csv' if as_csv else 'jsonl'}"
        path = self._folder / secrets.token_hex(16) / name
        try:
            shutil.rmtree(self._folder, ignore_errors=True)
            path.parent.mkdir(parents=True)
            with path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(self._studio.oversight.audit_export(who.current(), as_csv=as_csv))
        except (StudioError, OSError) as error:
            return bad(str(error))
        return f'<p role="status"><a class="button" href="{escape(url(path))}" download="{name}">Save {name}</a></p>'


def good(words: str) -> str:
    """Something went as asked; HTML."""
    return f'<p class="quiet" role="status">{escape(words)}</p>'


def bad(words: str) -> str:
    """Something is wrong; HTML."""
    return f'<p class="bad" role="alert">{escape(words)}</p>'
