"""The pictures and masks that requests start from: `<data>/sources/ab/<sha256>.png`, each kept once, never changed."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from studio.core.errors import InvalidRequest, KeepError
from studio.core.opening import header, open_picture
from studio.core.request import Source
from studio.library.files import locked, write_new
from studio.library.records import SqliteRecords

_SUFFIXES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp"}
"""What every browser shows; other formats are kept as PNG."""


class SourceFiles:
    """`studio.core.ports.Sources`. Safe across threads and processes. The folder is served: only pictures lie in it."""

    def __init__(self, data: Path, records: SqliteRecords) -> None:
        self._folder, self._lock, self._records = data / "sources", data / "sources.lock", records
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        return self._folder

    def add(self, data: bytes, name: str = "", record: str = "") -> Source:
        """Keep a picture file's bytes. Raises `InvalidRequest` for what is no picture, `KeepError` if the disk is full."""
        format_name, size = header(data, name or "the picture")
        own = hashlib.sha256(data).hexdigest()
        if format_name not in _SUFFIXES:
            data, format_name = _as_png(data, name), "PNG"
        sha256 = hashlib.sha256(data).hexdigest()
        parent = record or self._records.with_file(own)
        try:
            with locked(self._lock):
                write_new(self._folder / sha256[:2], sha256 + _SUFFIXES[format_name], data)
        except OSError as error:
            raise KeepError(f"The picture cannot be kept in {self._folder}: {error.strerror}. Free some space.") from error
        return Source(sha256=sha256, width=size.width, height=size.height, name=name, record=parent)

    def read(self, source: Source) -> bytes:
        """The bytes again. Raises `InvalidRequest` if they are gone or not the same any more."""
        path = self.path(source)
        data = path.read_bytes() if path else b""
        if hashlib.sha256(data).hexdigest() != source.sha256:
            state = "has changed on the disk" if path else "is gone"
            raise InvalidRequest(f"The picture {source.name or 'to start from'} {state}. Choose it again.", "image")
        return data

    def path(self, source: Source) -> Path | None:
        return next((place for place in self._places(source.sha256) if place.is_file()), None)

    def remove(self, sha256: str) -> None:
        """Remove a picture for good, if it is here. Raises `KeepError`."""
        try:
            with locked(self._lock):
                for place in self._places(sha256):
                    place.unlink(missing_ok=True)
        except OSError as error:
            raise KeepError(
                f"A picture in {self._folder} cannot be removed: {error.strerror}. Allow writing to it, then try again."
            ) from error

    def _places(self, sha256: str) -> list[Path]:
        return [self._folder / sha256[:2] / (sha256 + suffix) for suffix in _SUFFIXES.values()]


def _as_png(data: bytes, name: str) -> bytes:
    file = io.BytesIO()
    open_picture(data, name or "the picture").save(file, "PNG")
    return file.getvalue()
