"""Picture shapes: from a ratio and a model to pixels that the model draws well, and from a target shape to margins."""

from __future__ import annotations

from math import log

from studio.core.model import Model
from studio.core.request import Size

SHAPES = {"1:1": (1, 1), "4:3": (4, 3), "3:2": (3, 2), "16:9": (16, 9), "3:4": (3, 4), "2:3": (2, 3), "9:16": (9, 16)}
NAMES = {**SHAPES, "5:4": (5, 4), "4:5": (4, 5), "21:9": (21, 9), "9:21": (9, 21), "2:1": (2, 1), "1:2": (1, 2)}
"""Shapes by name, also those that only some providers draw."""
TARGETS = {"16:9": (16, 9), "21:9": (21, 9), "3:2": (3, 2), "1:1": (1, 1), "4:5": (4, 5), "9:16": (9, 16)}
"""Shapes to extend a picture to: banner, cinema, print, square, post, story."""
ANCHORS = {"Start": 0.0, "Centre": 0.5, "End": 1.0}
"""Where the old picture lies in the new canvas: at its left or top, in its middle, at its right or bottom."""
Margins = dict[str, int]
"""Pixels to add by side: left, right, up, down."""


def shapes_of(model: Model) -> dict[str, Size]:
    """The shapes a model draws from words: all of ours at its best sizes, or its own sizes by their nearest names."""
    if not model.sizes:
        return {shape: model.best_size(Size(*SHAPES[shape])) for shape in SHAPES}
    named: dict[str, Size] = {}
    for size in model.sizes:
        named.setdefault(_name_of(size), size)
    return named


def fit(shape: str, model: Model) -> Size:
    """The model's size for a shape; the nearest one where it has no such shape."""
    found = shapes_of(model).get(shape)
    return found or model.size_of_shape(Size(*SHAPES.get(shape, (1, 1))))


def shape_of(size: Size, model: Model) -> str | None:
    """The shape whose size this is; None for a size of the user's own."""
    return next((shape for shape, fitted in shapes_of(model).items() if fitted == size), None)


def _name_of(size: Size) -> str:
    return min(NAMES, key=lambda name: abs(log(NAMES[name][0] / NAMES[name][1] * size.height / size.width)))


def margins(size: Size, target: str, anchor: str) -> Margins:
    """What to add so that a picture of `size` becomes the smallest canvas of the target shape that holds it."""
    across, down = TARGETS[target]
    width = max(size.width, round(size.height * across / down))
    height = max(size.height, round(size.width * down / across))
    before = ANCHORS[anchor]
    left, up = round((width - size.width) * before), round((height - size.height) * before)
    return {"left": left, "right": width - size.width - left, "up": up, "down": height - size.height - up}


def target_of(size: Size, added: Margins, anchor: str) -> str | None:
    """The target whose margins these are; None for margins of the user's own."""
    return next((target for target in TARGETS if any(added.values()) and margins(size, target, anchor) == added), None)
