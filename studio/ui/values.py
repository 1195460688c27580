"""Form values ↔ requests, presets, records and drafts: plain functions on dicts, so that they are tested without a page.

A form's values are a dict by field name; the names are those that `InvalidRequest.field` uses. Here is what all tabs share;
what belongs to one task stands with its tab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from studio.core.adapt import MAX_GUIDANCE, random_seed
from studio.core.errors import InvalidRequest
from studio.core.evidence import Reading
from studio.core.model import Model
from studio.core.preset import Preset
from studio.core.request import ImageRequest, Sampling, Task
from studio.core.result import Record
from studio.core.templates import literal
from studio.core.variation import read_variations, say_variations, variations_of
from studio.ui import worn

RANDOM, LOCKED = "Random", "Locked"
Values = dict[str, Any]
Sound = Callable[[Any, Model], bool]
"""Tells whether a value from a draft is one that a field of this model may show."""


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
        "variation": "",
        "preset": "",
        "other": None,
        "advanced": False,
        "adapters": [],
        "styles": [],
        **model_values(model),
    }


def model_values(model: Model) -> Values:
    """The values that belong to a model and change with it."""
    return {
        "model": model.id,
        "steps": model.default_steps,
        "guidance_scale": model.default_guidance_scale,
        "sampler": model.default_sampler,
    }


def to_request(
    values: Mapping[str, Any], model: Model, task: Task, options: Mapping[str, Any] | None = None
) -> ImageRequest:
    """The request that a form asks for; what its model does not take is not asked. An emptied number means the default."""
    takes = {name: model.takes(name, task.kind) for name in ("steps", "guidance_scale", "sampler", "seed")}
    seed = whole(values.get("seed"))
    locked = values.get("seed_mode") == LOCKED and takes["seed"]
    if locked and seed is None:
        raise InvalidRequest("The seed is locked but empty. Type a number, or choose Random.", "seed")
    return ImageRequest(
        model=values.get("model") or model.id,
        prompt=values.get("prompt") or "",
        negative_prompt=(values.get("negative_prompt") or "") if model.takes("negative_prompt", task.kind) else "",
        task=task,
        count=whole(values.get("count")) or 1,
        preset=values.get("preset") or "",
        styles=tuple(values.get("styles") or ()),
        options=dict(options or {}),
        adapters=worn.read(values.get("adapters"), model),
        sampling=Sampling(
            steps=whole(values.get("steps")) if takes["steps"] else None,
            guidance_scale=values.get("guidance_scale") if takes["guidance_scale"] else None,
            seed=seed if locked else None,
            variations=read_variations(values.get("variation") or "", random_seed) if model.variations else (),
            sampler=(values.get("sampler") or None) if takes["sampler"] and model.samplers else None,
        ),
    )


def from_request(
    request: ImageRequest, models: list[Model], seed: int | None, facts: Mapping[str, Any] | None = None
) -> Values:
    """Form values that make the same picture again; `seed` and `facts` are the picture's own."""
    model, sampling = model_of(request.model, models), request.sampling
    asked = {"steps": sampling.steps, "guidance_scale": sampling.guidance_scale, "sampler": sampling.sampler}
    values = {**model_values(model), **{name: value for name, value in asked.items() if value is not None}}
    return {
        **values,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "count": 1,
        "preset": request.preset,
        "adapters": worn.shown(request.adapters),
        "seed_mode": LOCKED,
        "seed": seed,
        "variation": say_variations(variations_of(request, facts or {})),
    }


def of_seed(record: Record) -> Values:
    """A picture's seed, with the variation of it that the picture was."""
    variation = say_variations(variations_of(record.request, record.facts))
    return {"seed_mode": LOCKED, "seed": record.seed, "variation": variation}


def from_reading(reading: Reading, models: list[Model]) -> tuple[Values, list[str]]:
    """Form values that a file's metadata tells, each checked like a draft's, and sentences on what could not be taken."""
    names = {reading.model, f"local:{reading.model}", f"local:{reading.model.rpartition('.')[0] or reading.model}"}
    known = next((model for model in models if model.id in names or model.title == reading.model), None)
    model = known or model_of(None, models)
    asked = {"prompt": literal(reading.prompt), "negative_prompt": reading.negative_prompt, "steps": reading.steps,
             "guidance_scale": reading.guidance_scale, "sampler": reading.sampler or None, "seed": reading.seed}  # fmt: skip
    told = {name: value for name, value in asked.items() if value is not None}
    changed: Values = {name: value for name, value in told.items() if _SOUND[name](value, model)}
    notes = [f"The model “{reading.model[:80]}” is not here."] if reading.model and known is None else []
    notes += [
        f"{name.replace('_', ' ').capitalize()} “{str(told[name])[:60]}” cannot be used here."
        for name in told
        if name not in changed
    ]
    if "seed" in changed:
        changed |= {"seed_mode": LOCKED, "variation": say_variations(reading.variations)}
    return {**({"model": known.id} if known else {}), **changed}, notes


def from_preset(preset: Preset, values: Mapping[str, Any], models: list[Model]) -> Values:
    """What a preset changes in a form; what it leaves open stays as it is."""
    model = model_of(preset.model or values.get("model"), models)
    changed: Values = {"preset": preset.name}
    if model.id != values.get("model"):
        changed |= model_values(model)
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
    if preset.styles:
        changed["styles"] = list(preset.styles)
    if preset.adapters:
        changed["adapters"] = worn.shown(preset.adapters)
    return changed


def from_draft(
    draft: Mapping[str, Any], models: list[Model], own: Callable[[Model], Values], sound: Mapping[str, Sound]
) -> Values:
    """A kept draft made whole and safe: what is missing, of another kind or outside the model's limits is the default.

    `own` and `sound` are the defaults and the checks of the tab's own fields.
    """
    model = model_of(draft.get("model"), models)
    values = {**defaults(model), **own(model)}
    checks = {**_SOUND, **sound}
    for name, value in draft.items():
        if name in checks and checks[name](value, model):
            values[name] = value
    return {**values, "model": model.id}


def number(low: float, high: float) -> Sound:
    """Sound if it is a number within these bounds."""
    return lambda value, model: isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high


def one_of(choices: Iterable[str | None]) -> Sound:
    """Sound if it is one of these words."""
    return lambda value, model: value in tuple(choices)


def switch(value: Any, model: Model) -> bool:
    """Sound if it is on or off."""
    return isinstance(value, bool)


def _text(value: Any, model: Model) -> bool:
    return isinstance(value, str)


_SOUND: dict[str, Sound] = {
    "prompt": _text,
    "negative_prompt": _text,
    "preset": _text,
    "steps": number(1, 500),
    "guidance_scale": number(0, MAX_GUIDANCE),
    "count": lambda value, model: number(1, model.max_count)(value, model),
    "sampler": lambda value, model: value in model.samplers,
    "other": lambda value, model: value is None or isinstance(value, str),
    "seed_mode": lambda value, model: value in (RANDOM, LOCKED),
    "seed": lambda value, model: value is None or number(0, 2**53)(value, model),
    "variation": _text,
    "advanced": switch,
    "adapters": worn.is_sound,
    "styles": lambda value, model: isinstance(value, list) and all(isinstance(each, str) for each in value),
}


def whole(value: Any) -> int | None:
    """An emptied number field is None."""
    return None if value is None or value == "" else int(value)
