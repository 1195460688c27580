"""Buttons beside a picture that go on from it: compare it, vary it, change one thing, make a grid of it."""

from __future__ import annotations

from html import escape

from studio.core.model import Model
from studio.core.request import TextToImage
from studio.core.result import Record
from studio.core.variation import variations_of

ONE_THING: dict[str, str] = {
    "seed": "Seed", "steps": "Steps", "guidance_scale": "Guidance", "sampler": "Sampler", "prompt": "Words",
    "strength": "Strength", "lora": "LoRA weight", "variation_strength": "Variation", "size": "Size", "model": "Model",
}  # fmt: skip
"""Settings that can be changed alone, by the words on their buttons."""


def tools(record: Record, models: list[Model]) -> str:
    """The buttons, in the row of a picture's tools."""
    id, model = escape(record.id), _model(record, models)
    compare = f'<button data-compare="{id}" title="Put it beside other pictures">Compare</button>' if record.path else ""
    more = "More like this" if variations_of(record.request, record.facts) else "Vary"
    hint = "Four pictures a little beside this one: the same settings, its noise turned a quarter of the way to fresh seeds"
    able = model is not None and model.variations and model.takes("seed", record.request.task.kind)
    vary = f'<button data-do="vary" data-id="{id}" title="{hint}">{more}</button>' if able else ""
    return compare + vary


def one_thing(record: Record, models: list[Model]) -> str:
    """One click sets up a grid in which this one setting changes and all others, the seed too, stay."""
    id, model = escape(record.id), _model(record, models)
    if model is None:
        return ""
    buttons = "".join(
        f'<button data-grid="{id}" data-axis="{field}">{escape(title)}</button>'
        for field, title in ONE_THING.items()
        if _has(field, record, model)
    )
    whole = f'<button data-grid="{id}" title="Two or three settings as axes">Grid …</button>'
    said = "Change one thing"
    return f'<div class="one-thing" role="group" aria-label="{said}"><span>{said}</span>{buttons}{whole}</div>'


def _model(record: Record, models: list[Model]) -> Model | None:
    return next((each for each in models if each.id == record.request.model), None)


def _has(field: str, record: Record, model: Model) -> bool:
    """Whether the picture's model heeds that setting in its task."""
    request = record.request
    kind, of_words = request.task.kind, isinstance(request.task, TextToImage)
    told = {
        "sampler": len(model.samplers) > 1 and model.takes("sampler", kind),
        "strength": not of_words and model.takes("strength", kind),
        "lora": any(each.kind == "lora" for each in request.adapters),
        "variation_strength": model.variations,
        "size": of_words and model.takes("size", kind),
        "prompt": bool(request.prompt.strip()),
        "model": True,
    }
    return told[field] if field in told else model.takes(field, kind)
