"""Form values ↔ requests, presets, records and drafts: plain functions on dicts, so that they are tested without a page.

A form's values are a dict by field name; the names are those that `InvalidRequest.field` uses, but for the size, which is
`width` and `height` here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.preset import Preset
from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from studio.ui.sizes import shape_of

FIELDS = (
    "prompt",
    "negative_prompt",
    "model",
    "shape",
    "width",
    "height",
    "steps",
    "guidance_scale",
    "count",
    "sampler",
    "seed_mode",
    "seed",
    "preset",
    "advanced",
)
RANDOM, LOCKED = "Random", "Locked"
Values = dict[str, Any]


def model_of(id: str | None, models: list[Model]) -> Model:
    """The model with this id, or the first one. Raises `InvalidRequest` when there is none at all."""
    if not models:
        raise InvalidRequest("No model was found. Put one into the models folder and reload the page.", "model")
    return next((model for model in models if model.id == id), models[0])


def defaults(model: Model) -> Values:
    """What an untouched form shows for this model."""
    return {
        "prompt": "",
        "negative_prompt": "",
        "count": 1,
        "seed_mode": RANDOM,
        "seed": None,
        "preset": "",
        "advanced": False,
        **model_values(model),
        **size_values(model.default_size, model),
    }


def model_values(model: Model) -> Values:
    """The values that belong to a model and change with it."""
    return {
        "model": model.id,
        "steps": model.default_steps,
        "guidance_scale": model.default_guidance_scale,
        "sampler": model.default_sampler,
    }


def size_values(size: Size, model: Model) -> Values:
    return {"width": size.width, "height": size.height, "shape": shape_of(size, model)}


def to_request(values: Mapping[str, Any], model: Model) -> ImageRequest:
    """The request that a form asks for; `model` tells what its model takes. An emptied number means the default."""
    seed = _whole(values.get("seed"))
    if values.get("seed_mode") == LOCKED and seed is None:
        raise InvalidRequest("The seed is locked but empty. Type a number, or choose Random.", "seed")
    return ImageRequest(
        model=values.get("model") or model.id,
        prompt=values.get("prompt") or "",
        negative_prompt=(values.get("negative_prompt") or "") if model.negative_prompt else "",
        task=TextToImage(_size(values)),
        count=_whole(values.get("count")) or 1,
        preset=values.get("preset") or "",
        sampling=Sampling(
            steps=_whole(values.get("steps")),
            guidance_scale=values.get("guidance_scale"),
            seed=seed if values.get("seed_mode") == LOCKED else None,
            sampler=values.get("sampler") or None,
        ),
    )


def from_request(request: ImageRequest, models: list[Model], seed: int | None) -> Values:
    """Form values that make the same picture again; `seed` is the picture's own."""
    model = model_of(request.model, models)
    sampling, size = request.sampling, request.task.size or model.default_size
    asked = {"steps": sampling.steps, "guidance_scale": sampling.guidance_scale, "sampler": sampling.sampler}
    values = {**model_values(model), **{name: value for name, value in asked.items() if value is not None}}
    return {
        **values,
        **size_values(size, model),
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "count": 1,
        "preset": request.preset,
        "seed_mode": LOCKED,
        "seed": seed,
    }


def from_preset(preset: Preset, values: Mapping[str, Any], models: list[Model]) -> Values:
    """What a preset changes in a form; what it leaves open stays as it is."""
    model = model_of(preset.model or values.get("model"), models)
    changed: Values = {"preset": preset.name}
    if model.id != values.get("model"):
        changed |= {**model_values(model), **size_values(model.default_size, model)}
    if preset.size:
        changed |= size_values(preset.size, model)
    sampling = preset.sampling
    asked = {
        "prompt": preset.prompt,
        "negative_prompt": preset.negative_prompt,
        "steps": sampling.steps,
        "guidance_scale": sampling.guidance_scale,
        "sampler": sampling.sampler,
        "seed": sampling.seed,
    }
    changed |= {name: value for name, value in asked.items() if value not in (None, "")}
    if sampling.seed is not None:
        changed["seed_mode"] = LOCKED
    return changed


def from_draft(draft: Mapping[str, Any], models: list[Model]) -> Values:
    """A kept draft made whole and safe: what is missing, of another kind or outside the model's limits is the default."""
    model = model_of(draft.get("model"), models)
    values = defaults(model)
    for name, value in draft.items():
        if name in _SOUND and _SOUND[name](value, model):
            values[name] = value
    size = Size(values["width"] or 0, values["height"] or 0)
    return {**values, "model": model.id, "shape": shape_of(size, model)}


def _number(low: float, high: float) -> Callable[[Any, Model], bool]:
    return lambda value, model: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def _text(value: Any, model: Model) -> bool:
    return isinstance(value, str)


_SOUND: dict[str, Callable[[Any, Model], bool]] = {
    "prompt": _text,
    "negative_prompt": _text,
    "preset": _text,
    "width": _number(1, 16_384),
    "height": _number(1, 16_384),
    "steps": _number(1, 500),
    "guidance_scale": _number(0, 50),
    "count": lambda value, model: _number(1, model.max_count)(value, model),
    "sampler": lambda value, model: value in model.samplers,
    "seed_mode": lambda value, model: value in (RANDOM, LOCKED),
    "seed": lambda value, model: value is None or _number(0, 2**53)(value, model),
    "advanced": lambda value, model: isinstance(value, bool),
}


def _size(values: Mapping[str, Any]) -> Size | None:
    width, height = _whole(values.get("width")), _whole(values.get("height"))
    if (width is None) != (height is None):
        raise InvalidRequest("One side of the size is empty. Type both, or choose a shape.", "size")
    return None if width is None or height is None else Size(width, height)


def _whole(value: Any) -> int | None:
    return None if value is None or value == "" else int(value)
