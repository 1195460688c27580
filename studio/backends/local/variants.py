"""Members of a family that differ in what the form shows: told apart by their configuration and, last, by their name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from studio.backends.local.families import FAMILIES, Family

FEW_STEPS = ("turbo", "schnell", "lightning", "lcm", "hyper", "distilled")
"""Words in a name that mark a model distilled to a handful of steps without guidance."""
_STEPS = re.compile(r"(?<!\d)(\d{1,2})[-_ ]?steps?", re.IGNORECASE)

_TWINS = {
    "StableDiffusionPipeline": "StableDiffusionInpaintPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLInpaintPipeline",
}
"""Plain models and their twins made for masks, which take the mask and the masked picture as five channels more."""

Configuration = Mapping[str, Any]
_MEMBERS: tuple[tuple[str, Callable[[Configuration, Configuration], bool], dict[str, Any]], ...] = (
    ("Stable Diffusion", lambda own, _: own.get("cross_attention_dim") == 1024, {"title": "Stable Diffusion 2"}),
    ("Stable Diffusion inpainting", lambda own, _: own.get("cross_attention_dim") == 1024,
     {"title": "Stable Diffusion 2 inpainting"}),
    ("Stable Diffusion 3", lambda own, _: own.get("num_layers") == 38, {"title": "Stable Diffusion 3.5 large"}),
    ("Stable Diffusion 3", lambda own, _: bool(own.get("dual_attention_layers")), {"title": "Stable Diffusion 3.5 medium"}),
    ("FLUX.1", lambda own, _: own.get("guidance_embeds") is False,
     {"title": "FLUX.1 schnell", "unguided": True, "negative": False, "true_cfg": False, "steps": 4, "guidance_scale": 0.0,
      "few": (4, 0.0)}),
    ("FLUX.2 klein", lambda _, index: bool(index.get("is_distilled")),
     {"unguided": True, "steps": 4, "guidance_scale": 1.0, "few": (4, 1.0)}),
)  # fmt: skip
"""(title in the table, test of the denoiser's configuration and the model's index, what is different)."""


def resolve(named: str, index: Configuration, channels: object) -> str:
    """The pipeline class to load: editing classes of a family stand for the family, whichever twin the index names."""
    if named == "StableDiffusionXLImg2ImgPipeline" and (index.get("text_encoder") or [None])[0]:
        named = "StableDiffusionXLPipeline"  # a refiner has the second encoder only
    if named not in FAMILIES:
        named = next((name for name, family in FAMILIES.items() if named in (family.redraw, family.inpaint)), named)
    for plain, masked in _TWINS.items():
        if named in (plain, masked):
            return {4: plain, 9: masked}.get(channels, named) if isinstance(channels, int) else named
    return named


def member(family: Family, config: Configuration, index: Configuration) -> Family:
    """The family as this model is one of it; `config` is its denoiser's."""
    for title, fits, changes in _MEMBERS:
        if family.title == title and fits(config, index):
            return replace(family, **changes)
    return family


def distilled(name: str, family: Family) -> tuple[int, float] | None:
    """Steps and guidance scale for a model whose name says that it needs few steps; else None."""
    if not any(word in name.lower() for word in FEW_STEPS):
        return None
    told = _STEPS.search(name)
    return (int(told.group(1)) if told else family.few[0]), family.few[1]
