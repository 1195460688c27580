"""Fooocus: JSON in `parameters` (PNG) or UserComment (JPEG, WebP) with its scheme beside it; older ones in a comment."""

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
    as_size,
    as_steps,
    as_text,
    plain_fields,
)

NAME, PLACE = "Fooocus", 40


def read(found: Found) -> Reading | None:
    text = found.parameters
    values = _named(found.settings)
    scheme = found.texts.get("fooocus_scheme") or found.exif.get("MakerNote") or values.get("metadata_scheme")
    if not values or not (scheme in ("fooocus", "a1111") or _is_fooocus(values)):
        text = found.texts.get("Comment") or found.texts.get("comment", "")
        values = _named(as_object(text))
        if not _is_fooocus(values):
            return None
    width, height = as_size(values.get("resolution"))
    return Reading(
        dialect=NAME,
        prompt=as_text(values.get("prompt")),
        negative_prompt=as_text(values.get("negative_prompt")),
        model=as_text(values.get("base_model")),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("guidance_scale", values.get("cfg"))),
        sampler=_sampler(values),
        seed=as_int(values.get("seed")),
        width=width or as_side(values.get("width")),
        height=height or as_side(values.get("height")),
        fields=plain_fields(values, "prompt", "negative_prompt"),
        text=text[:MAX_SHOWN],
    )


def _named(values: Any) -> dict[str, Any]:
    """Keys as Fooocus 2.2 writes them; before, they were titles such as `Guidance Scale`."""
    return {key.lower().replace(" ", "_"): value for key, value in values.items()}


def _is_fooocus(values: dict[str, Any]) -> bool:
    return "base_model" in values or "fooocus" in as_text(values.get("version")).lower()


def _sampler(values: dict[str, Any]) -> str:
    name, schedule = as_text(values.get("sampler")), as_text(values.get("scheduler"))
    return f"{name} {schedule}" if name and schedule not in ("", "normal") else name
