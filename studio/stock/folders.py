"""Folders of models that are linked: `<data>/model_folders.json`. Nothing in them is copied, moved or removed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from studio.core.errors import InvalidRequest
from studio.settings import Settings, write_private


class ModelFolders(Sequence[Path]):
    """The models folder first, then the linked ones; looked up anew each time, so that a new link holds at once."""

    def __init__(self, settings: Settings) -> None:
        self._models, self._file = settings.models, settings.data / "model_folders.json"

    def linked(self) -> list[Path]:
        try:
            told: Any = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        return [Path(each) for each in told if isinstance(each, str)] if isinstance(told, list) else []

    def link(self, text: str) -> Path:
        """Raises `InvalidRequest` for what is no folder, or is searched already."""
        folder = Path(text.strip().strip('"')).expanduser()
        if not text.strip() or not folder.is_absolute() or not folder.is_dir():
            raise InvalidRequest(f"“{text.strip()[:200]}” is no folder on this computer. Type its whole path.", "folder")
        folder = folder.resolve()
        for known in self:
            if folder.is_relative_to(known.resolve()) or known.resolve().is_relative_to(folder):
                raise InvalidRequest(f"{known} is searched already. Choose a folder outside of it, not around it.", "folder")
        self._write([*self.linked(), folder])
        return folder

    def unlink(self, text: str) -> None:
        self._write([folder for folder in self.linked() if str(folder) != text])

    def _write(self, folders: list[Path]) -> None:
        write_private(self._file, json.dumps([str(folder) for folder in folders], indent=1))

    def __iter__(self) -> Iterator[Path]:
        return iter([self._models, *self.linked()])

    def __len__(self) -> int:
        return 1 + len(self.linked())

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> list[Path]: ...

    def __getitem__(self, index: int | slice) -> Path | list[Path]:
        return [self._models, *self.linked()][index]
