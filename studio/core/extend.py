"""How a large extension is split: windows of the old picture's side length, each with at most half of it new.

A model draws best at its own size and sees best what lies close, so a banner grows outwards in squares.
"""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.model import Model
from studio.core.request import Outpaint

Box = tuple[int, int, int, int]
SMALL = 4
"""One pass draws all margins if each is at most this part of the old side."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """One step in canvas pixels: `box` is what the model sees, all but `keep` is new, all but `inner` may change."""

    box: Box
    keep: Box
    inner: Box


def windows(task: Outpaint, model: Model) -> tuple[Window, ...]:
    """The steps of an outpaint, in the order in which they are drawn: left, right, up, down, each outwards."""
    old = (task.left, task.up, task.left + task.image.width, task.up + task.image.height)
    size = task.size
    native = task.kind in model.native
    if native or (_is_small(task) and size.width * size.height <= 2 * model.default_size.width * model.default_size.height):
        whole = (0, 0, size.width, size.height)
        return (Window(box=whole, keep=old, inner=_inset(old, whole, task.overlap)),)
    steps: list[Window] = []
    for side, margin in ((0, task.left), (2, task.right), (1, task.up), (3, task.down)):
        remaining = margin
        while remaining:
            box, new = _window(old, side, remaining)
            keep = _common(old, box)
            steps.append(Window(box=box, keep=keep, inner=_inset(keep, box, task.overlap, side)))
            old, remaining = _moved(old, side, new), remaining - new
    return tuple(steps)


def _is_small(task: Outpaint) -> bool:
    across, down = task.image.width // SMALL, task.image.height // SMALL
    return max(task.left, task.right) <= across and max(task.up, task.down) <= down


def _window(old: Box, side: int, remaining: int) -> tuple[Box, int]:
    """The next window on a side (0 left, 1 up, 2 right, 3 down) and how many new pixels it adds."""
    width, height = old[2] - old[0], old[3] - old[1]
    along, cross = (width, height) if side % 2 == 0 else (height, width)
    new = min(remaining, max(1, cross // 2))
    seen = min(along, max(cross - new, new))
    grown = _moved(old, side, new)
    opposite = (side + 2) % 4
    box = list(grown)
    box[opposite] = grown[side] + (new + seen if side < 2 else -new - seen)
    return (box[0], box[1], box[2], box[3]), new


def _moved(box: Box, side: int, pixels: int) -> Box:
    """The box with one side moved outwards."""
    moved = list(box)
    moved[side] += -pixels if side < 2 else pixels
    return (moved[0], moved[1], moved[2], moved[3])


def _common(one: Box, other: Box) -> Box:
    return (max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3]))


def _inset(keep: Box, box: Box, overlap: int, only: int | None = None) -> Box:
    """`keep` without the overlap on the sides where the box goes on; empty at most."""
    sides = [side for side in range(4) if keep[side] != box[side] and only in (None, side)]
    inner = keep
    for side in sides:
        length = inner[2] - inner[0] if side % 2 == 0 else inner[3] - inner[1]
        inner = _moved(inner, side, -min(overlap, length))
    return inner
