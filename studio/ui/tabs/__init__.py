"""One file, one tab: a module here with TITLE, PLACE, NAME, TAKES (pictures) and `build(page)` is a tab of the page.

RIGHT is what its reader needs (`create` if it does not say): others neither see the tab nor get an answer from it.
With SHARED_ONLY it is shown only where people sign in.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from studio.core.evidence import Reading
from studio.core.people import Person, Right
from studio.engine.accounts import Accounts
from studio.ui.desk import Desk
from studio.ui.ports import Studio


@dataclass(frozen=True)
class Page:
    """What a tab gets: the studio, the desk, and the component that shows the desk and carries its events.

    When a page opens, what a tab gave to `on_load` (what to show, and where) runs with that of all tabs in one event.
    `makers` are the tabs (name, title) that make pictures, `readings` settings read from files by token, `tab` the own tab.
    `quit` ends the studio; None where the reader may not.
    What a tab puts `beside` the fields is shown in the place of the desk's stage while the tab is open.
    """

    studio: Studio
    accounts: Accounts
    desk: Desk
    view: Any
    on_load: Callable[[Callable[[], dict[Any, Any]], list[Any]], None]
    beside: Callable[[Any], None]
    makers: tuple[tuple[str, str], ...] = ()
    readings: OrderedDict[str, Reading] = field(default_factory=OrderedDict)
    tab: Any = None
    quit: Callable[[], None] | None = None


def right_of(tab: Any) -> Right:
    """What the reader of a tab needs."""
    right: Right = getattr(tab, "RIGHT", "create")
    return right


def is_shown(tab: Any, person: Person, accounts: Accounts) -> bool:
    """Whether this person gets to see the tab."""
    return person.may(right_of(tab)) and (accounts.asked or not getattr(tab, "SHARED_ONLY", False))


def tabs() -> list[Any]:
    """The tab modules in the order of their PLACE."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return sorted(modules, key=lambda module: int(module.PLACE))
