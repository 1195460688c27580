"""A word is the same word however it is spelt; other words are other words."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio.core.folding import _TWINS, Term, fold, readings

CONTEXT = st.lists(st.sampled_from(["photo", "of", "the", "castle", "two", "birds", "12", "and", "(blue:1.2)"]), max_size=4)
WORDS = ["kill", "nude", "gore", "swastika", "porn", "assassin"]


SIGNS = {"o": "0", "i": "1!|", "l": "1|", "e": "3€", "a": "4@", "s": "5$", "t": "7", "b": "8", "g": "9"}


def is_in(text: str, term: str, *, strictly: bool = False) -> bool:
    return any(list(reading.find(Term.of(term), strictly=strictly)) for reading in readings(text))


def accented(letter: str, number: int) -> str:
    return letter + chr(0x300 + number % 0x30)


def styled(letter: str, number: int) -> str:
    """Full width, bold, in a circle, in a box, as a flag's half, or a small or capital one."""
    places = [0xFF41, 0x1D41A, 0x24D0, 0x1F170, 0x1F1E6, ord("a"), ord("A")]
    return chr(places[number % len(places)] + ord(letter) - ord("a"))


def twin(letter: str, number: int) -> str:
    twins = _TWINS.get(letter, letter)
    return twins[number % len(twins)]


def signed(letter: str, number: int) -> str:
    signs = SIGNS.get(letter, letter)
    return signs[number % len(signs)]


def hidden(letter: str, number: int) -> str:
    return letter + ["\u200b", "\u200d", "\u00ad", "\ufeff", "\u2060", "\u034f", "\u0336"][number % 7]


def repeated(letter: str, number: int) -> str:
    return letter * (1 + number % 4)


LETTER_TRICKS = [accented, styled, twin, hidden, repeated]
GAPS = ["", ".", "-", "_", "*", " ", "/", "·", "\U0001f480"]


@settings(deadline=None)
@given(st.text())
def test_folding_never_raises_and_readings_hold_no_empty_word(text: str) -> None:
    folded = fold(text)
    assert folded == unicodedata.normalize("NFKC", folded)
    for reading in readings(text):
        assert all(all(spellings) for spellings in reading.words)
        assert all(isinstance(each, str) for each in reading.texts())


@settings(deadline=None)
@given(st.sampled_from(WORDS), st.data(), CONTEXT, CONTEXT)
def test_a_word_is_found_under_every_trick_in_any_place(word: str, data: st.DataObject, before: list, after: list) -> None:
    written = "".join(data.draw(st.sampled_from(LETTER_TRICKS))(letter, data.draw(st.integers(0, 99))) for letter in word)
    gap = data.draw(st.sampled_from(GAPS)) if len(written) == len(word) else ""
    written = gap.join(written)
    assert is_in(" ".join([*before, written, *after]), word), ascii(written)


@settings(deadline=None)
@given(st.sampled_from(WORDS), st.data())
def test_a_word_with_signs_for_letters_is_found_as_long_as_a_letter_is_left(word: str, data: st.DataObject) -> None:
    tricks = [data.draw(st.sampled_from([signed, lambda letter, _: letter])) for _ in word]
    written = "".join(trick(letter, data.draw(st.integers(0, 99))) for trick, letter in zip(tricks, word, strict=True))
    if not any(letter.isalpha() for letter in written):
        written = word[0] + written[1:]
    assert is_in(f"please {written} now", word), written


@settings(deadline=None)
@given(st.sampled_from(WORDS), st.sampled_from(GAPS[1:]), st.sampled_from(["", "a ", "I ", "the ", "2 "]))
def test_a_word_that_is_spaced_out_is_found_beside_a_word_of_one_letter(word: str, gap: str, before: str) -> None:
    assert is_in(f"{before}{gap.join(word)} in a room", word)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("Scunthorpe", "cunt"), ("skill", "kill"), ("s k i l l", "kill"), ("s.k.i.l.l", "kill"), ("class of bass", "ass"),
        ("as", "ass"), ("he does as she says", "ass"), ("455 steps", "ass"), ("Kilimanjaro", "kill"), ("Essex", "sex"),
        ("therapist", "rapist"), ("T H E R A P I S T", "rapist"), ("V A P O R W A V E", "vapor"), ("grape", "rape"),
        ("cocktail", "cock"), ("I!!!", "kill"), ("k!!!", "kiss"), ("a kil", "kill"), ("1girl", "girl"), ("analysis", "anal"),
        ("14888", "1488"), ("dickens", "dick"), ("shiitake", "shit"), ("assassin", "ass"), ("документ", "dok"),
    ],
)  # fmt: skip
def test_other_words_are_left_alone(text: str, term: str) -> None:
    assert not is_in(text, term)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("k i l l", "kill"), ("ki11", "kill"), ("кill", "kill"), ("kiII", "kill"), ("a$$", "ass"), ("@ss", "ass"),
        ("child-porn", "child porn"), ("childporn", "child porn"), ("c h i l d porn", "child porn"), ("1488", "1488"),
        ("c h i l d p o r n", "child porn"), ("don't k i l l", "kill"), ("k\ni\nl\nl", "kill"), ("n(ud)e", "nude"),
        ("убить", "убить"), ("УБИТЬ!", "убить"), ("Ärger", "arger"), ("Straße", "strasse"), ("(nude:1.4)", "nude"),
        ("naz!", "nazi"), ("kil|", "kill"), ("k!||", "kill"), ("k|||", "kill"), ("k i l l!!!", "kill"),
        ("nude!!!", "nude"), ("k ! l l", "kill"), ("k i l l !!", "kill"),
    ],
)  # fmt: skip
def test_spellings_of_the_word_are_found(text: str, term: str) -> None:
    assert is_in(text, term)


def test_what_is_allowed_is_taken_letter_by_letter() -> None:
    assert is_in("Assassin Bug", "assassin bug", strictly=True)
    assert not is_in("assassin buug", "assassin bug", strictly=True)


def test_a_term_needs_two_letters() -> None:
    for text in ("", "-", "a", "…"):
        with pytest.raises(ValueError, match=r"^"):
            Term.of(text)


def test_a_very_long_prompt_of_single_letters_is_read_quickly() -> None:
    assert not is_in("x " * 10_000, "kill")
