"""AUTOMATIC1111, Forge, SD.Next and the many programs that write the same text."""

from __future__ import annotations

import re

from studio.core.evidence import Reading
from studio.stamps.adapters import read_worn
from studio.stamps.parameters import NO_PROMPT, parse_parameters, read_variations_of
from studio.stamps.reading.found import MAX_SHOWN, Found, as_float, as_int, as_size, as_steps, as_text, plain_fields

NAME, PLACE = "AUTOMATIC1111", 80
MAX_PARSED = 500_000
"""Characters; the settings of a longer text are not looked for."""
_FORGE = re.compile(r"f\d|.*forge|neo|classic", re.IGNORECASE)


def read(found: Found) -> Reading | None:
    text = found.parameters
    if not text or len(text) > MAX_PARSED or text[:100].lstrip().startswith("{"):
        return None
    prompt, negative, fields = parse_parameters(text)
    if not fields or ("parameters" not in found.texts and "Steps" not in fields):
        return None
    width, height = as_size(fields.get("Size"))
    return Reading(
        dialect=_program(fields, found),
        prompt="" if prompt == NO_PROMPT else as_text(prompt),
        negative_prompt=as_text(negative),
        model=as_text(fields.get("Model") or fields.get("Model hash")),
        steps=as_steps(fields.get("Steps")),
        guidance_scale=as_float(fields.get("CFG scale") or fields.get("CFG Scale")),
        sampler=_sampler(fields),
        seed=as_int(fields.get("Seed")),
        width=width,
        height=height,
        strength=_strength(fields),
        variations=read_variations_of(fields),
        fields=plain_fields(fields),
        text=text[:MAX_SHOWN],
        worn=read_worn((prompt, negative), fields),
    )


def _sampler(fields: dict[str, str]) -> str:
    """`DPM++ 2M` and `Karras` are two fields since 1.9; one name before and in the studio."""
    name, schedule = fields.get("Sampler", "")[:200], fields.get("Schedule type", "")[:200]
    has_one = schedule.lower() in ("", "automatic", "default") or name.lower().endswith(f" {schedule.lower()}")
    return name if has_one else f"{name} {schedule}".strip()


def _strength(fields: dict[str, str]) -> float | None:
    """With the high-resolution pass the strength is that pass's, not the picture's."""
    if any(key.startswith("Hires ") for key in fields):
        return None
    return as_float(fields.get("Denoising strength"), 1.0)


def _program(fields: dict[str, str], found: Found) -> str:
    version = fields.get("Version", "")
    if version.startswith("studio "):
        return "Studio"
    if fields.get("App", "").startswith("SD.Next"):
        return "SD.Next"
    if "fooocus_scheme" in found.texts or version.startswith("Fooocus"):
        return "Fooocus"
    if version.startswith("ComfyUI"):
        return "ComfyUI"
    return "Forge" if _FORGE.match(version) else NAME
