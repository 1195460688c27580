"""Settings: the network's switch, the policy's, the audit log, the budget, providers with keys and limits, and the money."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import InvalidRequest, StudioError
from studio.core.hosting import KeyState, Limit, ProviderStatus, Spent
from studio.core.price import dollars
from studio.ui import form, speaking, who
from studio.ui.overseeing import Overseeing, bad, good
from studio.ui.sheet import QUICK
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "Settings", 95, "settings"
TAKES, RIGHT = False, "manage"
TASKS = {"text-to-image": "Words", "image-to-image": "Picture", "inpaint": "Inpaint", "outpaint": "Outpaint"}
EVIDENCE = {
    "official": "official specification",
    "documented": "documentation",
    "third-party": "other people's code",
    "unverified": "not verified",
}
QUIT_AFTER = 0.4
NOTE = (
    "Keys are kept in this computer's keyring, or in the environment; they never come back to this page. "
    "A test is one call that costs nothing."
)


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    SettingsTab(page)


class SettingsTab:
    """No state. Fields are filled when the page opens, so that nothing typed is overwritten; the rest at each visit too."""

    def __init__(self, page: Page) -> None:
        self._studio = page.studio
        statuses = self._studio.providers()
        first = statuses[0] if statuses else None
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"):
            with gr.Column(elem_classes=["fields"]):
                speaking.choice()
                self._offline = gr.Checkbox(
                    label="Offline: nothing leaves this computer", elem_id="settings-offline", elem_classes=["switch"]
                )
                self._budget = gr.Number(
                    label="Budget a day, US dollars", minimum=0, placeholder="none", **form.named(NAME, "budget")
                )
                self._overseeing = Overseeing(page)
                gr.HTML('<h2 class="part">Keys and limits</h2>')
                self._provider = gr.Dropdown(
                    [(status.title, status.name) for status in statuses],
                    value=first.name if first else None,
                    label="Provider",
                    filterable=False,
                    **form.named(NAME, "model"),
                )
                self._about = gr.HTML("", elem_id="settings-about")
                self._key_name = gr.Dropdown([], label="Key", visible=False, **form.named(NAME, "choice_key"))
                self._key = gr.Textbox(
                    label="New key", type="password", max_lines=1, placeholder="Paste it here", **form.named(NAME, "key")
                )
                with gr.Row(elem_classes=["buttons"]):
                    store = gr.Button("Keep key", size="sm", elem_id="settings-store")
                    remove = gr.Button("Remove key", size="sm", elem_id="settings-remove")
                    test = gr.Button("Test key", size="sm", elem_id="settings-test")
                gr.HTML(f'<p class="quiet">{NOTE}</p>')
                with gr.Row(elem_classes=["limits"]):
                    self._at_once = gr.Number(label="Calls at once", precision=0, minimum=1, **form.named(NAME, "at_once"))
                    self._per_minute = gr.Number(label="Calls a minute", minimum=1, **form.named(NAME, "limits"))
                self._leave = _leave_button() if page.quit else None
            with gr.Row(elem_classes=["actions"]):
                self._said = gr.HTML('<p class="quiet">Changes hold at once.</p>', elem_id="settings-said")
                keep = gr.Button("Keep settings", variant="primary", elem_classes=["generate"], min_width=120)
        self._table = gr.HTML("", elem_id="providers", render=False)
        page.beside(self._table)
        self._wire(page, keep, store, remove, test)

    def _wire(self, page: Page, keep: Any, store: Any, remove: Any, test: Any) -> None:
        one = [self._about, self._key_name, self._key, self._at_once, self._per_minute]
        switches = [self._offline, *self._overseeing.switches]
        filled = [self._budget, *switches, *one]
        page.on_load(lambda: dict(zip(filled, self._show_all(), strict=True)), filled)
        page.tab.select(self._refresh, self._provider, [*switches, self._about, self._said, self._table], **QUICK)
        self._provider.select(self._show_one, self._provider, one, **QUICK)
        limits = [self._at_once, self._per_minute]
        inputs = [self._offline, self._budget, self._provider, *limits]
        keep.click(self._keep, inputs, [self._said, self._table], **QUICK)
        self._offline.input(self._keep, inputs, [self._said, self._table], **QUICK)
        asked = [self._provider, self._key_name, self._key]
        store.click(self._store, asked, [self._said, self._about, self._key, self._table], **QUICK)
        remove.click(self._remove, asked[:2], [self._said, self._about, self._key, self._table], **QUICK)
        test.click(self._test, self._provider, [self._said, self._table], show_progress="hidden", api_visibility="private")

        if page.quit and self._leave:
            self._leave.click(partial(_quit, page.quit), None, self._said, **QUICK)

    def _status(self, name: str | None) -> ProviderStatus | None:
        return next((status for status in self._studio.providers() if status.name == name), None)

    def _show_all(self) -> tuple[Any, ...]:
        first = next((status.name for status in self._studio.providers()), "")
        return self._studio.preferences().daily_budget, *self._switches(), *self._show_one(first)

    def _refresh(self, provider: str | None) -> tuple[Any, ...]:
        status = self._status(provider)
        return *self._switches(), about(status) if status else "", "", self._shown()

    def _switches(self) -> tuple[bool, ...]:
        return self._studio.preferences().offline, *self._overseeing.values()

    def _show_one(self, provider: str) -> tuple[Any, ...]:
        status = self._status(provider)
        if status is None:
            return "", gr.skip(), "", None, None
        names = [key.name for key in status.keys]
        chooser = gr.Dropdown(choices=names, value=names[0] if names else None, visible=len(names) > 1)
        limits = status.limit.at_once, status.limit.per_minute
        numbers = [gr.Number(value=limit, visible=bool(status.tasks)) for limit in limits]
        return (about(status), chooser, gr.Textbox(value="", visible=bool(names)), *numbers)

    def _keep(self, offline: bool, budget: float | None, provider: str, at_once: Any, per_minute: Any) -> tuple[Any, Any]:
        try:
            preferences = replace(self._studio.preferences(), offline=offline, daily_budget=budget)
            status = self._status(provider)
            if status and status.tasks and at_once and per_minute:
                limits = {**preferences.limits, provider: Limit(at_once=int(at_once), per_minute=float(per_minute))}
                preferences = replace(preferences, limits=limits)
            self._studio.prefer(preferences, who.current())
        except StudioError as error:
            return bad(str(error)), gr.skip()
        state = "Offline: no provider is called." if offline else "Kept."
        return good(state), self._shown()

    def _store(self, provider: str, name: str | None, value: str) -> tuple[Any, ...]:
        try:
            self._studio.set_key(self._key_of(provider, name), value or "", who.current())
        except StudioError as error:
            return bad(str(error)), gr.skip(), "", gr.skip()
        return self._changed(provider, "The key is kept. Test it to see whether it is good.")

    def _remove(self, provider: str, name: str | None) -> tuple[Any, ...]:
        try:
            self._studio.remove_key(self._key_of(provider, name), who.current())
        except StudioError as error:
            return bad(str(error)), gr.skip(), "", gr.skip()
        return self._changed(provider, "The key is removed.")

    def _test(self, provider: str) -> tuple[Any, Any]:
        try:
            return good(self._studio.test_key(provider, who.current())), self._shown()
        except StudioError as error:
            return bad(str(error)), gr.skip()

    def _changed(self, provider: str, words: str) -> tuple[Any, ...]:
        status = self._status(provider)
        return good(words), about(status) if status else "", "", self._shown()

    def _key_of(self, provider: str, name: str | None) -> str:
        status = self._status(provider)
        names = [key.name for key in status.keys] if status else []
        if not names:
            raise InvalidRequest("This provider needs no key.", "key")
        return name if name in names else names[0]

    def _shown(self) -> str:
        return table(self._studio.providers(), self._studio.spent())


def _leave_button() -> Any:
    gr.HTML('<h2 class="part">This studio</h2>')
    with gr.Row(elem_classes=["buttons"]):
        return gr.Button("Quit the studio", size="sm", elem_id="settings-quit")


def _quit(quit: Callable[[], None]) -> str:
    """It asks nothing and loses nothing; the answer has a moment to arrive."""
    threading.Timer(QUIT_AFTER, quit).start()
    return good("The studio is closed. What is still in the queue goes on at the next start.")


def about(status: ProviderStatus) -> str:
    """Where it is, what its facts rest on, and the state of its keys; HTML."""
    keys = "".join(f"<li>{escape(key_words(key))}</li>" for key in status.keys) or "<li>needs no key</li>"
    where = f"{escape(status.destination)} · interface from {EVIDENCE.get(status.evidence, status.evidence)}"
    trouble = f'<p class="about" data-hindrance><b>{escape(status.unready)}</b></p>' if status.unready else ""
    return f'<p class="about">{where}</p><ul class="keys">{keys}</ul>{trouble}'


def key_words(key: KeyState) -> str:
    """“STABILITY_API_KEY: set in the keyring, ends in …3f”."""
    if not key.place:
        return f"{key.name}: not set"
    return f"{key.name}: set in the {key.place}, ends in …{key.ending}"


def table(statuses: list[ProviderStatus], spent: list[Spent]) -> str:
    """All providers at a glance, and the money by day; HTML."""
    today = time.strftime("%Y-%m-%d")
    paid = {each.provider: each for each in spent if each.day == today}
    rows = "".join(_row(status, paid.get(status.name)) for status in statuses)
    heads = "".join(f"<th>{head}</th>" for head in ("Provider", "Tasks", "Key", "Limits", "Today", "State"))
    return (
        '<div class="providers" tabindex="0" role="region" aria-label="Hosted providers and what they cost">'
        f"<h2>Hosted providers</h2>{_table(heads, rows)}{_spending(spent)}</div>"
    )


def _row(status: ProviderStatus, paid: Spent | None) -> str:
    tasks = "".join(f'<span class="chip">{TASKS[task]}</span>' for task in status.tasks)
    keys = "<br>".join(f"…{escape(key.ending)} <small>{key.place}</small>" if key.place else "–" for key in status.keys)
    limits = (
        f"{status.limit.at_once} at once<br><small>{status.limit.per_minute:g} a minute</small>" if status.tasks else "–"
    )
    today = f"{dollars(paid.amount)}<br><small>{paid.calls} calls</small>" if paid else "–"
    ready = "Ready" if not status.unready else "Not ready"
    live = f"answered {status.verified[:10]}" if status.verified else "not tried yet"
    state = "ready" if not status.unready else "off"
    return (
        f'<tr data-provider="{escape(status.name)}" data-state="{state}" title="{escape(status.unready, quote=True)}">'
        f"<th>{escape(status.title)}<small>{_count(status.models)}</small></th><td>{tasks}</td>"
        f"<td>{keys or 'none needed'}</td>"
        f'<td>{limits}</td><td>{today}</td><td><i class="dot"></i>{ready}<br><small>{live}</small></td></tr>'
    )


def _spending(spent: list[Spent]) -> str:
    if not spent:
        return '<h2>Spent</h2><p class="quiet">Nothing yet.</p>'
    days = list(dict.fromkeys(each.day for each in spent))[:14]
    rows = []
    for day in days:
        own = [each for each in spent if each.day == day]
        parts = ", ".join(f"{escape(each.provider)} {dollars(each.amount)} ({each.calls})" for each in own)
        unsure = sum(each.uncertain for each in own)
        note = f" <small>{unsure} of unknown end</small>" if unsure else ""
        total = dollars(sum(each.amount for each in own))
        rows.append(f"<tr><th>{day}</th><td>{total}</td><td>{parts}{note}</td></tr>")
    heads = "<th>Day</th><th>All</th><th>By provider (calls)</th>"
    return f"<h2>Spent</h2>{_table(heads, ''.join(rows))}"


def _table(heads: str, rows: str) -> str:
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _count(models: int) -> str:
    if not models:
        return "sends pictures to be scored"
    return "1 model" if models == 1 else f"{models} models"
