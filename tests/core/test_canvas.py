"""Masks never lie: whatever is drawn, outside the mask every byte stays, and what is counted is what happened."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageDraw

from studio.core import canvas, masks
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import AREAS, FILLS, Inpaint, Outpaint, Size, Source


def a_model(side: int = 64, multiple: int = 8, **fields: Any) -> Model:
    return Model(id="m", title="M", backend="b", default_size=Size(side, side), max_side=256, multiple_of=multiple,
                 min_side=multiple, **fields)  # fmt: skip


def a_source(image: Image.Image) -> Source:
    return Source(sha256="0" * 64, width=image.width, height=image.height)


def noise(mode: str, size: tuple[int, int], seed: int = 0) -> Image.Image:
    channels = {"L": 1, "RGB": 3, "RGBA": 4}[mode]
    return Image.frombytes(mode, size, random.Random(seed).randbytes(size[0] * size[1] * channels))


def inpaint(image: Image.Image, **fields: Any) -> Inpaint:
    return Inpaint(**{"image": a_source(image), "mask": a_source(image), "area": "whole"} | fields)


def outpaint(image: Image.Image, **fields: Any) -> Outpaint:
    return Outpaint(image=a_source(image), **fields)


def carry_out(plan: canvas.Plan, task: Inpaint | Outpaint, *, match_colour: bool = False) -> Image.Image:
    """Every pass drawn as noise."""
    image = plan.canvas
    for number, step in enumerate(plan.passes):
        ground = canvas.ground(image, step, task, number)
        assert ground.mask is not None
        assert ground.image.mode == "RGB"
        assert ground.mask.mode == "L"
        assert ground.image.size == ground.mask.size == (step.size.width, step.size.height)
        image = canvas.paste(image, step, noise("RGB", ground.image.size, number + 1), match_colour=match_colour)
    return image


def touched(plan: canvas.Plan) -> Image.Image:
    reached = Image.new("L", plan.canvas.size, 0)
    for step in plan.passes:
        part = ImageChops.lighter(reached.crop(step.box), step.alpha)
        reached.paste(part, step.box)
    return reached.point(lambda value: 255 if value else 0)


def same_where(one: Image.Image, other: Image.Image, mask: Image.Image) -> bool:
    """Equal, alpha too, wherever the mask is 0."""
    outside = ImageChops.invert(mask)
    return all(
        ImageChops.darker(ImageChops.difference(a, b), outside).getbbox() is None
        for a, b in zip(one.split(), other.split(), strict=True)
    )


@st.composite
def pictures(draw: st.DrawFn) -> Image.Image:
    size = (draw(st.integers(1, 120)), draw(st.integers(1, 120)))
    return noise(draw(st.sampled_from(["RGB", "RGBA"])), size, draw(st.integers(0, 9)))


@st.composite
def edits(draw: st.DrawFn) -> tuple[Image.Image, Image.Image, Inpaint, Model]:
    image = draw(pictures())
    mask = Image.new("L", image.size, 0)
    left, top = draw(st.integers(0, image.width - 1)), draw(st.integers(0, image.height - 1))
    box = (left, top, draw(st.integers(left, image.width - 1)), draw(st.integers(top, image.height - 1)))
    ImageDraw.Draw(mask).ellipse(box, fill=draw(st.sampled_from([255, 255, 140])))
    mask.putpixel((left, top), 255)
    task = inpaint(
        image, fill=draw(st.sampled_from(FILLS)), area=draw(st.sampled_from(AREAS)), padding=draw(st.integers(0, 200)),
        grow=draw(st.integers(0, 20)), feather=draw(st.integers(0, 40)), fill_holes=draw(st.booleans()),
        soft=draw(st.booleans()), match_colour=draw(st.booleans()),
    )  # fmt: skip
    return image, mask, task, a_model(draw(st.sampled_from([32, 64, 128])), draw(st.sampled_from([8, 16, 32])))


@settings(max_examples=80, deadline=None)
@given(edits())
def test_outside_the_feathered_mask_every_byte_stays(edit: tuple[Image.Image, Image.Image, Inpaint, Model]) -> None:
    image, mask, task, model = edit
    plan = canvas.plan_inpaint(task, image, mask, model)
    made = carry_out(plan, task, match_colour=task.match_colour)
    assert (made.mode, made.size) == (image.mode, image.size)
    assert same_where(image, made, touched(plan))
    reach = masks.grow(masks.grow(masks.fill_holes(mask) if task.fill_holes else mask, task.grow), task.feather)
    assert same_where(image, made, reach.point(lambda value: 255 if value else 0))
    counted = canvas.proof(image, made, plan.passes)
    assert counted["outside_changed"] == 0
    assert counted["outside_pixels"] == touched(plan).histogram()[0]


@settings(max_examples=60, deadline=None)
@given(edits())
def test_the_models_mask_covers_everything_that_is_pasted(edit: tuple[Image.Image, Image.Image, Inpaint, Model]) -> None:
    image, mask, task, model = edit
    plan = canvas.plan_inpaint(task, image, mask, model)
    (step,) = plan.passes
    drawn = canvas.ground(plan.canvas, step, task, 0).mask
    assert drawn is not None
    if not task.soft:
        assert set(drawn.histogram()[1:255]) == {0}
        back = drawn.resize(step.alpha.size, Image.Resampling.NEAREST)
        missed = ImageChops.darker(step.alpha.point(lambda value: 255 if value else 0), ImageChops.invert(back))
        assert missed.getbbox() is None


def test_a_hard_mask_without_feather_is_exact_to_the_pixel() -> None:
    image, mask = noise("RGB", (96, 64)), Image.new("L", (96, 64))
    mask.paste(255, (10, 20, 40, 50))
    task = inpaint(image, feather=0)
    plan = canvas.plan_inpaint(task, image, mask, a_model())
    made = carry_out(plan, task)
    assert ImageChops.difference(image, made).getbbox() == (10, 20, 40, 50)
    assert canvas.proof(image, made, plan.passes)["outside_pixels"] == 96 * 64 - 30 * 30


def test_the_proof_counts_what_really_changed() -> None:
    image, mask = noise("RGB", (40, 40)), Image.new("L", (40, 40))
    mask.paste(255, (0, 0, 10, 10))
    plan = canvas.plan_inpaint(inpaint(image, feather=0), image, mask, a_model())
    forged = image.copy()
    forged.putpixel((30, 30), (1, 2, 3))
    forged.putpixel((5, 5), (1, 2, 3))
    assert canvas.proof(image, forged, plan.passes) == {
        "outside_pixels": 1500, "outside_changed": 1, "edited_pixels": 1,
    }  # fmt: skip


@pytest.mark.parametrize("shrink", [0, -30])
def test_an_empty_mask_is_a_sentence_also_when_shrinking_made_it_so(shrink: int) -> None:
    image, mask = noise("RGB", (40, 40)), Image.new("L", (40, 40))
    if shrink:
        mask.paste(255, (10, 10, 20, 20))
    with pytest.raises(InvalidRequest, match="Nothing is painted") as caught:
        canvas.plan_inpaint(inpaint(image, grow=shrink), image, mask, a_model())
    assert caught.value.field == "mask"


def test_a_full_mask_redraws_everything() -> None:
    image = noise("RGB", (64, 64))
    task = inpaint(image)
    plan = canvas.plan_inpaint(task, image, Image.new("L", (64, 64), 255), a_model())
    assert carry_out(plan, task).tobytes() == noise("RGB", (64, 64), 1).tobytes()


def test_only_masked_works_on_a_square_around_the_mask_at_the_models_best_size() -> None:
    image, mask = noise("RGB", (1000, 600)), Image.new("L", (1000, 600))
    mask.paste(255, (500, 300, 540, 360))
    plan = canvas.plan_inpaint(inpaint(image, area="masked", padding=20, feather=0), image, mask, a_model())
    (step,) = plan.passes
    left, top, right, bottom = step.box
    assert (right - left, bottom - top) == (100, 100)
    assert left < 500
    assert right > 540
    assert step.size == Size(64, 64)


def test_soft_masks_keep_their_greys_and_hard_ones_do_not() -> None:
    image = noise("RGB", (64, 64))
    grey = Image.linear_gradient("L").resize((64, 64))
    for soft in (True, False):
        task = inpaint(image, soft=soft, feather=0)
        plan = canvas.plan_inpaint(task, image, grey, a_model())
        ground = canvas.ground(image, plan.passes[0], task, 0)
        assert ground.mask is not None
        assert ground.soft is soft
        assert (len(ground.mask.getcolors() or []) > 2) is soft


@pytest.mark.parametrize("fill", FILLS)
def test_what_the_masked_part_starts_from_leaves_the_rest_alone(fill: Any) -> None:
    image, mask = Image.new("RGB", (64, 64), (200, 30, 30)), Image.new("L", (64, 64))
    image.paste((30, 200, 30), (24, 24, 40, 40))
    mask.paste(255, (20, 20, 44, 44))
    task = inpaint(image, fill=fill, feather=0)
    plan = canvas.plan_inpaint(task, image, mask, a_model())
    ground = canvas.ground(image, plan.passes[0], task, 3).image
    assert same_where(image, ground, mask)
    middle = ground.getpixel((32, 32))
    wanted = {"original": (30, 200, 30), "neighbours": (200, 30, 30), "blank": (128, 128, 128)}
    if fill in wanted:
        assert max(abs(a - b) for a, b in zip(middle, wanted[fill], strict=True)) <= 6
    else:
        assert len(set(ground.crop((20, 20, 44, 44)).get_flattened_data())) > 400


@settings(max_examples=60, deadline=None)
@given(pictures(), st.tuples(*[st.integers(0, 150)] * 4), st.integers(0, 40), st.integers(0, 40), st.sampled_from(FILLS))
def test_an_extended_picture_stays_what_it_was_outside_the_overlap(
    image: Image.Image, added: tuple[int, int, int, int], overlap: int, feather: int, fill: Any
) -> None:
    left, right, up, down = added
    if not any(added):
        left = 1
    task = outpaint(image, left=left, right=right, up=up, down=down, overlap=overlap, feather=feather, fill=fill)
    model = a_model(64)
    plan = canvas.plan_outpaint(task, image, model)
    assert len(plan.passes) == canvas.count_passes(task, model)
    made = carry_out(plan, task)
    assert made.size == (task.size.width, task.size.height)
    inner = (
        left + (overlap if left else 0), up + (overlap if up else 0),
        left + image.width - (overlap if right else 0), up + image.height - (overlap if down else 0),
    )  # fmt: skip
    if inner[0] < inner[2] and inner[1] < inner[3]:
        old = image.crop((inner[0] - left, inner[1] - up, inner[2] - left, inner[3] - up))
        assert made.crop(inner).tobytes() == old.tobytes()
    assert canvas.proof(plan.canvas, made, plan.passes)["outside_changed"] == 0
    new = Image.new("L", made.size, 255)
    new.paste(0, (left, up, left + image.width, up + image.height))
    assert ImageChops.subtract(new, touched(plan)).getbbox() is None  # no new pixel is left undrawn


def test_a_banner_grows_from_a_square_in_squares_of_the_models_own_size() -> None:
    image = noise("RGB", (128, 128))
    plan = canvas.plan_outpaint(outpaint(image, left=200, right=50), image, a_model(128))
    assert len(plan.passes) == 5
    assert all(step.size == Size(128, 128) for step in plan.passes)
    assert all(step.box[2] - step.box[0] == 128 for step in plan.passes)


def test_a_narrow_margin_all_round_is_drawn_at_once() -> None:
    image = noise("RGB", (128, 128))
    plan = canvas.plan_outpaint(outpaint(image, left=20, right=20, up=20, down=20), image, a_model(128))
    assert [step.box for step in plan.passes] == [(0, 0, 168, 168)]


def test_colours_are_matched_to_the_surroundings_of_the_mask() -> None:
    image = Image.new("RGB", (64, 64), (100, 120, 140))
    mask = Image.new("L", (64, 64))
    mask.paste(255, (20, 20, 44, 44))
    plan = canvas.plan_inpaint(inpaint(image, feather=0), image, mask, a_model())
    drifted = Image.new("RGB", (64, 64), (130, 110, 150))
    matched = canvas.paste(image, plan.passes[0], drifted, match_colour=True).getpixel((32, 32))
    plain = canvas.paste(image, plan.passes[0], drifted, match_colour=False).getpixel((32, 32))
    assert plain == (130, 110, 150)
    assert max(abs(a - b) for a, b in zip(matched, (100, 120, 140), strict=True)) <= 1


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@settings(max_examples=25, deadline=None)
@given(image=pictures(), size=st.tuples(st.integers(1, 90), st.integers(1, 90)))
def test_a_picture_is_fitted_to_exactly_the_size(resize: Any, image: Image.Image, size: tuple[int, int]) -> None:
    fitted = canvas.fit(image, Size(*size), resize)
    assert (fitted.mode, fitted.size) == ("RGB", size)


def test_a_padded_picture_continues_its_edges_and_is_never_black() -> None:
    image = Image.new("RGB", (40, 20), (250, 10, 10))
    assert set(canvas.fit(image, Size(40, 40), "pad").getcolors() or []) == {(1600, (250, 10, 10))}


def test_a_heat_map_is_dark_where_nothing_changed_and_bright_where_most_did() -> None:
    before = Image.new("RGB", (20, 20), (90, 90, 90))
    after = before.copy()
    after.paste((250, 90, 90), (0, 0, 5, 5))
    heat = canvas.heat_map(before, after)
    assert sum(heat.getpixel((15, 15))) < 80
    assert sum(heat.getpixel((2, 2))) > 500


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000)])
def test_extreme_pictures_are_worked_on_all_the_same(size: tuple[int, int]) -> None:
    image = noise("RGB", size)
    for area in AREAS:
        task = inpaint(image, area=area, feather=3000)
        plan = canvas.plan_inpaint(task, image, Image.new("L", size, 255), a_model())
        assert carry_out(plan, task).size == size
