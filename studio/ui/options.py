"""Fields that only one model has: a small pool of components that changes its meaning with the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.model import Model, Option
from studio.ui import lenient
from studio.ui.form import Fields, named
from studio.ui.values import Sound, Values

POOL = {"text": 1, "choice": 3, "number": 2}
"""How many components of each kind there are; a model with more options shows the first ones."""
SLOTS = tuple(f"{kind}_{number}" for kind, count in POOL.items() for number in range(count))
ANY = "as the model likes"


def slots_of(model: Model, task: str) -> dict[str, Option]:
    """Which component shows which option."""
    free = {kind: iter([f"{kind}_{number}" for number in range(count)]) for kind, count in POOL.items()}
    found = {}
    for option in model.options_for(task):
        if slot := next(free["choice" if option.choices else option.kind], None):
            found[slot] = option
    return found


def fields(tab: str, kinds: tuple[str, ...], model: Model, values: Values) -> Fields:
    """The components of some kinds, showing what `model` has."""
    made: Fields = {}
    for slot in (slot for slot in SLOTS if slot.startswith(kinds)):
        limits = limits_of(slot, model, tab)
        value = values.get(slot)
        if slot.startswith("choice"):
            made[slot] = lenient.Dropdown(value=value or ANY, **limits, **named(tab, slot))
        elif slot.startswith("text"):
            made[slot] = gr.Textbox(value or "", max_lines=1, **limits, **named(tab, slot))
        else:
            made[slot] = lenient.Number(value, min_width=60, **limits, **named(tab, slot))
    return made


def limits_of(slot: str, model: Model, task: str) -> dict[str, Any]:
    """Label, choices and visibility of a component for this model."""
    option = slots_of(model, task).get(slot)
    if option is None:
        return {"visible": False, **({"choices": [ANY]} if slot.startswith("choice") else {})}
    limits: dict[str, Any] = {"visible": True, "label": option.title}
    if option.choices:
        limits["choices"] = [ANY, *option.choices]
    elif option.kind == "number":
        limits |= {"minimum": option.low, "maximum": option.high}
    return limits


def defaults(model: Model, task: str) -> Values:
    """What the components show for an untouched model."""
    shown = slots_of(model, task)
    return {slot: shown[slot].default if slot in shown else None for slot in SLOTS}


def read(values: Mapping[str, Any], model: Model, task: str) -> dict[str, Any]:
    """`ImageRequest.options` of a form."""
    chosen = {option.name: values.get(slot) for slot, option in slots_of(model, task).items()}
    return {name: value for name, value in chosen.items() if value not in (None, "", ANY)}


def shown(options: Mapping[str, Any], model: Model, task: str) -> Values:
    """The components' values for a request's options."""
    return {slot: options.get(option.name, option.default) for slot, option in slots_of(model, task).items()}


def sound(task: str) -> dict[str, Sound]:
    """Checks of kept values: what the model's option would refuse is not shown."""

    def check(slot: str) -> Sound:
        def is_sound(value: Any, model: Model) -> bool:
            option = slots_of(model, task).get(slot)
            return value in (None, "", ANY) or (option is not None and not option.fault(value))

        return is_sound

    return {slot: check(slot) for slot in SLOTS}


def field_of(name: str, model: Model, task: str) -> str:
    """The component that shows an option, for an error that names it; other names stay."""
    return next((slot for slot, option in slots_of(model, task).items() if option.name == name), name)
