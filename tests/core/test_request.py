"""A request is one value that any process can rebuild."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import InvalidRequest
from studio.core.request import (
    MAX_SEED,
    ImageRequest,
    Sampling,
    Size,
    TextToImage,
    request_from_json,
    request_to_json,
)

sizes = st.builds(Size, st.integers(1, 9999), st.integers(1, 9999))
samplings = st.builds(
    Sampling,
    steps=st.none() | st.integers(1, 500),
    guidance_scale=st.none() | st.floats(0, 50),
    seed=st.none() | st.integers(0, MAX_SEED),
    sampler=st.none() | st.text(),
)
requests = st.builds(
    ImageRequest,
    model=st.text(),
    prompt=st.text(),
    negative_prompt=st.text(),
    task=st.builds(TextToImage, st.none() | sizes),
    count=st.integers(1, 100),
    sampling=samplings,
    options=st.dictionaries(st.text(), st.integers() | st.text()),
    user=st.text(),
)


@given(requests)
def test_a_request_survives_json_whatever_it_holds(request: ImageRequest) -> None:
    assert request_from_json(json.loads(json.dumps(request_to_json(request)))) == request


def test_a_newer_studios_unknown_field_is_no_obstacle() -> None:
    values = {**request_to_json(ImageRequest(model="m", prompt="p")), "hologram": True}
    assert request_from_json(values) == ImageRequest(model="m", prompt="p")


def test_an_unknown_task_is_a_sentence() -> None:
    with pytest.raises(InvalidRequest, match="Update the studio"):
        request_from_json({"model": "m", "prompt": "p", "task": {"kind": "hologram"}})


@pytest.mark.parametrize(
    ("text", "size"), [("768x512", Size(768, 512)), ("768 × 512", Size(768, 512)), ("640", Size(640, 640))]
)
def test_sizes_are_read_as_people_write_them(text: str, size: Size) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize("text", ["", "x", "12x", "0x5", "-4x4", "1x2x3", "big"])
def test_what_is_no_size_says_how_to_write_one(text: str) -> None:
    with pytest.raises(InvalidRequest, match="512x512"):
        Size.parse(text)
