"""A family for any text-to-image pipeline that diffusers has and our table has not, read from diffusers' source.

The source is parsed, not imported: the studio's process lists models without torch. What a pipeline's call and constructor
take decides which fields the form shows and which tasks the model can do.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from studio.backends.local import samplers
from studio.backends.local.families import TRUE_CFG, Family
from studio.backends.local.samplers import FLOW, Sampler

_CLASS = re.compile(r"^class (\w+Pipeline)\(", re.MULTILINE)
_NEEDED = {"prompt", "num_inference_steps", "generator", "height", "width"}
_FOREIGN = re.compile(r"frames|video|audio|control|^layers$|^adapter|^prior$|^prior_guidance|noise_level")
"""Arguments and parts of pipelines that make or need something else than words and a picture."""
_SEEING = re.compile("Edit|Img2Img|I2I|Pix2Pix|Refiner")
_PACKAGES = {
    **dict.fromkeys(("QwenImage21Pipeline", "BriaFibo2Pipeline"), "torchvision"),
    **dict.fromkeys(("KolorsPipeline", "KolorsImg2ImgPipeline", "KolorsPAGPipeline"), "sentencepiece"),
}
"""What their processors of pictures and words cannot do without."""
_GUIDANCES = ("guidance_scale", TRUE_CFG, "distilled_guidance_scale")
_DENOISERS = ("transformer", "unet")
_SCHEDULER = re.compile(r"[A-Z]\w*Scheduler")


@dataclass(frozen=True)
class Signature:
    """A pipeline class: the arguments of its call with their plain defaults, and the parts its constructor takes."""

    call: Mapping[str, Any]
    required: frozenset[str]
    parts: frozenset[str]


def family(pipeline: str, schedule: Mapping[str, Any]) -> Family | None:
    """The family for a pipeline class of diffusers; None if it makes no pictures from words, or in a way of its own.

    `schedule` is the model's own scheduler configuration: these models run with their own scheduler alone.
    """
    own = signature(pipeline)
    denoiser = next((part for part in _DENOISERS if own and part in own.parts), "")
    if own is None or not denoiser or not _draws(own):
        return None
    guidance = next((name for name in _GUIDANCES if own.call.get(name) is not None), "")
    found = Family(
        title=pipeline.removesuffix("Pipeline"),
        steps=_number(own.call["num_inference_steps"], 28),
        guidance=guidance,
        guidance_scale=float(_number(own.call.get(guidance), 5)),
        negative="negative_prompt" in own.call,
        empty_negative=" " if guidance == TRUE_CFG else own.call.get("negative_prompt"),
        multiple_of=32,
        max_tokens=_number(own.call.get("max_sequence_length"), 77 if denoiser == "unet" else 256),
        denoiser=denoiser,
        samplers=_own_sampler(schedule),
        sampler="",
        needs=_PACKAGES.get(pipeline, ""),
    )
    return _with_pictures(replace(found, sampler=next(iter(found.samplers))), pipeline, own)


@lru_cache(maxsize=64)
def signature(pipeline: str) -> Signature | None:
    """What the class `pipeline` takes; None if diffusers has none of that name."""
    file = _places().get(pipeline)
    if file is None:
        return None
    module = ast.parse(file.read_text(encoding="utf-8"))
    found = next(node for node in module.body if isinstance(node, ast.ClassDef) and node.name == pipeline)
    methods = {node.name: node.args for node in found.body if isinstance(node, ast.FunctionDef)}
    if "__call__" not in methods or "__init__" not in methods or "encode_prompt" not in methods:
        return None
    call, required = _arguments(methods["__call__"])
    return Signature(call, required, frozenset(_arguments(methods["__init__"])[0]))


@lru_cache(maxsize=1)
def _places() -> Mapping[str, Path]:
    """Pipeline classes and the files of diffusers that hold them."""
    spec = find_spec("diffusers")
    found: dict[str, Path] = {}
    for folder in spec.submodule_search_locations or () if spec else ():
        for file in sorted((Path(folder) / "pipelines").glob("*/pipeline_*.py")):
            if file.parent.name != "deprecated":
                found |= dict.fromkeys(_CLASS.findall(file.read_text(encoding="utf-8")), file)
    return found


def _draws(own: Signature) -> bool:
    """Words in, one picture out, by a denoiser and an autoencoder that the studio can watch."""
    if not set(own.call) >= _NEEDED or "vae" not in own.parts or own.required - {"prompt", "image"}:
        return False
    return not any(_FOREIGN.search(name) for name in (*own.call, *own.parts))


def _with_pictures(found: Family, pipeline: str, own: Signature) -> Family:
    """The family with what it can do with pictures."""
    stem = pipeline.removesuffix("Pipeline")
    redraw = signature(f"{stem}Img2ImgPipeline")
    if "image" in own.call:
        instructed = "strength" not in own.call
        found = replace(found, redraw=pipeline, reference=instructed, from_words=not _must_see(pipeline, own))
    elif redraw and {"image", "strength"} <= set(redraw.call):
        found = replace(found, redraw=f"{stem}Img2ImgPipeline", soft=_hands_latents(redraw))
    masked = signature(f"{stem}InpaintPipeline")
    return replace(found, inpaint=f"{stem}InpaintPipeline") if masked and _is_masked(masked) else found


def _must_see(pipeline: str, own: Signature) -> bool:
    return "image" in own.required or bool(_SEEING.search(pipeline))


def _is_masked(own: Signature) -> bool:
    return {"image", "mask_image", "strength"} <= set(own.call)


def _hands_latents(own: Signature) -> bool:
    return "callback_on_step_end_tensor_inputs" in own.call


def _own_sampler(schedule: Mapping[str, Any]) -> Mapping[str, Sampler]:
    """The model's own scheduler under the name that creators know, if there is one."""
    scheduler = str(schedule.get("_class_name") or "FlowMatchEulerDiscreteScheduler")
    if scheduler == FLOW["Euler"].scheduler or not _SCHEDULER.fullmatch(scheduler):
        return {"Euler": FLOW["Euler"]}
    name = samplers.name_of(scheduler, schedule, samplers.DIFFUSION) or scheduler.removesuffix("Scheduler")
    return {name: Sampler(scheduler)}


def _arguments(arguments: ast.arguments) -> tuple[dict[str, Any], frozenset[str]]:
    """(defaults by name, names without a default). A default that is no literal reads as None."""
    names = [each.arg for each in (*arguments.posonlyargs, *arguments.args)][1:]
    without = len(names) - len(arguments.defaults)
    found = dict(zip(names, [None] * without + [_literal(each) for each in arguments.defaults], strict=True))
    found |= dict(_keywords(arguments))
    return found, frozenset(names[:without])


def _keywords(arguments: ast.arguments) -> Iterable[tuple[str, Any]]:
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield each.arg, _literal(default) if default else None


def _literal(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return None


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else otherwise  # type: ignore[return-value]
