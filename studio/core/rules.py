"""The rules for words: what a prompt may not say, or what a person has to decide on.

A rule fits a text that holds one of its words, phrases or patterns and, where it has a `beside`, one of those too. What
stands in `allow` is not seen by that rule. The negative prompt names what is to stay out of a picture, so a word there is no
wish for it; only the `negative` terms of a rule that blocks are looked for in it (“clothes”, beside a child in the prompt).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from studio.core.folding import Reading, Term, readings
from studio.core.patterns import compile_safely
from studio.core.people import ROLES, Role

FILE = "policy.toml"
"""The file's name in the presets folder."""
RuleOutcome = Literal["flag", "block"]


@dataclass(frozen=True)
class Wanted:
    """Words and phrases, and patterns for what they cannot say. Patterns see a text in small plain letters without signs."""

    terms: tuple[Term, ...] = ()
    patterns: tuple[re.Pattern[str], ...] = ()

    @classmethod
    def of(cls, terms: Iterable[str] = (), patterns: Iterable[str] = ()) -> Wanted:
        """Raises `InvalidRequest` for a pattern that is not safe, ValueError for a term without letters."""
        return cls(tuple(map(Term.of, terms)), tuple(compile_safely(each.lower()) for each in patterns))

    def __bool__(self) -> bool:
        return bool(self.terms or self.patterns)

    def is_in(self, reading: Reading, allowed: frozenset[int]) -> bool:
        found = (place for term in self.terms for place in reading.find(term))
        if any(not allowed.issuperset(place) for place in found):
            return True
        return bool(self.patterns) and any(
            pattern.search(text) for text in reading.texts(allowed) for pattern in self.patterns
        )


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. `category` is for people, `reason_code` for counting; `sentence` says what is wrong and what to do."""

    reason_code: str
    category: str
    outcome: RuleOutcome
    sentence: str
    wanted: Wanted = Wanted()
    beside: Wanted = Wanted()
    negative: Wanted = Wanted()
    allow: tuple[Term, ...] = ()
    roles: tuple[Role, ...] = ROLES

    def fits(self, prompt: Text, negative: Text) -> bool:
        said = self._is_in(self.wanted, prompt) or (self.outcome == "block" and self._is_in(self.negative, negative))
        return said and (not self.beside or self._is_in(self.beside, prompt))

    def _is_in(self, wanted: Wanted, text: Text) -> bool:
        return bool(wanted) and any(wanted.is_in(reading, self._allowed(reading)) for reading in text.readings)

    def _allowed(self, reading: Reading) -> frozenset[int]:
        return frozenset(place for term in self.allow for found in reading.find(term, strictly=True) for place in found)


@dataclass(frozen=True)
class Text:
    """A text to look at, folded once for all rules."""

    readings: tuple[Reading, ...]

    @classmethod
    def of(cls, *texts: str) -> Text:
        return cls(readings("\n".join(texts)))


@dataclass(frozen=True)
class Rules:
    """All rules of one file."""

    rules: Sequence[Rule] = field(default_factory=tuple)

    def judge(self, prompt: Text, negative: Text, role: Role) -> Rule | None:
        """The rule that decides: one that blocks before one that flags, else in the file's order; None if none fits."""
        mine = [rule for rule in self.rules if role in rule.roles]
        strictest_first = sorted(mine, key=lambda rule: rule.outcome != "block")
        return next((rule for rule in strictest_first if rule.fits(prompt, negative)), None)
