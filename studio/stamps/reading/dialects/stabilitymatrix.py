"""StabilityMatrix: `parameters-json`, beside the text in AUTOMATIC1111's form."""

from __future__ import annotations

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

NAME, PLACE = "StabilityMatrix", 45


def read(found: Found) -> Reading | None:
    written = as_object(found.texts.get("parameters-json", ""))
    values = {key.lower(): value for key, value in written.items()}
    if not values:
        return None
    return Reading(
        dialect=NAME,
        prompt=as_text(values.get("positiveprompt")),
        negative_prompt=as_text(values.get("negativeprompt")),
        model=as_text(values.get("modelname")),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("cfgscale")),
        sampler=as_text(values.get("sampler")),
        seed=as_int(values.get("seed")),
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
        fields=plain_fields(written, "PositivePrompt", "NegativePrompt"),
        text=found.texts["parameters-json"][:MAX_SHOWN],
    )
