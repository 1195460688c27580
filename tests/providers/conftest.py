"""Every provider's case, its loopback server and its backend."""

from __future__ import annotations

import importlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from case import Case
from loopback import KEY, Loopback

from studio.backends._hosted.backend import HostedBackend
from studio.settings import PROVIDER_KEYS
from studio.web import patience

CASES: list[Case] = [importlib.import_module(path.stem).CASE for path in sorted(Path(__file__).parent.glob("at_*.py"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        metafunc.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys as users set them, and no long back-off."""
    for name in PROVIDER_KEYS:
        monkeypatch.setenv(name, KEY)
    monkeypatch.setattr(patience, "BACKOFF", lambda _: random.random() / 50)


@pytest.fixture
def server(case: Case) -> Iterator[Loopback]:
    with case.server() as server:
        yield server


@pytest.fixture
def backend(case: Case, server: Loopback, tmp_path: Path) -> HostedBackend:
    return case.backend(server, tmp_path)
