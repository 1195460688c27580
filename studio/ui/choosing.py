"""Which model a form uses: local or hosted in one click, what stands in its way, what leaves the computer, what it costs."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.price import dollars
from studio.core.request import Size
from studio.ui import lenient
from studio.ui.form import named

HERE, HOSTED = "This computer", "Hosted"
VERBS = {"text-to-image": "draw from words", "image-to-image": "start from a picture", "inpaint": "inpaint",
         "outpaint": "outpaint"}  # fmt: skip
SENT = {"image-to-image": ("your picture",), "inpaint": ("your picture", "the mask"), "outpaint": ("your picture",)}
FIELDS = {"steps": "steps", "guidance_scale": "guidance scale", "seed": "seed", "negative_prompt": "negative prompt"}
FEW = 8
"""Choices that one finds without typing."""
DIM = " — "
"""Stands between a model that cannot be used and the reason; the style sheet greys such choices out."""


def side_of(model: Model) -> str:
    return HOSTED if model.hosted else HERE


def hindrance(model: Model, task: str) -> str:
    """A sentence if the model cannot do this task now, else nothing."""
    if task not in model.tasks:
        why = model.cannot.get(task, "")
        return f"{model.title} cannot {VERBS[task]}{f': {why}' if why else ''}. Choose another model."
    return model.unready


def pick(id: str | None, models: list[Model], task: str, side: str | None = None) -> Model:
    """The model with this id, or the first that can be used (on one side). Raises `InvalidRequest` without any."""
    if not models:
        raise InvalidRequest("No model was found. Put one into the models folder and reload the page.", "model")
    found = next((model for model in models if model.id == id), None)
    if found and side in (None, side_of(found)):
        return found
    there = [model for model in models if side in (None, side_of(model))] or models
    usable = (model for model in there if not hindrance(model, task))
    able = (model for model in there if task in model.tasks)
    return next(usable, next(able, there[0]))


def where_field(tab: str, models: list[Model], model: Model) -> Any:
    """The switch between this computer and hosted models; hidden where there is one side only."""
    both = len({model.hosted for model in models}) > 1
    return lenient.Radio([HERE, HOSTED], value=side_of(model), label="Draw on", visible=both, **named(tab, "where"))


def model_field(tab: str, models: list[Model], model: Model) -> Any:
    choices = choices_of(models, model, tab)
    return lenient.Dropdown(choices, value=model.id, label="Model", filterable=len(choices) > FEW, **named(tab, "model"))


def model_update(models: list[Model], model: Model, task: str) -> Any:
    """The list of the model's side; a long one can be searched by typing."""
    choices = choices_of(models, model, task)
    return gr.update(choices=choices, value=model.id, filterable=len(choices) > FEW)


def choices_of(models: list[Model], model: Model, task: str) -> list[tuple[str, str]]:
    """The models of one side with their ids: usable ones first, group by group, then the others with the reason."""
    side = [each for each in models if each.hosted == model.hosted]
    groups = list(dict.fromkeys(each.group for each in side))
    in_order = [each for group in groups for each in side if each.group == group]
    ranked = sorted(in_order, key=lambda each: (task not in each.tasks, bool(each.unready)))
    return [(_label(each, task, several=len(groups) > 1 or model.hosted), each.id) for each in ranked]


def _label(model: Model, task: str, *, several: bool) -> str:
    title = f"{model.group} · {model.title}" if several else model.title
    if task not in model.tasks:
        return f"{title}{DIM}cannot {VERBS[task]}"
    return f"{title}{DIM}not ready" if model.unready else title


def about(model: Model, task: str) -> str:
    """The line under the model: what stands in its way, or what leaves the computer and what it does not take."""
    if found := hindrance(model, task):
        return f'<p class="about" data-hindrance><b>{escape(found)}</b></p>'
    if not model.hosted:
        return ""
    sent = ["prompt", *(FIELDS[name] for name in FIELDS if model.takes(name, task)), *SENT.get(task, ())]
    left_out = [FIELDS[name] for name in FIELDS if not model.takes(name, task)]
    where = f"to <b>{escape(model.destination)}</b>" if model.destination else "to your own server on this computer"
    lines = [f"Sends {_listed(sent)} {where}."]
    if left_out:
        lines.append(f"Takes no {_listed(left_out, 'or')}.")
    if model.price:
        known = f"table of {model.price.date}" if model.price.date else "a price that was not checked"
        lines.append(f"About {dollars(model.price.of(model.default_size))} a picture ({known}).")
    elif model.destination:
        lines.append("Its price is not known here.")
    return f'<p class="about">{" ".join(lines)}</p>'


def button_label(model: Model, size: Size, calls: int) -> str:
    """“Generate”, with the estimated price of a hosted request."""
    if not model.hosted or model.price is None or calls < 1:
        return "Generate"
    return f"Generate · {'≈' if model.price.varies else ''}{dollars(model.price.of(size, calls))}"


def _listed(words: list[str], last: str = "and") -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"
