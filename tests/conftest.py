"""Paths and threads for every test; no test reaches a network or the user's own folders."""

import gc
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


WAITING = ("engine", "library", "providers", "setup", "stock")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole studio first; then the browser's tests, strewn among those that wait more than they work; then the rest."""
    files: dict[str, list[Path]] = {}
    for path in dict.fromkeys(item.path for item in items):
        files.setdefault(path.relative_to(ROOT / "tests").parts[0], []).append(path)
    browser, waiting = files.pop("browser", []), [path for name in WAITING for path in files.pop(name, [])]
    first = [path for name in list(files) if name.endswith(".py") for path in files.pop(name)]
    strewn = {path: (place + 0.5) / len(group) for group in (browser, waiting) for place, path in enumerate(group)}
    order = [*first, *sorted(strewn, key=strewn.__getitem__), *(path for group in files.values() for path in group)]
    place = {path: number for number, path in enumerate(order)}
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish() -> None:
    """What was imported stays; collecting garbage need not look through it after every test."""
    gc.collect()
    gc.freeze()


def pytest_configure() -> None:
    """One thread: torch with two was 22 times slower on a busy two-core machine."""
    try:
        import torch
    except ImportError:
        return
    torch.set_num_threads(1)
