"""Reads `presets/wildcards/**/*.txt` and `presets/styles.toml`: words that prompts are made with.

A wildcard file is one choice a line; empty lines and lines that begin with `#` are left out. Styles:

[[style]]
name = "Oil painting"
prompt = "oil painting of {prompt}, thick strokes"   # without {prompt} the words come behind it
negative = "photo"
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from studio.core.styles import Style

WILDCARDS, STYLES = "wildcards", "styles.toml"
MAX_BYTES = 4_000_000
"""Of one file: a wildcard of a hundred thousand lines."""


class WordFolder:
    """`studio.core.styles.Words` in a presets folder. A faulty file is left out, with a sentence in the log."""

    def __init__(self, presets: Path) -> None:
        self._folder, self._styles = presets / WILDCARDS, presets / STYLES

    def wildcard(self, name: str) -> tuple[str, ...] | None:
        """Names are compared, never put into a path, so that none leads out of the folder."""
        found = [path for known, path in self._files() if fnmatchcase(known.lower(), name.lower())]
        return tuple(line for path in found for line in _lines(path)) if found else None

    def wildcards(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self._files())

    def styles(self) -> tuple[Style, ...]:
        styles, faults = read_styles(self._styles)
        for fault in faults:
            logging.getLogger("studio").warning(fault)
        return styles

    def _files(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self._folder.rglob("*.txt")):
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(self._folder).with_suffix("").as_posix(), path


def read_styles(path: Path) -> tuple[tuple[Style, ...], tuple[str, ...]]:
    """The styles of a file, and a sentence for what of it could not be used."""
    if not path.is_file():
        return (), ()
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("style", [])
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        return (), (f"{path.name} cannot be read ({error}). Mend the line it names.",)
    styles: dict[str, Style] = {}
    faults = []
    for entry in entries if isinstance(entries, list) else [entries]:
        if _is_sound(entry) and entry["name"] not in styles:
            styles[entry["name"]] = Style(**entry)
        else:
            faults.append(
                f"{path.name}: the style {entry!r:.80} has no name of its own, or keys besides prompt and negative."
            )
    return tuple(styles.values()), tuple(faults)


def _is_sound(entry: Any) -> bool:
    known = {field.name for field in fields(Style)}
    if not isinstance(entry, dict) or not set(entry) <= known or not str(entry.get("name", "")).strip():
        return False
    return all(isinstance(value, str) for value in entry.values())


def _lines(path: Path) -> list[str]:
    if path.stat().st_size > MAX_BYTES:
        logging.getLogger("studio").warning("The wildcard %s is larger than %d MB; it was left out.", path, MAX_BYTES >> 20)
        return []
    lines = (line.strip() for line in path.read_text(encoding="utf-8-sig", errors="replace").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
