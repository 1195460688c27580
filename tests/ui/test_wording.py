"""What a form shows again of a picture's words, and the fields of the second pass."""

from __future__ import annotations

from dataclasses import replace

from studio.core.model import Model
from studio.core.request import Hires, ImageRequest, ImageToImage, Source, TextToImage
from studio.core.templates import expand
from studio.ui import enlarging, wording

MODEL = Model(id="local:m", title="M", backend="local", hires=True, upscalers=("4x-sharp",))
STYLED = ImageRequest(
    model="local:m", prompt="oil painting of a red house", negative_prompt="blurry, photo", template="a {red|blue} house",
    negative_template="blurry", styles=("Oil",), choices=("red",),
)  # fmt: skip


def test_the_template_comes_back_with_its_styles() -> None:
    assert wording.typed(STYLED, ["Oil"], words=False) == {
        "prompt": "a {red|blue} house", "negative_prompt": "blurry", "styles": ["Oil"],
    }  # fmt: skip


def test_an_empty_negative_prompt_stays_empty_beside_a_style_that_has_one() -> None:
    found = wording.typed(replace(STYLED, negative_template="", negative_prompt="photo"), ["Oil"], words=False)
    assert found["negative_prompt"] == ""


def test_words_instead_of_the_template_and_where_a_style_is_gone() -> None:
    plain = {"prompt": "oil painting of a red house", "negative_prompt": "blurry, photo", "styles": []}
    assert wording.typed(STYLED, ["Oil"], words=True) == plain
    assert wording.typed(STYLED, [], words=False) == plain


def test_braces_of_an_old_prompt_come_back_as_braces() -> None:
    found = wording.typed(ImageRequest(model="local:m", prompt="a {very} __odd__ house"), [], words=False)
    assert expand(found["prompt"], 1, lambda name: None).text == "a {very} __odd__ house"


def test_a_template_of_a_stranger_is_shown_as_text() -> None:
    rows = dict(wording.rows(replace(STYLED, template="<b>x</b>")))
    assert rows["Template"] == "<b>x</b>", "the details escape all values"
    assert wording.rows(ImageRequest(model="local:m", prompt="a house")) == (
        ("Template", ""), ("Choices", ""), ("Styles", ""),
    )  # fmt: skip


def test_the_second_pass_is_asked_for_only_where_it_is_switched_on_and_there_is_one() -> None:
    request = ImageRequest(model="local:m", prompt="a house")
    on = {"hires": True, "hires_scale": 1.5, "hires_upscaler": "4x-sharp", "hires_strength": 0.3, "hires_steps": 0}
    assert enlarging.asked(request, on, MODEL).hires == Hires(scale=1.5, upscaler="4x-sharp", strength=0.3)
    assert enlarging.asked(request, {**on, "hires_steps": 9}, MODEL).hires == Hires(
        scale=1.5, upscaler="4x-sharp", strength=0.3, steps=9
    )
    assert enlarging.asked(request, {**on, "hires": False}, MODEL).hires is None
    assert enlarging.asked(request, on, replace(MODEL, hires=False)).hires is None
    edit = replace(request, task=ImageToImage(image=Source(sha256="0" * 64, width=8, height=8)))
    assert enlarging.asked(edit, on, MODEL).hires is None


def test_a_records_second_pass_comes_back_and_its_absence_switches_it_off() -> None:
    hires = Hires(scale=3, upscaler="latent", strength=0.6)
    shown = enlarging.shown(hires, TextToImage.kind)
    assert enlarging.asked(ImageRequest(model="local:m", prompt="a"), shown, MODEL).hires == hires
    assert enlarging.shown(None, TextToImage.kind) == {"hires": False}
    assert enlarging.shown(hires, ImageToImage.kind) == {}
    assert not enlarging.SOUND["hires_upscaler"]("gone", MODEL)
