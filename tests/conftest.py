"""Paths and threads for every test; no test reaches a network or the user's own folders."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1", OMP_NUM_THREADS="1")

settings.register_profile("studio", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("studio")  # no test depends on how busy the machine is


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the whole studio's and the browser's, so that both processes end at the same time."""
    folders = {ROOT / "tests": 0, ROOT / "tests" / "browser": 1}
    items.sort(key=lambda item: folders.get(item.path.parent, 2))


def pytest_configure() -> None:
    """One thread: torch with two was 22 times slower on a busy two-core machine."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
