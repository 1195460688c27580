"""Small copies of large pictures for the strip, in a private folder that every start empties."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from studio.core.errors import InvalidRequest
from studio.core.opening import open_picture
from studio.core.result import Record

SIDE = 256
SMALL = 400
"""Pictures up to this side are shown as they are."""


class Thumbs:
    """Made one after the other in the background; until one is there, the tile stays empty."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._asked: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="thumbs")

    def of(self, record: Record) -> Path | None:
        """The file a tile shows: the picture itself if it is small, its copy, or None while that is being made."""
        if record.path is None or max(record.width, record.height) <= SMALL:
            return record.path
        copy = self.folder / f"{record.id}.webp"
        if copy.exists():
            return copy
        if record.id not in self._asked:
            self._asked.add(record.id)
            self._pool.submit(self._make, record.path, copy)
        return None

    def _make(self, source: Path, copy: Path) -> None:
        with suppress(InvalidRequest, OSError):
            image = open_picture(source.read_bytes(), source.name).convert("RGB")
            image.thumbnail((SIDE, SIDE))
            self.folder.mkdir(parents=True, exist_ok=True)
            part = copy.with_suffix(".part")
            image.save(part, "WEBP", quality=80)
            part.replace(copy)
