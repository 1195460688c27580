"""The renderer, the captions and the tokenizer: what the starter model learns from."""

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPTokenizer

from studio.starter import MODEL_DIR
from studio.starter.canvas import sky_colours
from studio.starter.captions import caption
from studio.starter.render import pixels
from studio.starter.scenes import COLOURS, KINDS, SIZES, TIMES, Scene, draw_scene
from studio.starter.tokenizer import build_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> CLIPTokenizer:
    """The committed tokenizer."""
    return CLIPTokenizer.from_pretrained(str(MODEL_DIR / "tokenizer"))


def dice(seed: int) -> random.Random:
    return random.Random(seed)


def test_the_same_scene_gives_the_same_pixels() -> None:
    for index in range(8):
        assert draw_scene(3, index) == draw_scene(3, index)
        assert np.array_equal(pixels(draw_scene(3, index)), pixels(draw_scene(3, index)))


def test_another_index_or_seed_gives_another_scene() -> None:
    assert draw_scene(3, 0) != draw_scene(3, 1)
    assert draw_scene(3, 0) != draw_scene(4, 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_kind_fills_every_bucket(kind: str, width: int, height: int) -> None:
    picture = pixels(Scene(kind=kind, background="white", shape="heart", width=width, height=height))
    assert picture.shape == (height, width, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 5


@pytest.mark.parametrize("time", TIMES)
def test_the_sky_has_the_colour_of_the_hour(time: str) -> None:
    picture = pixels(Scene(kind="mountains", time=time))
    assert np.abs(np.median(picture[:6].reshape(-1, 3), axis=0) - np.array(sky_colours(time)[0])).max() < 16


@pytest.mark.parametrize("colour", COLOURS)
def test_a_lone_shape_has_the_colour_that_its_scene_names(colour: str) -> None:
    background = "blue" if colour != "blue" else "yellow"
    picture = pixels(Scene(kind="shapes", time="none", shape="square", colour=colour, background=background, side="left"))
    assert np.abs(picture[64, 36].astype(int) - np.array(COLOURS[colour])).max() <= 2


def test_a_side_is_where_the_thing_stands() -> None:
    empty = Scene(kind="shapes", time="none", shape="circle", colour="red", background="white")
    for side, column in (("left", 36), ("centre", 64), ("right", 92)):
        assert pixels(replace(empty, side=side))[64, column, 1] < 100


def test_captions_name_what_the_scene_holds() -> None:
    scene = Scene(kind="balloon", time="dusk", weather="snow", colour="green", count=2)
    for number in range(40):
        text = caption(scene, dice(number), drop=0.0)
        assert "green" in text
        assert any(word in text for word in ("two", "2", "pair"))
        assert "balloons" in text
        assert any(word in text for word in ("dusk", "twilight"))
        assert any(word in text for word in ("snow", "winter"))


def test_captions_never_name_another_hour() -> None:
    for index in range(200):
        scene = draw_scene(5, index)
        words = caption(scene, dice(index)).replace(",", " ").split()
        assert not {"night", "dusk", "dawn", "sunset"} - {scene.time} & set(words)


def test_a_blurred_render_is_called_so() -> None:
    text = caption(replace(draw_scene(5, 1), blurred=True), dice(9))
    assert "blur" in text or "low quality" in text


def test_each_word_of_a_caption_is_one_token(tokenizer: CLIPTokenizer) -> None:
    assert len(tokenizer("three yellow sailing boats at twilight").input_ids) == 6 + 2


def test_building_the_tokenizer_again_gives_the_committed_one(tmp_path: Path, tokenizer: CLIPTokenizer) -> None:
    assert build_tokenizer(tmp_path).get_vocab() == tokenizer.get_vocab()
    for name in ("vocab.json", "merges.txt"):
        assert (tmp_path / name).read_bytes() == (MODEL_DIR / "tokenizer" / name).read_bytes()


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=30))
def test_any_unicode_is_said_in_known_tokens(text: str) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(str(MODEL_DIR / "tokenizer"))
    ids = tokenizer(text).input_ids
    assert tokenizer.unk_token_id not in ids[1:-1]
    assert max(ids) < len(tokenizer)


@pytest.mark.parametrize("text", ["ein rotes haus", "日本の山", "ñandú", "🎈", "мороз", "é"])
def test_foreign_words_come_back_from_their_tokens(text: str, tokenizer: CLIPTokenizer) -> None:
    assert tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True).strip() == text
