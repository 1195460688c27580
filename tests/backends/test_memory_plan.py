"""Which memory plan is chosen for which device, by invented devices; and what the estimates are made of."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from watching import Recorder

from studio.backends.local import LocalBackend, device, needs, plan
from studio.backends.local.fitting import Fitting
from studio.backends.local.needs import Needs, Part
from studio.backends.local.plan import FULL, PLANS, Room
from studio.backends.local.warm import WarmModels
from studio.core.errors import OutOfMemory, Unsupported
from studio.core.request import Adapter, Hires, ImageRequest, Size, TextToImage

GB = 1_000_000_000
SDXL = Needs(
    denoiser=Part(whole=5 * GB, block=2 * GB, outside=GB // 10, tensor=GB // 20),
    encoders=Part(whole=16 * GB // 10, tensor=GB // 10), vae=Part(whole=GB // 6),
    denoising=GB // 2, decoding=48 * GB // 10, decoding_tiled=13 * GB // 10, itemsize=2,
)  # fmt: skip
"""About what Stable Diffusion XL needs in half precision at 1024², its VAE in float32."""


def card(free: float, ram: float = 64, kind: str = "cuda") -> Room:
    return Room(kind=kind, free=int(free * GB), total=int(free * GB * 1.1), ram_free=int(ram * GB), ram_total=int(ram * GB))


@pytest.mark.parametrize(
    ("free", "name"),
    [(24, "full"), (8, "model offload"), (5.4, "group offload"), (5.05, "group offload, tiled"),
     (2, "sequential offload, tiled")],
)  # fmt: skip
def test_a_smaller_card_gets_a_smaller_plan(free, name):
    assert plan.choose("auto", SDXL, card(free)).plan.name == name


def test_offloading_needs_the_computers_memory_behind_the_card():
    assert plan.choose("auto", SDXL, card(9, ram=16)).plan.name == "model offload"
    assert plan.choose("auto", SDXL, card(9, ram=6)).plan.name == "full, tiled"


@pytest.mark.parametrize("kind", ["cpu", "mps"])
def test_a_device_without_memory_of_its_own_never_offloads(kind):
    for free in (1, 4, 8, 12, 24):
        assert plan.choose("auto", SDXL, card(free, kind=kind)).plan.name in ("full", "full, tiled", "8-bit, tiled")
    with pytest.raises(Unsupported, match="needs a graphics card with a memory of its own"):
        plan.choose("model offload", SDXL, card(8, kind=kind))


def test_what_is_chosen_instead_of_the_plain_plan_is_said_with_its_figures():
    assert plan.choose("auto", SDXL, card(24)).why == ""
    told = plan.choose("auto", SDXL, card(8)).why
    assert told == "memory plan: model offload; everything at once would need 11.6 GB, 8.0 GB are free"
    assert plan.choose("auto", SDXL, card(4)).why.endswith("tiles and 8-bit weights change some pixels")


def test_a_plan_of_the_users_choice_is_followed_even_where_it_will_not_fit():
    assert plan.choose("full", SDXL, card(2)).plan is FULL
    assert plan.choose("8-bit, tiled", SDXL, card(80)).plan.eight_bit


@pytest.mark.parametrize(("name", "why"), [("4-bit", "GGUF"), ("half", "There is no memory plan")])
def test_a_plan_that_is_not_there_says_why(name, why):
    with pytest.raises(Unsupported, match=why):
        plan.choose(name, SDXL, card(8))
    with pytest.raises(Unsupported, match="float8"):
        plan.choose("8-bit, tiled", SDXL, card(8, kind="mps"))


part = st.integers(0, 40 * GB).flatmap(
    lambda whole: st.builds(
        Part, whole=st.just(whole), block=st.integers(0, whole // 2), outside=st.integers(0, whole // 4),
        tensor=st.integers(0, whole // 8),
    )
)  # fmt: skip
wants = st.builds(
    Needs, denoiser=part, encoders=part, vae=part, other=st.integers(0, GB), extra=st.integers(0, 4 * GB),
    denoising=st.integers(0, 8 * GB), decoding=st.integers(8 * GB, 40 * GB), decoding_tiled=st.integers(0, 8 * GB),
    itemsize=st.sampled_from([2, 4]),
)  # fmt: skip
rooms = st.builds(
    card, st.floats(0.1, 100), st.floats(0.1, 200), st.sampled_from(["cuda", "rocm", "xpu", "mps", "cpu"])
).map(lambda room: room if room.offloads else replace(room, ram_free=room.free, ram_total=room.total))  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(wants, rooms)
def test_a_chosen_plan_fits_if_any_does_and_is_the_smallest_if_none_does(asked, room):
    chosen = plan.choose("auto", asked, room)
    able = plan.possible(room)
    assert chosen.plan in able
    if any(plan.fits(each, asked, room) for each in able):
        assert chosen.need <= room.free
        exact = [each for each in able if plan.fits(each, asked, room) and not each.changes_pixels]
        assert not (exact and chosen.plan.changes_pixels)
    else:
        assert chosen.need == min(plan.need(each, asked, room) for each in able)


@settings(max_examples=400, deadline=None)
@given(wants, rooms, st.floats(1, 4))
def test_a_larger_picture_never_gets_an_earlier_plan(asked, room, factor):
    larger = replace(
        asked,
        denoising=int(asked.denoising * factor),
        decoding=int(asked.decoding * factor),
        decoding_tiled=int(asked.decoding_tiled * factor),
    )
    if any(plan.fits(each, larger, room) for each in plan.possible(room)):
        order = [PLANS.index(plan.choose("auto", each, room).plan) for each in (asked, larger)]
        assert order[0] <= order[1]
    assert all(plan.need(each, asked, room) <= plan.need(each, larger, room) for each in PLANS)


@settings(max_examples=300, deadline=None)
@given(wants, rooms)
def test_after_a_failure_each_next_plan_needs_less_and_the_way_ends(asked, room):
    at, seen = FULL, [FULL]
    while plan.need(at, asked, room) and (after := plan.next_smaller(at, asked, room)) is not None:
        assert plan.need(after, asked, room) <= 0.95 * plan.need(at, asked, room)
        assert after not in seen
        seen.append(after)
        at = after


@pytest.fixture
def measure(backend, models):
    """The needs of a request on a tiny model: `measure("sd", Size(64, 64))`."""

    def build(name, size=None, *, itemsize=4, guided=False, **fields):
        found = backend._catalog.find(f"local:{name}")
        request = ImageRequest(model=found.model.id, prompt="", **fields)
        return needs.of(found, itemsize, request, size or Size(64, 64), guided=guided)

    return build


@pytest.mark.parametrize("name", ["sd", "xl", "sd3", "flux", "qwen", "z", "chroma"])
def test_weights_are_those_that_are_loaded(backend, models, measure, name):
    from studio.backends.local.placing import weight_bytes

    backend.warm(models[name])
    assert measure(name).weights == pytest.approx(weight_bytes(backend._loaded.pipe), rel=0.03)
    assert measure(name, itemsize=2).weights == measure(name).weights // 2
    found = measure(name)
    assert found.denoiser.outside + found.denoiser.block <= found.denoiser.whole
    assert found.denoiser.whole + found.encoders.whole + found.vae.whole == found.weights


def test_needs_grow_with_size_guidance_second_pass_and_adapters(backend, models, measure):
    small, large = measure("sd", Size(64, 64)), measure("sd", Size(128, 128))
    assert large.decoding == 4 * small.decoding
    assert large.denoising > small.denoising
    assert measure("sd", guided=True).denoising > small.denoising
    assert measure("sd", adapters=(Adapter(kind="controlnet", name="canny"),)).extra > 0
    assert large.decoding_tiled <= large.decoding
    found, cpu = backend._catalog.find("local:sd"), device.choose("cpu")
    twice = ImageRequest(model="local:sd", prompt="", task=TextToImage(Size(64, 64)), hires=Hires(scale=2))
    assert Fitting.of(found, cpu, WarmModels(), twice).size == Size(128, 128)


def test_a_single_file_is_told_apart_by_the_names_in_it(backend, tmp_path):
    def header(**shapes):
        entries = {
            name: {"dtype": "F16", "shape": [count], "data_offsets": [0, 2 * count]} for name, count in shapes.items()
        }
        text = json.dumps(entries).encode()
        return len(text).to_bytes(8, "little") + text

    file = tmp_path / "one.safetensors"
    file.write_bytes(header(**{
        "model.diffusion_model.input_blocks.0.0.weight": 600, "model.diffusion_model.input_blocks.1.0.weight": 300,
        "first_stage_model.decoder.conv_in.weight": 50, "cond_stage_model.transformer.text_model.final.weight": 70,
    }))  # fmt: skip
    found = backend._catalog.find("local:sd")
    single = replace(found, weights={"all": replace(next(iter(found.weights.values())), files=(file,))})
    parts = needs.weights_by_part(single, 2)
    assert {name: each.whole for name, each in parts.items()} == {"unet": 1800, "vae": 100, "text_encoder": 140}
    assert (parts["unet"].block, parts["unet"].tensor) == (1200, 1200)


def test_the_record_names_the_plan_and_a_reduced_one_is_said_before_the_first_step(make, backend):
    watch = Recorder()
    result = make(watch=watch)
    assert result.used["memory_plan"] == "full"
    assert (watch.said, result.notes) == ([], ())


def test_the_plan_of_a_request_is_followed_and_named(make):
    result = make(side=128, options={"memory": "full, tiled"})
    assert (result.used["memory_plan"], result.used["tiling"]) == ("full, tiled", True)
    assert result.pictures[0].image.tobytes() != make(side=128).pictures[0].image.tobytes()
    with pytest.raises(Unsupported, match="graphics card"):
        make(options={"memory": "group offload"})


def test_too_little_memory_is_met_by_tiles_and_said(backend, models, a_request, monkeypatch):
    """As on a computer with 40 MB left: a picture of 512² would take 50 MB in one piece."""
    monkeypatch.setattr(device, "free_bytes", lambda _: 40_000_000)
    watch = Recorder()
    result = backend.generate(a_request(side=512, steps=1), models["sd"], watch)
    assert result.used["memory_plan"] == "full, tiled"
    assert len(watch.said) == 1
    assert watch.said[0].startswith("Memory plan: full, tiled; everything at once would need")
    assert any("tiles and 8-bit weights change some pixels" in note for note in result.notes)


def test_eight_bit_weights_draw_nearly_the_same_and_are_part_of_the_recipe(zoo, models, a_request):
    import torch

    backend = LocalBackend((zoo,), None)
    plain = backend.generate(a_request(), models["sd"], Recorder())
    small = backend.generate(a_request(options={"memory": "8-bit, tiled"}), models["sd"], Recorder())
    kinds = {weight.dtype for weight in backend._loaded.denoiser.parameters()}
    assert torch.float8_e4m3fn in kinds
    assert (small.used["weights"], small.used["memory_plan"]) == ("float8", "8-bit, tiled")
    assert small.pictures[0].image.tobytes() != plain.pictures[0].image.tobytes()
    again = backend.generate(a_request(), models["sd"], Recorder())
    assert again.pictures[0].image.tobytes() == plain.pictures[0].image.tobytes()


def test_a_failure_names_the_next_smaller_plan_for_one_click(backend, models, a_request):
    found, cpu = backend._catalog.find("local:sd"), device.choose("cpu")
    fitting = Fitting.of(found, cpu, backend._warm, a_request(side=1024, options={"memory": "full"}))
    error = fitting.failed()
    assert isinstance(error, OutOfMemory)
    assert error.facts["smaller"] == {"title": "Try again with “full, tiled”", "options": {"memory": "full, tiled"}}
    assert "should fit. Or keep the size: the plan “full, tiled” needs less." in str(error)


def test_where_no_plan_is_smaller_a_size_that_fits_is_proposed(backend, a_request):
    found = backend._catalog.find("local:sd")
    apple = replace(device.choose("cpu"), kind="mps")
    few = Room(kind="mps", free=100_000_000, total=100_000_000, ram_free=100_000_000, ram_total=100_000_000)
    last = a_request(side=1024, options={"memory": "full, tiled"})
    fitting = replace(Fitting.of(found, replace(apple, kind="cpu"), WarmModels(), last), room=few)
    error = fitting._failure(30_000_000)
    size = Size.parse(error.facts["smaller"]["size"])
    assert size.width == size.height < 1024
    assert fitting._need_at(size.width / 1024) <= 30_000_000
