"""The second, larger pass in the form's advanced part: off by default, for pictures from words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import gradio as gr

from studio.core.hires import BUILT_IN, MOST_SCALE
from studio.core.model import Model
from studio.core.request import Hires, ImageRequest, TextToImage
from studio.core.result import Record
from studio.ui import form, lenient
from studio.ui.values import Sound, Values, number, switch, whole

DEFAULTS: Values = {"hires": False, "hires_scale": 2.0, "hires_upscaler": "lanczos", "hires_strength": 0.4, "hires_steps": 0}
SOUND: dict[str, Sound] = {
    "hires": switch,
    "hires_scale": number(1.01, MOST_SCALE),
    "hires_upscaler": lambda value, model: value in (*BUILT_IN, *model.upscalers),
    "hires_strength": number(0, 1),
    "hires_steps": number(0, 500),
}
NAMES = {"latent": "Latent", "lanczos": "Lanczos"}


def defaults(tab: str) -> Values:
    """Of a tab that has these fields."""
    return DEFAULTS if tab == TextToImage.kind else {}


def sound(tab: str) -> dict[str, Sound]:
    return SOUND if tab == TextToImage.kind else {}


def is_offered(model: Model, task: str) -> bool:
    return model.hires and task == TextToImage.kind


def fields(tab: str, values: Values, model: Model) -> form.Fields:
    """A switch, and what it unfolds."""
    if tab != TextToImage.kind:
        return {}
    shown = is_offered(model, tab)
    with gr.Column(elem_classes=["hires"]):
        made: form.Fields = {
            "hires": gr.Checkbox(values["hires"], label="Second, larger pass (hires)", visible=shown,
                                 **form.named(tab, "hires")),
        }  # fmt: skip
        with gr.Column(elem_classes=["hires-more"]):
            made |= {
                "hires_scale": form.slider(tab, "hires_scale", "Times as large", (1.25, MOST_SCALE, 0.25),
                                           values["hires_scale"], visible=shown),
                "hires_upscaler": lenient.Dropdown(_choices(model), value=values["hires_upscaler"], label="Upscaler",
                                                   filterable=False, visible=shown, **form.named(tab, "hires_upscaler")),
                "hires_strength": form.slider(tab, "hires_strength", "Strength of the second pass", (0, 1, 0.05),
                                              values["hires_strength"], visible=shown),
                "hires_steps": form.slider(tab, "hires_steps", "Steps of the second pass (0 = as the first)", (0, 150, 1),
                                           values["hires_steps"], visible=shown),
            }  # fmt: skip
    return made


def asked(request: ImageRequest, values: Mapping[str, Any], model: Model) -> ImageRequest:
    """The request with the second pass, if the form asks for one and the model has it."""
    if not (values.get("hires") and is_offered(model, request.task.kind)):
        return request
    given = {**DEFAULTS, **{name: value for name, value in values.items() if name in DEFAULTS and value is not None}}
    hires = Hires(scale=float(given["hires_scale"]), upscaler=str(given["hires_upscaler"]),
                  strength=float(given["hires_strength"]), steps=whole(given["hires_steps"]) or None)  # fmt: skip
    return replace(request, hires=hires)


def shown(hires: Hires | None, tab: str) -> Values:
    """Form values of a record's second pass."""
    if tab != TextToImage.kind:
        return {}
    if hires is None:
        return {"hires": False}
    return {"hires": True, "hires_scale": hires.scale, "hires_upscaler": hires.upscaler, "hires_strength": hires.strength,
            "hires_steps": hires.steps or 0}  # fmt: skip


def updates(fields: form.Fields, changed: Values, model: Model, tab: str) -> dict[Any, Any]:
    """What of it this model has; values that have not changed stay as they are."""
    changes: dict[Any, Any] = {}
    for name in (name for name in DEFAULTS if name in fields):
        choices = {"choices": _choices(model)} if name == "hires_upscaler" else {}
        value = {"value": changed[name]} if name in changed else {}
        changes[fields[name]] = gr.update(visible=is_offered(model, tab), **choices, **value)
    return changes


def rows(record: Record) -> list[tuple[str, object]]:
    """Of a picture's details."""
    hires, used = record.request.hires, (record.facts.get("used") or {}).get("hires")
    if hires is None or not isinstance(used, Mapping):
        return []
    tiles = f", in {used['tiles']} tiles" if isinstance(used.get("tiles"), int) and used["tiles"] > 1 else ""
    drawn = f", drawn over at {hires.strength:g}{tiles}" if hires.strength else ""
    return [("Larger", f"{hires.scale:g} × by {NAMES.get(hires.upscaler, hires.upscaler)}{drawn}")]


def _choices(model: Model) -> list[tuple[str, str]]:
    return [(NAMES.get(name, name), name) for name in (*BUILT_IN, *model.upscalers)]
