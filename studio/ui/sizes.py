"""Picture shapes: from a ratio and a model to pixels that the model draws well, and from a target shape to margins."""

from __future__ import annotations

from studio.core.model import Model
from studio.core.request import Size

SHAPES = {"1:1": (1, 1), "4:3": (4, 3), "3:2": (3, 2), "16:9": (16, 9), "3:4": (3, 4), "2:3": (2, 3), "9:16": (9, 16)}
TARGETS = {"16:9": (16, 9), "21:9": (21, 9), "3:2": (3, 2), "1:1": (1, 1), "4:5": (4, 5), "9:16": (9, 16)}
"""Shapes to extend a picture to: banner, cinema, print, square, post, story."""
ANCHORS = {"Start": 0.0, "Centre": 0.5, "End": 1.0}
"""Where the old picture lies in the new canvas: at its left or top, in its middle, at its right or bottom."""
Margins = dict[str, int]
"""Pixels to add by side: left, right, up, down."""


def fit(shape: str, model: Model) -> Size:
    """The size of `shape` with about the model's native area, in its multiples and between its limits."""
    return model.best_size(Size(*SHAPES[shape]))


def shape_of(size: Size, model: Model) -> str | None:
    """The shape whose fitted size this is; None for a size of the user's own."""
    return next((shape for shape in SHAPES if fit(shape, model) == size), None)


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
