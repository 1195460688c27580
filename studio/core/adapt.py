"""Request × model → a request in which every value is concrete, and a note for each thing that was changed.

`check` is the border: what is wrong whatever the model. `adapt` never guesses silently.
"""

from __future__ import annotations

import secrets
from dataclasses import replace

from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import MAX_SEED, ImageRequest, Sampling, Size, TextToImage

MAX_PROMPT = 20_000
MAX_STEPS = 500
MAX_GUIDANCE = 50.0


def check(request: ImageRequest) -> None:
    """Raise `InvalidRequest` for what no model could do."""
    for name, text in (("prompt", request.prompt), ("negative_prompt", request.negative_prompt)):
        _check_text(name, text)
    if not request.prompt.strip():
        raise InvalidRequest("The prompt is empty. Describe the picture you want.", "prompt")
    if request.count < 1:
        raise InvalidRequest(f"The count is {request.count}. Ask for at least one picture.", "count")
    sampling = request.sampling
    _check_range("steps", sampling.steps, 1, MAX_STEPS)
    _check_range("guidance_scale", sampling.guidance_scale, 0, MAX_GUIDANCE)
    _check_range("seed", sampling.seed, 0, MAX_SEED)
    if request.task.size and min(request.task.size.width, request.task.size.height) < 1:
        raise InvalidRequest(f"The size {request.task.size} is empty. Both sides need at least one pixel.", "size")


def adapt(request: ImageRequest, model: Model) -> tuple[ImageRequest, tuple[str, ...]]:
    """Fill defaults and fit the request to the model. Raises `Unsupported` for what the model cannot do at all."""
    check(request)
    if request.task.kind not in model.tasks:
        raise Unsupported(f"{model.title} cannot do {request.task.kind}. Choose another model.")
    if request.count > model.max_count:
        raise InvalidRequest(f"{model.title} makes at most {model.max_count} pictures at once. Lower the count.", "count")
    size, size_notes = _fit_size(request.task.size or model.default_size, model)
    sampling = _fill_sampling(request, model)
    negative, negative_notes = _fit_negative(request, model, sampling)
    adapted = replace(request, task=TextToImage(size), sampling=sampling, negative_prompt=negative)
    return adapted, (*size_notes, *negative_notes)


def _fit_size(size: Size, model: Model) -> tuple[Size, tuple[str, ...]]:
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
    if seed + request.count - 1 > MAX_SEED:
        raise InvalidRequest(f"The last seed would be above {MAX_SEED}. Choose a smaller seed.", "seed")
    guidance = model.default_guidance_scale if asked.guidance_scale is None else asked.guidance_scale
    steps = asked.steps or model.default_steps
    return Sampling(steps=steps, guidance_scale=guidance, seed=seed, sampler=sampler)


def _fit_negative(request: ImageRequest, model: Model, sampling: Sampling) -> tuple[str, tuple[str, ...]]:
    if not request.negative_prompt.strip():
        return request.negative_prompt, ()
    if not model.negative_prompt:
        return "", (f"negative prompt dropped: {model.title} takes none",)
    if sampling.guidance_scale is not None and sampling.guidance_scale <= 1:
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


def _check_range(field: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise InvalidRequest(f"The {field.replace('_', ' ')} is {value:g}. It must lie between {low:g} and {high:g}.", field)
