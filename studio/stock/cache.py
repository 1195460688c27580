"""The layout of the hub's own cache: `models--owner--name/blobs|snapshots|refs`, so that every program finds what is here.

A snapshot is put together when all of its files are here and right, and `refs/main`, by which the studio finds it, comes
last. So a download that is under way is never taken for a model.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from studio.stock.hub import HubFile
from studio.stock.transfer import part_of


class HubCache:
    """One cache folder, shared with other programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def repository(self, name: str) -> Path:
        return self.folder / f"models--{name.replace('/', '--')}"

    def blob(self, repository: str, file: HubFile) -> Path:
        return self.repository(repository) / "blobs" / file.digest

    def publish(self, repository: str, commit: str, files: Iterable[HubFile]) -> Path:
        """Make the snapshot of these files the newest; returns its folder. All blobs have to be there."""
        snapshot = self.repository(repository) / "snapshots" / commit
        for file in files:
            _place(self.blob(repository, file), snapshot / file.path)
        reference = self.repository(repository) / "refs" / "main"
        reference.parent.mkdir(parents=True, exist_ok=True)
        part = reference.with_name(f".main.{os.getpid()}.part")
        part.write_text(commit, encoding="utf-8")
        part.replace(reference)
        return snapshot

    def forget(self, repository: str, files: Iterable[HubFile]) -> None:
        """Remove parts, and blobs that no snapshot uses: the download was cancelled."""
        folder = self.repository(repository)
        used = {path.resolve() for path in (folder / "snapshots").rglob("*") if path.is_symlink()}
        for file in files:
            blob = self.blob(repository, file)
            with suppress(OSError):
                part_of(blob, file).unlink(missing_ok=True)
                if blob.is_file() and blob.resolve() not in used and blob.stat().st_nlink == 1:
                    blob.unlink()
        for empty in (folder / "blobs", folder):
            with suppress(OSError):
                empty.rmdir()


def _place(blob: Path, target: Path) -> None:
    """A link where the system has them (relative, so that the cache can be moved), else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        return
    target.unlink(missing_ok=True)  # a link to what is gone
    with suppress(OSError):
        target.symlink_to(os.path.relpath(blob, target.parent))
        return
    with suppress(OSError):
        target.hardlink_to(blob)
        return
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(blob, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
