"""People: who may sign in and what each may do. For admins, and only where people sign in at all."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import StudioError
from studio.core.people import ROLES, Person, Role
from studio.ui import form, who
from studio.ui.sheet import QUICK
from studio.ui.tabs import Page

TITLE, PLACE, NAME = "People", 96, "people"
TAKES, RIGHT, SHARED_ONLY = False, "manage", True
NEW = ""
"""The choice that stands for somebody who has no account yet."""
MAY: dict[Role, str] = {
    "creator": "makes and shares pictures",
    "reviewer": "also decides on pictures that wait for review",
    "admin": "also sets up providers, keys, people and rules",
}
NOTE = "Everybody sees all pictures of this studio. A new password ends all sessions of that person, and so does removing."


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    PeopleTab(page)


class PeopleTab:
    """No state: everything is asked for when the tab is opened and after each change."""

    def __init__(self, page: Page) -> None:
        self._accounts = page.accounts
        with gr.Column(elem_classes=["sheet"], elem_id=f"sheet-{NAME}"):
            with gr.Column(elem_classes=["fields"]):
                self._person = gr.Dropdown(
                    [("Somebody new", NEW)], value=NEW, label="Person", filterable=False, **form.named(NAME, "model")
                )
                self._name = gr.Textbox(
                    label="Name", max_lines=1, placeholder="as it is typed to sign in", **form.named(NAME, "name")
                )
                self._role = gr.Radio(
                    [(role.capitalize(), role) for role in ROLES], value="creator", label="Role", **form.named(NAME, "role")
                )
                self._may = gr.HTML(_may("creator"), elem_id="people-may")
                self._password = gr.Textbox(
                    label="Password", type="password", max_lines=1, placeholder="at least 10 characters",
                    **form.named(NAME, "password"),
                )  # fmt: skip
                with gr.Row(elem_classes=["buttons"]):
                    self._remove = gr.Button("Remove this person", size="sm", elem_id="people-remove", visible=False)
                gr.HTML(f'<p class="quiet">{NOTE}</p>')
            with gr.Row(elem_classes=["actions"]):
                self._said = gr.HTML("", elem_id="people-said")
                self._keep = gr.Button("Add", variant="primary", elem_classes=["generate"], min_width=120)
        self._table = gr.HTML("", elem_id="people", render=False)
        page.beside(self._table)
        self._wire(page)

    def _wire(self, page: Page) -> None:
        fields = [self._name, self._role, self._may, self._password, self._remove, self._keep]
        everything = [self._person, *fields, self._said, self._table]
        page.tab.select(self._open, self._person, everything, **QUICK)
        self._person.select(self._choose, self._person, [*fields, self._said], **QUICK)
        self._role.input(_may, self._role, self._may, **QUICK)
        asked = [self._person, self._name, self._role, self._password]
        self._keep.click(self._store, asked, everything, **QUICK)
        self._remove.click(self._drop, self._person, everything, **QUICK)

    def _open(self, chosen: str) -> tuple[Any, ...]:
        """The list and the table as they are now; what somebody types meanwhile stays, unless its person is gone."""
        if chosen != NEW and not self._accounts.find(chosen):
            return self._shown(NEW, "")
        people, shown = self._listed(chosen)
        return people, *[gr.skip()] * 6, "", shown

    def _choose(self, name: str) -> tuple[Any, ...]:
        return (*self._fields(name), "")

    def _store(self, person: str, name: str, role: Role, password: str) -> tuple[Any, ...]:
        try:
            if person == NEW:
                added = self._accounts.add(name or "", password or "", role, who.current())
                return self._shown(NEW, _good(f"{added.name} can sign in now."))
            changed = self._accounts.change(person, who.current(), password=password or "", role=role)
        except StudioError as error:
            return self._refused(error)
        words = "Kept, with the new password." if password else "Kept."
        return self._shown(changed.name, _good(words))

    def _drop(self, person: str) -> tuple[Any, ...]:
        try:
            self._accounts.remove(person, who.current())
        except StudioError as error:
            return self._refused(error)
        return self._shown(NEW, _good(f"{person} cannot sign in any more. The pictures stay."))

    def _refused(self, error: StudioError) -> tuple[Any, ...]:
        return (*[gr.skip()] * 4, "", *[gr.skip()] * 2, _bad(str(error)), gr.skip())

    def _shown(self, chosen: str, said: str) -> tuple[Any, ...]:
        """All of the tab: the list, the fields of the chosen person, what was said, the table."""
        people, shown = self._listed(chosen)
        return people, *self._fields(chosen), said, shown

    def _listed(self, chosen: str) -> tuple[Any, str]:
        """Everybody, as a list to choose from and as the table."""
        people = self._accounts.all(who.current())
        choices = [("Somebody new", NEW), *((person.name, person.name) for person in people)]
        return gr.Dropdown(choices=choices, value=chosen), table(people, who.current())

    def _fields(self, name: str) -> tuple[Any, ...]:
        found = self._accounts.find(name) if name else None
        role: Role = found.role if found else "creator"
        password = gr.Textbox(value="", label="New password" if found else "Password",
                              placeholder="empty keeps the old one" if found else "at least 10 characters")  # fmt: skip
        return (
            gr.Textbox(value="", visible=not found),
            role,
            _may(role),
            password,
            gr.Button(visible=bool(found)),
            gr.Button("Keep" if found else "Add"),
        )


def table(people: list[Person], reader: Person) -> str:
    """Everybody at a glance; HTML."""
    rows = "".join(
        f'<tr data-person="{escape(person.name, quote=True)}"><th>{escape(person.name)}{_you(person, reader)}</th>'
        f'<td><span class="chip">{person.role}</span></td><td>{MAY[person.role]}</td></tr>'
        for person in people
    )
    heads = "<th>Name</th><th>Role</th><th>May</th>"
    table = f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="providers" tabindex="0" role="region" aria-label="People"><h2>People</h2>{table}</div>'


def _you(person: Person, reader: Person) -> str:
    return "<small>you</small>" if person.name == reader.name else ""


def _may(role: Role) -> str:
    return f'<p class="quiet">{"An" if role == "admin" else "A"} {role} {MAY[role]}.</p>'


def _good(words: str) -> str:
    return f'<p class="quiet" role="status">{escape(words)}</p>'


def _bad(words: str) -> str:
    return f'<p class="bad" role="alert">{escape(words)}</p>'
