"""What the details beside a picture say of its adapters, and the pictures these looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

from studio.core.adapters import RANGES, TITLES
from studio.core.request import Source
from studio.core.result import Record
from studio.engine.controls import control_sources


def rows(record: Record) -> list[tuple[str, object]]:
    told = (record.facts.get("used") or {}).get("adapters")
    worn = [each for each in told if isinstance(each, Mapping)] if isinstance(told, list | tuple) else []
    return [("Adapters", "; ".join(_words(each) for each in worn))]


def _words(told: Mapping[str, Any]) -> str:
    """Such as “LoRA evening × 0.8 (0123456789)”."""
    kind, weight, hash = str(told.get("kind")), told.get("weight"), str(told.get("sha256") or "")[:10]
    title = TITLES.get(kind, kind)  # type: ignore[call-overload]
    times = f" × {weight:g}" if kind in RANGES and isinstance(weight, int | float) else ""
    made = f", {told['preprocessor']}" if told.get("preprocessor") else ""
    return f"{title} {told.get('name')}{times}{made}{f' ({hash})' if hash else ''}"


def looked_at(record: Record, path_of: Callable[[Source], Path | None], url: Callable[[Path], str]) -> str:
    """The adapters' pictures and the control pictures made of them, as HTML."""
    given = [adapter.image for adapter in record.request.adapters if adapter.image]
    shown = []
    for source in (*given, *control_sources(record.facts)):
        name, path = escape(source.name or "a picture"), path_of(source)
        image = (
            f'<a href="{escape(url(path))}" target="_blank"><img src="{escape(url(path))}" alt="{name}"></a>' if path else ""
        )
        shown.append(f'<span class="looked">{image}{name}</span>')
    return "".join(shown)
