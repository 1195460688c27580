"""Request × model: concrete values, nothing changed silently, bad input refused at the border."""

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import (
    MAX_SEED,
    ImageRequest,
    ImageToImage,
    Inpaint,
    Outpaint,
    Sampling,
    Size,
    Source,
    Task,
    TextToImage,
)

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


PHOTO = Source(sha256="0" * 64, width=1200, height=800)
EDITOR = replace(MODEL, tasks=("text-to-image", "image-to-image", "inpaint", "outpaint"))


def edited(task: Task, **fields: Any) -> tuple[ImageRequest, tuple[str, ...]]:
    return adapt(ImageRequest(model=MODEL.id, prompt=fields.pop("prompt", "a fox"), task=task, **fields), EDITOR)


def test_image_to_image_without_a_size_keeps_the_proportions_in_the_models_multiples() -> None:
    request, _ = edited(ImageToImage(image=PHOTO))
    assert isinstance(request.task, ImageToImage)
    size = request.task.size
    assert size is not None
    assert size.width % EDITOR.multiple_of == size.height % EDITOR.multiple_of == 0
    assert size.width / size.height == pytest.approx(1.5, abs=0.1)


def test_inpaint_and_outpaint_need_no_words_and_the_others_do() -> None:
    for task in (Inpaint(image=PHOTO, mask=PHOTO), Outpaint(image=PHOTO, left=8)):
        assert edited(task, prompt="")[0].prompt == ""
    with pytest.raises(InvalidRequest, match="prompt is empty"):
        edited(ImageToImage(image=PHOTO), prompt="")


def test_a_strength_below_one_step_becomes_one_step_with_a_note() -> None:
    request, notes = edited(ImageToImage(image=PHOTO, strength=0.01), sampling=Sampling(steps=20))
    assert isinstance(request.task, ImageToImage)
    assert request.task.strength == 1 / 20
    assert notes == ("strength 0.01 became 0.05: one of 20 steps at least",)


def test_a_soft_mask_becomes_a_hard_one_with_a_note_where_the_model_has_no_partial_strength() -> None:
    task = Inpaint(image=PHOTO, mask=PHOTO, soft=True)
    request, notes = edited(task)
    assert isinstance(request.task, Inpaint)
    assert not request.task.soft
    assert "soft mask" in notes[0]
    able, no_notes = adapt(ImageRequest(model=MODEL.id, prompt="p", task=task), replace(EDITOR, soft_masks=True))
    assert able.task == task
    assert no_notes == ()


@pytest.mark.parametrize(
    ("task", "field"),
    [
        (ImageToImage(image=PHOTO, strength=0), "strength"),
        (ImageToImage(image=PHOTO, strength=1.5), "strength"),
        (ImageToImage(image=PHOTO, resize="squeeze"), "resize"),  # type: ignore[arg-type]
        (ImageToImage(image=replace(PHOTO, width=20_000, height=20_000)), "image"),
        (Inpaint(image=PHOTO, mask=PHOTO, feather=-1), "feather"),
        (Inpaint(image=PHOTO, mask=PHOTO, padding=5000), "padding"),
        (Inpaint(image=PHOTO, mask=PHOTO, grow=-5000), "grow"),
        (Inpaint(image=PHOTO, mask=PHOTO, fill="lava"), "fill"),  # type: ignore[arg-type]
        (Outpaint(image=PHOTO), "margins"),
        (Outpaint(image=PHOTO, left=-8), "margins"),
        (Outpaint(image=PHOTO, right=200_000), "margins"),
        (Outpaint(image=PHOTO, left=8, overlap=-1), "overlap"),
    ],
)
def test_what_no_model_could_do_is_said_beside_its_field(task: Task, field: str) -> None:
    with pytest.raises(InvalidRequest, match=r"\.$") as caught:
        edited(task)
    assert caught.value.field == field


def test_a_model_that_cannot_edit_says_so() -> None:
    with pytest.raises(Unsupported, match="cannot do inpaint"):
        adapt(ImageRequest(model=MODEL.id, prompt="p", task=Inpaint(image=PHOTO, mask=PHOTO)), MODEL)


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_the_size_near_a_picture_is_one_the_model_draws(width: int, height: int) -> None:
    near = EDITOR.size_near(Size(width, height))
    for side in (near.width, near.height):
        assert side % EDITOR.multiple_of == 0
        assert EDITOR.min_side <= side <= EDITOR.max_side
