"""InvokeAI: `invokeai_metadata`, and the older `sd-metadata` and `Dream`."""

from __future__ import annotations

import re
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
    within,
)

NAME, PLACE = "InvokeAI", 20
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){0,20000})"')
_FLAG = re.compile(r"(?:^|\s)-([sSWHCAf])\s?([\w.]{1,40})")
_NOT = re.compile(r"\[([^\[\]]{0,20000})\]")


def read(found: Found) -> Reading | None:
    if values := as_object(found.texts.get("invokeai_metadata", "")):
        return _current(values, found.texts["invokeai_metadata"])
    if values := as_object(found.texts.get("sd-metadata", "")):
        return _older(values, found.texts["sd-metadata"])
    return _dream(found.texts["Dream"]) if "Dream" in found.texts else None


def _current(values: dict[str, Any], text: str) -> Reading:
    model = values.get("model")
    name = next((within(model, key) for key in ("name", "model_name") if within(model, key)), model)
    return Reading(
        dialect=NAME,
        prompt=as_text(values.get("positive_prompt")),
        negative_prompt=as_text(values.get("negative_prompt")),
        model=as_text(name),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("cfg_scale", values.get("guidance"))),
        sampler=as_text(values.get("scheduler")),
        seed=as_int(values.get("seed")),
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
        strength=as_float(values.get("strength"), 1.0),
        fields=plain_fields(values, "positive_prompt", "negative_prompt"),
        text=text[:MAX_SHOWN],
    )


def _older(values: dict[str, Any], text: str) -> Reading:
    image = values.get("image") if isinstance(values.get("image"), dict) else {}
    prompt, negative = _split(as_text(within(image, "prompt", 0, "prompt") or within(image, "prompt")))
    return Reading(
        dialect=NAME,
        prompt=prompt,
        negative_prompt=negative,
        model=as_text(values.get("model_weights")),
        steps=as_steps(within(image, "steps")),
        guidance_scale=as_float(within(image, "cfg_scale")),
        sampler=as_text(within(image, "sampler")),
        seed=as_int(within(image, "seed")),
        width=as_side(within(image, "width")),
        height=as_side(within(image, "height")),
        strength=as_float(within(image, "strength"), 1.0),
        fields=plain_fields(values, "image"),
        text=text[:MAX_SHOWN],
    )


def _dream(text: str) -> Reading | None:
    """`"a prompt [not this]" -s 20 -S 42 -W 512 -H 512 -C 7.5 -A k_lms`."""
    found = _QUOTED.match(text)
    if not found:
        return None
    prompt, negative = _split(found[1])
    flags = dict(_FLAG.findall(text[found.end() : found.end() + 1000]))
    return Reading(
        dialect=NAME,
        prompt=prompt,
        negative_prompt=negative,
        steps=as_steps(flags.get("s")),
        guidance_scale=as_float(flags.get("C")),
        sampler=flags.get("A", ""),
        seed=as_int(flags.get("S")),
        width=as_side(flags.get("W")),
        height=as_side(flags.get("H")),
        strength=as_float(flags.get("f"), 1.0),
        text=text[:MAX_SHOWN],
    )


def _split(prompt: str) -> tuple[str, str]:
    """What stands in square brackets is the negative prompt."""
    return _NOT.sub("", prompt).strip(), ", ".join(_NOT.findall(prompt))
