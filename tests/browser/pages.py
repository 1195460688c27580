"""What the browser tests work with: a studio as a process, and pages that listen for trouble."""

from __future__ import annotations

import itertools
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import forks
from playwright.sync_api import BrowserContext, Page, Request, expect

ROOT = Path(__file__).resolve().parents[2]
TOY = str(Path(__file__).parent / "toy_page.py")
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
RUN = int(os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid():08x}")[:8], 16) % 12
PORTS = itertools.count(20_000 + 1000 * RUN + 500 * WORKER)  # a studio that is started again finds its port free
LOCAL = {"127.0.0.1", "localhost"}
SLOWLY = """window.requestAnimationFrame = (draw) => setTimeout(() => draw(performance.now()), 70);
window.cancelAnimationFrame = clearTimeout;"""


def _free_port() -> int:
    for port in PORTS:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise AssertionError("unreachable")


class RunningStudio:
    """`python -m studio` on folders of its own; it can be ended and started again.

    Without the watermark, so that pixels outside a mask can be compared with their source's; `marked` puts it on.
    """

    def __init__(self, folder: Path, *arguments: str, marked: bool = False) -> None:
        self._marked = marked
        self.folder, self.outputs = folder, folder / "outputs"
        self._arguments = arguments or ("-m", "studio", "--no-browser")
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self) -> RunningStudio:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("STUDIO_")}
        folders = {"STUDIO_DATA": str(self.folder / "data"), "STUDIO_OUTPUTS": str(self.outputs)}
        environment = {**kept, **folders, "STUDIO_MODELS": str(self.folder / "models"), "STUDIO_THREADS": "1"}
        environment["STUDIO_WATERMARK"] = "on" if self._marked else "off"
        port = str(urlsplit(self.url).port or _free_port())
        self._process = subprocess.Popen(
            [forks.python(), *self._arguments, "--port", port], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        self.url = self._address()
        return self

    def _address(self) -> str:
        assert self._process
        assert self._process.stdout
        for line in self._process.stdout:
            if found := re.search(r"http://\S+", line):
                return found.group()
        raise AssertionError("the studio ended before its page was open")

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.communicate(timeout=30)
            self._process = None

    def kept(self) -> list[Path]:
        return sorted(self.outputs.rglob("*.png"))


class Visits:
    """Opens pages in the module's browser window, or in a new one, and listens to them.

    A page costs seconds of a core, so the last one stays open for the next test of the module, as it would for a user;
    `anew` loads it again.
    """

    def __init__(self, window: BrowserContext) -> None:
        self._window = window
        self._fresh: list[BrowserContext] = []
        self._heard: list[Page] = []
        self._ears = {
            "request": self._asked,
            "console": lambda message: self.errors.append(message.text) if message.type == "error" else None,
            "pageerror": lambda error: self.errors.append(str(error)),
        }
        self.foreign: list[str] = []
        self.errors: list[str] = []

    def __call__(self, url: str, *, width: int = 1440, fresh: bool = False, anew: bool = False) -> Page:
        window = self._window
        kept = next((page for page in window.pages if page.url == url), None)
        if kept and not (fresh or anew):
            self._listen(kept)
            if kept.viewport_size != (size := {"width": width, "height": 900}):
                kept.set_viewport_size(size)
            kept.evaluate("document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close())")
            kept.evaluate("document.getElementById('tab-text-to-image-button').click()")
            return ready(kept)
        if fresh and window.browser:
            window = untoured(window.browser.new_context())
            self._fresh.append(window)
        page = window.new_page()
        page.set_viewport_size({"width": width, "height": 900})
        self._listen(page)
        page.goto(url)
        return ready(page)

    def _listen(self, page: Page) -> None:
        for event, hear in self._ears.items():
            page.on(event, hear)  # type: ignore[call-overload]
        self._heard.append(page)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in LOCAL:
            self.foreign.append(request.url)

    def forgive(self) -> None:
        """Errors so far were meant: the test took the studio away."""
        self.errors.clear()

    def close(self) -> None:
        for page in self._heard:
            for event, hear in self._ears.items():
                page.remove_listener(event, hear)
        for page in self._window.pages[:-1]:
            page.close()
        for window in self._fresh:
            window.close()


def untoured(window: BrowserContext) -> BrowserContext:
    """A browser whose user knows the studio. An idle page of Gradio draws sixty times a second; here fourteen do."""
    window.add_init_script("localStorage.setItem('studio-tour', 'done')")
    window.add_init_script(SLOWLY)
    return window


def ready(page: Page) -> Page:
    """The form is restored and the desk has answered."""
    expect(page.locator("body[data-ready] #sheet-text-to-image .generate")).to_be_visible(timeout=30_000)
    expect(page.locator("#queue h2")).to_be_visible(timeout=30_000)
    expect(page.locator("#worker")).not_to_have_text("Starting the engine…")
    return page


def settled(page: Page) -> Page:
    """What was changed in the forms is kept; what an answer changes is kept in the moment after it."""
    page.wait_for_timeout(100)
    expect(page.locator("body[data-ready]:not([data-keeping])")).to_be_attached(timeout=20_000)
    return page


def until(wanted: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something outside the page."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
