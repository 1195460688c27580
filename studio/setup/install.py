"""The order of the set-up on one screen: compare, check the machine, lock, make .venv, PyTorch, the rest, stamp."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from studio.setup.pip import run_pip, sentence_for
from studio.setup.torch_build import Build, for_this_machine, serves
from studio.setup.venv import Stop, Venv, digest, say


def set_up(venv: Venv, environ: Mapping[str, str], *, testing: bool = False) -> None:
    """Make .venv as it should be, from any state, finished or cut off; silent and instant when it is. Raises Stop."""
    build = for_this_machine(platform.system(), environ.get("STUDIO_TORCH_INDEX", "").strip())
    if is_ready(venv, build, testing):
        return
    check_machine(venv.root)
    try:
        with venv.locked() as lock:
            began = time.monotonic()
            if not is_ready(venv, build, False):
                _install_studio(venv, build, environ, lock)
            if not is_ready(venv, build, testing):
                _install_tests(venv, environ, lock)
    except OSError as error:
        raise Stop(sentence_for(str(error)) or f"The set-up cannot go on: {error}. Mend that and start again.") from error
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    say(f"Ready after {minutes} min {seconds} s. The next start is instant.")


def is_ready(venv: Venv, build: Build, testing: bool) -> bool:
    """Whether .venv holds what is wanted; reads two or three small files."""
    stamp = venv.stamp()
    return (
        venv.python.exists()
        and stamp.get("python") == os.path.realpath(venv.python)
        and stamp.get("needs") == digest(venv.needs)
        and not build.replaces(stamp.get("torch"))
        and (not testing or stamp.get("tests") == digest(*venv.test_needs))
    )


def check_machine(root: Path) -> None:
    """Raise Stop where the set-up would fail anyway."""
    if not os.access(root, os.W_OK):
        raise Stop(f"The folder {root} cannot be written. Move the studio to a folder of your own and start again.")
    try:
        import ensurepip  # noqa: F401  Debian leaves it out
        import venv  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        raise Stop(
            "This Python cannot make virtual environments. Install that part of it (on Debian and Ubuntu:"
            f" `sudo apt install {package}`) and start again."
        ) from None


def check_disk(root: Path, need: float) -> None:
    """Raise Stop if fewer than `need` GB are free where the studio lies."""
    free = shutil.disk_usage(root).free / 1e9
    if free < need:
        raise Stop(
            f"The disk has {free:.1f} GB free and the set-up needs {need:.1f} GB. Free some space, or move the studio to"
            " another disk, and start again."
        )


def _install_studio(venv: Venv, build: Build, environ: Mapping[str, str], lock: int) -> None:
    stamp = venv.stamp()
    foreign = build.replaces(stamp.get("torch"))
    fresh = foreign or "torch" not in stamp
    check_disk(venv.root, build.size * 1.4 + 1.4 if fresh else 0.5)
    say(f"Setting up the studio in {venv.folder} (Python {platform.python_version()}, {platform.machine()}).")
    say(f"  Found {build.words}.")
    venv.make(lock)
    pins = _pins(venv.needs)
    torch = next((pin for pin in pins if pin.startswith("torch==")), "")
    if torch and foreign:
        say("  Removing the PyTorch of another machine …")
        run_pip(venv, ["uninstall", "--yes", "torch"], environ, lock)
    size = f", about {build.size + 0.8:.1f} GB on disk (PyTorch {build.size:.2g} GB)" if fresh else ""
    say(f"  Installing what the studio needs: {len(pins)} packages and theirs{size} …")
    if torch and build.index and (build.asked or not environ.get("STUDIO_UV")):
        _install_torch(venv, torch, build, environ, lock)
    run_pip(venv, ["install", "-r", str(venv.needs)], environ, lock)
    venv.write_stamp(torch=build.index, needs=digest(venv.needs))


def _install_torch(venv: Venv, torch: str, build: Build, environ: Mapping[str, str], lock: int) -> None:
    """From PyTorch's index if it has it; an index that the user named is taken at their word."""
    if build.asked or serves(build.index, torch):
        run_pip(venv, ["install", torch, "--index-url", build.index], environ, lock)
        venv.write_stamp(torch=build.index)
    else:
        say(f"  {build.index} is out of reach or lacks {torch}: taking the build of the usual index.")


def _install_tests(venv: Venv, environ: Mapping[str, str], lock: int) -> None:
    """What the tests need besides, with a mark of its own."""
    say("  Installing what the tests need, about 0.3 GB on disk …")
    whole, alone = venv.test_needs
    if whole.exists():
        run_pip(venv, ["install", "-r", str(whole)], environ, lock)
    if alone.exists():
        run_pip(venv, ["install", "--no-deps", "-r", str(alone)], environ, lock)
    venv.write_stamp(**{**venv.stamp(), "tests": digest(*venv.test_needs)})


def _pins(needs: Path) -> list[str]:
    lines = [line.split("#")[0].strip() for line in needs.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line]
