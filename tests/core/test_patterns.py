"""Patterns of a small language, none of which can run away."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.errors import InvalidRequest
from studio.core.patterns import MOST_GROUPS, compile_safely


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+", "(a*)*b", "(a|aa)+", "(a|a){2}", ".*.*.*", "a{0,200}", "a{3,2}", "(?=a)", "(?i)a", "(?P<x>a)", r"(a)\1", "^a",
     "a$", "[a-z", "(a", "a)", "a??", "a*+", "[[:alpha:]]", "[a&&b]", "", "a|", "a?", "()", r"\q", "(" * (MOST_GROUPS + 1),
     "a?" * 12 + "b", "[z-a]", "*", "{2}"],
)  # fmt: skip
def test_what_could_run_away_or_fits_everything_is_refused_with_what_to_do(pattern: str) -> None:
    with pytest.raises(InvalidRequest, match=r"[A-Z].+\. [A-Z][^.]*\.$|Split it"):
        compile_safely(pattern)


@pytest.mark.parametrize(
    ("pattern", "fitting", "other"),
    [
        (r"\bcolou?rs?\b", "a color", "colorful"),
        (r"(one|two) (cats|dogs)", "two dogs", "three dogs"),
        (r"\b([1-9]|1[0-7]) ?(yo|yrs?|years?)( old)?\b", "17 years old", "18 years old"),
        (r"disembowel\w*", "disembowelling", "bowel"),
        ("nude.{0,20}teen", "nude young teen", "nude " + "x" * 21 + "teen"),
        (r"[^a-c x]b", "db", "ab"),
        (r"a\.b", "a.b", "axb"),
        ("a{2}b+", "aabb", "ab"),
    ],
)
def test_the_small_language_says_what_it_says_elsewhere(pattern: str, fitting: str, other: str) -> None:
    made = compile_safely(pattern)
    assert made.search(fitting)
    assert not made.search(other)


@settings(deadline=None)
@given(st.text(alphabet="ab.*+?{}(),|[]\\^-0123w", max_size=30))
def test_any_text_gives_a_pattern_or_a_sentence(text: str) -> None:
    try:
        made = compile_safely(text)
    except InvalidRequest:
        return
    made.search("ab" * 200 + "a" * 400)  # one that ran away would never come back
