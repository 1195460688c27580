"""The loopback servers of the providers' tests."""

import random

import pytest

from studio.web import patience


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No long back-off."""
    monkeypatch.setattr(patience, "BACKOFF", lambda _: random.random() / 50)
