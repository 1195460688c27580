"""One file, one dialect: a module here with NAME, PLACE and `read(found)` is known. Lower places are asked first."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from studio.core.evidence import Reading
from studio.stamps.reading.found import Found


def readings(found: Found) -> tuple[tuple[Reading, ...], tuple[str, ...]]:
    """What each dialect makes of a file, our own record first; and a problem for each that could not cope.

    Where our record is found, the same settings in AUTOMATIC1111's words are not told twice.
    """
    made: list[Reading] = []
    problems = []
    for dialect in _dialects():
        try:
            reading = dialect.read(found)
        except Exception:  # noqa: BLE001  one dialect's mistake on a stranger's file must not hide what the others found
            problems.append(f"its settings in the form of {dialect.NAME} could not be read")
        else:
            made += [reading] if reading and not any(known.dialect == reading.dialect for known in made) else []
    return tuple(made), tuple(problems)


@cache
def _dialects() -> list[Any]:
    modules = [importlib.import_module(f"{__name__}.{entry.name}") for entry in pkgutil.iter_modules(__path__)]
    return sorted(modules, key=lambda module: int(module.PLACE))
