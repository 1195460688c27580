"""What a part that is to be drawn starts from: the edges continued, the neighbours' colours, noise, or grey."""

from __future__ import annotations

import random

from PIL import Image

from studio.core.request import Fill

GREY = (128, 128, 128)
FILLING_SIDE = 1024


def fill(image: Image.Image, mask: Image.Image, how: Fill, seed: int = 0) -> Image.Image:
    """The RGB image with the part under `mask` (mode L, any value above 0) filled; "original" leaves it as it is."""
    if how == "original":
        return image
    filled = image.copy()
    filled.paste(_filling(image, mask, how, seed), mask=mask.point(lambda value: 255 if value else 0))
    return filled


def extend(image: Image.Image, margins: tuple[int, int, int, int], how: Fill) -> Image.Image:
    """The image (RGB or RGBA) with margins (left, right, up, down) in pixels, filled; "original" stretches the edges."""
    left, right, up, down = margins
    size = (image.width + left + right, image.height + up + down)
    if how == "original":
        ground = stretch_edges(image.convert("RGB"), left, right, up, down)
    else:
        ground = Image.new("RGB", size, GREY)
        ground.paste(image.convert("RGB"), (left, up))
        mask = Image.new("L", size, 255)
        mask.paste(0, (left, up, left + image.width, up + image.height))
        ground = fill(ground, mask, how)
    canvas = ground.convert(image.mode)
    canvas.paste(image, (left, up))
    return canvas


def stretch_edges(image: Image.Image, left: int, right: int, up: int, down: int) -> Image.Image:
    """The image with its outermost rows and columns continued outwards."""
    width, height = image.size
    wide = Image.new(image.mode, (left + width + right, up + height + down))
    wide.paste(image, (left, up))
    for x, start, length in ((0, 0, left), (width - 1, left + width, right)):
        if length:
            wide.paste(image.crop((x, 0, x + 1, height)).resize((length, height)), (start, up))
    for y, start, length in ((up, 0, up), (up + height - 1, up + height, down)):
        if length:
            wide.paste(wide.crop((0, y, wide.width, y + 1)).resize((wide.width, length)), (0, start))
    return wide


def _filling(image: Image.Image, mask: Image.Image, how: Fill, seed: int) -> Image.Image | tuple[int, int, int]:
    match how:
        case "neighbours":
            return _from_neighbours(image, mask)
        case "noise":
            return _noise(image.size, seed)
        case _:
            return GREY


def _noise(size: tuple[int, int], seed: int) -> Image.Image:
    """Even noise in all channels; the same for the same seed."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))  # noqa: S311  no secret


def _from_neighbours(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Push and pull (Gortler et al., The Lumigraph, 1996): averages of what is known, ever coarser, drawn back finer."""
    known = image.convert("RGBA")
    known.putalpha(mask.point(lambda value: 0 if value else 255))
    levels = [_reduced(known)]
    while max(levels[-1].size) > 1:
        half = levels[-1].resize([(side + 1) // 2 for side in levels[-1].size], Image.Resampling.BOX)
        half.putalpha(half.getchannel("A").point(lambda value: min(255, value * 4)))
        levels.append(half)
    filled = levels.pop().convert("RGB")
    for level in reversed(levels):
        finer = filled.resize(level.size, Image.Resampling.BILINEAR)
        finer.paste(level, mask=level.getchannel("A"))
        filled = finer
    return filled.resize(image.size, Image.Resampling.BILINEAR)


def _reduced(known: Image.Image) -> Image.Image:
    """A filling is smooth: beyond this side it is worked out on a smaller copy."""
    factor = max(known.size) // FILLING_SIDE
    return known.reduce(factor) if factor > 1 else known
