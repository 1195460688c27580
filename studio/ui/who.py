"""Who is acting: found at the door from the session's cookie (`session.py`), and carried along with the request.

Gradio runs queued events on a task of its own, which knows nothing of the request that asked for them. But it hands that
request to every handler and server function, each step of a generator included, and the person stands in it. So there is
nothing to set and nothing to forget: without a request there is nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from studio.core.errors import NotAllowed
from studio.core.people import Person
from studio.ui.ports import Studio

KEY = "studio.person"
"""Where the person stands in a request's ASGI scope."""


def known() -> Person | None:
    """The person on whose request this runs; None where there is no request, as while the page is built."""
    request: Any = LocalContext.request.get(None)
    if isinstance(request, gr.Request):
        request = request.request
    person = request.scope.get(KEY) if request is not None else None
    return person if isinstance(person, Person) else None


def current() -> Person:
    """The person on whose request this runs. Raises `NotAllowed` where nobody asked."""
    person = known()
    if person is None:
        raise NotAllowed("Nobody is signed in. Reload the page and sign in.")
    return person


class OwnDrafts:
    """The studio with unsent forms and easels of each person's own, where people sign in; all else is the studio's."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def __getattr__(self, name: str) -> Any:
        return getattr(self._studio, name)

    def load_draft(self, form: str) -> dict[str, Any]:
        person = known()
        return self._studio.load_draft(f"{form} of {person.name}") if person else {}

    def save_draft(self, form: str, values: Mapping[str, Any]) -> None:
        self._studio.save_draft(f"{form} of {current().name}", values)
