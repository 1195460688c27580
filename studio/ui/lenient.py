"""Gradio's fields without Gradio's own limits on what comes in: the studio judges values itself, and says it at the field.

Gradio compares every value with the choices and bounds that it sent last. While a page changes its model, an event that is
already on its way carries values of the old model: Gradio answers with an error (500) for something that nobody did wrong.
Here such a value comes through, and `studio.core.adapt` or the draft decides about it.
"""

from __future__ import annotations

from abc import ABCMeta
from typing import Any

import gradio as gr


def _lenient(kind: Any, preprocess: Any) -> Any:
    """`kind` under its own name, which the page knows. Gradio's metaclass would write a file beside this one; go past it."""
    return ABCMeta.__new__(type(kind), kind.__name__, (kind,), {"preprocess": preprocess, "__module__": __name__})


def _as_it_came(_component: Any, payload: Any) -> Any:
    return payload


def _rounded(component: Any, payload: Any) -> Any:
    return None if payload is None else gr.Number.round_to_precision(payload, component.precision)


Dropdown = _lenient(gr.Dropdown, _as_it_came)
Radio = _lenient(gr.Radio, _as_it_came)
Slider = _lenient(gr.Slider, _rounded)
Number = _lenient(gr.Number, _rounded)
