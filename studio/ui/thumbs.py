"""Small copies of large pictures, made once and kept in a private folder."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from studio.core.errors import InvalidRequest
from studio.core.gallery import thumb_name
from studio.core.opening import open_picture
from studio.core.result import Record

SIDE = 320
SMALL = 400
"""Pictures up to this side are shown as they are."""
MOST_WAITING = 300
"""Who scrolls fast asks for thousands; the ones asked for last are made first, and older wishes are forgotten."""


class Thumbs:
    """Made one after the other in the background; until one is there, the tile stays empty.

    `folder` is emptied at every start and holds what is made for one look; `kept` stays, `folder` if there is none.
    """

    def __init__(self, folder: Path, kept: Path | None = None) -> None:
        self.folder, self._kept = folder, kept or folder
        self._lock = threading.Lock()
        self._waiting: OrderedDict[str, Path] = OrderedDict()
        self._vain: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="thumbs")

    @property
    def folders(self) -> tuple[Path, ...]:
        """What the page serves from here."""
        return self.folder, self._kept

    def of(self, record: Record) -> Path | None:
        """The file a tile shows: the picture itself if it is small, its copy, or None while that is being made."""
        if record.path is None or max(record.width, record.height) <= SMALL:
            return record.path
        copy = self.ready(record.id)
        if copy is None:
            self.ask(record.id, record.path)
        return copy

    def ready(self, id: str) -> Path | None:
        """The small copy, if it was made."""
        copy = self._kept / thumb_name(id)
        return copy if copy.exists() else None

    def ask(self, id: str, source: Path) -> None:
        """Have a small copy made; what was asked for last comes first."""
        with self._lock:
            if id in self._vain:
                return
            is_new = id not in self._waiting
            self._waiting[id] = source
            self._waiting.move_to_end(id)
            if len(self._waiting) > MOST_WAITING:
                self._waiting.popitem(last=False)
        if is_new:
            self._pool.submit(self._next)

    def _next(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            id, source = self._waiting.popitem()
        copy = self._kept / thumb_name(id)
        with suppress(InvalidRequest, OSError):
            if not copy.exists():
                _make(source, copy)
            return
        self._vain.add(id)


def _make(source: Path, copy: Path) -> None:
    image = open_picture(source.read_bytes(), source.name).convert("RGB")
    image.thumbnail((SIDE, SIDE))
    copy.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = copy.with_suffix(".part")
    image.save(part, "WEBP", quality=80)
    part.replace(copy)
