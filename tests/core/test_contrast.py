"""The settings of two pictures: a short list of what differs, and nothing of what does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from studio.core.contrast import contrast
from studio.core.request import Adapter, Hires, ImageRequest, ImageToImage, Sampling, Source
from studio.core.result import Record


def a_record(
    prompt: str = "a red house by the sea", *, seed: int = 7, used: dict[str, Any] | None = None, **request: Any
) -> Record:
    asked = ImageRequest(model=request.pop("model", "local:a"), prompt=prompt, **request)
    facts = {"used": {"steps": 20, "guidance_scale": 7.0, "sampler": "Euler", **(used or {})}}
    return Record(id="r", job="j", path=None, name="r.png", sha256="0" * 64, width=64, height=64, seed=seed,
                  created="2026-11-26T10:00:00+00:00", request=asked, facts=facts)  # fmt: skip


def sentences(one: Record, other: Record, **titles: str) -> list[str]:
    return [each.sentence for each in contrast(one, other, {f"local:{name}": title for name, title in titles.items()})]


def test_equal_settings_differ_in_nothing() -> None:
    assert contrast(a_record(), a_record()) == ()


def test_words_that_came_and_went_are_told_and_no_others() -> None:
    told = sentences(a_record(), a_record("a blue house by the quiet sea <lora:ink:0.5>"))
    assert told == ["Prompt: + blue, + quiet, + <lora:ink:0.5>, − red"]
    assert sentences(a_record(), a_record("by the sea a red house"))[0].startswith("Prompt: + by the sea")


def test_commas_alone_are_a_difference_too() -> None:
    assert sentences(a_record("a, b"), a_record("a b")) == ["Prompt: the same words → set otherwise"]


def test_numbers_models_and_samplers_are_told_by_what_ran() -> None:
    other = a_record(seed=8, model="local:b", used={"steps": 30, "guidance_scale": 7.5, "sampler": "DDIM"})
    assert sentences(a_record(), other, a="Alpha", b="Beta") == [
        "Model: Alpha → Beta", "Seed: 7 → 8", "Steps: 20 → 30", "Guidance scale: 7 → 7.5", "Sampler: Euler → DDIM",
    ]  # fmt: skip


def test_what_only_one_of_them_has_is_said() -> None:
    image = Source(sha256="1" * 64, width=8, height=8, name="photo.png")
    other = a_record(
        task=ImageToImage(image=image, strength=0.5),
        hires=Hires(scale=2),
        adapters=(Adapter(kind="lora", name="ink", weight=0.5),),
    )
    told = sentences(a_record(), other)
    assert "Task: text to image → image to image" in told
    assert "Strength: none → 0.5" in told
    assert "Made from: none → photo.png" in told
    assert "LoRA ink: none → 0.5" in told
    assert any(each.startswith("Enlarged: none → 2 × by lanczos") for each in told)


def test_facts_of_a_stranger_do_no_harm() -> None:
    strange = replace(a_record(), facts={"used": ["no", "dict"], "variations": 5})
    assert [each.name for each in contrast(a_record(), strange)] == ["Steps", "Guidance scale", "Sampler"]


words = st.lists(st.sampled_from(["a", "red", "house", "by", "the", "sea"]), max_size=8)


@given(words, words)
def test_what_was_removed_and_added_makes_one_prompt_of_the_other(before: list[str], after: list[str]) -> None:
    told = contrast(a_record(" ".join(before)), a_record(" ".join(after), sampling=Sampling()))
    if before == after:
        assert told == ()
    else:
        (difference,) = told
        kept = len(before) - sum(len(each.split()) for each in difference.removed)
        assert kept == len(after) - sum(len(each.split()) for each in difference.added)
