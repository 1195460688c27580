"""Chromium, the real studio and a small one.

Without a browser the tests are skipped with their reason; with STUDIO_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import TOY, RunningStudio, Visits, untoured
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
FLAGS += ["--disable-sync", "--no-first-run"]

expect.set_options(timeout=20_000)  # another file's tests run beside these


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One for a module: while Playwright is open, its event loop stands in the way of tests that need their own."""
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        reason = f"no browser: none of {', '.join(names)} is installed"
        pytest.fail(reason) if os.environ.get("STUDIO_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def studio(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The real studio with the starter model, one for all tests; tests of it use their own words as prompts."""
    running = RunningStudio(tmp_path_factory.mktemp("studio")).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def toy(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStudio]:
    """The page in front of the small studio of `tests/ui/fakes.py`, whose jobs fail on demand."""
    running = RunningStudio(tmp_path_factory.mktemp("toy"), TOY).start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def window(chromium: Browser) -> BrowserContext:
    return untoured(chromium.new_context())


@pytest.fixture
def visit(window: BrowserContext) -> Iterator[Visits]:
    """Afterwards no request may have left this computer, and no error be logged."""
    visits = Visits(window)
    yield visits
    visits.close()
    assert visits.foreign == []
    assert visits.errors == []
