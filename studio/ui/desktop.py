"""The page on the owner's own computer: a kept picture opens in the system's viewer, or its folder does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from studio.core.result import Record
from studio.engine.accounts import Accounts
from studio.ui.ports import Studio

PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def is_owner(accounts: Accounts) -> bool:
    """Whether whoever reads the page sits at this computer: without accounts the page answers on loopback alone."""
    return not accounts.asked


def functions(studio: Studio, accounts: Accounts) -> list[Callable[[Any], Any]]:
    """What the page's script calls."""

    def open_file(asked: dict[str, Any]) -> str:
        return show(studio, accounts, asked)

    return [open_file]


def show(studio: Studio, accounts: Accounts, asked: Mapping[str, Any]) -> str:
    """Open a kept picture, named by its record and never by a path; a sentence where that cannot be."""
    if not is_owner(accounts):
        return "Files are opened on the studio’s own computer, so only its owner can do that. Download the picture instead."
    record = studio.record(str(asked.get("id") or ""))
    if record is None or record.path is None or record.path.suffix.lower() not in PICTURES:
        return "The file of this picture is gone."
    try:
        path = record.path.absolute()
        _run(command(path, sys.platform, reveal=bool(asked.get("reveal"))), path)
    except OSError:
        return f"This computer has no program for that. The file lies in {record.path.parent}."
    return ""


def command(path: Path, platform: str, *, reveal: bool) -> list[str]:
    """What opens a file, or the folder it lies in; empty where Windows opens it by itself."""
    match platform:
        case "win32":
            return ["explorer", "/select,", str(path)] if reveal else []
        case "darwin":
            return ["open", *(["-R"] if reveal else []), str(path)]
        case _:
            return ["xdg-open", str(path.parent if reveal else path)]


def tools(record: Record) -> str:
    """The two buttons."""
    id = escape(record.id)
    return (
        f'<button data-open="{id}">Open file</button><button data-open="{id}" data-reveal>Show in folder</button>'
        if record.path
        else ""
    )


def _run(words: list[str], path: Path) -> None:
    if not words:
        os.startfile(path)  # type: ignore[attr-defined]  # noqa: S606  Windows alone has it
        return
    quiet = subprocess.DEVNULL
    viewer = subprocess.Popen(words, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    threading.Thread(target=viewer.wait, daemon=True).start()
