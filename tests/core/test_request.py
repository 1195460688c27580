"""A request is one value that any process can rebuild."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import InvalidRequest
from studio.core.request import (
    ADAPTERS,
    AREAS,
    FILLS,
    MAX_SEED,
    RESIZES,
    Adapter,
    Hires,
    ImageRequest,
    ImageToImage,
    Inpaint,
    Outpaint,
    Sampling,
    Size,
    Source,
    TextToImage,
    all_sources,
    request_from_json,
    request_to_json,
    sources,
)

sizes = st.builds(Size, st.integers(1, 9999), st.integers(1, 9999))
samplings = st.builds(
    Sampling,
    steps=st.none() | st.integers(1, 500),
    guidance_scale=st.none() | st.floats(0, 50),
    seed=st.none() | st.integers(0, MAX_SEED),
    sampler=st.none() | st.text(),
)
pictures = st.builds(
    Source,
    sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    width=st.integers(1, 9999),
    height=st.integers(1, 9999),
    name=st.text(),
    record=st.text(),
)
pixels, parts = st.integers(0, 2048), st.floats(0, 1)
tasks = st.one_of(
    st.builds(TextToImage, st.none() | sizes),
    st.builds(
        ImageToImage,
        image=pictures,
        strength=parts,
        size=st.none() | sizes,
        resize=st.sampled_from(RESIZES),
        sketch=st.none() | pictures,
    ),
    st.builds(Inpaint, image=pictures, mask=pictures, strength=parts, area=st.sampled_from(AREAS), feather=pixels),
    st.builds(Outpaint, image=pictures, left=pixels, right=pixels, up=pixels, down=pixels, fill=st.sampled_from(FILLS)),
)
requests = st.builds(
    ImageRequest,
    model=st.text(),
    prompt=st.text(),
    negative_prompt=st.text(),
    task=tasks,
    count=st.integers(1, 100),
    sampling=samplings,
    options=st.dictionaries(st.text(), st.integers() | st.text()),
    adapters=st.lists(
        st.builds(
            Adapter, kind=st.sampled_from(ADAPTERS), name=st.text(), weight=parts, image=st.none() | pictures, end=parts
        )
    ).map(tuple),
    hires=st.none() | st.builds(Hires, scale=st.floats(1, 4), strength=parts, steps=st.none() | st.integers(1, 500)),
    template=st.text(),
    choices=st.lists(st.text()).map(tuple),
    user=st.text(),
    user_in_file=st.booleans(),
)


@given(requests)
def test_a_request_survives_json_whatever_it_holds(request: ImageRequest) -> None:
    assert request_from_json(json.loads(json.dumps(request_to_json(request)))) == request


@given(requests)
def test_every_picture_of_a_request_is_found(request: ImageRequest) -> None:
    found = set(all_sources(request).values())
    assert set(sources(request.task).values()) <= found
    assert {each.image for each in request.adapters if each.image} <= found


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


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_a_source_is_named_by_a_hash_and_nothing_else(sha256: str) -> None:
    task = {"kind": "image-to-image", "image": {"sha256": sha256, "width": 1, "height": 1}}
    with pytest.raises(ValueError, match="64 hexadecimal"):
        request_from_json({"model": "m", "prompt": "p", "task": task})
