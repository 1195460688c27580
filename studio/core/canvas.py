"""Pictures and masks of the editing tasks, as pure functions on Pillow images: what is read, drawn on and pasted back."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from studio.core.request import Size


@dataclass(frozen=True, kw_only=True)
class Base:
    """What a backend draws on.

    `image` is RGB in a size that the model takes. `mask` is mode L of the same size, 255 = edit, or None to draw the whole
    image anew; its grey values are partial strengths if `soft`, else 128 and more mean edit. `strength` lies above 0 and
    is at most 1.
    """

    image: Image.Image
    mask: Image.Image | None = None
    strength: float = 1.0
    soft: bool = False


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One drawing of a plan: the part of the canvas the model sees, and how its drawing is pasted back.

    `box` is left, top, right, bottom in canvas pixels; `size` what the model draws for it. `mask` (mode L, the box's size,
    255 = edit) is where the model draws; `alpha` (the same size) how much of the drawing is pasted: 0 wherever no byte may
    change, 255 where nothing of the old is left.
    """

    box: tuple[int, int, int, int]
    size: Size
    mask: Image.Image
    alpha: Image.Image


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an inpaint or outpaint comes to: a canvas (RGB or RGBA) and the passes that are drawn on it, in order."""

    canvas: Image.Image
    passes: tuple[Pass, ...]
