"""Our own record: the PNG text `studio_metadata`, or the XMP element `studio:record` in a JPEG or WebP."""

from __future__ import annotations

import json
from typing import Any

from studio.core.adapters import MAX_ADAPTERS, PICTURED
from studio.core.evidence import Reading, Worn
from studio.stamps.reading.found import (
    MAX_SHOWN,
    Found,
    as_float,
    as_int,
    as_object,
    as_side,
    as_steps,
    as_text,
    plain_fields,
    within,
)

NAME, PLACE = "Studio", 0
KEYWORD = "studio_metadata"


def own_record(found: Found) -> dict[str, Any]:
    """Whatever our place holds, of any schema; empty if that is no sound JSON."""
    return as_object(found.texts.get(KEYWORD, "") or found.xmp.studio_record, strict=True)


def read(found: Found) -> Reading | None:
    """What ran goes before what was asked."""
    values = own_record(found)
    request = values.get("request")
    if not isinstance(request, dict) or "record" not in values:
        return None

    def ran(name: str) -> Any:
        used = within(values, "used", name)
        return within(request, "sampling", name) if used is None else used

    return Reading(
        dialect=NAME,
        prompt=as_text(request.get("prompt")),
        negative_prompt=as_text(request.get("negative_prompt")),
        model=as_text(request.get("model")),
        steps=as_steps(ran("steps")),
        guidance_scale=as_float(ran("guidance_scale")),
        sampler=as_text(ran("sampler")),
        seed=as_int(values.get("seed")),
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
        strength=as_float(within(request, "task", "strength"), 1.0),
        fields=plain_fields(values, "request", "used", "facts", "seed", "width", "height"),
        text=json.dumps(values, ensure_ascii=False, indent=1)[:MAX_SHOWN],
        record=values,
        worn=_worn(within(values, "used", "adapters")),
    )


def _worn(told: Any) -> tuple[Worn, ...]:
    """What was at work besides the model. Adapters that looked at pictures come back with the request alone."""
    each = (entry for entry in (told if isinstance(told, list) else ())[:MAX_ADAPTERS] if isinstance(entry, dict))
    return tuple(
        Worn(kind=as_text(entry.get("kind")), name=as_text(entry.get("name"))[:300], weight=_weight(entry.get("weight")),
             hash=as_text(entry.get("sha256"))[:64])
        for entry in each if entry.get("kind") not in PICTURED
    )  # fmt: skip


def _weight(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and -100 <= value <= 100 else 1.0
