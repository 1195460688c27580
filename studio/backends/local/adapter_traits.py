"""What an adapter was made for and what a model is, as a few numbers that can be compared before anything is loaded."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SD: tuple[str, ...] = ("lora", "textual-inversion", "controlnet", "ip-adapter", "vae")
KINDS: Mapping[str, tuple[str, ...]] = {
    "StableDiffusionPipeline": _SD, "StableDiffusionInpaintPipeline": _SD,
    "StableDiffusionXLPipeline": _SD, "StableDiffusionXLInpaintPipeline": _SD,
    "LatentConsistencyModelPipeline": ("lora", "textual-inversion", "ip-adapter", "vae"),
    "StableDiffusion3Pipeline": ("lora", "controlnet", "vae"),
    "FluxPipeline": ("lora", "controlnet", "vae"),
    "FluxFillPipeline": ("lora", "vae"),
    "QwenImagePipeline": ("lora",), "ZImagePipeline": ("lora", "vae"), "ChromaPipeline": ("lora", "vae"),
    "SanaPipeline": ("lora",),
}  # fmt: skip
"""Kinds of adapters that the pipelines take; the others take none."""
MAX_TRIGGERS = 12
_DOWN = r"(?:lora_down|lora_A|lora\.down|_lora\.down|lora_linear_layer\.down)(?:\.default)?\.weight$"
_CONTEXT = re.compile(r"attn2[._](?:processor\.)?to_k.*?" + _DOWN)
_INNER = re.compile(r"(?:attn[._]to_q|img_attn[._]qkv|attn[._]qkv).*?" + _DOWN)
_FLUX = re.compile(r"double_blocks|single_blocks|single_transformer_blocks")
_UNET = re.compile(r"down_blocks|up_blocks|mid_block|input_blocks|output_blocks|middle_block")
_DIT = re.compile(r"transformer_blocks|diffusion_model[._]layers|transformer\.layers")


@dataclass(frozen=True, kw_only=True)
class Traits:
    """Of an adapter what it needs, of a model what it has; empty and None where that is unknown or of no importance.

    `arch` is "unet", "flux", "sd3", "dit" (any other transformer) or a pipeline's name; `context` the width of what the
    denoiser attends to (of a transformer its own); `texts` the widths of the text encoders; `latents` channels of the VAE.
    """

    arch: str = ""
    context: int | None = None
    texts: tuple[int, ...] = ()
    latents: int | None = None


def fits(needed: Traits, there: Traits) -> bool:
    """Whether nothing speaks against an adapter on a model."""
    return (
        _same_arch(needed.arch, there.arch)
        and _same(needed.context, there.context)
        and _same(needed.latents, there.latents)
        and _same(needed.texts or None, there.texts or None)
    )


def _same(one: object, other: object) -> bool:
    return one is None or other is None or one == other


def _same_arch(needed: str, there: str) -> bool:
    if needed == "dit":
        return there not in ("unet", "flux")
    return not needed or not there or needed == there


def lora_traits(shapes: Mapping[str, tuple[int, ...]]) -> Traits:
    """What a LoRA was made for, told by the names and shapes of its tensors."""
    names = tuple(shapes)
    if _any(_FLUX, names):
        return Traits(arch="flux", context=_width(_INNER, shapes))
    if any("joint_blocks" in name for name in names):
        return Traits(arch="sd3", context=_width(_INNER, shapes))
    if _any(_UNET, names):
        return Traits(arch="unet", context=_width(_CONTEXT, shapes))
    return Traits(arch="dit", context=_width(_INNER, shapes)) if _any(_DIT, names) else Traits()


def _any(pattern: re.Pattern[str], names: Iterable[str]) -> bool:
    return any(pattern.search(name) for name in names)


def _width(pattern: re.Pattern[str], shapes: Mapping[str, tuple[int, ...]]) -> int | None:
    """What the first matching layer takes in."""
    return next((shape[1] for name, shape in shapes.items() if len(shape) > 1 and pattern.search(name)), None)


def triggers_of(told: Mapping[str, str]) -> tuple[str, ...]:
    """The words that call a LoRA up, as its file tells: a phrase of its maker, or the tags of its training."""
    phrase = told.get("modelspec.trigger_phrase") or told.get("modelspec.trigger_word") or ""
    words = [word.strip() for word in phrase.split(",") if word.strip()]
    try:
        tags = json.loads(told.get("ss_tag_frequency") or "{}")
        counted: Counter[str] = Counter()
        for folder in tags.values():
            counted.update({str(tag).strip(): int(count) for tag, count in folder.items()})
    except (ValueError, TypeError, AttributeError, RecursionError):
        counted = Counter()
    words += [tag for tag, _ in counted.most_common(MAX_TRIGGERS)]
    return tuple(dict.fromkeys(word[:80] for word in words if word))[:MAX_TRIGGERS]
