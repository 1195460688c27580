"""What `studio.py` does once Python is new enough: set up, then become the command in the interpreter of .venv."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from studio.setup.venv import Stop, Venv, say


def start(root: str, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Make .venv as it should be and run the command; the return value is the exit code."""
    venv = Venv(Path(root))
    own = bool(environ.get("STUDIO_NO_VENV"))
    testing = list(argv[:1]) == ["test"]
    try:
        if not own:
            from studio.setup.install import set_up

            set_up(venv, environ, testing=testing)
        python = Path(sys.executable) if own else venv.python
        if testing:
            return _run_tests(venv.root, python, argv[1:])
        if own or venv.is_ours():
            return _run_studio(argv)
        return _become([str(python), str(venv.root / "studio.py"), *argv])
    except Stop as stop:
        say(str(stop))
        return 1
    except KeyboardInterrupt:
        say("Stopped. The next start goes on from here.")
        return 130


def _run_studio(argv: Sequence[str]) -> int:
    try:
        from studio.main import main
    except ModuleNotFoundError as missing:
        package = (missing.name or "").split(".")[0]
        if package in ("", "studio"):
            raise
        raise Stop(
            f"This Python lacks the package {package}. Run `{sys.executable} -m pip install -r requirements.txt`,"
            " or start without STUDIO_NO_VENV."
        ) from None
    return main(list(argv))


def _run_tests(root: Path, python: Path, arguments: Sequence[str]) -> int:
    """The offline suite, two files at a time, or only what the arguments name, with pytest's exit code."""
    os.chdir(root)
    named = any(Path(argument.split("::")[0]).exists() for argument in arguments if not argument.startswith("-"))
    beside = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"] if (os.cpu_count() or 1) > 1 else []
    suite = [] if named else ["tests", "--ignore=tests/bench", *beside]
    return _become([str(python), "-m", "pytest", *suite, *arguments])


def _become(command: Sequence[str]) -> int:
    """Replace this process. Windows cannot, so there the command is a child, and Ctrl-C is the child's to handle."""
    sys.stdout.flush()
    if sys.platform != "win32":
        os.execv(command[0], list(command))  # noqa: S606  our own interpreter, no shell
    with subprocess.Popen(command) as child:
        while True:
            with suppress(KeyboardInterrupt):
                return child.wait()
