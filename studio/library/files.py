"""Whole files: a name appears in a folder only when all its bytes are on the disk, and never takes another file's place."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from studio.core.preset import slug as plain
from studio.core.request import ImageRequest
from studio.core.result import Draft


def output_name(draft: Draft) -> str:
    """`2026-11-23/081530-evening-sail-v2-starter-1234-5f0c2a9e.png`: local time, preset with the prompt's version if there
    is one, model, seed, a short id; safe on every file system."""
    local = datetime.fromisoformat(draft.created).astimezone()
    short = hashlib.sha256(draft.id.encode()).hexdigest()[:8]
    made_with = f"{_preset(draft.request)}{slug(draft.request.model)}-{draft.picture.seed}"
    return f"{local:%Y-%m-%d}/{local:%H%M%S}-{made_with}-{short}{draft.suffix}"


def slug(model: str) -> str:
    """The model's own name in at most 40 small letters, digits and hyphens: `local:SD 1.5 (fp16)` → `sd-1-5-fp16`."""
    name = model.partition(":")[2] or model
    return plain(name.rpartition("/")[2], "model")


def _preset(request: ImageRequest) -> str:
    return f"{plain(request.preset)}-{plain(request.prompt_version, 'v0')}-" if request.preset else ""


def writer_of(data: Path) -> str:
    """What tells a studio's unfinished files from those of other studios that write into the same folder."""
    return hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]


def write_new(folder: Path, name: str, data: bytes, writer: str = "") -> Path:
    """Write a new file whole. A name that is taken by other bytes gets `-2`, `-3`…; the same bytes are there already.

    Raises OSError and leaves nothing behind. The folder is made if need be. One call at a time for each `writer`: what a
    crash left of an unfinished file is found by that name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stem, dot, suffix = name.partition(".")
    part = folder / f".{stem}{writer and '.'}{writer}.part"
    for number in itertools.count(1):
        target = folder / (name if number == 1 else f"{stem}-{number}{dot}{suffix}")
        if target.is_file() and target.read_bytes() == data:
            part.unlink(missing_ok=True)
            break
        with contextlib.suppress(FileExistsError):
            _write_once(part, target, data)
            break
    sync_folder(folder)
    return target


def sync_folder(folder: Path) -> None:
    """Bring new and removed names to the disk; Windows has no way to ask for it and needs none."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process and thread at a time; the system gives the lock back when a process dies."""
    with path.open("a+b") as file:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _write_once(temporary: Path, target: Path, data: bytes) -> None:
    """Raises FileExistsError when `target` is there. The temporary file is never left behind, short of a crash."""
    if target.exists():
        raise FileExistsError(target)
    temporary.unlink(missing_ok=True)
    try:
        with temporary.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _publish(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _publish(temporary: Path, target: Path) -> None:
    """A hard link never replaces a file. Where there are none (exFAT), a rename follows a look at the unique name."""
    try:
        target.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:
        if target.exists():
            raise FileExistsError(target) from None
        temporary.rename(target)
