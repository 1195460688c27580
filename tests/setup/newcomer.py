"""A newcomer's machine for the tests of the set-up: a clone with small real wheels, a bare Python, no network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BARE_PYTHON = getattr(sys, "_base_executable", sys.executable)
MAIN = """
import json, sys
def main(argv):
    import greeting
    print(json.dumps({"argv": argv, "prefix": sys.prefix, "greeting": greeting.VERSION}))
    return 7
"""


def wheel(folder: Path, name: str, version: str, files: dict[str, str] | None = None) -> Path:
    """A wheel that pip installs, with one module of the package's name unless `files` are given."""
    folder.mkdir(parents=True, exist_ok=True)
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    parts = files or {f"{name}.py": f"VERSION = {version!r}\n"}
    parts |= {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for part, text in parts.items():
            archive.writestr(part, text)
        archive.writestr(f"{info}/RECORD", "".join(f"{part},,\n" for part in [*parts, f"{info}/RECORD"]))
    return path


@dataclass
class Clone:
    """A copy of studio.py and studio/setup/ with a `studio.main` that says what it was given and returns 7."""

    root: Path
    wheels: Path

    def needs(self, *pins: str) -> None:
        (self.root / "requirements.txt").write_text("".join(f"{pin}\n" for pin in pins))

    def environment(self, **extra: str) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "STUDIO_", "VIRTUAL_"))
        }
        quiet = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        return inherited | quiet | {"HOME": str(self.root.parent), "STUDIO_TORCH_INDEX": "default"} | extra

    def begin(self, *arguments: str, **extra: str) -> subprocess.Popen[str]:
        """Start `python studio.py` in a process group of its own and do not wait."""
        return subprocess.Popen(
            [BARE_PYTHON, str(self.root / "studio.py"), *arguments],
            env=self.environment(**extra),
            cwd=self.root.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def start(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        with self.begin(*arguments, **extra) as process:
            output, errors = process.communicate(timeout=180)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    @property
    def packages(self) -> Path:
        return next((self.root / ".venv").glob("lib/python*/site-packages"))


def new_clone(folder: Path) -> Clone:
    root = folder / "clone"
    (root / "studio").mkdir(parents=True)
    shutil.copy(ROOT / "studio.py", root)
    shutil.copytree(ROOT / "studio" / "setup", root / "studio" / "setup", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "studio" / "__init__.py").write_text('"""The package wins over studio.py."""\n')
    (root / "studio" / "main.py").write_text(MAIN)
    clone = Clone(root, folder / "wheels")
    wheel(clone.wheels, "greeting", "1.0")
    clone.needs("greeting==1.0")
    return clone
