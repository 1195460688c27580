"""SwarmUI: JSON with `sui_image_params` where others write their text; its first versions in EXIF's Model."""

from __future__ import annotations

from typing import Any

from studio.core.evidence import Reading
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
)

NAME, PLACE = "SwarmUI", 35


def read(found: Found) -> Reading | None:
    text, values = found.parameters, found.settings.get("sui_image_params")
    if not isinstance(values, dict):
        text = found.exif.get("Model", "")
        values = as_object(text).get("sui_image_params")
    if not isinstance(values, dict):
        return None
    return Reading(
        dialect=NAME,
        prompt=as_text(values.get("prompt")),
        negative_prompt=as_text(values.get("negativeprompt")),
        model=as_text(values.get("model")),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("cfgscale")),
        sampler=_sampler(values),
        seed=as_int(values.get("seed")),
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
        strength=as_float(values.get("initimagecreativity"), 1.0),
        fields=plain_fields(values, "prompt", "negativeprompt"),
        text=text[:MAX_SHOWN],
    )


def _sampler(values: dict[str, Any]) -> str:
    """Older versions named it by its engine."""
    names = (as_text(values.get(key)) for key in ("sampler", "comfyuisampler", "autowebuisampler"))
    schedules = (as_text(values.get(key)) for key in ("scheduler", "comfyuischeduler"))
    name, schedule = next(filter(None, names), ""), next(filter(None, schedules), "")
    return f"{name} {schedule}" if name and schedule not in ("", "normal") else name
