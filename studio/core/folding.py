"""Words as a reader sees them, however they are written: `K.I.L.L`, `ki11` and `кill` are all “kill”, “skill” is not.

    fold      one alphabet: lower case, no accents, no invisible characters, look-alikes of other alphabets as Latin letters
    Reading   a text's words in order, each in the spellings it may stand for: signs for letters, letters repeated or spaced

A text has two readings: word by word, and with what stands between two spaces put together (`n-u-d-e`, `nu.de`). A word
fits only as a whole. What is not seen through: a word cut in two by a space, and words spelt by their sound.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

EITHER = "ı"
"""Stands for i or l: what 1, !, | and a capital I behind a small letter are read as."""
_UNSEEN = {"Mn", "Me", "Cf"}
_FILLERS = "\u115f\u1160\u3164\uffa0"
_TWINS = {
    "a": "АаΑαᴀɑ", "b": "ВвΒβʙ", "c": "СсϹϲᴄ", "d": "Ԁԁᴅđ", "e": "ЕеΕεᴇɛ", "f": "ꜰ", "g": "ɡɢ", "h": "НнҺһΗʜħ",
    "i": "ІіΙιıɩɪɨӏӀ", "j": "Јјᴊ", "k": "КкΚκᴋ", "l": "ʟłƚ", "m": "МмΜᴍ", "n": "ΝηɴŋΠ", "o": "ОоΟοᴏøσ", "p": "РрΡρᴘ",
    "q": "Ԛԛ", "r": "ʀ", "s": "Ѕѕꜱ", "t": "ТтΤτᴛŧ", "u": "υᴜʉ", "v": "νᴠѴѵ", "w": "Ԝԝωᴡ", "x": "ХхΧχ", "y": "УуΥγʏҮү",
    "z": "Ζζᴢ", "|": "ǀ∣❘",
}  # fmt: skip
_SIGNS = {"0": "o", "2": "z", "3": "e", "4": "a", "5": "s", "6": "b", "7": "t", "8": "b", "9": "g", "@": "a", "$": "s",
          "€": "e", "1": EITHER, "!": EITHER, "|": EITHER}  # fmt: skip
_ALPHABET = str.maketrans({twin: letter for letter, twins in _TWINS.items() for twin in twins})
_AS_LETTERS = str.maketrans(_SIGNS)
_BOXED = ((0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26))
"""Where Unicode has A to Z in circles and boxes that its own normal form leaves alone."""
_WORD = re.compile(r"[^\W_]+")
_NO_LETTER = re.compile(r"[^\w@$€!|]|_")
_CAPITAL_I = re.compile(r"(?<=[a-z])I")
_ALONE = frozenset("aeiouy0123456789!|")
"""Words of one letter, which may stand beside a word that is spaced out: “a k i l l”."""
_MOST_ALONE = 3
_SIGNED = 4
"""So long is at least a word of one letter and signs: `k!||`."""

Shape = tuple[str, tuple[int, ...]]
"""A word's letters, each run once, and how long the runs are: `kill` is ("kil", (1, 1, 2))."""


def fold(text: str) -> str:
    """The text in plain letters; only `EITHER` still stands for two. Never raises."""
    spread = unicodedata.normalize("NFKD", text)
    seen = "".join(_plain(char) for char in spread if char not in _FILLERS and unicodedata.category(char) not in _UNSEEN)
    latin = _CAPITAL_I.sub(EITHER, seen.translate(_ALPHABET))
    return unicodedata.normalize("NFKC", latin.casefold())


def _plain(char: str) -> str:
    code = ord(char)
    letter = next((chr(ord("a") + code - first) for first, count in _BOXED if first <= code < first + count), char)
    return " " if letter == "\u2800" else letter if letter.isprintable() or letter.isspace() else ""


def shape(word: str) -> Shape:
    """Runs of a folded word."""
    runs = [(letter, sum(1 for _ in run)) for letter, run in groupby(word)]
    return "".join(letter for letter, _ in runs), tuple(count for _, count in runs)


@dataclass(frozen=True)
class Word:
    """A word to look for: its own shape, and the one in which i and l are the same sign."""

    exact: Shape
    either: Shape

    @classmethod
    def of(cls, folded: str) -> Word:
        return cls(shape(folded), shape(_blurred(folded)))


@dataclass(frozen=True)
class Term:
    """A word or a phrase to look for. A phrase is found written together too."""

    words: tuple[Word, ...]
    together: Word

    @classmethod
    def of(cls, text: str) -> Term:
        """Raises ValueError for a text without two letters or digits."""
        words = _WORD.findall(fold(text))
        if len("".join(words)) < 2:
            raise ValueError(text)
        return cls(tuple(map(Word.of, words)), Word.of("".join(words)))


class Reading:
    """One way to read a text: its words in order, each as the spellings it may stand for; the first is how it stands."""

    def __init__(self, words: Iterable[tuple[str, ...]]) -> None:
        self.words = list(words)
        self._places: dict[str, list[tuple[tuple[int, ...], int]]] = {}
        for place, spellings in enumerate(self.words):
            for letters, counts in dict.fromkeys(each for spelling in spellings for each in _shapes(spelling)):
                self._places.setdefault(letters, []).append((counts, place))

    def find(self, term: Term, *, strictly: bool = False) -> Iterator[range]:
        """Where a term stands; `strictly` takes no letter for a repeated one."""
        yield from (range(place, place + 1) for place in self._at(term.together, strictly))
        if len(term.words) > 1:
            first, *rest = (self._at(word, strictly) for word in term.words)
            starts = (place for place in first if all(place + 1 + step in at for step, at in enumerate(rest)))
            yield from (range(place, place + len(term.words)) for place in starts)

    def texts(self, without: frozenset[int] = frozenset()) -> Iterator[str]:
        """The words in one line: as they stand, and with their signs read as letters."""
        plain = " ".join("" if place in without else word[0] for place, word in enumerate(self.words))
        yield plain.replace(EITHER, "l")
        letters = " ".join(_lettered(word) for word in plain.split(" "))
        yield from (letters.replace(EITHER, letter) for letter in "il")

    def _at(self, word: Word, strictly: bool) -> set[int]:
        found = (word.exact,) if strictly else (word.exact, word.either)
        return {
            place
            for letters, wanted in dict.fromkeys(found)
            for counts, place in self._places.get(letters, ())
            if counts == wanted or (not strictly and _is_longer(letters, counts, wanted))
        }


def readings(text: str) -> tuple[Reading, Reading]:
    """Word by word, and with what stands between two spaces put together."""
    folded = fold(text)
    words = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(folded)]
    chunks = [_NO_LETTER.sub("", chunk) for chunk in folded.split()]
    return Reading(_joined(words)), Reading(_joined([(chunk, 0, 0) for chunk in chunks if chunk]))


def _joined(words: list[tuple[str, int, int]]) -> Iterator[tuple[str, ...]]:
    """Single letters in a row become one word, unless more than one character lies between them.

    A letter with several signs behind it may end such a row (`k i l l!!!`), or be a word itself (`k!||`).
    """
    row = ""
    signed: tuple[str, ...] = ()
    for place, (word, start, _) in enumerate(words):
        bare = word.strip("!|") or word[0]
        if row and (len(bare) > 1 or start - words[place - 1][2] > 1):
            yield (*_without_alone(row), *signed)
            row, signed = "", ()
        if len(bare) > 1:
            yield (bare, word) if bare != word else (word,)
        else:
            row += bare
            signed = (*signed, word) if len(word) >= _SIGNED else signed
    if row:
        yield (*_without_alone(row), *signed)


def _without_alone(row: str) -> tuple[str, ...]:
    """A row of letters, and what is left of it without the words of one letter before and behind it."""
    before = next((place for place, letter in enumerate(row) if letter not in _ALONE), 0)
    behind = next((place for place, letter in enumerate(reversed(row)) if letter not in _ALONE), 0)
    cuts = ((left, right) for left in range(min(before, _MOST_ALONE) + 1) for right in range(min(behind, _MOST_ALONE) + 1))
    return tuple(row[left : len(row) - right] for left, right in cuts if len(row) - left - right > 0)


def _shapes(spelling: str) -> Iterator[Shape]:
    lettered = _lettered(spelling)
    if EITHER not in spelling:
        yield shape(spelling)
    yield shape(_blurred(lettered)) if EITHER in lettered else shape(lettered)


def _lettered(word: str) -> str:
    """Digits and signs read as letters, in a word that has a letter: 455 stays a number."""
    return word.translate(_AS_LETTERS) if any(char.isalpha() for char in word) else word


def _blurred(word: str) -> str:
    return word.replace("i", EITHER).replace("l", EITHER)


def _is_longer(letters: str, counts: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    """Whether the same word was written with some of its letters repeated; digits must stand as often as they do."""
    pairs = zip(letters, counts, wanted, strict=True)
    return all(count >= least and (count == least or not letter.isdigit()) for letter, count, least in pairs)
