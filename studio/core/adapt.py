"""Request × model → a request in which every value is concrete, and a note for each thing that was changed.

`check` is the border: what is wrong whatever the model. `adapt` never guesses silently.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from studio.core.adapters import fit_adapters
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.hires import check_hires, fit_hires, is_upscaling
from studio.core.model import Model
from studio.core.request import (
    AREAS,
    FILLS,
    MAX_SEED,
    RESIZES,
    ImageRequest,
    ImageToImage,
    Inpaint,
    Outpaint,
    Sampling,
    Size,
    Task,
    TextToImage,
)
from studio.core.variation import check_variations, require_variations

MAX_PROMPT = 20_000
MAX_STEPS = 500
MAX_GUIDANCE = 100.0
"""FLUX Fill is drawn with 30 to 60."""
MAX_REACH = 2048
"""Pixels of padding, growth, feather and overlap."""
MAX_CANVAS = 100_000_000
"""Pixels of a canvas: 12 000 × 8 000 fits."""


def check(request: ImageRequest) -> None:
    """Raise `InvalidRequest` for what no model could do."""
    for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        _check_text(name, text)
    if request.count < 1:
        raise InvalidRequest(f"The count is {request.count}. Ask for at least one picture.", "count")
    sampling = request.sampling
    _check_range("steps", sampling.steps, 1, MAX_STEPS)
    _check_range("guidance_scale", sampling.guidance_scale, 0, MAX_GUIDANCE)
    _check_range("seed", sampling.seed, 0, MAX_SEED)
    check_variations(sampling.variations)
    if request.task.size and min(request.task.size.width, request.task.size.height) < 1:
        raise InvalidRequest(f"The size {request.task.size} is empty. Both sides need at least one pixel.", "size")
    _check_task(request.task, upscaling=is_upscaling(request))
    check_hires(request)


def adapt(request: ImageRequest, model: Model) -> tuple[ImageRequest, tuple[str, ...]]:
    """Fill defaults and fit the request to the model. Raises `Unsupported` for what the model cannot do at all."""
    check(request)
    request, worn = fit_adapters(request, model)
    if request.task.kind not in model.tasks:
        raise Unsupported(f"{model.title} cannot do {request.task.kind}. Choose another model.")
    if request.count > model.max_count:
        raise InvalidRequest(f"{model.title} makes at most {model.max_count} pictures at once. Lower the count.", "count")
    if not request.prompt.strip() and request.task.kind in model.needs_prompt and not is_upscaling(request):
        raise InvalidRequest("The prompt is empty. Describe the picture you want.", "prompt")
    require_variations(request, model)
    sampling = _fill_sampling(request, model)
    task, task_notes = _fit_task(request.task, model, sampling.steps or 1)
    negative, negative_notes = _fit_negative(request, model, sampling)
    options = _fit_options(request, model)
    hires, hires_notes = fit_hires(replace(request, task=task), model)
    notes = (*_dropped(request, model), *task_notes, *negative_notes, *hires_notes, *worn)
    fitted = replace(request, task=task, sampling=sampling, negative_prompt=negative, options=options, hires=hires)
    return fitted, notes


def _fit_options(request: ImageRequest, model: Model) -> dict[str, Any]:
    """The model's own fields, checked; what it does not have stays out of it."""
    chosen = {}
    for option in model.options_for(request.task.kind):
        value = request.options.get(option.name, option.default)
        if value in (None, ""):
            continue
        if fault := option.fault(value):
            raise InvalidRequest(fault, option.name)
        chosen[option.name] = value
    return chosen if model.options else dict(request.options)


def _dropped(request: ImageRequest, model: Model) -> tuple[str, ...]:
    """A note for each value that was asked for and has no effect with this model."""
    task, sampling = request.task, request.sampling
    asked = {"steps": sampling.steps, "guidance_scale": sampling.guidance_scale, "sampler": sampling.sampler}
    asked |= {"seed": sampling.seed, "prompt": request.prompt or None}
    return tuple(
        f"{name.replace('_', ' ')} has no effect: {model.title} takes none"
        for name, value in asked.items()
        if value is not None and not model.takes(name, task.kind)
    )


def _check_task(task: Task, *, upscaling: bool = False) -> None:
    match task:
        case TextToImage():
            return
        case ImageToImage():
            _check_choice("resize", task.resize, RESIZES)
        case Inpaint():
            _check_choice("fill", task.fill, FILLS)
            _check_choice("area", task.area, AREAS)
            _check_range("padding", task.padding, 0, MAX_REACH)
            _check_range("grow", task.grow, -MAX_REACH, MAX_REACH)
            _check_range("feather", task.feather, 0, MAX_REACH)
        case Outpaint():
            _check_outpaint(task)
    _check_range("strength", task.strength, 0, 1)
    if not (task.strength or upscaling):
        raise InvalidRequest("The strength is 0, so nothing would change. Raise it.", "strength")
    if task.image.width * task.image.height > MAX_CANVAS:
        raise InvalidRequest(
            f"The picture has {task.image.size} pixels; at most {MAX_CANVAS // 1_000_000} million can be worked on. "
            "Make it smaller.", "image",
        )  # fmt: skip


def _check_outpaint(task: Outpaint) -> None:
    _check_choice("fill", task.fill, FILLS)
    _check_range("overlap", task.overlap, 0, MAX_REACH)
    _check_range("feather", task.feather, 0, MAX_REACH)
    margins = (task.left, task.right, task.up, task.down)
    if min(margins) < 0:
        raise InvalidRequest("A side is shorter than nothing. Type 0 for a side that stays as it is.", "margins")
    if not any(margins):
        raise InvalidRequest("No side is extended yet. Drag an edge, type pixels or choose a target shape.", "margins")
    if task.size.width * task.size.height > MAX_CANVAS:
        raise InvalidRequest(
            f"The new canvas would have {task.size} pixels; at most {MAX_CANVAS // 1_000_000} million are possible. "
            "Extend it less.", "margins",
        )  # fmt: skip


def _fit_task(task: Task, model: Model, steps: int) -> tuple[Task, tuple[str, ...]]:
    """The task with a concrete size, and no less strength than one step."""
    notes: tuple[str, ...] = ()
    match task:
        case TextToImage():
            size, notes = _fit_size(task.size or model.default_size, model)
            return TextToImage(size), notes if task.size and model.takes("size", task.kind) else ()
        case ImageToImage(strength=0):  # only made larger, and not drawn at this size
            return replace(task, size=task.image.size), ()
        case ImageToImage():
            size, notes = _fit_size(task.size or model.size_near(task.image.size), model)
            task = replace(task, size=size)
        case Inpaint() if task.soft and not model.soft_masks:
            task, notes = (
                replace(task, soft=False),
                (f"soft mask used as a hard one: {model.title} has no partial strength",),
            )
    if task.strength * steps < 1 and model.takes("steps", task.kind) and model.takes("strength", task.kind):
        notes = (*notes, f"strength {task.strength:g} became {1 / steps:g}: one of {steps} steps at least")
        task = replace(task, strength=1 / steps)
    return task, notes


def _fit_size(size: Size, model: Model) -> tuple[Size, tuple[str, ...]]:
    if model.sizes:
        fitted = size if size in model.sizes else model.size_of_shape(size)
        return fitted, () if fitted == size else (f"size {size} became {fitted}: {model.title} has sizes of its own",)
    smallest, largest = min(size.width, size.height), max(size.width, size.height)
    if smallest < model.min_side or largest > model.max_side:
        raise InvalidRequest(
            f"{model.title} draws sides from {model.min_side} to {model.max_side} pixels; {size} is outside.", "size"
        )
    unit = model.multiple_of
    fitted = Size(*(max(unit, round(side / unit) * unit) for side in (size.width, size.height)))
    if fitted == size:
        return size, ()
    return fitted, (f"size {size} became {fitted}: sides must be multiples of {unit}",)


def _fill_sampling(request: ImageRequest, model: Model) -> Sampling:
    asked = request.sampling
    sampler = asked.sampler or model.default_sampler
    if model.samplers and sampler not in model.samplers:
        raise Unsupported(f"{model.title} has no sampler “{sampler}”. Choose one of: {', '.join(model.samplers)}.")
    seed = asked.seed if asked.seed is not None else random_seed()
    counted = asked.variations[-1].seed if asked.variations else seed
    if counted + request.count - 1 > MAX_SEED:
        raise InvalidRequest(f"The last seed would be above {MAX_SEED}. Choose a smaller seed.", "seed")
    guidance = model.default_guidance_scale if asked.guidance_scale is None else asked.guidance_scale
    steps = asked.steps or model.default_steps
    return replace(asked, steps=steps, guidance_scale=guidance, seed=seed, sampler=sampler)


def _fit_negative(request: ImageRequest, model: Model, sampling: Sampling) -> tuple[str, tuple[str, ...]]:
    if not request.negative_prompt.strip():
        return request.negative_prompt, ()
    if not model.takes("negative_prompt", request.task.kind):
        return "", (f"negative prompt dropped: {model.title} takes none",)
    guided = model.takes("guidance_scale", request.task.kind)
    if guided and sampling.guidance_scale is not None and sampling.guidance_scale <= 1:
        return request.negative_prompt, ("negative prompt has no effect: guidance scale is 1 or less",)
    return request.negative_prompt, ()


def random_seed() -> int:
    """A fresh seed that leaves room for a batch."""
    return secrets.randbelow(2**31)


def _check_text(name: str, text: str) -> None:
    label = name.replace("_", " ")
    if len(text) > MAX_PROMPT:
        raise InvalidRequest(f"The {label} has {len(text)} characters; at most {MAX_PROMPT} are allowed. Shorten it.", name)
    if any(ord(char) < 32 and char not in "\n\r\t" for char in text) or any(0xD800 <= ord(char) < 0xE000 for char in text):
        raise InvalidRequest(f"The {label} holds control characters. Paste it as plain text.", name)


def _check_choice(field: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidRequest(f"“{value}” is no {field} mode. Choose one of: {', '.join(choices)}.", field)


def _check_range(field: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidRequest(f"The {field.replace('_', ' ')} is {value:g}. It must lie between {low:g} and {high:g}.", field)
