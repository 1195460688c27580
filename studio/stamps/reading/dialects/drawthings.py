"""Draw Things: JSON in XMP's `exif:UserComment`, with one-letter keys for prompts."""

from __future__ import annotations

from studio.core.evidence import Reading
from studio.stamps.reading.found import (
    MAX_SHOWN,
    Found,
    as_float,
    as_int,
    as_object,
    as_size,
    as_steps,
    as_text,
    plain_fields,
)

NAME, PLACE = "Draw Things", 50


def read(found: Found) -> Reading | None:
    text = found.xmp.user_comment or found.comment
    values = as_object(text)
    if "c" not in values or not {"uc", "model", "sampler"} & values.keys():
        return None
    width, height = as_size(values.get("size"))
    return Reading(
        dialect=NAME,
        prompt=as_text(values.get("c")),
        negative_prompt=as_text(values.get("uc")),
        model=as_text(values.get("model")),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("scale")),
        sampler=as_text(values.get("sampler")),
        seed=as_int(values.get("seed")),
        width=width,
        height=height,
        strength=as_float(values.get("strength"), 1.0),
        fields=plain_fields(values, "c", "uc"),
        text=text[:MAX_SHOWN],
    )
