"""Who may do what with presets, and what a record tells of the words it was made with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from studio.core.errors import InvalidRequest, NotAllowed
from studio.core.people import Person
from studio.core.preset import Preset, of_request, prompt_version, versioned
from studio.core.request import (
    Adapter,
    ImageRequest,
    Sampling,
    Size,
    Source,
    TextToImage,
    request_from_json,
    request_to_json,
    without_words,
)
from studio.core.result import Record
from studio.engine.presets import SAME, About, Presets
from studio.library.presets import PresetFolder

ANNA, CARL, OWNER = Person("anna", "creator"), Person("carl", "creator"), Person("somebody", in_files=False)
REQUEST = ImageRequest(
    model="local:m", prompt="a {b} c", template="a {b|d} c", task=TextToImage(Size(64, 48)),
    sampling=Sampling(steps=5, seed=7),
    adapters=(Adapter(kind="lora", name="l"),
              Adapter(kind="controlnet", name="c", image=Source(sha256="0" * 64, width=1, height=1))),
)  # fmt: skip
RECORD = Record(
    id="r", job="j", path=None, name="r.png", sha256="", width=64, height=48, seed=9, created="2026-11-26T10:00:00+00:00",
    request=REQUEST,
)  # fmt: skip


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    folder = PresetFolder(tmp_path / "presets", tmp_path / "aside")
    return Presets(folder, {"r": RECORD}.get, lambda record, options: b"")


def saved(presets: Presets, person: Person, title: str = "Sail", **values: str) -> Preset:
    return presets.save(
        Preset(name="", title="", prompt=values.pop("prompt", "p")), About(title=title, **values), person
    ).preset


def test_ones_own_preset_is_saved_over_and_somebody_elses_only_by_an_admin(presets: Presets) -> None:
    assert saved(presets, ANNA).author == "anna"
    assert saved(presets, ANNA, prompt="q").version == 2
    with pytest.raises(NotAllowed, match="somebody else’s preset"):
        saved(presets, CARL)
    with pytest.raises(NotAllowed):
        presets.remove("sail", CARL)
    assert saved(presets, OWNER, prompt="r").version == 3
    assert presets.find("sail").author == "anna"  # type: ignore[union-attr]


def test_what_came_along_has_no_author_and_takes_an_admin(presets: Presets) -> None:
    assert saved(presets, OWNER).author == ""
    with pytest.raises(NotAllowed):
        presets.remove("sail", ANNA)
    undo = presets.remove("sail", OWNER).undo
    assert presets.restore(undo, OWNER).title == "Sail"


def test_a_preset_without_a_title_is_asked_for_one(presets: Presets) -> None:
    with pytest.raises(InvalidRequest, match="needs a title"):
        saved(presets, ANNA, title="  \n ")
    assert saved(presets, ANNA, title="  Two\n words ", group=" ").title == "Two words"
    assert presets.all()[0].group == "General"


def test_a_picture_is_saved_with_its_template_and_without_pictures_it_started_from(presets: Presets) -> None:
    preset = presets.save_picture("r", About(title="Sail", picture="r"), ANNA).preset
    assert (preset.prompt, preset.size, preset.sampling, preset.task) == (
        "a {b|d} c",
        Size(64, 48),
        Sampling(steps=5),
        "text-to-image",
    )
    assert [adapter.name for adapter in preset.adapters] == ["l"]
    assert presets.save_picture("r", About(title="Sail", picture=SAME), ANNA, seed=True).preset.sampling.seed == 9
    with pytest.raises(InvalidRequest, match="no such picture"):
        presets.save_picture("gone", About(title="Sail"), ANNA)


def test_braces_of_a_prompt_that_had_no_choices_stay_braces() -> None:
    assert of_request(replace(REQUEST, template=""), typed=False).prompt == "a \\{b\\} c"
    assert of_request(replace(REQUEST, template=""), typed=True).prompt == "a {b} c"


def test_a_file_of_a_higher_version_takes_the_place_and_all_others_stand_beside(presets: Presets) -> None:
    saved(presets, ANNA, prompt="one")
    name, first = presets.packed("sail")
    with pytest.raises(InvalidRequest, match="is here already, in version 1"):
        presets.take_in(first, name, ANNA)
    saved(presets, ANNA, prompt="two")
    name, second = presets.packed("sail")
    beside = presets.take_in(first, name, CARL)
    assert (beside.preset.name, beside.preset.author, beside.undo) == ("sail-2", "carl", "")
    presets.remove("sail", ANNA)
    presets.take_in(first, name, ANNA)
    over = presets.take_in(second, name, ANNA)
    assert (over.preset.name, over.preset.prompt, bool(over.undo)) == ("sail", "two", True)


def test_a_studio_without_a_folder_has_none_and_says_so() -> None:
    presets = Presets(None, lambda id: None, lambda record, options: b"")
    assert (len(presets.all()), presets.faults(), presets.folder) == (0, [], None)
    with pytest.raises(InvalidRequest, match="without a presets folder"):
        saved(presets, ANNA)


def test_the_prompts_version_tells_whether_the_words_are_still_the_presets() -> None:
    preset = Preset(name="sail", title="Sail", version=3, prompt="a", negative_prompt="n")
    assert prompt_version(preset, "a", "n") == "v3"
    changed = prompt_version(preset, "b", "n")
    assert changed == f"v3-{prompt_version(None, 'b', 'n')}"
    assert (
        len(
            {
                changed,
                prompt_version(preset, "b", ""),
                prompt_version(preset, "", "bn"),
                prompt_version(preset, "\ud800", ""),
            }
        )
        == 4
    )


def test_a_request_is_versioned_by_what_was_typed_and_a_repetition_keeps_its_own() -> None:
    preset = Preset(name="sail", title="Sail", version=2, prompt="a {b|d} c")
    told = versioned(replace(REQUEST, preset="sail"), [preset])
    assert (told.preset_version, told.prompt_version) == (2, "v2")
    again = replace(told, again=Source(sha256="0" * 64, width=1, height=1))
    assert versioned(again, [replace(preset, version=9)]) == again
    assert versioned(replace(REQUEST, preset="gone"), [preset]).preset_version == 0


def test_the_versions_come_back_with_a_record_and_are_forgotten_with_the_words() -> None:
    told = replace(REQUEST, preset="sail", preset_version=2, prompt_version="v2-5f0c2a")
    assert request_from_json(request_to_json(told)) == told
    assert without_words(told).prompt_version == ""
