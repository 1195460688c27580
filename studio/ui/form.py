"""The fields of a form as small factories, and the way from values to component updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.model import Model
from studio.core.request import MAX_SEED
from studio.ui.sizes import SHAPES
from studio.ui.values import LOCKED, RANDOM, Values

Fields = dict[str, Any]
"""Field name → component, in the order of the page."""

MANY_STEPS = 150
"""Where the slider ends; a picture made with more brings its own end along when it is reused."""


def prompt_field(value: str) -> Any:
    return gr.Textbox(
        value,
        label="Prompt",
        elem_id="prompt",
        lines=4,
        max_lines=12,
        autofocus=True,
        placeholder="Describe the picture you want",
    )


def negative_field(value: str, model: Model) -> Any:
    return gr.Textbox(
        value,
        label="Negative prompt",
        elem_id="negative_prompt",
        lines=2,
        max_lines=6,
        visible=model.negative_prompt,
        placeholder="What the picture should not show",
    )


def model_field(models: list[Model], model: Model) -> Any:
    return gr.Dropdown(model_choices(models), value=model.id, label="Model", elem_id="model", filterable=len(models) > 8)


def model_choices(models: list[Model]) -> list[tuple[str, str]]:
    """Titles with their ids, group by group; the group is named where there are several."""
    groups = list(dict.fromkeys(model.group for model in models))
    ordered = [model for group in groups for model in models if model.group == group]
    return [(model.title if len(groups) == 1 else f"{model.group} · {model.title}", model.id) for model in ordered]


def size_fields(values: Values, model: Model) -> Fields:
    """The shapes as buttons, both sides as numbers, and a button that swaps them."""
    shape = gr.Radio(list(SHAPES), value=values["shape"], label="Size", elem_id="shape")
    with gr.Row(elem_id="size"):
        width = gr.Number(
            values["width"], label="Width", elem_id="width", precision=0, min_width=60, minimum=1, step=model.multiple_of
        )
        swap = gr.Button("Swap width and height", elem_id="swap", min_width=40)
        height = gr.Number(
            values["height"], label="Height", elem_id="height", precision=0, min_width=60, minimum=1, step=model.multiple_of
        )
    return {"shape": shape, "width": width, "height": height, "swap": swap}


def sampling_fields(values: Values, model: Model) -> Fields:
    return {
        "steps": gr.Slider(
            1, max(MANY_STEPS, values["steps"]), values["steps"], step=1, label="Steps", elem_id="steps", buttons=[]
        ),
        "guidance_scale": gr.Slider(
            0, 20, values["guidance_scale"], step=0.1, label="Guidance scale", elem_id="guidance_scale", buttons=[]
        ),
        "count": gr.Slider(1, model.max_count, values["count"], step=1, label="Pictures", elem_id="count", buttons=[]),
        "sampler": gr.Dropdown(
            list(model.samplers) or [model.default_sampler],
            value=values["sampler"],
            label="Sampler",
            elem_id="sampler",
            filterable=len(model.samplers) > 8,
        ),
    }


def seed_fields(values: Values) -> Fields:
    mode = gr.Radio([RANDOM, LOCKED], value=values["seed_mode"], label="Seed", elem_id="seed_mode")
    with gr.Row(elem_id="seed_row"):
        number = gr.Number(
            values["seed"],
            label="Seed number",
            show_label=False,
            elem_id="seed",
            precision=0,
            minimum=0,
            maximum=MAX_SEED,
            placeholder="new for every picture",
            min_width=80,
        )
        last = gr.Button("Use last", elem_id="last_seed", min_width=80)
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
