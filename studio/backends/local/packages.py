"""A package that a family needs and that is not there: the one right command to install it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

_WHEELS = "https://download.pytorch.org/whl/"
_TORCHVISION = 15
"""torch 2.x goes with torchvision 0.(x + 15)."""


def missing(package: str, title: str) -> str:
    """A sentence with the command if `package` is not installed, else nothing."""
    if not package or find_spec(package):
        return ""
    return f"{title} needs the package {package}. Install it with: {command(package)}"


def command(package: str) -> str:
    """How to install `package`; torchvision must be of torch's own build, or it breaks everything."""
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    if package != "torchvision":
        return f"{python} -m pip install {package}"
    try:
        number, _, build = version("torch").partition("+")
    except PackageNotFoundError:
        return "python studio.py"
    major, minor, patch = [*number.split("."), "0", "0"][:3]
    wanted = f"torchvision=={int(major) - 2}.{int(minor) + _TORCHVISION}.{patch}"
    return f"{python} -m pip install {wanted}" + (f" --index-url {_WHEELS}{build}" if build else "")
