"""Picture shapes: from a ratio and a model to pixels that the model draws well, and back."""

from __future__ import annotations

from studio.core.model import Model
from studio.core.request import Size

SHAPES = {"1:1": (1, 1), "4:3": (4, 3), "3:2": (3, 2), "16:9": (16, 9), "3:4": (3, 4), "2:3": (2, 3), "9:16": (9, 16)}


def fit(shape: str, model: Model) -> Size:
    """The size of `shape` with about the model's native area, in its multiples and between its limits."""
    return model.best_size(Size(*SHAPES[shape]))


def shape_of(size: Size, model: Model) -> str | None:
    """The shape whose fitted size this is; None for a size of the user's own."""
    return next((shape for shape in SHAPES if fit(shape, model) == size), None)
