"""A launched page in front of a small real studio."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_people import some_accounts
from fakes import FakeStudio
from putting_away import put_away

from studio import settings
from studio.core.people import Person
from studio.engine.accounts import Accounts


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[FakeStudio, Any]]:
    """A studio and its page on a free port."""
    folder = tmp_path_factory.mktemp("page")
    settings.quieten(folder / "temporary")
    from studio.ui.app import build, launch

    outputs = folder / "outputs"
    outputs.mkdir()
    studio = FakeStudio(outputs)
    (folder / "temporary").mkdir()
    (folder / "temporary" / "left-over.bin").write_bytes(b"from an earlier run")
    accounts, temporary = some_accounts(folder / "data"), folder / "temporary"
    page = launch(build(studio, accounts), accounts, host="127.0.0.1", port=0, temporary=temporary, open_browser=False)
    yield studio, page
    put_away(studio, page)


@pytest.fixture
def owner_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the page's parts directly is asked by the studio's owner."""
    from studio.ui import who

    monkeypatch.setattr(who, "known", lambda: Person(""))


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a page for a studio with these accounts; it is closed afterwards."""
    pages: list[tuple[FakeStudio, Any]] = []

    def opened(studio: FakeStudio, accounts: Accounts) -> Any:
        from studio.ui.app import build, launch

        page = launch(
            build(studio, accounts), accounts, host="127.0.0.1", port=0, temporary=tmp_path / "t", open_browser=False
        )
        pages.append((studio, page))
        return page

    yield opened
    for studio, page in pages:
        put_away(studio, page)
