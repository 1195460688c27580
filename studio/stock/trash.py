"""Removed models: moved aside on the same disk, so that an undo costs nothing, until the trash is emptied.

`<folder>/.trash/<id>/` holds the model and `removed.json`, which says where it lay. One trash lies in the models folder, one
in the hub's cache; folders with a dot in front are searched for models by nobody.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from studio.core.collection import Removed
from studio.core.errors import InvalidRequest, KeepError
from studio.settings import write_private

TRASH, NOTE = ".trash", "removed.json"
_ID = re.compile(r"[0-9]{8,14}-[0-9a-f]{8}")


class ModelTrash:
    """The trashes of these folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder / TRASH for folder in folders]

    def remove(self, name: str, place: Path, size_bytes: int) -> Removed:
        """Move a folder or file, which lies in one of the folders, aside. Raises `KeepError`."""
        id = f"{int(time.time())}-{secrets.token_hex(4)}"
        removed = Removed(id=id, name=name, place=str(place), when=time.time(), size_bytes=size_bytes)
        trash = next(trash for trash in self._folders if place.is_relative_to(trash.parent)) / id
        try:
            write_private(trash / NOTE, json.dumps(asdict(removed)))  # first: what lies there must always be found again
            place.rename(trash / place.name)
        except OSError as error:
            with suppress(OSError):
                shutil.rmtree(trash)
            raise KeepError(f"{name} cannot be moved ({error.strerror}). Close what uses it, then try again.") from error
        return removed

    def restore(self, id: str) -> Removed:
        """Raises `InvalidRequest` if it is not here any more or its place is taken, `KeepError` if it cannot be moved."""
        trash, removed = self._find(id)
        place = Path(removed.place)
        if place.exists():
            raise InvalidRequest(f"Another model lies at {place}. Move it away first.")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            (trash / place.name).rename(place)
        except OSError as error:
            raise KeepError(f"{removed.name} cannot be moved back ({error.strerror}). Try again.") from error
        shutil.rmtree(trash, ignore_errors=True)
        return removed

    def all(self) -> list[Removed]:
        """The newest first."""
        found = [self._read(path) for folder in self._folders for path in _entries(folder)]
        return sorted((removed for removed in found if removed), key=lambda removed: -removed.when)

    def empty(self) -> int:
        """Returns how many models that were."""
        count = len(self.all())
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        return count

    def _find(self, id: str) -> tuple[Path, Removed]:
        for folder in self._folders if _ID.fullmatch(id) else ():
            if (removed := self._read(folder / id)) is not None:
                return folder / id, removed
        raise InvalidRequest("That model is not in the trash any more. Add it again.")

    def _read(self, path: Path) -> Removed | None:
        """What lies there; the place has to be within the folder of this trash, whatever the note says."""
        try:
            removed = Removed(**json.loads((path / NOTE).read_text(encoding="utf-8")))
            place = Path(removed.place)
        except (OSError, ValueError, TypeError):
            return None
        inside = place.is_relative_to(path.parent.parent) and ".." not in place.parts
        return replace(removed, id=path.name) if inside and (path / place.name).exists() else None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
