"""A hub on this computer, and a downloader that works with it."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from download_place import Place
from toy_hub import ToyHub, a_model

from studio.web import patience


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long back-off."""
    monkeypatch.setattr(patience, "BACKOFF", lambda _: random.random() / 50)


@pytest.fixture
def hub() -> Iterator[ToyHub]:
    with ToyHub() as hub:
        hub.repositories["toys/model"] = a_model()
        yield hub


@pytest.fixture
def place(tmp_path: Path, hub: ToyHub) -> Place:
    return Place(tmp_path, hub)


@pytest.fixture
def a_place(tmp_path: Path, hub: ToyHub) -> Callable[..., Place]:
    def build(**more: bool) -> Place:
        return Place(tmp_path, hub, **more)

    return build
