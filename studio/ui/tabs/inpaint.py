"""Inpaint: draw what is painted over anew, and nothing else."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import gradio as gr

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import AREAS, FILLS, Inpaint, Size, Task
from studio.core.result import Record
from studio.ui import form
from studio.ui.easel import Easel
from studio.ui.sheet import Inputs, Sheet, Updates
from studio.ui.source import NO_PICTURE, mask_layer, mask_source, source_of
from studio.ui.tabs import Page
from studio.ui.values import Sound, Values, number, one_of, switch

TITLE, PLACE, NAME = "Inpaint", 30, Inpaint.kind
TAKES = True
AREA_WORDS = (("Whole picture", "whole"), ("Only masked", "masked"))
FILL_WORDS = (("Original", "original"), ("Neighbours", "neighbours"), ("Noise", "noise"), ("Blank", "blank"))
OWN = ("strength", "fill", "area", "padding", "grow", "feather", "fill_holes", "soft", "match_colour")


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    easel = Easel(page.studio, NAME, "mask")
    page.beside(easel.component)
    Sheet(page, Repaint(page.studio, easel))


class Repaint:
    """How strongly the masked part changes, what it starts from, and how its edge is blended."""

    name, presets = NAME, False
    sound: ClassVar[dict[str, Sound]] = {
        "strength": number(0, 1),
        "fill": one_of(FILLS),
        "area": one_of(AREAS),
        "padding": number(0, 1024),
        "grow": number(-256, 256),
        "feather": number(0, 256),
        "fill_holes": switch,
        "soft": switch,
        "match_colour": switch,
    }

    def __init__(self, studio: Any, easel: Easel) -> None:
        self._studio, self._easel = studio, easel

    def defaults(self, model: Model) -> Values:
        return {each: Inpaint.__dataclass_fields__[each].default for each in OWN}

    def lay_out(self, draft: Values, model: Model) -> form.Fields:
        return {
            "strength": form.strength_slider(NAME, draft["strength"], model),
            "area": gr.Radio(list(AREA_WORDS), value=draft["area"], label="Work on", **form.named(NAME, "area")),
            "feather": form.slider(NAME, "feather", "Soft edge, pixels outwards", (0, 256, 1), draft["feather"]),
        }

    def lay_out_more(self, draft: Values, model: Model) -> form.Fields:
        switches = {
            "fill_holes": "Fill holes in the mask",
            "soft": "Soft mask: grey means partly",
            "match_colour": "Match colours to the surroundings",
        }
        return {
            "fill": gr.Radio(list(FILL_WORDS), value=draft["fill"], label="Start from", **form.named(NAME, "fill")),
            "padding": form.slider(NAME, "padding", "Surroundings, pixels (only masked)", (0, 1024, 1), draft["padding"]),
            "grow": form.slider(NAME, "grow", "Grow or shrink the mask, pixels", (-256, 256, 1), draft["grow"]),
            **{name: gr.Checkbox(draft[name], label=label, **form.named(NAME, name)) for name, label in switches.items()},
        }

    def wire(self, sheet: Sheet) -> None:
        def take_picture(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return sheet.change(read, self._surroundings(), model)

        sheet.on(self._easel.component.change, take_picture)

    def tasks(self, read: Values) -> list[Task]:
        image = self._easel.image()
        if image is None:
            raise InvalidRequest(NO_PICTURE, "image")
        return [Inpaint(image=image, mask=mask_source(self._studio, self._easel), **{each: read[each] for each in OWN})]

    def for_model(self, read: Values, model: Model) -> Values:
        return {}

    def for_size(self, size: Size, model: Model) -> Values:
        return {}

    def calls(self, read: Values, model: Model) -> int:
        return 1 if self._easel.image() else 0

    def take(self, record: Record, model: Model, *, whole: bool) -> tuple[Values, Updates]:
        task = record.request.task
        if whole and isinstance(task, Inpaint):
            shown = self._easel.put(task.image, mask_layer(self._studio, task.mask))
            return {name: value for name, value in asdict(task).items() if name in OWN}, {self._easel.component: shown}
        shown = self._easel.put(source_of(self._studio, record))
        return self._surroundings(), {self._easel.component: shown}

    def shown(self) -> Updates:
        return {self._easel.component: self._easel.shown()}

    def _surroundings(self) -> Values:
        """Pixels around the mask that suit the picture: an object was drawn whole with a twelfth of its side around it."""
        image = self._easel.image()
        return {"padding": max(8, round(max(image.width, image.height) / 12))} if image else {}
