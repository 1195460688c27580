"""Clones of the studio before and after their first start."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from newcomer import Clone, new_clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Fresh from git: nothing is installed."""
    return new_clone(tmp_path)


@pytest.fixture(scope="session")
def first_clone(tmp_path_factory: pytest.TempPathFactory) -> tuple[Clone, subprocess.CompletedProcess[str]]:
    """A clone after its first start, and what that start said. Not to be changed: take `ready`."""
    clone = new_clone(tmp_path_factory.mktemp("first"))
    return clone, clone.start("--port", "1234")


@pytest.fixture
def ready(first_clone: tuple[Clone, subprocess.CompletedProcess[str]], tmp_path: Path) -> Clone:
    """A copy of a clone that is set up."""
    shutil.copytree(first_clone[0].root.parent, tmp_path / "ready", symlinks=True)
    return Clone(tmp_path / "ready" / "clone", tmp_path / "ready" / "wheels")
