"""Finds the plug-ins: every module or package of `studio.backends` that has `create(settings)`. No list to edit."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import studio.backends
from studio.core.ports import Backend
from studio.settings import Settings


def backends(settings: Settings) -> tuple[Backend, ...]:
    """One backend per plug-in, the local one first."""
    found = [module.create(settings) for module in _modules(studio.backends) if hasattr(module, "create")]
    return tuple(sorted(found, key=lambda backend: (backend.name != "local", backend.name)))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for entry in pkgutil.iter_modules(package.__path__):
        if not entry.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{entry.name}")
