"""SHA-256 of models' main weights, computed once and kept by path, time and size in `<data>/model_hashes.json`."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from studio.settings import write_private

BLOCK = 1 << 20


class Hashes:
    """One model after the other, in the background, and only those that somebody asked for: each is gigabytes to read.

    Models are named by the place they lie in. Looking is a few `stat`s a model and reads nothing.
    """

    def __init__(self, data: Path) -> None:
        self._file = data / "model_hashes.json"
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, Any]] | None = None
        self._asked: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashes")

    def of(self, place: str) -> str:
        """The SHA-256 of the model's main weights; empty if it is not known, or a file has changed since."""
        with self._lock:
            known = self._load().get(place, {})
        files = known.get("files")
        current = _stamp([Path(str(file)) for file in files]) if isinstance(files, list) else ""
        return str(known.get("sha256", "")) if current and current == known.get("stamp") else ""

    def compute(self, place: str, files: Sequence[Path]) -> None:
        """Begin to hash these files, in order, as pictures name them."""
        with self._lock:
            if place in self._asked or not files:
                return
            self._asked.add(place)
        self._pool.submit(self._compute, place, tuple(files))

    def _compute(self, place: str, files: Sequence[Path]) -> None:
        digest, stamp = hashlib.sha256(), _stamp(files)
        with suppress(OSError):
            for file in files:
                with file.open("rb") as stream:
                    while block := stream.read(BLOCK):
                        digest.update(block)
            with self._lock:
                known = self._load()
                known[place] = {"sha256": digest.hexdigest(), "stamp": stamp, "files": [str(file) for file in files]}
                write_private(self._file, json.dumps(known, indent=0))
        with self._lock:
            self._asked.discard(place)

    def _load(self) -> dict[str, dict[str, Any]]:
        if self._known is None:
            try:
                told: Any = json.loads(self._file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                told = {}
            items = told.items() if isinstance(told, dict) else ()
            self._known = {str(place): value for place, value in items if isinstance(value, dict)}
        return self._known


def _stamp(files: Sequence[Path]) -> str:
    """Changes when a file does; empty where one is missing."""
    try:
        return "|".join(f"{(stat := file.stat()).st_mtime_ns}:{stat.st_size}" for file in files)
    except OSError:
        return ""
