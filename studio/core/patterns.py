"""Regular expressions that cannot run away: a small part of the language, with a bound on how many ways there are to match.

    a . \\w \\d \\s \\b   [a-z] [^a-z]   (one|other)   ? {2} {0,40} * +

`*` and `+` reach `REACH` characters. A repetition holds one character, never a group, so nothing is nested; a group may be
optional. Every choice multiplies the ways (`{0,40}` has 41); more than `MOST_WAYS` are refused, and so are look-around,
references and flags.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from studio.core.errors import InvalidRequest

REACH = 40
MOST_WAYS = 2000
MOST_CHARACTERS = 300
MOST_GROUPS = 20
_CHARACTER = re.compile(
    r"""\\[wds] | \\[^\w\s] | [^\\()\[\]{}|?*+^$]    # one character, or a kind of it
    | \[\^? (?: \w-\w | \\[wds] | [\w '.,] )+ \]     # one out of several
    """,
    re.VERBOSE | re.DOTALL,
)
_REPEAT = re.compile(r"(\?)|(\*)|(\+)|\{(\d{1,3})(?:(,)(\d{1,3}))?\}")
_OPEN = re.compile(r"\((?:\?:)?(?!\?)")


def compile_safely(pattern: str) -> re.Pattern[str]:
    """Raises `InvalidRequest` with what is wrong and what to write instead."""
    if not pattern or len(pattern) > MOST_CHARACTERS or pattern.count("(") > MOST_GROUPS:
        raise InvalidRequest(
            f"A pattern has 1 to {MOST_CHARACTERS} characters and at most {MOST_GROUPS} groups. Split it into several."
        )
    parser = _Parser(pattern)
    whole = parser.choices()
    if parser.place < len(pattern):
        raise parser.trouble("cannot stand here")
    if whole.ways > MOST_WAYS:
        raise InvalidRequest(
            f"The pattern “{pattern}” can match in {whole.ways} ways; {MOST_WAYS} are allowed. Repeat less or shorter."
        )
    try:
        made = re.compile(whole.text)
    except re.error as error:
        raise InvalidRequest(f"The pattern “{pattern}” is not right: {error}. Mend it.") from None
    if made.search(""):
        raise InvalidRequest(f"The pattern “{pattern}” fits every text. Let it ask for one character at least.")
    return made


@dataclass(frozen=True)
class _Part:
    """A piece of the pattern as `re` gets it, and how many ways it can match at one place. `literal`: plain text."""

    text: str
    ways: int = 1
    literal: str | None = None


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._pattern, self.place = pattern, 0

    def choices(self) -> _Part:
        """Alternatives, up to a closing bracket or the end."""
        found = [self._sequence()]
        while self._takes("|"):
            found.append(self._sequence())
        text = "|".join(part.text for part in found)
        if len(found) == 1:
            return found[0]
        return _Part(text, 1 if _is_one_of(found) else sum(part.ways for part in found))

    def trouble(self, why: str) -> InvalidRequest:
        rest = self._pattern[self.place : self.place + 8]
        return InvalidRequest(f"In the pattern “{self._pattern}”, “{rest}” {why}. Write it more simply, or list the words.")

    def _sequence(self) -> _Part:
        text, ways, literal = "", 1, ""
        plain = True
        while self.place < len(self._pattern) and self._pattern[self.place] not in "|)":
            part = self._item()
            text, ways = text + part.text, ways * part.ways
            plain = plain and part.literal is not None
            literal += part.literal or ""
        return _Part(text, ways, literal if plain else None)

    def _item(self) -> _Part:
        if self._takes("\\b"):
            return _Part("\\b", literal="")
        if opened := _OPEN.match(self._pattern, self.place):
            self.place = opened.end()
            inner = self.choices()
            if not self._takes(")"):
                raise self.trouble("lacks a closing bracket")
            return self._repeated(_Part(f"(?:{inner.text})", inner.ways), group=True)
        found = _CHARACTER.match(self._pattern, self.place)
        if found is None:
            raise self.trouble("is more than these patterns may hold")
        self.place = found.end()
        character = found.group()
        return self._repeated(_Part(character, literal=character if len(character) == 1 and character != "." else None))

    def _repeated(self, part: _Part, *, group: bool = False) -> _Part:
        found = _REPEAT.match(self._pattern, self.place)
        if found is None:
            return part
        optional, star, plus, low, comma, high = found.groups()
        if group and not optional:
            raise self.trouble("repeats a group")
        least = 0 if star or optional else 1 if plus else int(low)
        most = REACH if star or plus else 1 if optional else int(high) if comma else least
        if least > most or most > 2 * REACH:
            raise self.trouble(f"repeats more than {2 * REACH} times, or less than it says")
        self.place = found.end()
        if optional:
            return _Part(f"{part.text}?", part.ways + 1)
        return _Part(f"{part.text}{{{least},{most}}}", most - least + 1)

    def _takes(self, text: str) -> bool:
        if not self._pattern.startswith(text, self.place):
            return False
        self.place += len(text)
        return True


def _is_one_of(parts: list[_Part]) -> bool:
    """Plain words none of which begins another: only one of them can match at a place."""
    words = sorted(part.literal for part in parts if part.literal is not None)
    if len(words) < len(parts):
        return False
    return all(not later.startswith(word) for word, later in pairwise(words))
