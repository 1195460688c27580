"""The page in a window of its own: pywebview where it is installed, else a browser without its bars."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import threading
import webbrowser
from pathlib import Path

SIZE = (1440, 900)
BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "msedge", "chrome",
    "brave-browser",
)  # fmt: skip
ELSEWHERE = (
    Path("C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe"),
    Path("C:/Program Files/Microsoft/Edge/Application/msedge.exe"),
    Path("C:/Program Files/Google/Chrome/Application/chrome.exe"),
    Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
    Path("/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge"),
    Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
)
"""Where they lie if they are not on the search path."""


def show_window(url: str, profile: Path, over: threading.Event) -> None:
    """Show the page until the window is closed, which sets `over`, or until `over` is set, which closes the window."""
    if importlib.util.find_spec("webview"):
        _show_webview(url, over)
        return
    package = "pywebview[qt]" if sys.platform.startswith("linux") else "pywebview"
    print(f'For a window of the system’s own, run: "{sys.executable}" -m pip install "{package}"', flush=True)
    browser = find_browser()
    if browser:
        _show_browser([browser, *options(url, profile)], over)
        return
    print("No browser was found that shows a page without its bars, so the usual one opens.", flush=True)
    webbrowser.open(url)
    over.wait()


def find_browser() -> str:
    """A browser that knows `--app`; empty if there is none."""
    named = (shutil.which(name) for name in BROWSERS)
    placed = (str(path) for path in ELSEWHERE if path.is_file())
    return next((found for found in (*named, *placed) if found), "")


def options(url: str, profile: Path) -> list[str]:
    """A profile of its own, so that the browser's process is the window's and ends with it."""
    size = f"--window-size={SIZE[0]},{SIZE[1]}"
    return [f"--app={url}", f"--user-data-dir={profile}", size, "--no-first-run", "--no-default-browser-check"]


def _show_browser(command: list[str], over: threading.Event) -> None:
    quiet = subprocess.DEVNULL
    window = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)

    def follow() -> None:
        window.wait()
        over.set()

    threading.Thread(target=follow, daemon=True).start()
    over.wait()
    if window.poll() is None:
        window.terminate()
        window.wait()


def _show_webview(url: str, over: threading.Event) -> None:
    import webview

    window = webview.create_window("Studio", url, width=SIZE[0], height=SIZE[1])

    def follow() -> None:
        over.wait()
        window.destroy()

    threading.Thread(target=follow, daemon=True).start()
    webview.start(private_mode=False)
    over.set()
