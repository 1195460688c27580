"""Presets on the page: their cards, what a form makes of one and the other way round, and the buttons beside them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fakes import STARTER, FakeStudio

from studio.core.model import Model, Option
from studio.core.preset import Preset
from studio.core.request import Adapter, Hires, ImageRequest, Sampling, Size
from studio.ui import values
from studio.ui.cards import cards, frame
from studio.ui.presetting import about, act, of_form, own_values, said_of

HOSTILE = "\"><script>alert(1)</script><img src=x onerror='y'>&amp;"
pytestmark = pytest.mark.usefixtures("owner_asks")


class Page(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[FakeStudio]:
    (tmp_path / "outputs").mkdir()
    made = FakeStudio(tmp_path / "outputs", step_seconds=0, presets=tmp_path / "presets")
    yield made
    made.close()


def a_form(**changed: object) -> dict[str, object]:
    return {**values.defaults(STARTER), "width": 96, "height": 64, "strength": 0.4, **changed}


def test_hostile_texts_of_a_preset_stay_texts() -> None:
    hostile = Preset(name="x", title=HOSTILE, group=HOSTILE, description=HOSTILE)
    page = Page(frame([hostile, Preset(name="y", title="Y", group="Banner")], [HOSTILE], "inpaint", opened=False))
    assert not {"script", "img"} & {tag for tag, _ in page.found}
    assert {attrs.get("data-title") for _, attrs in page.found} >= {HOSTILE, "Y"}
    assert {attrs.get("data-group") for _, attrs in page.found} >= {HOSTILE, "", "Banner"}


def test_cards_stand_by_group_in_the_order_of_the_known_groups_and_tell_their_version() -> None:
    made = [
        Preset(name=name, title=name, group=group, version=3)
        for name, group in (("z", "Own"), ("c", "Concept"), ("e", "Editorial"))
    ]
    found = Page(cards(made, [])).found
    assert [attrs["data-id"] for _, attrs in found if attrs.get("class") == "card"] == ["e", "c", "z"]
    assert [attrs["aria-label"] for tag, attrs in found if tag == "small"] == ["version 3"] * 3


def test_one_group_alone_needs_no_choice() -> None:
    assert "data-group" not in cards([Preset(name="a", title="A")], [])
    assert "data-group" not in cards([], [])


def test_a_form_becomes_a_preset_and_the_preset_the_same_form() -> None:
    form = a_form(prompt="a {b|c}", negative_prompt="n", steps=7, sampler="Euler a", seed_mode="Locked", seed=5,
                  styles=["Oil"], hires=True, hires_scale=2.0, hires_upscaler="lanczos", hires_strength=0.3, hires_steps=0,
                  adapters=[{"kind": "lora", "name": "evening-light", "weight": 0.5}])  # fmt: skip
    model = Model(**{**vars(STARTER), "hires": True})
    preset = of_form(form, model, "text-to-image")
    assert (preset.prompt, preset.size, preset.task) == ("a {b|c}", Size(96, 64), "text-to-image")
    assert preset.adapters == (Adapter(kind="lora", name="evening-light", weight=0.5),)
    assert preset.hires == Hires(scale=2.0, upscaler="lanczos", strength=0.3)
    back = values.from_preset(preset, a_form(), [model]) | own_values(preset, model, set(form), "text-to-image")
    for name in ("prompt", "negative_prompt", "steps", "sampler", "seed_mode", "seed", "styles", "hires", "hires_scale"):
        assert back[name] == form[name]
    assert back["adapters"][0]["name"] == "evening-light"


def test_an_edits_preset_has_its_strength_and_no_size_and_needs_no_picture() -> None:
    preset = of_form(a_form(), STARTER, "image-to-image")
    assert (preset.task, preset.size, preset.strength, preset.hires) == ("image-to-image", None, 0.4, None)
    assert own_values(preset, STARTER, {"strength"}, "image-to-image") == {"strength": 0.4}
    assert own_values(preset, STARTER, set(), "text-to-image") == {}


def test_options_of_a_hosted_model_come_along() -> None:
    model = Model(**{**vars(STARTER), "options": (Option(name="raw", title="Raw", choices=("yes", "no")),)})
    preset = of_form(a_form(choice_0="yes"), model, "text-to-image")
    assert dict(preset.options) == {"raw": "yes"}
    assert own_values(preset, model, {"choice_0"}, "text-to-image") == {"choice_0": "yes"}


def test_a_preset_whose_model_is_gone_says_which_one_stands_in() -> None:
    assert (
        "“local:gone” is not here, so Starter"
        in said_of(Preset(name="x", title="X", model="local:gone"), STARTER)["message"]
    )
    assert said_of(Preset(name="x", title="X"), STARTER) == {}


def test_what_a_page_says_is_cut_and_made_text() -> None:
    assert about({"title": 5, "group": None, "description": "x" * 9000}).title == "5"
    assert len(about({"description": "x" * 9000}).description) == 600


def test_the_buttons_save_share_delete_and_take_back(studio: FakeStudio) -> None:
    job = studio.submit(ImageRequest(model=STARTER.id, prompt="a fox", sampling=Sampling(steps=1, seed=3)))
    *_, last = studio.watch(job.id)
    saved = act(
        studio, {"do": "picture", "id": last.job.records[0], "title": "Fox", "picture": last.job.records[0], "seed": True}
    )
    assert saved == {"said": "“Fox” is saved.", "undo": "", "name": "fox"}
    (preset,) = studio.presets.all()
    assert (preset.prompt, preset.sampling.seed, preset.picture and preset.picture.is_file()) == ("a fox", 3, True)
    shared = act(studio, {"do": "share", "id": "fox"})
    assert shared["file"] == "fox-v1.preset.zip"
    gone = act(studio, {"do": "remove", "id": "fox"})
    assert (studio.presets.all(), bool(gone["undo"])) == ([], True)
    assert act(studio, {"do": "take", "id": "fox.zip", "data": shared["data"]})["name"] == "fox"
    assert act(studio, {"do": "take", "id": "fox.zip", "data": shared["data"]})["problem"].endswith(
        "is here already, in version 1."
    )
    assert act(studio, {"do": "restore", "id": gone["undo"]})["said"] == "“Fox” is back in version 1."


@pytest.mark.parametrize(
    "asked",
    [{}, {"do": "x"}, {"do": "remove", "id": "gone"}, {"do": "share"}, {"do": "restore", "id": "../~1~00000000"},
     {"do": "take", "data": "no base64!"}, {"do": "take", "data": base64.b64encode(b"\xff").decode()},
     {"do": "picture", "id": "x", "title": "T"}],
)  # fmt: skip
def test_what_cannot_be_done_is_a_sentence(studio: FakeStudio, asked: dict[str, str]) -> None:
    assert act(studio, asked)["problem"].endswith(".")
    assert studio.presets.all() == []
