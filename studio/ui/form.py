"""The fields of a form as small factories, and the way from values to component updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.model import Model
from studio.core.request import MAX_SEED
from studio.ui.values import LOCKED, RANDOM, Values

Fields = dict[str, Any]
"""Field name → component, in the order of the page."""

MANY_STEPS = 150
"""Where the slider ends; a picture made with more brings its own end along when it is reused."""


def named(tab: str, field: str) -> dict[str, Any]:
    """How the page and its style sheet find a field: an id of its own and a class that all tabs share."""
    return {"elem_id": f"{tab}-{field}", "elem_classes": [f"field-{field}"]}


def prompt_field(tab: str, value: str) -> Any:
    return gr.Textbox(
        value,
        label="Prompt",
        lines=4,
        max_lines=12,
        autofocus=tab == "text-to-image",
        placeholder="Describe the picture you want",
        **named(tab, "prompt"),
    )


def negative_field(tab: str, value: str, model: Model) -> Any:
    return gr.Textbox(
        value,
        label="Negative prompt",
        lines=2,
        max_lines=6,
        visible=model.negative_prompt,
        placeholder="What the picture should not show",
        **named(tab, "negative_prompt"),
    )


def model_field(tab: str, models: list[Model], model: Model) -> Any:
    choices = model_choices(models)
    return gr.Dropdown(choices, value=model.id, label="Model", filterable=len(models) > 8, **named(tab, "model"))


def model_choices(models: list[Model]) -> list[tuple[str, str]]:
    """Titles with their ids, group by group; the group is named where there are several."""
    groups = list(dict.fromkeys(model.group for model in models))
    ordered = [model for group in groups for model in models if model.group == group]
    return [(model.title if len(groups) == 1 else f"{model.group} · {model.title}", model.id) for model in ordered]


def size_row(tab: str, values: Values, model: Model, between: str) -> Fields:
    """Both sides as numbers, and the button `between` them."""
    with gr.Row(**named(tab, "size")):
        width = number_field(tab, "width", values["width"], "Width", step=model.multiple_of)
        button = gr.Button(between, min_width=40, **named(tab, "swap"))
        height = number_field(tab, "height", values["height"], "Height", step=model.multiple_of)
    return {"width": width, "height": height, "swap": button}


def number_field(tab: str, field: str, value: int | None, label: str, *, minimum: int = 1, step: int = 1) -> Any:
    return gr.Number(
        value, label=label, precision=0, min_width=60, minimum=minimum, step=step, **named(tab, field)
    )  # fmt: skip


def slider(tab: str, field: str, label: str, bounds: tuple[float, float, float], value: float) -> Any:
    """A slider between two bounds in steps of the third."""
    low, high, step = bounds
    return gr.Slider(
        low, high, value, step=step, label=label, buttons=[], **named(tab, field)
    )  # fmt: skip


def sampling_fields(tab: str, values: Values, model: Model) -> Fields:
    return {
        "steps": slider(tab, "steps", "Steps", (1, max(MANY_STEPS, values["steps"]), 1), values["steps"]),
        "guidance_scale": slider(tab, "guidance_scale", "Guidance scale", (0, 20, 0.1), values["guidance_scale"]),
        "count": slider(tab, "count", "Pictures", (1, model.max_count, 1), values["count"]),
        "sampler": gr.Dropdown(
            list(model.samplers) or [model.default_sampler],
            value=values["sampler"],
            label="Sampler",
            filterable=len(model.samplers) > 8,
            **named(tab, "sampler"),
        ),
    }


def seed_fields(tab: str, values: Values) -> Fields:
    mode = gr.Radio([RANDOM, LOCKED], value=values["seed_mode"], label="Seed", **named(tab, "seed_mode"))
    with gr.Row(**named(tab, "seed_row")):
        number = gr.Number(
            values["seed"],
            label="Seed number",
            show_label=False,
            precision=0,
            minimum=0,
            maximum=MAX_SEED,
            placeholder="new for every picture",
            min_width=80,
            **named(tab, "seed"),
        )
        last = gr.Button("Use last", min_width=80, **named(tab, "last_seed"))
    return {"seed_mode": mode, "seed": number, "last_seed": last}


def updates(fields: Fields, values: Mapping[str, Any], model: Model) -> dict[Any, Any]:
    """Component updates for the given values, with the limits that `model` sets."""
    limits: dict[str, dict[str, Any]] = {
        "negative_prompt": {"visible": model.negative_prompt},
        "steps": {"maximum": max(MANY_STEPS, values.get("steps") or 0)},
        "count": {"maximum": model.max_count},
        "sampler": {"choices": list(model.samplers) or [model.default_sampler]},
    }
    changed = {fields[name]: gr.update(value=value, **limits.get(name, {})) for name, value in values.items()}
    untouched = {fields[name]: gr.update(**limit) for name, limit in limits.items() if name not in values}
    return {**untouched, **changed}
