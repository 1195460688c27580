"""Deleted pictures' files: `<data>/trash/<record>/<name>`, until the trash is emptied. Their rows stay for good.

    delete    the file into the trash, the row says deleted, the file out of `outputs/`
    restore   the file into `outputs/`, the row says kept, the file out of the trash
    empty     what is left of a delete or a restore that was cut off is finished, then the trash goes

A file is written whole in its new place before it leaves the old one, so a crash anywhere costs nothing but a second copy,
and the same call, or the next `empty`, ends it. A picture whose file was gone already has no folder here.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from studio.core.errors import InvalidRequest, KeepError
from studio.core.gallery import thumb_name
from studio.core.result import Record
from studio.library.files import locked, sync_folder, write_new, writer_of
from studio.library.records import SqliteRecords


class TrashFolder:
    """`studio.core.ports.Trash`. Safe across threads and processes."""

    def __init__(self, data: Path, outputs: Path, records: SqliteRecords) -> None:
        self._folder, self._lock, self._thumbs = data / "trash", data / "trash.lock", data / "thumbs"
        self._outputs, self._records, self._writer = outputs, records, writer_of(data)

    def delete(self, record: str) -> Record:
        """Again on a deleted one is no error. Raises `InvalidRequest`, or `KeepError` if the file cannot be moved."""
        with self._guarded():
            known = self._known(record)
            if known.path is not None:
                write_new(self._folder / known.id, known.path.name, known.path.read_bytes())
                self._records.mark_deleted(known.id)
                _remove(known.path)
            elif known.state == "missing":
                self._records.mark_deleted(known.id)
            else:
                self._finish(known.id)
        return self._known(record)

    def restore(self, record: str) -> Record:
        """Again on a restored one is no error. Raises `InvalidRequest` if its file is not here any more, or `KeepError`."""
        with self._guarded():
            known, place, file = self._known(record), self._records.place(record), self._file(record)
            if known.state == "kept":
                self._forget(record)
                return known
            if file is None or place is None:
                raise InvalidRequest("The file of this picture is gone for good, so it cannot be brought back.")
            data = file.read_bytes()
            path = write_new(place.parent, place.name, data, self._writer)
            self._records.locate(record, path, hashlib.sha256(data).hexdigest())
            self._forget(record)
        return self._known(record)

    def empty(self, before: float | None = None) -> int:
        """Remove the files for good; returns how many pictures that were. Raises `KeepError`.

        `before` (seconds since the epoch) leaves alone what was deleted later.
        """
        with self._guarded():
            old = [folder for folder in self._folders() if before is None or folder.stat().st_mtime < before]
            emptied = sum(self._empty(folder.name) for folder in old)
            self._records.mark_all_emptied(before)
            return emptied

    def file(self, record: str) -> Path | None:
        """The file of a deleted picture, as long as it is in the trash."""
        return self._file(record)

    def remove(self, record: str) -> None:
        """Remove a picture's file wherever it is, for good; the row says deleted. Again is no error. Raises `KeepError`."""
        with self._guarded():
            self._records.mark_deleted(record)
            place = self._records.place(record)
            if place is not None:
                _remove(place)
            self._forget(record)
            self._forget_for_good(record)

    def _empty(self, record: str) -> bool:
        """Whether a deleted picture is gone now; what is left here of a restored one goes, too."""
        known = self._records.record(record)
        if known is not None and known.state == "missing":  # its delete was cut off
            self._records.mark_deleted(record)
        elif known is not None:
            self._finish(record)
        self._forget(record)
        if known is None or known.state != "kept":
            self._forget_for_good(record)
        return known is None or known.state != "kept"

    def _finish(self, record: str) -> None:
        """A delete that was cut off between the row and the file."""
        known, place, file = self._known(record), self._records.place(record), self._file(record)
        if known.state == "deleted" and place and file and place.is_file() and place.read_bytes() == file.read_bytes():
            _remove(place)

    def _known(self, id: str) -> Record:
        record = self._records.record(id)
        if record is None:
            raise InvalidRequest("The library has no such picture. Reload the page.")
        return record

    def _folders(self) -> list[Path]:
        return sorted(path for path in self._folder.iterdir() if path.is_dir()) if self._folder.is_dir() else []

    def _file(self, record: str) -> Path | None:
        folder = self._folder / record
        files = sorted(path for path in folder.iterdir() if not path.name.startswith(".")) if folder.is_dir() else []
        return files[0] if files else None

    def _forget(self, record: str) -> None:
        folder = self._folder / record
        if folder.is_dir():
            shutil.rmtree(folder)
            sync_folder(self._folder)

    def _forget_for_good(self, record: str) -> None:
        """Its small copy, and its place in the trash's view."""
        (self._thumbs / thumb_name(record)).unlink(missing_ok=True)
        self._records.mark_emptied(record)

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with locked(self._lock):
                yield
        except OSError as error:
            what = f"The picture's file cannot be moved or removed ({error.strerror or error})"
            raise KeepError(f"{what}. Allow writing to {self._outputs} and {self._folder}, then try again.") from error


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    if path.parent.is_dir():
        sync_folder(path.parent)
