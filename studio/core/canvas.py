"""Pictures and masks of the editing tasks, as pure functions on Pillow images: what is planned, drawn on and pasted back.

plan_inpaint, plan_outpaint    a canvas, and the passes that are drawn on it
ground                           what the model gets for one pass
paste                          its drawing back on the canvas; where alpha is 0 no byte changes
proof                          the count that says so
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageChops, ImageStat

from studio.core import filling, masks
from studio.core.errors import InvalidRequest
from studio.core.extend import windows
from studio.core.model import Model
from studio.core.request import Inpaint, Outpaint, Resize, Size

EDIT = 8
"""A soft mask's grey value from which on a pixel takes part."""
RING = 24
"""Pixels around a mask from which the colours of its surroundings are learned."""
Box = tuple[int, int, int, int]
Margins = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What a backend draws on.

    `image` is RGB in a size that the model takes. `mask` is mode L of the same size, 255 = edit, or None to draw the whole
    image anew; its grey values are partial strengths if `soft`, else 128 and more mean edit. `strength` lies above 0 and
    is at most 1. `margins` (left, right, up, down) are the new part of an extended picture, for whoever extends by itself.
    """

    image: Image.Image
    mask: Image.Image | None = None
    strength: float = 1.0
    soft: bool = False
    margins: Margins | None = None


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One drawing of a plan: the part of the canvas the model sees, and how its drawing is pasted back.

    `box` is left, top, right, bottom in canvas pixels; `size` what the model draws for it. `mask` (mode L, the box's size,
    255 = edit) is where the model draws; `alpha` (the same size) how much of the drawing is pasted: 0 wherever no byte may
    change, 255 where nothing of the old is left. `margins` are those of the box, for a provider that extends by itself.
    """

    box: Box
    size: Size
    mask: Image.Image
    alpha: Image.Image
    margins: Margins | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an inpaint or outpaint comes to: a canvas (RGB or RGBA) and the passes that are drawn on it, in order."""

    canvas: Image.Image
    passes: tuple[Pass, ...]


def fit(image: Image.Image, size: Size, resize: Resize) -> Image.Image:
    """The image as RGB of exactly `size`, see-through parts on white; "pad" continues the edges."""
    plain, wanted = flat(image), (size.width, size.height)
    if resize == "stretch" or plain.size == wanted:
        return _resized(plain, wanted)
    scale = (max if resize == "crop" else min)(size.width / plain.width, size.height / plain.height)
    inner = (max(1, round(plain.width * scale)), max(1, round(plain.height * scale)))
    left, top = (size.width - inner[0]) // 2, (size.height - inner[1]) // 2
    scaled = _resized(plain, inner)
    if resize == "crop":
        return scaled.crop((-left, -top, size.width - left, size.height - top))
    right, bottom = size.width - inner[0] - left, size.height - inner[1] - top
    return filling.stretch_edges(scaled, left, right, top, bottom)


def flat(image: Image.Image) -> Image.Image:
    """RGB, see-through parts on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def lay_over(image: Image.Image, sketch: Image.Image) -> Image.Image:
    """The image with a see-through sketch of any size stretched over it."""
    over = sketch.convert("RGBA")
    laid = flat(image)
    laid.paste(over.resize(image.size), mask=over.getchannel("A").resize(image.size))
    return laid


def plan_inpaint(task: Inpaint, image: Image.Image, mask: Image.Image, model: Model) -> Plan:
    """One pass over the whole picture or over the mask's surroundings. Raises `InvalidRequest` for an empty mask."""
    wanted, alpha = _prepared(task, mask)
    whole = (0, 0, image.width, image.height)
    box = whole if task.area == "whole" else _surroundings(alpha, task.padding)
    size = model.size_near(Size(*image.size)) if box == whole else model.best_size(_size(box))
    drawn = ImageChops.lighter(wanted, _hard(alpha, 0)) if not task.soft else wanted
    return Plan(canvas=image, passes=(Pass(box=box, size=size, mask=drawn.crop(box), alpha=alpha.crop(box)),))


def _prepared(task: Inpaint, mask: Image.Image) -> tuple[Image.Image, Image.Image]:
    """The mask with its holes filled, grown; and its feathered alpha. Only the part that matters is touched."""
    reach = max(task.grow, 0) + task.feather + 2
    left, top, right, bottom = mask.getbbox() or (0, 0, 0, 0)
    part = (max(0, left - reach), max(0, top - reach), min(mask.width, right + reach), min(mask.height, bottom + reach))
    wanted = mask.crop(part) if right else Image.new("L", (1, 1))
    wanted = masks.fill_holes(wanted) if task.fill_holes else wanted
    wanted = masks.grow(wanted if task.soft else _hard(wanted), task.grow)
    touched = wanted.point(lambda value: 255 if value > EDIT else 0)
    if masks.is_empty(touched):
        raise InvalidRequest("Nothing is painted. Paint over what should change.", "mask")
    whole = Image.new("L", mask.size), Image.new("L", mask.size)
    whole[0].paste(wanted, part)
    whole[1].paste(masks.feather(touched, task.feather), part)
    return whole


def plan_outpaint(task: Outpaint, image: Image.Image, model: Model) -> Plan:
    """The extended canvas, and a pass for each window in which a new part is drawn beside what is there."""
    canvas = filling.extend(image, (task.left, task.right, task.up, task.down), task.fill)
    passes = []
    for window in windows(task, model):
        mask = _all_but(window.inner, window.box)
        alpha = ImageChops.darker(_ramp_into(window.keep, window.box, min(task.feather, task.overlap)), mask)
        native = task.kind in model.native
        size = _within(task.size, model.max_side) if native else model.size_near(_size(window.box))
        margins = (task.left, task.right, task.up, task.down) if native else None
        passes.append(Pass(box=window.box, size=size, mask=mask, alpha=alpha, margins=margins))
    return Plan(canvas=canvas, passes=tuple(passes))


def count_passes(task: Outpaint, model: Model) -> int:
    """How many passes an outpaint takes."""
    return len(windows(task, model))


def ground(canvas: Image.Image, step: Pass, task: Inpaint | Outpaint, seed: int) -> Ground:
    """What the model gets: the box of the canvas, the masked part filled, in the size that it draws."""
    image = flat(canvas.crop(step.box))
    if isinstance(task, Inpaint) and task.fill != "original":
        image = filling.fill(image, step.mask, task.fill, seed)
    soft = isinstance(task, Inpaint) and task.soft
    size = (step.size.width, step.size.height)
    mask = _resized(step.mask, size) if soft else _covering(step.mask, size)
    margins = _scaled_margins(step.margins, size[0] / image.width) if step.margins else None
    return Ground(image=_resized(image, size), mask=mask, strength=task.strength, soft=soft, margins=margins)


def paste(canvas: Image.Image, step: Pass, drawn: Image.Image, *, match_colour: bool) -> Image.Image:
    """A new canvas with a pass' drawing on it. Where the alpha is 0, its bytes are the old ones."""
    whole, part = canvas.copy(), step.alpha.getbbox()
    if part is None:
        return whole
    if match_colour:
        old = flat(canvas.crop(step.box))
        fresh = _matched(_resized(drawn.convert("RGB"), old.size), old, step.mask).crop(part)
    else:
        fresh = _resized_part(drawn.convert("RGB"), step.alpha.size, part)
    left, top = step.box[0] + part[0], step.box[1] + part[1]
    whole.paste(fresh.convert(canvas.mode), (left, top), step.alpha.crop(part))
    return whole


def proof(before: Image.Image, after: Image.Image, passes: Sequence[Pass]) -> dict[str, Any]:
    """Counted pixel by pixel: how many lie outside every pass' alpha, how many of them changed, how many inside did."""
    touched = Image.new("L", before.size, 0)
    for step in passes:
        touched.paste(255, step.box, _hard(step.alpha, 0))
    changed = _changed(before, after)
    inside, edited = (image.histogram()[255] for image in (touched, changed))
    outside = ImageChops.darker(changed, ImageChops.invert(touched)).histogram()[255]
    return {
        "outside_pixels": before.width * before.height - inside,
        "outside_changed": outside,
        "edited_pixels": edited - outside,
    }


def heat_map(before: Image.Image, after: Image.Image) -> Image.Image:
    """Where and how much two pictures differ: dark where they are equal, through violet and orange to bright yellow."""
    if before.size != after.size:
        before = fit(before, Size(*after.size), "crop")
    bands = ImageChops.difference(flat(before), flat(after)).split()
    most = bands[0]
    for band in bands[1:]:
        most = ImageChops.lighter(most, band)
    highest = max((value for value, count in enumerate(most.histogram()) if count), default=0) or 1
    level = most.point(lambda value: min(255, value * 255 // highest))
    return Image.merge("RGB", [level.point([_ramp(value)[channel] for value in range(256)]) for channel in range(3)])


_STOPS = ((12, 10, 24), (88, 24, 120), (214, 66, 78), (252, 158, 52), (252, 252, 190))
"""Dark to bright, so that it also reads without colours."""


def _ramp(value: int) -> tuple[int, int, int]:
    place, rest = divmod(value * (len(_STOPS) - 1), 255)
    low, high = _STOPS[place], _STOPS[min(place + 1, len(_STOPS) - 1)]
    red, green, blue = (round(a + (b - a) * rest / 255) for a, b in zip(low, high, strict=True))
    return red, green, blue


def _changed(before: Image.Image, after: Image.Image) -> Image.Image:
    """255 where any channel differs."""
    most = Image.new("L", before.size, 0)
    for band in ImageChops.difference(before.convert(after.mode), after).split():
        most = ImageChops.lighter(most, band)
    return _hard(most, 0)


def _hard(mask: Image.Image, threshold: int = 127) -> Image.Image:
    return mask.point(lambda value: 255 if value > threshold else 0)


def _size(box: Box) -> Size:
    return Size(box[2] - box[0], box[3] - box[1])


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _resized_part(image: Image.Image, size: tuple[int, int], part: Box) -> Image.Image:
    """A part of what the image would be in another size."""
    if image.size == size:
        return image.crop(part)
    across, down = image.width / size[0], image.height / size[1]
    source = (part[0] * across, part[1] * down, part[2] * across, part[3] * down)
    return image.resize((part[2] - part[0], part[3] - part[1]), Image.Resampling.LANCZOS, box=source)


def _within(size: Size, side: int) -> Size:
    """The size itself, or its proportions with the longest side at most `side`."""
    scale = min(1.0, side / max(size.width, size.height))
    return Size(max(1, round(size.width * scale)), max(1, round(size.height * scale)))


def _scaled_margins(margins: Margins, scale: float) -> Margins:
    left, right, up, down = (round(side * scale) for side in margins)
    return left, right, up, down


def _covering(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The mask in another size: 255 wherever any of its pixels is more than 0."""
    small = mask if mask.size == size else mask.point(lambda value: 255 if value else 0).resize(size, Image.Resampling.BOX)
    grown = small.point(lambda value: 255 if value else 0)
    return grown if mask.size == size else masks.grow(grown, 1)


def _surroundings(alpha: Image.Image, padding: int) -> Box:
    """The bounding box of what changes, padded, and widened to a square where there is room."""
    left, top, right, bottom = alpha.getbbox() or (0, 0, alpha.width, alpha.height)
    side = max(right - left, bottom - top) + 2 * padding
    across, down = _widened(left, right, side, alpha.width), _widened(top, bottom, side, alpha.height)
    return across[0], down[0], across[1], down[1]


def _widened(low: int, high: int, side: int, limit: int) -> tuple[int, int]:
    """`side` pixels around low..high, moved inside 0..limit."""
    start = (low + high - side) // 2
    start = max(0, min(start, limit - side))
    return start, min(limit, start + side)


def _all_but(part: Box, box: Box) -> Image.Image:
    """A mask of the box without a part of it, both in canvas pixels."""
    mask = Image.new("L", (box[2] - box[0], box[3] - box[1]), 255)
    mask.paste(0, (part[0] - box[0], part[1] - box[1], part[2] - box[0], part[3] - box[1]))
    return mask


def _ramp_into(keep: Box, box: Box, pixels: int) -> Image.Image:
    """All of the box but `keep`, with a ramp of some pixels into `keep` where the box goes on."""
    alpha = _all_but(keep, box)
    left, top, right, bottom = keep[0] - box[0], keep[1] - box[1], keep[2] - box[0], keep[3] - box[1]
    wide, high = min(pixels, right - left), min(pixels, bottom - top)
    down = Image.linear_gradient("L")  # dark above, bright below
    for beside, strip, turned in (
        (left > 0, (left, top, left + wide, bottom), down.rotate(-90)),
        (right < alpha.width, (right - wide, top, right, bottom), down.rotate(90)),
        (top > 0, (left, top, right, top + high), down.rotate(180)),
        (bottom < alpha.height, (left, bottom - high, right, bottom), down),
    ):
        size = (strip[2] - strip[0], strip[3] - strip[1])
        if beside and min(size) > 0:
            ramp = turned.resize(size, Image.Resampling.BILINEAR)
            alpha.paste(ImageChops.lighter(alpha.crop(strip), ramp), strip)
    return alpha


def _matched(fresh: Image.Image, old: Image.Image, mask: Image.Image) -> Image.Image:
    """The drawing with its colours shifted and scaled so that, around the mask, they are those of the old picture."""
    ring = ImageChops.subtract(masks.grow(_hard(mask, 0), RING), _hard(mask, 0))
    if masks.is_empty(ring):
        return fresh
    drawn, kept = ImageStat.Stat(fresh, ring), ImageStat.Stat(old, ring)
    bands = []
    for band, mean, spread, new_mean, new_spread in zip(
        fresh.split(), drawn.mean, drawn.stddev, kept.mean, kept.stddev, strict=True
    ):
        gain = min(1.5, max(0.67, new_spread / spread)) if spread > 1 else 1.0
        bands.append(band.point([round(min(255.0, max(0.0, (v - mean) * gain + new_mean))) for v in range(256)]))
    return Image.merge("RGB", bands)
