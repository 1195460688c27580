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
    """One model after the other, in the background, and only those that somebody asked for: each is gigabytes to read."""

    def __init__(self, data: Path) -> None:
        self._file = data / "model_hashes.json"
        self._lock = threading.Lock()
        self._known: dict[str, str] | None = None
        self._asked: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="hashes")

    def of(self, files: Sequence[Path], *, now: bool = False) -> str:
        """The SHA-256 over the files in order, as pictures name it; empty if it is not known. `now` begins to compute it."""
        key = _key(files)
        if not key:
            return ""
        with self._lock:
            known = self._load().get(key, "")
            if known or not now or key in self._asked:
                return known
            self._asked.add(key)
        self._pool.submit(self._compute, tuple(files), key)
        return ""

    def _compute(self, files: Sequence[Path], key: str) -> None:
        digest = hashlib.sha256()
        with suppress(OSError):
            for file in files:
                with file.open("rb") as stream:
                    while block := stream.read(BLOCK):
                        digest.update(block)
            with self._lock:
                known = self._load()
                known[key] = digest.hexdigest()
                write_private(self._file, json.dumps(known, indent=0))
        with self._lock:
            self._asked.discard(key)

    def _load(self) -> dict[str, str]:
        if self._known is None:
            try:
                told: Any = json.loads(self._file.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                told = {}
            self._known = {str(key): str(value) for key, value in told.items()} if isinstance(told, dict) else {}
        return self._known


def _key(files: Sequence[Path]) -> str:
    """Changes when a file does; empty where one is missing."""
    try:
        return "|".join(f"{file}:{(stat := file.stat()).st_mtime_ns}:{stat.st_size}" for file in files)
    except OSError:
        return ""
