"""The page in a window of its own: which browser, and that window and studio end together."""

from __future__ import annotations

import importlib.util
import sys
import threading
from pathlib import Path

import pytest

from studio.cli import window
from studio.cli.window import find_browser, options, show_window

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="a browser made of a shell script"),
    pytest.mark.skipif(importlib.util.find_spec("webview") is not None, reason="pywebview is installed"),
]


def a_browser(folder: Path, body: str, monkeypatch: pytest.MonkeyPatch, name: str = "google-chrome") -> None:
    """A browser that is alone on the search path."""
    path = folder / "bin" / name
    path.parent.mkdir()
    path.write_text(f"#!{sys.executable}\n{body}")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(path.parent))
    monkeypatch.setattr(window, "ELSEWHERE", ())


def test_closing_the_window_ends_the_studio(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told, over = tmp_path / "told", threading.Event()
    a_browser(tmp_path, f"import sys, pathlib\npathlib.Path({str(told)!r}).write_text(' '.join(sys.argv[1:]))", monkeypatch)
    show_window("http://127.0.0.1:7860/", tmp_path / "profile", over)
    assert over.is_set()
    assert told.read_text() == " ".join(options("http://127.0.0.1:7860/", tmp_path / "profile"))
    assert "-m pip install" in capsys.readouterr().out


def test_ending_the_studio_closes_the_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_now = tmp_path / "open"
    a_browser(tmp_path, f"import time, pathlib\npathlib.Path({str(open_now)!r}).touch()\ntime.sleep(60)", monkeypatch)
    over = threading.Event()
    threading.Timer(0.3, over.set).start()
    show_window(
        "http://127.0.0.1:7860/", tmp_path / "profile", over
    )  # returns once the window is gone, long before a minute


def test_without_any_browser_of_that_kind_the_usual_one_opens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_browser(tmp_path, "", monkeypatch, name="lynx")
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    over = threading.Event()
    over.set()
    assert find_browser() == ""
    show_window("http://127.0.0.1:7860/", tmp_path, over)
    assert opened == ["http://127.0.0.1:7860/"]
    assert "usual one opens" in capsys.readouterr().out
