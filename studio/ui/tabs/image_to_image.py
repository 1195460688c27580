"""Image to image: draw a picture anew, as it is or with a sketch on it; a folder of pictures becomes a batch."""

from __future__ import annotations

from typing import Any, ClassVar

import gradio as gr

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import RESIZES, ImageToImage, Size, Task
from studio.core.result import Record
from studio.ui import form
from studio.ui.easel import Easel
from studio.ui.sheet import Inputs, Sheet, Updates
from studio.ui.source import NO_PICTURE, layer_of, layer_source, source_of
from studio.ui.tabs import Page
from studio.ui.values import Sound, Values, number, one_of, switch, whole

TITLE, PLACE, NAME = "Image to image", 20, ImageToImage.kind
TAKES = True
RESIZE_WORDS = (("Crop", "crop"), ("Pad", "pad"), ("Stretch", "stretch"))


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    easel = Easel(page.studio, NAME, "sketch")
    page.beside(easel.component)
    Sheet(page, Redraw(page.studio, easel))


class Redraw:
    """Strength, size and what happens where the proportions differ. Without a size, each picture keeps its own shape."""

    name, presets = NAME, False
    sound: ClassVar[dict[str, Sound]] = {
        "strength": number(0, 1),
        "width": lambda value, model: value is None or number(1, 16_384)(value, model),
        "height": lambda value, model: value is None or number(1, 16_384)(value, model),
        "locked": switch,
        "resize": one_of(RESIZES),
    }

    def __init__(self, studio: Any, easel: Easel) -> None:
        self._studio, self._easel = studio, easel

    def defaults(self, model: Model) -> Values:
        return {"strength": 0.6, "locked": True, "resize": "crop", **self._best(model)}

    def lay_out(self, draft: Values, model: Model) -> form.Fields:
        fields = {"strength": form.strength_slider(NAME, draft["strength"], model)}
        fields |= form.size_row(NAME, draft, model, "Size of the source")
        return fields

    def lay_out_more(self, draft: Values, model: Model) -> form.Fields:
        return {
            "locked": gr.Checkbox(draft["locked"], label="Keep the source's proportions", **form.named(NAME, "locked")),
            "resize": gr.Radio(
                list(RESIZE_WORDS), value=draft["resize"], label="Where proportions differ", **form.named(NAME, "resize")
            ),
        }

    def wire(self, sheet: Sheet) -> None:
        def take_side(inputs: Inputs, moved: str, other: str) -> Updates:
            read, model = sheet.read(inputs)
            image, side = self._easel.image(), whole(read[moved])
            if not (read["locked"] and image and side):
                return sheet.change(read, {}, model)
            ratio = getattr(image, other) / getattr(image, moved)
            unit = model.multiple_of
            return sheet.change(read, {other: max(unit, round(side * ratio / unit) * unit)}, model)

        def take_picture(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return sheet.change(read, self._best(model), model)

        sheet.on(sheet.fields["width"].input, lambda inputs: take_side(inputs, "width", "height"))
        sheet.on(sheet.fields["height"].input, lambda inputs: take_side(inputs, "height", "width"))
        sheet.on(sheet.button("swap").click, take_picture)
        sheet.on(self._easel.component.change, take_picture)

    def tasks(self, read: Values) -> list[Task]:
        images = self._easel.images()
        if not images:
            raise InvalidRequest(NO_PICTURE, "image")
        width, height = whole(read.get("width")), whole(read.get("height"))
        if (width is None) != (height is None):
            raise InvalidRequest("One side of the size is empty. Type both, or press the button between them.", "size")
        size = None if width is None or height is None or len(images) > 1 else Size(width, height)
        sketch = layer_source(self._studio, self._easel, "sketch.png") if len(images) == 1 else None
        strength, resize = read["strength"], read["resize"]
        return [ImageToImage(image=image, strength=strength, size=size, resize=resize, sketch=sketch) for image in images]

    def for_model(self, read: Values, model: Model) -> Values:
        return self._best(model)

    def for_size(self, size: Size, model: Model) -> Values:
        return {}

    def calls(self, read: Values, model: Model) -> int:
        return len(self._easel.images())

    def take(self, record: Record, model: Model, *, whole: bool) -> tuple[Values, Updates]:
        task = record.request.task
        if whole and isinstance(task, ImageToImage):
            shown = self._easel.put(task.image, layer_of(self._studio, task.sketch))
            size = task.size or Size(record.width, record.height)
            own = {"strength": task.strength, "resize": task.resize, "width": size.width, "height": size.height}
            return own, {self._easel.component: shown}
        shown = self._easel.put(source_of(self._studio, record))
        return self._best(model), {self._easel.component: shown}

    def shown(self) -> Updates:
        return {self._easel.component: self._easel.shown()}

    def _best(self, model: Model) -> Values:
        """The picture's own size or the nearest that suits the model; nothing without a picture or with many."""
        images = self._easel.images()
        if len(images) != 1:
            return {"width": None, "height": None}
        size = model.size_near(images[0].size)
        return {"width": size.width, "height": size.height}
