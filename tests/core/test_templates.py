"""Wildcards and choices in prompts: repeatable by the seed, and never a change where no sign stands."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import InvalidRequest
from studio.core.templates import JOINER, Expansion, expand, is_template, literal

FILES = {
    "colour": ["red", "blue", "green"],
    "rare": ["1::never", "0::gold", "3::silver"],
    "thing": ["a __colour__ house", "a {tall|small} __colour__ tree"],
    "one": ["only"],
    "round": ["a __about__"],
    "about": ["b __round__"],
    "bad": ["good", "{open"],
    "empty": [],
    "places/sea": ["harbour"],
    "double": ["__double2__ __double2__"],
    **{f"double{n}": [f"__double{n + 1}__ __double{n + 1}__"] for n in range(2, 14)},
    "double14": ["x"],
}


def files(name: str) -> list[str] | None:
    if "*" in name:
        return [line for known, lines in FILES.items() if re.fullmatch(name.replace("*", ".*"), known) for line in lines]
    return FILES.get(name)


def words(text: str, seed: int = 1) -> str:
    return expand(text, seed, files).text


def all_of(text: str, seeds: int = 300) -> set[str]:
    return {words(text, seed) for seed in range(seeds)}


@pytest.mark.parametrize(
    ("text", "possible"),
    [
        ("{red|blue} car", {"red car", "blue car"}),
        ("{red} car", {"red car"}),
        ("{|very }big", {"big", "very big"}),
        ("{a|{b|c}}", {"a", "b", "c"}),
        ("__colour__", {"red", "blue", "green"}),
        ("__places/*__", {"harbour"}),
        ("{__colour__|white}", {"red", "blue", "green", "white"}),
        ("{2$$a|b|c}", {"a, b", "b, a", "a, c", "c, a", "b, c", "c, b"}),
        ("{2$$ and $$a|b}", {"a and b", "b and a"}),
        ("{1-2$$a|b}", {"a", "b", "a, b", "b, a"}),
        ("{-1$$a|b}", {"", "a", "b"}),
        ("{2-$$a|b}", {"a, b", "b, a"}),
        ("{5$$a|b}", {"a, b", "b, a"}),
        ("{0$$a|b}x", {"x"}),
        ("{2$$__colour__}", {"red, blue", "red, green", "blue, red", "blue, green", "green, red", "green, blue"}),
        ("{0::a|b}", {"b"}),
        ("{0::a|0::b}", {"a", "b"}),
        (r"\{a|b\}", {"{a|b}"}),
        (r"{a\|b|c}", {"a|b", "c"}),
        (r"\__colour__", {"__colour__"}),
        ("{2$$ a | b }", {"a, b", "b, a"}),
        ("__one__ ____ _x_ a__b", {"only ____ _x_ a__b"}),
    ],
)
def test_what_can_come_of_a_template(text: str, possible: set[str]) -> None:
    assert all_of(text) == possible


def test_lines_of_wildcards_may_hold_templates() -> None:
    colours = FILES["colour"]
    trees = {f"a {size} {colour} tree" for size in ("tall", "small") for colour in colours}
    assert all_of("__thing__", 600) == {f"a {colour} house" for colour in colours} | trees


def test_weights_are_heeded() -> None:
    counts = Counter(words("{3::red|blue}", seed) for seed in range(4000))
    assert 2.6 < counts["red"] / counts["blue"] < 3.4
    counts = Counter(words("__rare__", seed) for seed in range(2000))
    assert set(counts) == {"never", "silver"}
    assert 2.4 < counts["silver"] / counts["never"] < 3.7


def test_each_choice_is_recorded_the_outer_before_the_inner() -> None:
    found = expand("{one} and {two {three}} __one__", 1, files)
    assert found == Expansion("one and two three only", ("one", "two three", "three", "one: only"))


def test_the_choices_of_a_seed_are_these_for_ever() -> None:
    """A kept picture's template must give its words in every version of Python and of the studio."""
    assert [words("{a|b|c|d} __colour__ {2$$x|y|z}", seed) for seed in range(6)] == PINNED


PINNED: list[str] = ["d green y, x", "a green z, x", "d green x, y", "a blue y, z", "a red y, x", "c green z, y"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a {red|blue house", "“{” without its “}”"),
        ("a {red|{blue} house", "“{” without its “}”"),
        ("a red} house", "“}” that closes nothing"),
        ("a __nothing__ house", "no wildcard “nothing”"),
        ("a __empty__ house", "no line in the wildcard “empty”"),
        ("__round__", "circle: round → about → round"),
        ("{1$$__round__}", "circle: round → about → round"),
        ("__bad__", "In the wildcard “bad”: The prompt has a “{”"),
        ("{" * 40, "more than 30 braces"),
        ("__double__", "more than 1000 choices"),
    ],
)
def test_faults_are_sentences_at_the_prompt(text: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=re.escape(said)) as caught:
        words(text)
    assert caught.value.field == "prompt"
    assert str(caught.value).endswith(".")


def test_a_huge_number_of_combinations_is_no_problem() -> None:
    assert len(words("{1-9$$" + "|".join(map(str, range(200))) + "}" + " {a|b|c|d|e|f|g|h}" * 200)) > 400


@given(
    st.text(alphabet="ab(:1.2)[|]\\_ ,<lora>\n$é", max_size=60).filter(lambda text: not is_template(text)),
    st.integers(0, 99),
)
def test_a_prompt_without_signs_is_never_changed(text: str, seed: int) -> None:
    assert expand(text, seed, files) == Expansion(text)
    assert literal(text) == text


@given(st.text(alphabet="ab{}|\\_$:2 (", max_size=40), st.integers(0, 99))
def test_any_text_can_be_written_so_that_it_comes_out_as_it_is(text: str, seed: int) -> None:
    assert words(literal(text), seed) == text


OPTIONS = st.lists(st.text(alphabet="abc xyz,.()", min_size=1, max_size=8), min_size=1, max_size=5)


@given(OPTIONS, st.integers(0, 2**32 - 2))
def test_one_of_the_options_is_chosen_and_again_the_same(options: list[str], seed: int) -> None:
    found = expand("{" + "|".join(options) + "}", seed, files)
    assert found.text in options
    assert found.choices == (found.text,)
    assert expand("{" + "|".join(options) + "}", seed, files) == found


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True), st.integers(0, 9), st.integers(0, 999))
def test_so_many_different_ones_are_chosen(options: list[str], many: int, seed: int) -> None:
    text = words(f"{{{many}$$" + "|".join(options) + "}", seed)
    parts = text.split(JOINER) if text else []
    assert len(set(parts)) == len(parts) == min(many, len(options))
    assert set(parts) <= set(options)


@given(st.text(alphabet="ab{}|_$:2-\\ ", max_size=50), st.integers(0, 50))
def test_no_text_does_anything_but_expand_or_say_what_is_wrong(text: str, seed: int) -> None:
    try:
        first = expand(text, seed, files)
    except InvalidRequest:
        return
    assert expand(text, seed, files) == first
