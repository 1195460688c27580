"""The limits on what a stranger's file may make us read, and its JSON read within them."""

from __future__ import annotations

import json
import math
from typing import Any

MAX_TEXT = 4 * 1024 * 1024
"""Bytes of one text, before and after decompression; characters of one JSON text."""
MAX_ALL_TEXT = 8 * 1024 * 1024
"""Bytes of all texts of a file together, decompressed."""
MAX_TEXTS = 1_000
MAX_PARTS = 100_000
"""Chunks, segments or boxes of a file."""
MAX_EXIF_JPEG, MAX_EXIF = 64 * 1024, 1024 * 1024
MAX_XMP = 4 * 1024 * 1024
MAX_DEPTH = 32
MAX_VALUES = 200_000
"""Commas and opening brackets of a JSON text: a short text of empty lists would take twenty times its size."""


def read_json(text: str, *, strict: bool = False) -> Any:
    """The value of a JSON text; None for what is none, passes a limit or, if `strict`, is not fit to be written again.

    If not strict, NaN and endless numbers become None (ComfyUI writes them), lone surrogates question marks.
    """
    if len(text) > MAX_TEXT or text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        return None
    try:
        value = json.loads(text, parse_constant=lambda _: math.nan)
        return _sound(value, MAX_DEPTH, strict)
    except (ValueError, RecursionError):
        return None


def sound_text(text: str) -> str:
    """Without the lone surrogates that no UTF-8 file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _sound(value: Any, depth: int, strict: bool) -> Any:
    if depth < 0:
        raise ValueError("nested too deeply")
    match value:
        case str():
            return value.encode().decode() if strict else sound_text(value)
        case float() if not math.isfinite(value):
            if strict:
                raise ValueError("not a number")
            return None
        case list():
            return [_sound(item, depth - 1, strict) for item in value]
        case dict():
            return {_sound(key, depth, strict): _sound(item, depth - 1, strict) for key, item in value.items()}
        case _:
            return value
