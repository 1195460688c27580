"""Text to image: a picture from words alone, in one of the shapes or a size of one's own."""

from __future__ import annotations

from typing import Any, ClassVar

import gradio as gr

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import Size, Task, TextToImage
from studio.core.result import Record
from studio.ui import form, lenient
from studio.ui.sheet import QUICK, Inputs, Sheet, Updates
from studio.ui.sizes import NAMES, fit, shape_of, shapes_of
from studio.ui.tabs import Page
from studio.ui.values import Sound, Values, number, one_of, whole

TITLE, PLACE, NAME = "Text to image", 10, TextToImage.kind
TAKES = True


def build(page: Page) -> None:
    """Lay the tab out and wire it."""
    Sheet(page, Words())


class Words:
    """The size, as shapes and as numbers."""

    name, presets = NAME, True
    sound: ClassVar[dict[str, Sound]] = {
        "width": number(1, 16_384),
        "height": number(1, 16_384),
        "shape": one_of((None, *NAMES)),
    }

    def defaults(self, model: Model) -> Values:
        return size_values(model.default_size, model)

    def lay_out(self, draft: Values, model: Model) -> form.Fields:
        shape = shape_of(Size(draft["width"], draft["height"]), model)
        shapes = list(shapes_of(model))
        return {
            "shape": lenient.Radio(shapes, value=shape, label="Size", **form.named(NAME, "shape")),
            **form.size_row(NAME, draft, model, "Swap width and height"),
        }

    def lay_out_more(self, draft: Values, model: Model) -> form.Fields:
        return {}

    def wire(self, sheet: Sheet) -> None:
        fields = sheet.fields

        def take_shape(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return sheet.change(read, size_values(fit(read["shape"], model), model), model)

        def take_size(inputs: Inputs) -> str | None:
            read, model = sheet.read(inputs)
            return shape_of(Size(read["width"] or 0, read["height"] or 0), model)

        def swap_sides(inputs: Inputs) -> Updates:
            read, model = sheet.read(inputs)
            return sheet.change(read, size_values(Size(read["height"] or 0, read["width"] or 0), model), model)

        sheet.on(fields["shape"].input, take_shape)
        sheet.on(sheet.button("swap").click, swap_sides)
        gr.on([fields["width"].input, fields["height"].input], take_size, sheet.inputs, fields["shape"], **QUICK)

    def tasks(self, read: Values) -> list[Task]:
        width, height = whole(read.get("width")), whole(read.get("height"))
        if (width is None) != (height is None):
            raise InvalidRequest("One side of the size is empty. Type both, or choose a shape.", "size")
        return [TextToImage(None if width is None or height is None else Size(width, height))]

    def for_model(self, read: Values, model: Model) -> Values:
        return size_values(fit(read["shape"], model) if read["shape"] else model.default_size, model)

    def for_size(self, size: Size, model: Model) -> Values:
        return size_values(size, model)

    def calls(self, read: Values, model: Model) -> int:
        return 1

    def take(self, record: Record, model: Model, *, whole: bool) -> tuple[Values, Updates]:
        return size_values(record.request.task.size or Size(record.width, record.height), model), {}

    def shown(self) -> dict[Any, Any]:
        return {}


def size_values(size: Size, model: Model) -> Values:
    if model.sizes and size not in model.sizes:
        size = model.size_of_shape(size)
    return {"width": size.width, "height": size.height, "shape": shape_of(size, model)}
