"""Variations: what a person types, what a request keeps, which picture of it is which."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.metadata import record_from_json
from studio.core.model import Model
from studio.core.request import MAX_SEED, ImageRequest, Sampling, Variation, request_from_json, request_to_json
from studio.core.variation import read_variations, say_variations, variations_of

steps = st.builds(Variation, seed=st.integers(0, MAX_SEED), strength=st.integers(0, 100).map(lambda value: value / 100))


@given(st.lists(steps, max_size=4).map(tuple))
def test_what_is_said_is_read_again_and_a_request_keeps_it(variations: tuple[Variation, ...]) -> None:
    assert read_variations(say_variations(variations), lambda: 0) == variations
    request = ImageRequest(model="m", prompt="p", sampling=Sampling(seed=3, variations=variations))
    assert request_from_json(json.loads(json.dumps(request_to_json(request)))) == request


def test_a_request_without_variations_is_written_as_it_always_was() -> None:
    written = request_to_json(ImageRequest(model="m", prompt="p"))
    assert set(written["sampling"]) == {"steps", "guidance_scale", "seed", "sampler"}
    assert request_from_json(written).sampling.variations == ()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", ()),
        ("0.25 of 1234", (Variation(seed=1234, strength=0.25),)),
        ("25% of seed 7", (Variation(seed=7, strength=0.25),)),
        (".5", (Variation(seed=99, strength=0.5),)),
        ("0.2 of 1, 0.3 of 2", (Variation(seed=1, strength=0.2), Variation(seed=2, strength=0.3))),
    ],
)
def test_it_is_typed_as_it_is_thought(text: str, read: tuple[Variation, ...]) -> None:
    assert read_variations(text, lambda: 99) == read


@pytest.mark.parametrize("text", ["a little", "0.2 of Anna", "-1 of 3", "nan of 3"])
def test_nonsense_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"0\.25 of 1234") as refused:
        read_variations(text, lambda: 0)
    assert refused.value.field == "variation"


def test_pictures_of_a_varied_request_share_the_seed_and_the_variation_counts_up() -> None:
    plain, varied = (
        Sampling(seed=7),
        Sampling(seed=7, variations=(Variation(seed=1, strength=0.1), Variation(seed=40, strength=0.2))),
    )
    assert [plain.of_picture(index).seed for index in range(3)] == [7, 8, 9]
    pictures = [varied.of_picture(index) for index in range(3)]
    assert [picture.seed for picture in pictures] == [7, 7, 7]
    assert [[each.seed for each in picture.variations] for picture in pictures] == [[1, 40], [1, 41], [1, 42]]


MODEL = Model(id="local:m", title="M", backend="local", variations=True)


def asked(strength: float = 0.25, seed: int = 5, count: int = 1) -> ImageRequest:
    sampling = Sampling(seed=7, variations=(Variation(seed=seed, strength=strength),))
    return ImageRequest(model="local:m", prompt="p", count=count, sampling=sampling)


def test_the_border_keeps_them_or_says_why_not() -> None:
    assert adapt(asked(), MODEL)[0].sampling.variations == asked().sampling.variations
    with pytest.raises(Unsupported, match="cannot make variations"):
        adapt(asked(), Model(id="h:m", title="Cloud", backend="h"))
    for wrong in (asked(strength=1.5), asked(strength=float("nan")), asked(seed=-1), asked(seed=MAX_SEED, count=2)):
        with pytest.raises(InvalidRequest):
            adapt(wrong, MODEL)


def test_a_pictures_own_variation_is_in_its_facts_whatever_else_a_file_claims() -> None:
    facts = {"variations": [{"seed": 6, "strength": 0.25}]}
    assert variations_of(asked(), facts) == (Variation(seed=6, strength=0.25),)
    for broken in ("x", [1], [{"seed": 1}], [{"seed": "a", "strength": 1}], [{"seed": 1, "strength": 9}]):
        assert variations_of(asked(), {"variations": broken}) == asked().sampling.variations


def test_a_strangers_record_with_an_impossible_variation_is_malformed() -> None:
    request = {**request_to_json(asked()), "sampling": {"seed": 1, "variations": [{"seed": 1, "strength": 7}]}}
    values = {"record": "r", "job": "j", "width": 8, "height": 8, "seed": 1, "created": "2026-11-26T10:00:00+00:00",
              "request": request, "used": {}, "facts": {}, "notes": [], "stamps": [], "verdicts": []}  # fmt: skip
    with pytest.raises(InvalidRequest, match="malformed"):
        record_from_json(values, path=Path("a.png"), sha256="0" * 64)
