"""The syntax of prompt weights: AUTOMATIC1111's, and nothing is ever lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.backends.local import weights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a cat", [("a cat", 1.0)]),
        ("a (cat)", [("a ", 1.0), ("cat", 1.1)]),
        ("a (cat:1.3) sits", [("a ", 1.0), ("cat", 1.3), (" sits", 1.0)]),
        ("(cat: .5 )", [("cat", 0.5)]),
        ("((cat))", [("cat", 1.1 * 1.1)]),
        ("[cat]", [("cat", 1 / 1.1)]),
        ("(a (b:2):1.5)", [("a ", 1.5), ("b", 3.0)]),
        (r"a \(b\) \[c\] \\", [("a (b) [c] \\", 1.0)]),
        (r"(smile \(big\):1.2)", [("smile (big)", 1.2)]),
        ("(cat", [("(cat", 1.0)]),
        ("cat) [dog", [("cat) [dog", 1.0)]),
        ("([a)]", [("(", 1.0), ("a)", 1 / 1.1)]),
        ("()", []),
        ("", []),
        ("a: b, 12:30", [("a: b, 12:30", 1.0)]),
        ("(cat:-1)", [("cat", -1.0)]),
    ],
)
def test_weights_are_read_as_creators_write_them(text, expected):
    assert weights.parse(text) == expected


@given(st.text(alphabet=st.one_of(st.sampled_from("()[]\\:1.2 ab"), st.characters(codec="utf-8")), max_size=80))
def test_no_text_crashes_and_every_letter_survives(text):
    kept = [char for char in weights.plain(text) if char.isalpha()]
    assert kept == [char for char in text if char.isalpha()]


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="()[]\\"), max_size=60))
def test_text_without_brackets_is_left_exactly_alone(text):
    assert weights.plain(text) == text
    assert not weights.is_weighted(weights.parse(text))


def test_weights_beyond_what_an_encoder_takes_are_clamped_with_a_note():
    fragments, notes = weights.clamp(weights.parse("(cat:-1) (dog:99) bird"))
    assert fragments == [("cat", 0.0), (" ", 1.0), ("dog", 10.0), (" bird", 1.0)]
    assert notes == ("weight -1 of “cat” became 0", "weight 99 of “dog” became 10")
