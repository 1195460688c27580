"""The single checks of `doctor`: folders, packages, the fit of PyTorch to the GPU. Each gives problems as sentences."""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

LITTLE = 0.5e9
"""Bytes; below this much free space a batch of pictures may not fit."""


@dataclass(frozen=True)
class Problem:
    """A sentence that says what is wrong and what to do; `fatal` if no picture can be made or kept."""

    message: str
    fatal: bool = True


@dataclass(frozen=True)
class Folder:
    """`free_bytes` is the space on its disk; `needed`: the studio writes there itself."""

    name: str
    path: Path
    exists: bool
    writable: bool
    free_bytes: int
    needed: bool

    def words(self) -> str:
        state = "writable" if self.writable else "NOT writable"
        there = "" if self.exists else ", not there yet"
        return f"{self.path} ({state}{there}, {self.free_bytes / 1e9:.1f} GB free)"

    def problems(self) -> list[Problem]:
        variable = f"STUDIO_{self.name.upper()}"
        if not self.writable:
            move = f"Make it your own or move it with {variable}."
            return [Problem(f"The {self.name} folder {self.path} cannot be written. {move}", fatal=self.needed)]
        if self.free_bytes < LITTLE:
            move = f"Free some space or move the folder with {variable}."
            return [Problem(f"The disk of {self.path} has only {self.free_bytes / 1e6:.0f} MB free. {move}", fatal=False)]
        return []


def folder(name: str, path: Path, *, needed: bool = True) -> Folder:
    """Look at a folder, or where it would be made. Writing is tried with an unnamed file: permissions alone do not tell."""
    there = next(place for place in (path, *path.parents) if os.path.exists(place))  # noqa: PTH110  answers False where Path raises
    try:
        with tempfile.TemporaryFile(dir=there):
            writable = True
    except OSError:
        writable = False
    return Folder(name, path, path.is_dir(), writable, shutil.disk_usage(there).free, needed)


def version_of(package: str) -> str:
    """The installed version, with its local part such as +cpu; empty if it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def pins(needs: Path) -> dict[str, str]:
    """Name and version of every `name==version` line."""
    found = re.findall(r"^([\w.-]+)==([\w.]+)", needs.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(found)


def package_problems(wanted: Mapping[str, str]) -> list[Problem]:
    """Packages that are missing or of another version than pinned, and a torchvision that does not fit torch."""
    problems = []
    for name, version in wanted.items():
        installed = version_of(name)
        if not installed:
            problems.append(Problem(f"The package {name} is missing. {_install(f'{name}=={version}')}"))
        elif installed.split("+")[0] != version:
            words = f"{name} {installed} is installed, tested is {version}."
            problems.append(Problem(f"{words} {_install(f'{name}=={version}')}", fatal=False))
    return problems + torchvision_problems(version_of("torch"), version_of("torchvision"))


def torchvision_problems(torch: str, torchvision: str) -> list[Problem]:
    """A torchvision of another build than torch (+cpu beside +cu130 or none) breaks the loading of every model."""
    if not torchvision or torch.partition("+")[2] == torchvision.partition("+")[2]:
        return []
    mend = f"Run `{sys.executable} -m pip uninstall -y torchvision`: the studio does not need it."
    return [Problem(f"torchvision {torchvision} does not fit torch {torch} and breaks the loading of models. {mend}")]


def gpu_problems(
    kind: str, cuda: str | None = None, nvidia: bool | None = None, system: str = sys.platform
) -> list[Problem]:
    """An NVIDIA card that PyTorch does not use. `cuda` is the build's CUDA version, empty for none."""
    nvidia = shutil.which("nvidia-smi") is not None if nvidia is None else nvidia
    if kind != "cpu" or not nvidia:
        return []
    if torch_cuda() if cuda is None else cuda:
        mend = "Update the driver (CUDA 13.0 needs 580 or newer) and see that `nvidia-smi` lists the card."
        return [Problem(f"This computer has an NVIDIA GPU that PyTorch cannot use. {mend}", fatal=False)]
    pip = f"{sys.executable} -m pip"
    index = " --index-url https://download.pytorch.org/whl/cu130" if system == "win32" else ""
    version = version_of("torch").split("+")[0]
    mend = f"Run `{pip} uninstall -y torch` and then `{pip} install torch=={version}{index}`."
    return [Problem(f"This computer has an NVIDIA GPU and PyTorch's build for the CPU. {mend}", fatal=False)]


def torch_cuda() -> str:
    """The CUDA version that the installed torch was built for, read from its version file; empty for none."""
    try:
        text = Path(str(metadata.distribution("torch").locate_file("torch/version.py"))).read_text(encoding="utf-8")
    except (metadata.PackageNotFoundError, OSError):
        return ""
    found = re.search(r"^cuda\b[^=]*= *'([\d.]+)'", text, flags=re.MULTILINE)
    return found[1] if found else ""


def _install(package: str) -> str:
    return f"Run `{sys.executable} -m pip install {package}`."
