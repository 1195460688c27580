"""From a form's adapters to a request and back, and from a file's to a form."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import OFFERS, STARTER, TURBO

from studio.core.evidence import Worn
from studio.core.request import Adapter, Source, TextToImage
from studio.ui import adapter_facts, values, worn

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


def test_the_details_name_adapters_whatever_a_file_says() -> None:
    told = {"kind": "lora", "name": "evening", "weight": 0.8, "sha256": "0123456789" * 6}
    assert adapter_facts._words(told) == "LoRA evening × 0.8 (0123456789)"
    assert adapter_facts._words({"kind": "strange"}) == "strange None"
