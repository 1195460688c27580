"""What was found in a file, before any dialect makes sense of it, and settings as values, whatever their type."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from studio.stamps.reading.limits import read_json
from studio.stamps.reading.xmp import Xmp

MAX_SHOWN = 100_000
"""Characters of a raw text or prompt that a reading keeps."""
MAX_FIELDS, MAX_FIELD = 200, 2_000
MAX_SIDE = 1_000_000
_WHOLE = re.compile(r"\s*(-?\d{1,20})(?:\.0{0,6})?\s*", re.ASCII)
_REAL = re.compile(r"\s*-?\d{1,12}(?:\.\d{0,20})?\s*", re.ASCII)
_SIZE = re.compile(r"\D{0,3}(\d{1,7})\s*[x×*,]\s*(\d{1,7})\D{0,3}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The texts of a file. `comment` is EXIF's UserComment; `exif` holds strings by tag name."""

    texts: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    exif: Mapping[str, str] = field(default_factory=dict)
    xmp: Xmp = field(default_factory=Xmp)

    @property
    def parameters(self) -> str:
        """Where most programs keep their settings: the chunk `parameters`, else EXIF's UserComment."""
        return self.texts.get("parameters") or self.comment

    @cached_property
    def settings(self) -> Mapping[str, Any]:
        """The JSON object that stands there, empty if none does."""
        return as_object(self.parameters)


def as_object(text: str, *, strict: bool = False) -> dict[str, Any]:
    """The JSON object that a text is, empty if it is none or passes a limit.

    `strict` refuses what JSON cannot hold (NaN, lone surrogates); otherwise that becomes None, and question marks.
    """
    value = read_json(text, strict=strict) if text[:100].lstrip().startswith("{") else None
    return value if isinstance(value, dict) else {}


def as_text(value: Any) -> str:
    """A string as it is, a number as its digits, anything else as nothing."""
    if isinstance(value, str):
        return value[:MAX_SHOWN]
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e20 else ""


def as_int(value: Any, low: int = 0, high: int = 2**64 - 1) -> int | None:
    """A whole number within the range, out of a number or its digits."""
    if isinstance(value, str):
        digits = _WHOLE.fullmatch(value)
        value = int(digits[1]) if digits else None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def as_float(value: Any, high: float = 1e6) -> float | None:
    """A number from 0 to `high`."""
    if isinstance(value, str):
        value = float(value) if _REAL.fullmatch(value) else None
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= high:
        return None
    return float(value) if math.isfinite(value) else None


def as_steps(value: Any) -> int | None:
    return as_int(value, 1, 100_000)


def as_side(value: Any) -> int | None:
    return as_int(value, 1, MAX_SIDE)


def as_size(value: Any) -> tuple[int | None, int | None]:
    """Width and height out of `512x768`, `(512, 768)` or a list of two."""
    if isinstance(value, list) and len(value) == 2:
        return as_side(value[0]), as_side(value[1])
    pair = _SIZE.fullmatch(value) if isinstance(value, str) and len(value) < 40 else None
    return (as_side(pair[1]), as_side(pair[2])) if pair else (None, None)


def within(value: Any, *path: str | int) -> Any:
    """What lies at a path of keys and places; None where there is no such way."""
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return None
    return value


def plain_fields(values: Mapping[str, Any], *left_out: str) -> dict[str, str]:
    """Every setting but those left out as a short text, for showing; nested ones as JSON."""
    told = {key[:100]: _short(value) for key, value in list(values.items())[:MAX_FIELDS] if key not in left_out}
    return {key: value for key, value in told.items() if value}


def _short(value: Any) -> str:
    if value is None or isinstance(value, str):
        return (value or "")[:MAX_FIELD]
    return json.dumps(value, ensure_ascii=False)[:MAX_FIELD]
