"""A library on a temporary folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.library import Library, open_library
from studio.library.database import Database
from studio.library.jobs import SqliteJobs


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        yield library


@pytest.fixture
def database(library: Library) -> Database:
    return library.database


@pytest.fixture
def jobs(library: Library) -> SqliteJobs:
    return library.jobs
