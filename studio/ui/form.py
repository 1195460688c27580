"""The fields of a form as small factories, and the way from values to component updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from studio.core.model import Model
from studio.core.request import MAX_SEED, TextToImage
from studio.ui import lenient
from studio.ui.sizes import shapes_of
from studio.ui.values import LOCKED, RANDOM, Values

Fields = dict[str, Any]
"""Field name → component, in the order of the page."""

MUCH_GUIDANCE = 20.0
MANY_STEPS = 150
"""Where the sliders end; a picture made with more brings its own end along when it is reused."""


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


def tokens_field(tab: str, told: str) -> Any:
    """How long the prompt is. By its `input` the page has this form, and no other one, kept."""
    keeper = f"(window.keepers ??= {{}})['{tab}'] = () => trigger('input');"
    return gr.HTML(told, elem_classes=["tokens"], js_on_load=keeper)


def negative_field(tab: str, value: str, model: Model, task: str) -> Any:
    return gr.Textbox(
        value,
        label="Negative prompt",
        lines=2,
        max_lines=6,
        visible=model.takes("negative_prompt", task),
        placeholder="What the picture should not show",
        **named(tab, "negative_prompt"),
    )


def size_row(tab: str, values: Values, model: Model, between: str) -> Fields:
    """Both sides as numbers, and the button `between` them; hidden where the model has sizes of its own."""
    free = has_free_size(model, tab)
    with gr.Row(**named(tab, "size")):
        width = number_field(tab, "width", values["width"], "Width", step=model.multiple_of, visible=free)
        button = gr.Button(between, min_width=40, visible=free, **named(tab, "swap"))
        height = number_field(tab, "height", values["height"], "Height", step=model.multiple_of, visible=free)
    return {"width": width, "height": height, "swap": button}


def has_free_size(model: Model, task: str) -> bool:
    """Whether any width and height can be typed."""
    return model.takes("size", task) and not (model.sizes and task == TextToImage.kind)


def number_field(
    tab: str, field: str, value: int | None, label: str, *, minimum: int = 1, step: int = 1, visible: bool = True
) -> Any:
    return lenient.Number(
        value, label=label, precision=0, min_width=60, minimum=minimum, step=step, visible=visible, **named(tab, field)
    )


def slider(
    tab: str, field: str, label: str, bounds: tuple[float, float, float], value: float, *, visible: bool = True
) -> Any:
    """A slider between two bounds in steps of the third."""
    low, high, step = bounds
    return lenient.Slider(low, high, value, step=step, label=label, buttons=[], visible=visible, **named(tab, field))


def strength_slider(tab: str, value: float, model: Model) -> Any:
    return slider(tab, "strength", "Strength", (0.05, 1, 0.05), value, visible=model.takes("strength", tab))


def sampling_fields(tab: str, values: Values, model: Model) -> Fields:
    shown = {name: model.takes(name, tab) for name in ("steps", "guidance_scale")}
    steps, guidance = (1, max(MANY_STEPS, values["steps"]), 1), (0, max(MUCH_GUIDANCE, values["guidance_scale"]), 0.1)
    return {
        "steps": slider(tab, "steps", "Steps", steps, values["steps"], visible=shown["steps"]),
        "guidance_scale": slider(tab, "guidance_scale", "Guidance scale", guidance, values["guidance_scale"],
                                 visible=shown["guidance_scale"]),
        "count": slider(tab, "count", "Pictures", (1, model.max_count, 1), values["count"], visible=model.max_count > 1),
        "sampler": lenient.Dropdown(
            list(model.samplers) or [model.default_sampler],
            value=values["sampler"],
            label="Sampler",
            filterable=len(model.samplers) > 8,
            visible=bool(model.samplers) and model.takes("sampler", tab),
            **named(tab, "sampler"),
        ),
    }  # fmt: skip


def seed_fields(tab: str, values: Values, model: Model) -> Fields:
    shown = model.takes("seed", tab)
    mode = lenient.Radio([RANDOM, LOCKED], value=values["seed_mode"], label="Seed", visible=shown, **named(tab, "seed_mode"))
    with gr.Row(**named(tab, "seed_row")):
        number = lenient.Number(
            values["seed"],
            label="Seed number",
            show_label=False,
            precision=0,
            minimum=0,
            maximum=MAX_SEED,
            placeholder="new for every picture",
            min_width=80,
            visible=shown,
            **named(tab, "seed"),
        )
        last = gr.Button("Use last", min_width=80, visible=shown, **named(tab, "last_seed"))
    variation = gr.Textbox(
        values["variation"],
        label="Variation",
        placeholder="none, or 0.25 of 1234",
        max_lines=1,
        visible=model.variations,
        **named(tab, "variation"),
    )
    return {"seed_mode": mode, "seed": number, "last_seed": last, "variation": variation}


def updates(fields: Fields, values: Mapping[str, Any], model: Model, task: str) -> dict[Any, Any]:
    """Component updates for the given values, with the limits that `model` sets for this task."""
    free = has_free_size(model, task)
    limits: dict[str, dict[str, Any]] = {
        **{name: {"visible": model.takes(name, task)} for name in ("negative_prompt", "seed", "seed_mode", "strength")},
        **{name: {"visible": free} for name in ("width", "height", "swap")},
        "last_seed": {"visible": model.takes("seed", task)},
        "variation": {"visible": model.variations},
        "shape": {"choices": list(shapes_of(model))},
        "steps": {"visible": model.takes("steps", task), "maximum": max(MANY_STEPS, values.get("steps") or 0)},
        "guidance_scale": {
            "visible": model.takes("guidance_scale", task),
            "maximum": max(MUCH_GUIDANCE, values.get("guidance_scale") or 0),
        },
        "count": {"maximum": model.max_count, "visible": model.max_count > 1},
        "sampler": {
            "choices": list(model.samplers) or [model.default_sampler],
            "visible": bool(model.samplers) and model.takes("sampler", task),
        },
    }
    limits = {name: limit for name, limit in limits.items() if name in fields}
    changed = {fields[name]: gr.update(value=value, **limits.get(name, {})) for name, value in values.items()}
    untouched = {fields[name]: gr.update(**limit) for name, limit in limits.items() if name not in values}
    return {**untouched, **changed}
