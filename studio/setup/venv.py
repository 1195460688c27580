"""The folder .venv: its paths, its mark of completeness, its lock, making it and mending it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class Stop(Exception):
    """The set-up cannot go on; the message is the sentence for the user."""


def say(text: str) -> None:
    """A line to stderr: stdout belongs to the command, such as `generate --json`."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Venv:
    """The .venv in the folder `root`, beside the lists of what goes into it."""

    root: Path

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def log(self) -> Path:
        return self.folder / "set-up.log"

    @property
    def needs(self) -> Path:
        return self.root / "requirements.txt"

    @property
    def test_needs(self) -> tuple[Path, Path]:
        """The second is installed without its dependencies."""
        return self.root / "tests" / "requirements.txt", self.root / "tests" / "requirements-no-deps.txt"

    def is_ours(self) -> bool:
        """Whether this very process runs in it."""
        return os.path.realpath(sys.prefix) == os.path.realpath(self.folder)

    def stamp(self) -> dict[str, str]:
        """What was installed: `python`, `torch` (its index), and the digests `needs` and `tests`."""
        try:
            return dict(json.loads((self.folder / "studio.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return {}

    def write_stamp(self, **values: str) -> None:
        """Whole or not at all. A Python that was exchanged under .venv shows as another `python`."""
        new = self.folder / "studio.json.new"
        new.write_text(json.dumps({"python": os.path.realpath(self.python), **values}, indent=1), encoding="utf-8")
        new.replace(self.folder / "studio.json")

    @contextmanager
    def locked(self) -> Iterator[int]:
        """One set-up at a time. Children inherit the lock: a pip whose parent was killed still holds it."""
        self.folder.mkdir(exist_ok=True)
        with self._lock.open("a+") as file:
            waiting = False
            while not _try_lock(file.fileno()):
                if not waiting:
                    say("Another start is setting up the studio; waiting for it …")
                waiting = True
                time.sleep(0.2)
            yield file.fileno()

    @property
    def _lock(self) -> Path:
        return self.folder / "set-up.lock"

    def make(self, lock: int) -> None:
        """A Python and a pip that run and packages that are whole; what was cut off is forgotten or made again."""
        if self._python_runs("import sys"):
            self._forget_damaged()
            if self._python_runs("import pip._internal.cli.main") or _runs([str(self.python), "-m", "ensurepip"]):
                return
        before = [path for path in self.folder.iterdir() if path != self._lock]
        say("  Making .venv again: it was cut off or its Python is gone …" if before else "  Making .venv …")
        for path in before:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        command = [sys.executable, "-m", "venv", str(self.folder)]
        made = subprocess.run(command, check=False, capture_output=True, text=True, pass_fds=heirs(lock))
        if made.returncode or not self._python_runs("import pip"):
            reason = (made.stderr or made.stdout).strip().splitlines()[-1:] or ["it gave no reason"]
            raise Stop(
                f"Python could not make .venv: {reason[0]}. Mend that, or use Python from python.org, and start again."
            )

    def _forget_damaged(self) -> None:
        """Drop the record of each package whose files are not all there, so that pip installs it anew.

        pip writes RECORD last, but takes a package for installed once METADATA is there; `~name` is a half-removed one.
        """
        for packages in [*self.folder.glob("lib/python*/site-packages"), *self.folder.glob("Lib/site-packages")]:
            for info in packages.glob("*.dist-info"):
                if _lacks_files(packages, info / "RECORD"):
                    shutil.rmtree(info)
            for left in packages.glob("~*"):
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def _python_runs(self, code: str) -> bool:
        return self.python.exists() and _runs([str(self.python), "-c", code])


def heirs(lock: int) -> tuple[int, ...]:
    """What a child gets to keep open, so that it keeps the lock even if this process is killed; Windows cannot."""
    return () if os.name == "nt" else (lock,)


def digest(*files: Path) -> str:
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files if file.exists())).hexdigest()


def _lacks_files(packages: Path, record: Path) -> bool:
    if not record.exists():
        return True
    names = [line.split(",")[0] for line in record.read_text(encoding="utf-8").splitlines() if not line.startswith('"')]
    return any(not (packages / name).exists() for name in names if name and not name.endswith(".pyc"))


def _runs(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


def _try_lock(lock: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
