"""Form values, requests, presets and drafts."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import STARTER, TURBO
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.preset import Preset
from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from studio.ui import values
from studio.ui.tabs.text_to_image import Words
from studio.ui.values import LOCKED, RANDOM

MODELS = [STARTER, TURBO]


WORDS = Words()


def a_form(**changed: Any) -> values.Values:
    return {**values.defaults(STARTER), **WORDS.defaults(STARTER), "prompt": "a fox", **changed}


def to_request(form: values.Values, model: Model = STARTER) -> ImageRequest:
    return values.to_request(form, model, WORDS.tasks(form)[0])


def from_draft(draft: dict[str, Any]) -> values.Values:
    return values.from_draft(draft, MODELS, WORDS.defaults, WORDS.sound)


def test_an_untouched_form_asks_for_the_models_defaults_and_a_random_seed() -> None:
    request = to_request(a_form(), STARTER)
    assert request.task.size == STARTER.default_size
    assert request.sampling == Sampling(steps=20, guidance_scale=3.5, seed=None, sampler="Euler")


def test_a_seed_counts_only_while_it_is_locked() -> None:
    assert to_request(a_form(seed=7, seed_mode=RANDOM), STARTER).sampling.seed is None
    assert to_request(a_form(seed=7, seed_mode=LOCKED), STARTER).sampling.seed == 7
    with pytest.raises(InvalidRequest, match="locked but empty") as caught:
        to_request(a_form(seed_mode=LOCKED), STARTER)
    assert caught.value.field == "seed"


def test_emptied_numbers_mean_the_models_defaults_but_half_a_size_is_an_error() -> None:
    request = to_request(a_form(width=None, height=None, steps=None, count=None), STARTER)
    assert (request.task.size, request.sampling.steps, request.count) == (None, None, 1)
    with pytest.raises(InvalidRequest) as caught:
        to_request(a_form(width=None), STARTER)
    assert caught.value.field == "size"


def test_a_negative_prompt_left_from_another_model_is_not_sent_to_one_that_takes_none() -> None:
    assert to_request(a_form(negative_prompt="fog"), TURBO).negative_prompt == ""


def test_reusing_a_picture_asks_for_the_same_picture_again() -> None:
    sampling = Sampling(steps=31, guidance_scale=2.0, seed=40, sampler="Euler a")
    asked = ImageRequest(
        model=STARTER.id,
        prompt="p",
        negative_prompt="n",
        count=4,
        task=TextToImage(Size(168, 96)),
        sampling=sampling,
        preset="x",
    )
    form = values.from_request(asked, MODELS, 42)
    again = to_request({**form, **WORDS.for_size(Size(168, 96), STARTER)})
    assert (again.prompt, again.negative_prompt, again.task, again.count) == ("p", "n", asked.task, 1)
    assert again.sampling == Sampling(steps=31, guidance_scale=2.0, seed=42, sampler="Euler a")


def test_a_request_that_left_things_open_is_reused_with_the_models_values() -> None:
    form = values.from_request(ImageRequest(model=STARTER.id, prompt="p"), MODELS, 5)
    assert to_request({**form, **WORDS.defaults(STARTER)}).sampling == Sampling(
        steps=20, guidance_scale=3.5, seed=5, sampler="Euler"
    )


def test_a_preset_changes_what_it_names_and_leaves_the_rest() -> None:
    preset = Preset(name="x", title="X", prompt="sea", size=Size(96, 168), sampling=Sampling(steps=9))
    changed = values.from_preset(preset, a_form(negative_prompt="mine"), MODELS)
    assert changed == {"preset": "x", "prompt": "sea", "steps": 9}
    assert WORDS.for_size(Size(96, 168), STARTER) == {"width": 96, "height": 168, "shape": "9:16"}


def test_a_preset_for_another_model_brings_that_models_defaults_with_it() -> None:
    changed = values.from_preset(Preset(name="x", title="X", model=TURBO.id), a_form(), MODELS)
    assert (changed["model"], changed["steps"], changed["sampler"]) == (TURBO.id, 4, "LCM")
    assert WORDS.for_model(a_form(), TURBO)["width"] == 512


def test_a_preset_with_a_seed_locks_it() -> None:
    changed = values.from_preset(Preset(name="x", title="X", sampling=Sampling(seed=3)), a_form(), MODELS)
    assert (changed["seed_mode"], changed["seed"]) == (LOCKED, 3)


def test_a_draft_comes_back_as_it_was() -> None:
    draft = a_form(steps=33, seed=12, seed_mode=LOCKED, width=168, height=96, shape="16:9", advanced=True)
    assert from_draft(draft) == draft


def test_a_draft_for_a_model_that_is_gone_starts_with_the_first_one() -> None:
    restored = from_draft({"model": "local:gone", "prompt": "kept", "sampler": "Other"})
    assert (restored["model"], restored["prompt"], restored["sampler"]) == (STARTER.id, "kept", "Euler")


_JUNK = st.one_of(st.none(), st.integers(), st.floats(), st.text(), st.booleans(), st.lists(st.integers(), max_size=2))


@given(st.dictionaries(st.sampled_from(sorted(a_form())), _JUNK))
def test_whatever_stands_in_a_draft_the_form_can_be_shown(draft: dict[str, Any]) -> None:
    restored = from_draft(draft)
    assert set(restored) == set(a_form())
    assert restored["model"] in (STARTER.id, TURBO.id)
    assert 1 <= restored["steps"] <= 500


def test_a_model_that_has_gone_is_asked_for_all_the_same_and_never_replaced_in_silence() -> None:
    assert to_request(a_form(model="local:gone"), STARTER).model == "local:gone"


def test_no_model_at_all_is_a_sentence() -> None:
    with pytest.raises(InvalidRequest, match="models folder"):
        values.model_of("x", [])
