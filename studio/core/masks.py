"""Operations on masks: mode L, 255 = edit, grey values are kept. Pure functions on Pillow images."""

from __future__ import annotations

import re

from PIL import Image, ImageChops, ImageFilter

from studio.core.filling import stretch_edges

_EMPTY = re.compile(rb"\0+")


def is_empty(mask: Image.Image) -> bool:
    return mask.getbbox() is None


def invert(mask: Image.Image) -> Image.Image:
    return ImageChops.invert(mask)


def grow(mask: Image.Image, pixels: int) -> Image.Image:
    """The mask grown by `pixels` in all directions as an octagon, or shrunk if negative; nothing grows in from outside."""
    if pixels < 0:
        return invert(_dilate(_framed(invert(mask), -pixels), -pixels).crop(_inner(mask, -pixels)))
    return _dilate(mask, pixels) if pixels else mask


def feather(mask: Image.Image, pixels: int) -> Image.Image:
    """How much of a new picture shows: all of it where the mask is, ramping down outwards, nothing beyond `pixels`."""
    if pixels < 1:
        return mask
    reach = _dilate(mask, pixels)
    soft = _framed(_dilate(mask, pixels // 2), pixels).filter(ImageFilter.BoxBlur(pixels / 4)).filter(
        ImageFilter.BoxBlur(pixels / 4)
    )  # fmt: skip
    return ImageChops.lighter(mask, ImageChops.darker(reach, soft.crop(_inner(mask, pixels))))


def fill_holes(mask: Image.Image) -> Image.Image:
    """What the mask surrounds becomes part of it: runs of empty pixels that no path over edges leads out of the picture."""
    runs, leader, out = _empty_runs(mask)
    filled = mask.copy()
    for number, (row, start, end) in enumerate(runs):
        top = _lead(leader, number)
        if not out[top]:
            filled.paste(255, (start, row, end, row + 1))
    return filled


def _empty_runs(mask: Image.Image) -> tuple[list[tuple[int, int, int]], list[int], list[bool]]:
    """Runs (row, start, end) of empty pixels, the leader of its connected group, and which groups touch the border."""
    width, height = mask.size
    data = mask.tobytes()
    runs: list[tuple[int, int, int]] = []
    leader: list[int] = []
    out: list[bool] = []
    above = range(0)
    for row in range(height):
        first = len(runs)
        for found in _EMPTY.finditer(data, row * width, (row + 1) * width):
            start, end = found.start() - row * width, found.end() - row * width
            runs.append((row, start, end))
            leader.append(len(leader))
            out.append(row in (0, height - 1) or start == 0 or end == width)
        _join(runs, above, range(first, len(runs)), leader, out)
        above = range(first, len(runs))
    return runs, leader, out


def _join(runs: list[tuple[int, int, int]], above: range, below: range, leader: list[int], out: list[bool]) -> None:
    """Unite the runs of two neighbouring rows that share a column."""
    one, other = above.start, below.start
    while one < above.stop and other < below.stop:
        if runs[one][1] < runs[other][2] and runs[other][1] < runs[one][2]:
            top, joined = _lead(leader, one), _lead(leader, other)
            leader[joined] = top
            out[top] = out[top] or out[joined]
        if runs[one][2] < runs[other][2]:
            one += 1
        else:
            other += 1


def _lead(leader: list[int], number: int) -> int:
    while leader[number] != number:
        leader[number] = leader[leader[number]]
        number = leader[number]
    return number


def _dilate(mask: Image.Image, pixels: int) -> Image.Image:
    """The maximum over an octagon of this radius, as a sum of four segments, each by doubling steps."""
    diagonal = round(pixels * 0.29)
    straight = pixels - 2 * diagonal
    for across, down, length in ((1, 0, straight), (0, 1, straight), (1, 1, diagonal), (1, -1, diagonal)):
        mask = _stroke(mask, across, down, length)
    return mask


def _stroke(mask: Image.Image, across: int, down: int, length: int) -> Image.Image:
    """The maximum over the segment from −length to +length in one direction."""
    done = 0
    while done < length:
        step = min(max(1, 2 * done), length - done) if done else 1
        shifted = [_shifted(mask, across * way * step, down * way * step) for way in (-1, 1)]
        mask, done = ImageChops.lighter(mask, ImageChops.lighter(*shifted)), done + step
    return mask


def _shifted(mask: Image.Image, across: int, down: int) -> Image.Image:
    moved = Image.new("L", mask.size, 0)
    moved.paste(mask, (across, down))
    return moved


def _framed(mask: Image.Image, pixels: int) -> Image.Image:
    """The mask continued outwards, so that the border of the picture is no border of the mask."""
    return stretch_edges(mask, pixels, pixels, pixels, pixels)


def _inner(mask: Image.Image, pixels: int) -> tuple[int, int, int, int]:
    return (pixels, pixels, pixels + mask.width, pixels + mask.height)
