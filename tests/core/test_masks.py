"""Operations on masks, on masks of every shape."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from studio.core import masks

sides = st.integers(1, 60)


@st.composite
def some_masks(draw: st.DrawFn, *, hard: bool = False) -> Image.Image:
    width, height = draw(sides), draw(sides)
    mask = Image.new("L", (width, height), draw(st.sampled_from([0, 0, 0, 255])))
    pen = ImageDraw.Draw(mask)
    for _ in range(draw(st.integers(0, 4))):
        left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        box = (left, top, draw(st.integers(left, width - 1)), draw(st.integers(top, height - 1)))
        value = draw(st.sampled_from([0, 255] if hard else [0, 60, 128, 255]))
        (pen.rectangle if draw(st.booleans()) else pen.ellipse)(box, fill=value)
    return mask


def covers(one: Image.Image, other: Image.Image) -> bool:
    return ImageChops.subtract(other, one).getbbox() is None


@given(some_masks())
def test_inverting_twice_changes_nothing(mask: Image.Image) -> None:
    assert masks.invert(masks.invert(mask)).tobytes() == mask.tobytes()


@given(some_masks(), st.integers(0, 20))
def test_growing_covers_the_mask_and_shrinking_is_covered_by_it(mask: Image.Image, pixels: int) -> None:
    assert covers(masks.grow(mask, pixels), mask)
    assert covers(mask, masks.grow(mask, -pixels))


@given(st.integers(1, 40), st.integers(0, 24))
def test_a_grown_point_is_nearly_round_and_never_wider_than_asked(radius: int, corner: int) -> None:
    side = 101
    mask = Image.new("L", (side, side))
    mask.putpixel((50, 50), 255)
    grown = masks.grow(mask, radius)
    assert grown.getbbox() == (50 - radius, 50 - radius, 51 + radius, 51 + radius)
    far = math.ceil(radius * 1.09) + 1  # an octagon's corner
    for x, y in ((far, 0), (0, far), (round(far * 0.8), round(far * 0.8))):
        if max(x, y) <= 50:
            assert grown.getpixel((50 + x, 50 + y)) == 0
    assert grown.getpixel((50 + round(radius * 0.6), 50 + round(radius * 0.6))) == 255


def test_a_mask_that_fills_the_picture_is_not_shrunk_from_its_borders() -> None:
    full = Image.new("L", (40, 30), 255)
    assert masks.grow(full, -10).tobytes() == full.tobytes()
    half = full.copy()
    half.paste(0, (20, 0, 40, 30))
    assert masks.grow(half, -5).getbbox() == (0, 0, 15, 30)


def test_shrinking_a_thin_mask_leaves_nothing() -> None:
    mask = Image.new("L", (40, 40))
    mask.paste(255, (10, 10, 30, 13))
    assert masks.is_empty(masks.grow(mask, -5))


@settings(max_examples=60)
@given(some_masks(hard=True), st.integers(0, 24))
def test_a_feather_keeps_the_mask_whole_and_ends_within_its_pixels(mask: Image.Image, pixels: int) -> None:
    alpha = masks.feather(mask, pixels)
    assert covers(alpha, mask)
    assert covers(masks.grow(mask, pixels), alpha)


def test_a_feather_falls_from_inside_to_outside() -> None:
    mask = Image.new("L", (60, 20))
    mask.paste(255, (0, 0, 20, 20))
    row = [masks.feather(mask, 16).getpixel((x, 10)) for x in range(60)]
    assert row[:20] == [255] * 20
    assert row == sorted(row, reverse=True)
    assert 60 < row[28] < 200
    assert row[37:] == [0] * 23


@settings(max_examples=60)
@given(some_masks())
def test_filled_holes_are_what_no_path_over_edges_leads_out_of(mask: Image.Image) -> None:
    filled = masks.fill_holes(mask)
    assert covers(filled, mask)
    ground = Image.new("L", (mask.width + 2, mask.height + 2), 0)
    ground.paste(mask.point(lambda value: 255 if value else 0), (1, 1))
    ImageDraw.floodfill(ground, (0, 0), 128)
    for x in range(mask.width):
        for y in range(mask.height):
            surrounded = ground.getpixel((x + 1, y + 1)) == 0
            assert (filled.getpixel((x, y)) == 255) == (surrounded or mask.getpixel((x, y)) == 255)
