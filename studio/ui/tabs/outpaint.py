"""Outpaint: extend a picture beyond its edges, by pixels or to a shape."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import gradio as gr

from studio.core.canvas import count_passes
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import FILLS, Outpaint, Size, Task
from studio.core.result import Record
from studio.ui import form
from studio.ui.easel import Easel
from studio.ui.sheet import QUICK, Inputs, Sheet, Updates
from studio.ui.sizes import ANCHORS, TARGETS, Margins, margins, target_of
from studio.ui.source import NO_PICTURE, source_of
from studio.ui.tabs import Page
from studio.ui.values import Sound, Values, from_draft, model_of, number, one_of, switch, whole

TITLE, PLACE, NAME = "Outpaint", 40, Outpaint.kind
TAKES = True
SIDES = ("left", "right", "up", "down")
OWN = ("strength", "fill", "overlap", "feather", "match_colour")
FILL_WORDS = (("Neighbours", "neighbours"), ("Stretched edge", "original"), ("Noise", "noise"), ("Blank", "blank"))
MAX_MARGIN = 16_384


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    easel = Easel(page.studio, NAME, "frame")
    page.beside(easel.component)
    Sheet(page, Extend(page.studio, easel))


class Extend:
    """The margins, as a target shape with an anchor, as numbers and as handles on the easel; and how the seam is blended."""

    name, presets = NAME, False
    sound: ClassVar[dict[str, Sound]] = {
        **dict.fromkeys(SIDES, number(0, MAX_MARGIN)),
        "target": one_of((None, *TARGETS)),
        "anchor": one_of(ANCHORS),
        "strength": number(0, 1),
        "fill": one_of(FILLS),
        "overlap": number(0, 256),
        "feather": number(0, 256),
        "match_colour": switch,
    }

    def __init__(self, studio: Any, easel: Easel) -> None:
        self._studio, self._easel = studio, easel

    def defaults(self, model: Model) -> Values:
        own = {each: Outpaint.__dataclass_fields__[each].default for each in OWN}
        return {**own, **dict.fromkeys(SIDES, 0), "target": None, "anchor": "Centre"}

    def lay_out(self, draft: Values, model: Model) -> form.Fields:
        fields: form.Fields = {
            "target": gr.Radio(list(TARGETS), value=draft["target"], label="New shape", **form.named(NAME, "target")),
            "anchor": gr.Radio(list(ANCHORS), value=draft["anchor"], label="Old picture at", **form.named(NAME, "anchor")),
        }
        with gr.Row(**form.named(NAME, "margins")):
            for side in SIDES:
                fields[side] = form.number_field(NAME, side, draft[side], side.capitalize(), minimum=0, step=8)
        return fields

    def lay_out_more(self, draft: Values, model: Model) -> form.Fields:
        colours = "Match colours to the picture"
        return {
            "strength": form.strength_slider(NAME, draft["strength"], model),
            "fill": gr.Radio(
                list(FILL_WORDS), value=draft["fill"], label="New area starts from", **form.named(NAME, "fill")
            ),
            "overlap": form.slider(NAME, "overlap", "Overlap, pixels", (0, 256, 1), draft["overlap"]),
            "feather": form.slider(NAME, "feather", "Soft edge within the overlap, pixels", (0, 256, 1), draft["feather"]),
            "match_colour": gr.Checkbox(draft["match_colour"], label=colours, **form.named(NAME, "match_colour")),
        }

    def wire(self, sheet: Sheet) -> None:
        fields, easel = sheet.fields, self._easel.component
        outputs = [*sheet.outputs, easel]

        def show(read: Values, changed: Values, model: Model) -> Updates:
            after = {**read, **changed}
            return {**sheet.change(read, changed, model), easel: self._frame(after, model)}

        def take_shape(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return show(read, self._to_target(read), model)

        def take_sides(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return show(read, {"target": self._target(read)}, model)

        def drag(inputs: Inputs, event: gr.EventData) -> Updates:
            read, model = sheet.read(inputs)
            data = event._data if isinstance(event._data, dict) else {}
            dragged = {side: min(max(0, int(data.get(side) or 0)), MAX_MARGIN) for side in SIDES}
            return show(read, {**dragged, "target": self._target({**read, **dragged})}, model)

        def take_picture(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return show(read, self._to_target(read) or dict.fromkeys(SIDES, 0), model)

        gr.on([fields["target"].input, fields["anchor"].input], take_shape, sheet.inputs, outputs, **QUICK)
        gr.on([fields[side].input for side in SIDES], take_sides, sheet.inputs, outputs, **QUICK)
        gr.on([fields["model"].select], take_sides, sheet.inputs, outputs, **QUICK)
        easel.input(drag, sheet.inputs, outputs, **QUICK)
        easel.change(take_picture, sheet.inputs, outputs, **QUICK)

    def tasks(self, read: Values) -> list[Task]:
        image = self._easel.image()
        if image is None:
            raise InvalidRequest(NO_PICTURE, "image")
        own: dict[str, Any] = {each: read[each] for each in OWN}
        return [Outpaint(image=image, **own, **_added(read))]

    def for_model(self, read: Values, model: Model) -> Values:
        return {}

    def for_size(self, size: Size, model: Model) -> Values:
        return {}

    def calls(self, read: Values, model: Model) -> int:
        return self._passes(read, model)

    def take(self, record: Record, model: Model, *, whole: bool) -> tuple[Values, Updates]:
        task = record.request.task
        if whole and isinstance(task, Outpaint):
            self._easel.put(task.image)
            own = {name: value for name, value in asdict(task).items() if name in (*OWN, *SIDES)}
        else:
            self._easel.put(source_of(self._studio, record))
            own = dict.fromkeys(SIDES, 0)
        own |= {"target": self._target({**own, "anchor": "Centre"}), "anchor": "Centre"}
        return own, {self._easel.component: self._easel.shown() | self._frame(own, model)}

    def shown(self) -> Updates:
        draft = from_draft(self._studio.load_draft(NAME), self._studio.models(), self.defaults, self.sound)
        model = model_of(draft["model"], self._studio.models())
        return {self._easel.component: self._easel.shown() | self._frame(draft, model)}

    def _to_target(self, read: Values) -> Margins:
        image = self._easel.image()
        return margins(image.size, read["target"], read["anchor"]) if image and read["target"] else {}

    def _target(self, read: Values) -> str | None:
        image = self._easel.image()
        return target_of(image.size, _added(read), read["anchor"]) if image else None

    def _frame(self, read: Values, model: Model) -> Any:
        """The easel's frame, and in how many passes it will be drawn."""
        added, passes = _added(read), self._passes(read, model)
        if not passes:
            return self._easel.frame(added)
        return self._easel.frame(added, "drawn at once" if passes == 1 else f"drawn in {passes} passes")

    def _passes(self, read: Values, model: Model) -> int:
        """In how many passes the extension is drawn; 0 while there is nothing to draw."""
        image, added = self._easel.image(), _added(read)
        if image is None or not any(added.values()):
            return 0
        left, right, up, down = (added[side] for side in SIDES)
        return count_passes(Outpaint(image=image, left=left, right=right, up=up, down=down), model)


def _added(read: Values) -> dict[str, Any]:
    return {side: whole(read.get(side)) or 0 for side in SIDES}
