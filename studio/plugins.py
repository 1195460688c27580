"""Finds the plug-ins: every module or package of `studio.backends`, `studio.detectors` or `studio.policy` that has
`create(settings)`.

No list to edit. `create` gives one part or several.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import studio.backends
import studio.detectors
import studio.policy
from studio.core.ports import Backend
from studio.core.score import Detector
from studio.core.screening import Check
from studio.settings import Settings


def backends(settings: Settings) -> tuple[Backend, ...]:
    """One backend per plug-in, the local one first."""
    return tuple(sorted(_created(studio.backends, settings), key=lambda backend: (backend.name != "local", backend.name)))


def detectors(settings: Settings) -> tuple[Detector, ...]:
    """All detectors, the embedded one first, hosted ones last."""
    order = {True: 2, False: 1}
    found = _created(studio.detectors, settings)
    return tuple(sorted(found, key=lambda each: (0 if each.name == "starter" else order[each.hosted], each.name)))


def checks(settings: Settings) -> tuple[Check, ...]:
    """All checks of the policy, those that cost nothing first."""
    return tuple(sorted(_created(studio.policy, settings), key=lambda check: (not check.light, check.name)))


def _created(package: ModuleType, settings: Settings) -> Iterator[Any]:
    for module in _modules(package):
        if hasattr(module, "create"):
            made = module.create(settings)
            yield from made if isinstance(made, list | tuple) else (made,)


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for entry in pkgutil.iter_modules(package.__path__):
        if not entry.name.startswith("_"):
            yield importlib.import_module(f"{package.__name__}.{entry.name}")
