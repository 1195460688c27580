"""From a form's adapters to a request and back, and from a file's to a form."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import OFFERS, STARTER, TURBO, FakeStudio

from studio.core.evidence import Reading, Worn
from studio.core.request import Adapter, Source, TextToImage
from studio.ui import adapter_facts, values, worn
from studio.ui.wardrobe import Wardrobe

PICTURE = Source(sha256="a" * 64, width=8, height=8, name="a.png")
CHOSEN = (
    Adapter(kind="lora", name="evening-light", weight=0.45),
    Adapter(kind="controlnet", name="edges-canny", image=PICTURE, preprocessor="canny", end=0.8),
)


def by_hash(kind: str, hash: str) -> str:
    return "evening-light" if "0123456789ab".startswith(hash) else ""


def test_a_form_and_a_request_say_the_same() -> None:
    form = {**values.defaults(STARTER), "prompt": "a fox", "adapters": worn.shown(CHOSEN)}
    request = values.to_request(form, STARTER, TextToImage())
    assert request.adapters == CHOSEN
    assert values.from_request(request, [STARTER], 1)["adapters"] == worn.shown(CHOSEN)


def test_a_model_that_takes_none_is_asked_for_none() -> None:
    form = {**values.defaults(TURBO), "prompt": "a fox", "adapters": worn.shown(CHOSEN)}
    assert values.to_request(form, TURBO, TextToImage()).adapters == ()


def test_a_draft_keeps_adapters_and_forgets_what_is_none() -> None:
    kept = values.from_draft({"adapters": worn.shown(CHOSEN)}, [STARTER], lambda _: {}, {})
    assert kept["adapters"] == worn.shown(CHOSEN)


@pytest.mark.parametrize("spoilt", [
    "text", 7, None, [1], [{"kind": "virus", "name": "x"}], [{"kind": "lora"}],
    [{"kind": "lora", "name": "x", "weight": "much"}],
    [{"kind": "controlnet", "name": "x", "image": {"sha256": "../../etc"}}], [{"kind": "lora", "name": "x"}] * 9,
])  # fmt: skip
def test_a_spoilt_draft_shows_none(spoilt: Any) -> None:
    assert values.from_draft({"adapters": spoilt}, [STARTER], lambda _: {}, {})["adapters"] == []


def test_a_file_gives_adapters_back_by_name_or_hash_and_its_tags_leave_the_prompt() -> None:
    told = (Worn(kind="lora", name="Evening-Light", weight=0.7), Worn(kind="textual-inversion", name="good-hands"))
    found, prompts, notes = worn.from_worn(told, ("a fox <lora:Evening-Light:0.7>", ""), STARTER, OFFERS, by_hash=by_hash)
    assert [(each["kind"], each["name"], each["weight"]) for each in found] == [
        ("lora", "evening-light", 0.7), ("textual-inversion", "good-hands", 1.0),
    ]  # fmt: skip
    assert (prompts, notes) == (("a fox", ""), [])
    renamed = (Worn(kind="lora", name="el_v2", weight=0.7, hash="0123456789"),)
    found, prompts, _ = worn.from_worn(renamed, ("a fox <lora:el_v2:0.7>", ""), STARTER, OFFERS, by_hash=by_hash)
    assert (found[0]["name"], prompts[0]) == ("evening-light", "a fox")


def test_what_is_not_here_or_does_not_fit_is_said() -> None:
    told = (Worn(kind="lora", name="lost", hash="ffff000011"), Worn(kind="lora", name="of-another-family"))
    found, _, notes = worn.from_worn(told, ("a fox", ""), STARTER, OFFERS, by_hash=by_hash)
    assert found == []
    assert notes == ["The adapter “lost” is not here.", "The adapter “of-another-family” was made for other models."]


def test_settings_of_a_file_fill_a_form_with_its_adapters(tmp_path: Path) -> None:
    wardrobe = Wardrobe(FakeStudio(tmp_path / "outputs"), "text-to-image")
    reading = Reading(dialect="AUTOMATIC1111", prompt="a fox <lora:el_v2:0.7>", worn=(
        Worn(kind="lora", name="el_v2", weight=0.7, hash="0123456789"), Worn(kind="vae", name="lost")))  # fmt: skip
    changed, notes = wardrobe.of_reading(reading, STARTER, {"prompt": reading.prompt})
    assert changed["prompt"] == "a fox"
    assert [(each["name"], each["weight"]) for each in changed["adapters"]] == [("evening-light", 0.7)]
    assert notes == ["The adapter “lost” is not here."]
    assert wardrobe.of_reading(reading, TURBO, {"prompt": reading.prompt}) == ({"adapters": []}, [])


def test_the_page_is_told_what_fits_and_looks_at_pictures_only_through_what_is_kept(tmp_path: Path) -> None:
    studio = FakeStudio(tmp_path / "outputs")
    wardrobe = Wardrobe(studio, "text-to-image")
    names = [each["name"] for each in wardrobe.offered("local:starter")["offers"]]
    assert "evening-light" in names
    assert "of-another-family" not in names
    assert wardrobe.offered("local:turbo")["kinds"] == []
    assert wardrobe.offered("nowhere") == {}
    assert "problem" in wardrobe.look({"image": {"sha256": "0" * 64, "width": 1, "height": 1}, "preprocessor": "canny"})
    assert "problem" in wardrobe.look({"image": {"sha256": "../x"}})
    assert "problem" in wardrobe.take("/etc/passwd", "passwd")


def test_the_details_name_adapters_whatever_a_file_says() -> None:
    told = {"kind": "lora", "name": "evening", "weight": 0.8, "sha256": "0123456789" * 6}
    assert adapter_facts._words(told) == "LoRA evening × 0.8 (0123456789)"
    assert adapter_facts._words({"kind": "strange"}) == "strange None"
