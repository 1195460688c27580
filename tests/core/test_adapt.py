"""Request × model: concrete values, nothing changed silently, bad input refused at the border."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import MAX_SEED, ImageRequest, Sampling, Size, TextToImage

MODEL = Model(id="a:b", title="A model", backend="a", samplers=("Euler", "DDIM"), max_side=1024)


def a_request(prompt: str = "a fox", size: Size | None = None, **fields: object) -> ImageRequest:
    sampling = {name: fields.pop(name) for name in list(fields) if name in Sampling.__dataclass_fields__}
    return ImageRequest(model=MODEL.id, prompt=prompt, task=TextToImage(size), sampling=Sampling(**sampling), **fields)


def test_what_was_left_open_becomes_the_models_default() -> None:
    request, notes = adapt(a_request(), MODEL)
    assert request.task.size == MODEL.default_size
    assert request.sampling == Sampling(steps=20, guidance_scale=7.0, sampler="Euler", seed=request.sampling.seed)
    assert request.sampling.seed is not None
    assert notes == ()


def test_two_requests_without_a_seed_get_two_seeds() -> None:
    assert adapt(a_request(), MODEL)[0].sampling.seed != adapt(a_request(), MODEL)[0].sampling.seed


@given(st.integers(64, 1024), st.integers(64, 1024))
def test_a_fitted_size_is_a_multiple_near_the_asked_one_and_noted(width: int, height: int) -> None:
    request, notes = adapt(a_request(size=Size(width, height)), MODEL)
    size = request.task.size
    assert size is not None
    assert size.width % 8 == size.height % 8 == 0
    assert max(abs(size.width - width), abs(size.height - height)) <= 4
    assert bool(notes) == (size != Size(width, height))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "a\x00b"}, "prompt"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"negative_prompt": "\ud800"}, "negative_prompt"),
        ({"count": 0}, "count"),
        ({"count": 17}, "count"),
        ({"steps": 0}, "steps"),
        ({"steps": 501}, "steps"),
        ({"guidance_scale": -1.0}, "guidance_scale"),
        ({"guidance_scale": math.nan}, "guidance_scale"),
        ({"seed": -1}, "seed"),
        ({"seed": MAX_SEED, "count": 2}, "seed"),
        ({"size": Size(8, 512)}, "size"),
        ({"size": Size(4096, 512)}, "size"),
        ({"size": Size(-8, 512)}, "size"),
    ],
)
def test_bad_input_names_its_field_and_ends_in_a_sentence(fields: dict, field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        adapt(a_request(**fields), MODEL)
    assert caught.value.field == field
    assert str(caught.value).endswith(".")


def test_an_unknown_sampler_lists_the_known_ones() -> None:
    with pytest.raises(Unsupported, match="Euler, DDIM"):
        adapt(a_request(sampler="Magic"), MODEL)


def test_a_task_the_model_cannot_do_is_refused() -> None:
    with pytest.raises(Unsupported, match="another model"):
        adapt(a_request(), Model(id="a:c", title="Upscaler", backend="a", tasks=("upscale",)))


def test_a_negative_prompt_without_effect_is_noted() -> None:
    _, notes = adapt(a_request(negative_prompt="rain", guidance_scale=1.0), MODEL)
    assert any("no effect" in note for note in notes)


def test_a_model_without_negative_prompts_drops_it_and_says_so() -> None:
    model = Model(id="a:d", title="Flow", backend="a", negative_prompt=False)
    request, notes = adapt(a_request(negative_prompt="rain"), model)
    assert request.negative_prompt == ""
    assert any("takes none" in note for note in notes)
