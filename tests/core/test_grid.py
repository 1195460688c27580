"""Grids before anything runs: how axes are typed, what the cells are, what is wrong with them, and what they will take."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.core.axes import Axis, numbers, read_axis
from studio.core.errors import InvalidRequest
from studio.core.grid import Plan, axes_from_json, axes_to_json, forecast, paces_of, places, plan_grid
from studio.core.grid_sheet import Sheet, draw_sheet
from studio.core.model import Model
from studio.core.price import Price
from studio.core.request import Adapter, ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage, Variation
from studio.core.result import Record

A = Model(id="local:a", title="Alpha", backend="local", samplers=("Euler", "Euler a", "DDIM"), variations=True)
B = Model(id="local:b", title="Beta", backend="local", samplers=("LCM",), default_sampler="LCM", max_side=512)
CLOUD = Model(id="cloud:c", title="Cloud", backend="cloud", hosted=True, destination="cloud.example",
              price=Price(picture=0.04, date="2026-11-01"))  # fmt: skip
FREE = Model(id="own:d", title="Own", backend="own", hosted=True, destination="own.example")
MODELS = (A, B, CLOUD, FREE)
BASE = ImageRequest(model="local:a", prompt="a red house, red roof", sampling=Sampling(steps=20, seed=7, sampler="Euler"))


def plan(*axes: tuple[str, str], base: ImageRequest = BASE) -> Plan:
    return plan_grid(base, [Axis(*axis) for axis in axes], MODELS)


def labels(field: str, text: str, base: ImageRequest = BASE) -> list[str]:
    return [point.label for point in read_axis(Axis(field, text), base, MODELS)]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("20, 30,40", [20, 30, 40]),
        ("1-5", [1, 2, 3, 4, 5]),
        ("20..40 by 5", [20, 25, 30, 35, 40]),
        ("20…40 by 10", [20, 30, 40]),
        ("5 to 3", [5, 4, 3]),
        ("1-2, 9", [1, 2, 9]),
    ],
)
def test_whole_numbers_are_typed_in_many_ways(text: str, read: list[int]) -> None:
    assert labels("steps", text) == [str(value) for value in read]


def test_a_range_of_fractions_without_a_step_has_five_values() -> None:
    assert labels("guidance_scale", "0..1") == ["0", "0.25", "0.5", "0.75", "1"]
    assert labels("guidance_scale", "3-7") == ["3", "4", "5", "6", "7"]
    assert labels("guidance_scale", "0.1..0.3 by 0.1") == ["0.1", "0.2", "0.3"]


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("steps", "", "no values yet"),
        ("steps", "many", "“many” cannot be read"),
        ("steps", "1.5", "whole numbers"),
        ("steps", "9" * 400, "cannot be read"),
        ("sampler", ",", "cannot be read"),
        ("steps", "1-5000", "more than 50"),
        ("steps", "0..1 by 0", "more than 50"),
        ("seed", ", ".join(map(str, range(60))), "more than 50"),
        ("sampler", "Nope", "“Nope” is not known here"),
        ("model", "zzz", "There are: Alpha, Beta"),
        ("prompt", "red", "one value is no axis"),
        ("prompt", "green | blue", "does not hold “green”"),
        ("strength", "0.5", "no strength"),
        ("lora", "0.5", "no LoRA"),
        ("size", "huge", "is not a size"),
        ("colour", "red", "cannot be an axis"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(field: str, text: str, words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        plan((field, text))


@given(st.text(max_size=40) | st.text("0123456789.,-| by", max_size=40))
def test_no_text_does_anything_but_parse_or_be_refused(text: str) -> None:
    for field in ("steps", "guidance_scale", "seed", "prompt", "sampler", "size", "model", "variation_strength"):
        try:
            assert 1 <= len(read_axis(Axis(field, text), BASE, MODELS)) <= 50
        except InvalidRequest:
            continue


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 9))
def test_a_range_holds_its_beginning_and_nothing_beyond_its_end(low: int, high: int, step: int) -> None:
    try:
        found = numbers(Axis("steps", f"{low}..{high} by {step}"), whole=True)
    except InvalidRequest:
        assert abs(high - low) / step >= 50
        return
    assert found[0] == low
    assert all(min(low, high) <= value <= max(low, high) for value in found)


def test_names_are_known_by_their_beginning_where_that_is_clear() -> None:
    assert labels("sampler", "ddim, Euler, LCM") == ["DDIM", "Euler", "LCM"]
    assert labels("model", "beta, local:a") == ["Beta", "Alpha"]
    with pytest.raises(InvalidRequest, match="could be Euler, Euler a"):
        labels("sampler", "Eul")


def test_four_random_seeds_are_four() -> None:
    assert len(set(labels("seed", "4 random"))) == 4


def test_cells_stand_in_order_and_change_nothing_but_their_axes() -> None:
    made = plan(("steps", "10, 20"), ("prompt", "red | blue"), ("seed", "7-8"))
    assert [cell.place for cell in made.cells] == places(made.labels)
    assert [cell.place for cell in made.cells][:3] == [(0, 0, 0), (1, 0, 0), (0, 1, 0)]
    one = made.cells[3].request
    assert (one.sampling.steps, one.sampling.seed, one.prompt) == (20, 7, "a blue house, blue roof")
    assert replace(one, prompt=BASE.prompt, sampling=BASE.sampling) == BASE
    assert not made.faults


def test_all_cells_share_one_seed_where_none_is_given() -> None:
    made = plan(("steps", "10, 20"), base=replace(BASE, sampling=Sampling(), count=4))
    (seed,) = {cell.request.sampling.seed for cell in made.cells}
    assert seed is not None
    assert {cell.request.count for cell in made.cells} == {1}


def test_faults_are_found_cell_by_cell_before_anything_runs() -> None:
    made = plan(("size", "512x512, 1024x1024"), ("model", "Alpha, Beta"))
    assert [cell.labels for cell in made.faults] == [("1024 × 1024", "Beta")]
    assert "512 pixels" in made.faults[0].fault
    assert made.forecast.pictures == 3


def test_a_model_without_the_sampler_takes_its_own_unless_the_sampler_is_an_axis() -> None:
    made = plan(("model", "Alpha, Beta"))
    assert [cell.request.sampling.sampler for cell in made.cells] == ["Euler", None]
    assert not made.faults
    asked = plan(("sampler", "DDIM, LCM"), ("model", "Alpha, Beta"))
    assert [cell.labels for cell in asked.faults] == [("LCM", "Alpha"), ("DDIM", "Beta")]


def test_a_seed_walk_goes_from_one_seed_to_another() -> None:
    made = plan(("variation_strength", "0..1 by 0.5 of seed 99"))
    walked = [cell.request.sampling.variations for cell in made.cells]
    assert walked == [(Variation(seed=99, strength=strength),) for strength in (0, 0.5, 1)]
    varied = replace(BASE, sampling=replace(BASE.sampling, variations=(Variation(seed=5, strength=0.2),)))
    assert plan(("variation_strength", "0.1, 0.3"), base=varied).cells[1].labels == ("0.3 of 5",)


def test_strengths_and_weights_change_what_they_say() -> None:
    image = Source(sha256="1" * 64, width=512, height=512)
    base = replace(BASE, task=ImageToImage(image=image), adapters=(Adapter(kind="lora", name="ink"),))
    cell = plan_grid(base, [Axis("strength", "0.3, 0.6"), Axis("lora", "-0.5, 1")], MODELS).cells[0]
    assert (cell.request.task.strength, cell.request.adapters[0].weight) == (0.3, -0.5)


def test_two_axes_of_one_setting_and_far_too_many_cells_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="two axes"):
        plan(("steps", "1-2"), ("steps", "3-4"))
    with pytest.raises(InvalidRequest, match="at most 144"):
        plan(("steps", "1-20"), ("seed", "1-20"))
    with pytest.raises(InvalidRequest, match="one to 3 axes"):
        plan()


def a_record(model: str, seconds: dict[str, float], steps: int = 20, count: int = 1) -> Record:
    request = replace(BASE, model=model, count=count, task=TextToImage(Size(500, 1000)), sampling=Sampling(steps=steps))
    return Record(id="r", job="j", path=None, name="", sha256="", width=8, height=8, seed=1, created="",
                  request=request, facts={"used": {"seconds": seconds}})  # fmt: skip


def test_the_forecast_tells_cost_by_price_and_time_by_what_was_made_before() -> None:
    by_id = {model.id: model for model in MODELS}
    records = [a_record("local:a", {"denoising": 10.0, "loading": 90.0}), a_record("gone:x", {"denoising": 1})]
    paces = paces_of(records, by_id)
    assert paces == {"local:a": 1.0}  # 20 steps of half a megapixel in ten seconds
    asked = [replace(BASE, model=model, task=TextToImage(Size(1000, 1000))) for model in ("local:a", "cloud:c", "own:d")]
    told = forecast(asked, by_id, paces)
    assert (told.pictures, told.dollars, told.unpriced, told.seconds, told.untimed) == (3, 0.04, 1, 20.0, 2)
    assert told.cost == "about $0.04 and 1 of unknown price"
    assert forecast(asked[:1], by_id, {}).seconds is None
    assert forecast(asked[:1], by_id, {}).cost == "costs nothing"


def test_axes_come_back_from_json_with_what_they_were_read_as() -> None:
    axes, named = (Axis("seed", "2 random"),), (("5", "6"),)
    assert axes_from_json(axes_to_json(axes, named)) == (axes, named)


def a_sheet(*sizes: int, side: int = 64, missing: tuple[int, ...] = ()) -> Sheet:
    named = tuple(tuple(f"value {number} of a long label" for number in range(size)) for size in sizes)
    all_places = places(named)
    pictures = {place: Image.new("RGB", (side, side), (200, 0, 0)) for n, place in enumerate(all_places) if n not in missing}
    gone = {place: "The disk was full" for place in all_places if place not in pictures}
    return Sheet(titles=("Steps", "Seed", "Model")[: len(sizes)], labels=named, pictures=pictures, missing=gone)


@pytest.mark.parametrize("sizes", [(3,), (2, 3), (2, 2, 2)])
def test_a_sheet_holds_every_picture_in_its_own_pixels(sizes: tuple[int, ...]) -> None:
    count = 1
    for size in sizes:
        count *= size
    sheet = draw_sheet(a_sheet(*sizes, missing=(1,)))
    red = sum(number for number, colour in sheet.getcolors(1 << 20) if colour == (200, 0, 0))
    assert red == (count - 1) * 64 * 64
    assert any(colour == (236, 234, 229) for _, colour in sheet.getcolors(1 << 20))  # and the empty cell


def test_a_sheet_of_large_pictures_stays_within_its_side() -> None:
    named = (tuple("abcdefghijkl"), ("m", "n"))
    picture = Image.new("RGB", (1000, 500))
    made = draw_sheet(Sheet(titles=("X", "Y"), labels=named, missing={}, pictures=dict.fromkeys(places(named), picture)))
    assert max(made.size) <= 4096


def test_a_sheet_without_any_picture_and_with_endless_words_is_drawn_all_the_same() -> None:
    made = draw_sheet(Sheet(titles=("T" * 300,), labels=(("x" * 5000, "日本"),), pictures={}, missing={}, heading="h" * 900))
    assert made.width > 0
