"""Keeping pictures: first held with their job in the data folder, then moved into `outputs/` with a row each.

    hold   <data>/held/<job>/0000.png + 0000.json      a renamed folder: all pictures or none
    keep   <outputs>/<day>/<name>.png, then the row    one by one; the folder goes when the last row is in
    drop                                               the folder goes

Each step looks at what is there already, so after a crash anywhere the same calls end the same way. A draft's id is its
identity: a job that runs again must give its pictures the same ids.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from studio.core.errors import KeepError, LibraryError
from studio.core.metadata import draft_to_json, record_from_json
from studio.core.result import Draft, Record
from studio.library.files import locked, output_name, sync_folder, write_new, writer_of
from studio.library.records import SqliteRecords

_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_FOLDER = (errno.ENOTDIR, errno.EEXIST)


class PictureKeeper:
    """`studio.core.ports.Keeper`: the only writer into `outputs`. Safe across threads and processes."""

    def __init__(self, data: Path, outputs: Path, records: SqliteRecords) -> None:
        self._held, self._writer = data / "held", writer_of(data)
        self._outputs = outputs
        self._records = records

    def hold(self, drafts: Sequence[Draft]) -> None:
        """Store finished drafts with their job, whole or not at all; those held or kept before are left alone."""
        for job in dict.fromkeys(draft.job for draft in drafts):
            with self._guarded(job, self._held), self._lock():
                self._hold(job, [draft for draft in drafts if draft.job == job])

    def keep(self, job: str) -> tuple[Record, ...]:
        """Move what is held into `outputs`; all records of the job in picture order, those of earlier tries too.

        Raises `KeepError`; what is not kept yet stays held. A job with nothing held or kept gives an empty tuple.
        """
        with self._guarded(job, self._outputs), self._lock():
            for note in sorted((self._held / job).glob("*.json")):
                self._keep(note)
            self._remove(self._held / job)
        return self._records.of_job(job)

    def drop(self, job: str) -> None:
        """Forget what is held for a job: the user gave up."""
        with self._guarded(job, self._held), self._lock():
            self._remove(self._held / job)

    def held(self) -> list[str]:
        """Jobs whose pictures wait to be kept, oldest first."""
        if not self._held.is_dir():
            return []
        return sorted(path.name for path in self._held.iterdir() if path.is_dir() and not path.name.startswith("."))

    def _hold(self, job: str, drafts: Sequence[Draft]) -> None:
        folder, stage = self._held / job, self._held / f".{job}.new"
        known = {_read_note(note)["record"] for note in folder.glob("*.json")}
        known |= {record.id for record in self._records.of_job(job)}
        fresh = [draft for draft in drafts if draft.id not in known]
        if not fresh:
            return
        shutil.rmtree(stage, ignore_errors=True)
        try:
            for number, draft in enumerate(fresh, start=len(known)):
                self._stage(stage, f"{number:04d}", draft)
            if folder.exists():
                for file in sorted(stage.iterdir(), key=lambda file: file.suffix == ".json"):
                    file.replace(folder / file.name)
            else:
                stage.rename(folder)
            sync_folder(self._held)
        finally:
            shutil.rmtree(stage, ignore_errors=True)

    def _stage(self, stage: Path, number: str, draft: Draft) -> None:
        if draft.data is None:
            raise ValueError(f"draft {draft.id} was not stamped: it has no file data")
        sha256 = hashlib.sha256(draft.data).hexdigest()
        values = draft_to_json(draft)
        record_from_json(values, path=stage / number, sha256=sha256)  # what could not be kept later is refused now
        picture = write_new(stage, number + draft.suffix, draft.data)
        values["held"] = {"file": picture.name, "output": output_name(draft), "sha256": sha256}
        write_new(stage, f"{number}.json", json.dumps(values).encode())

    def _keep(self, note: Path) -> None:
        values = _read_note(note)
        if self._records.record(values["record"]):
            return
        held, name = values["held"], PurePosixPath(values["held"]["output"])
        data = (note.parent / held["file"]).read_bytes()
        _verify(data, held["sha256"], note.parent)
        path = write_new(self._outputs / name.parent, name.name, data, self._writer)
        _verify(path.read_bytes(), held["sha256"], note.parent)
        self._records.add(record_from_json(values, path=path, sha256=held["sha256"]))

    def _remove(self, folder: Path) -> None:
        """A renamed folder is gone at once, even if its files are removed only the next time."""
        gone = self._held / f".{folder.name}.gone"
        if folder.exists():
            shutil.rmtree(gone, ignore_errors=True)
            folder.rename(gone)
            sync_folder(self._held)
        shutil.rmtree(gone, ignore_errors=True)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self._held.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(self._held / ".lock"):
            yield

    @contextlib.contextmanager
    def _guarded(self, job: str, target: Path) -> Iterator[None]:
        try:
            yield
        except (OSError, LibraryError) as error:
            folder = self._held / job
            where = f"held in {folder}" if folder.is_dir() else "not stored anywhere yet"
            raise KeepError(f"{_reason(error, target)}, then it will be kept. The picture is made and {where}.") from error


def _reason(error: OSError | LibraryError, target: Path) -> str:
    if isinstance(error, LibraryError):
        return str(error).rstrip(".")
    if error.errno in _FULL:
        return f"The disk of {target} is full. Free some space"
    if error.errno in _FORBIDDEN:
        return f"The folder {target} cannot be written. Allow writing to it"
    if error.errno in _NO_FOLDER:
        return f"{target} is a file, or lies in one. Move that file away"
    return f"The folder {target} cannot be written ({error.strerror or error}). Mend that"


def _read_note(note: Path) -> dict[str, Any]:
    try:
        values: dict[str, Any] = json.loads(note.read_bytes())
    except ValueError:
        raise _damaged(note.parent) from None
    return values


def _verify(data: bytes, sha256: str, folder: Path) -> None:
    if hashlib.sha256(data).hexdigest() != sha256:
        raise _damaged(folder)


def _damaged(folder: Path) -> KeepError:
    return KeepError(f"The picture held in {folder} was damaged on the disk. Check the disk and run the job again.")
