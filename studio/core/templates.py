r"""Prompt templates: wildcards and choices, in the syntax that creators know from dynamic-prompts, expanded by a seed.

| written | becomes |
|---|---|
| `{red\|blue}` | one of them |
| `{3::red\|blue}` | red three times as often as blue |
| `{2$$a\|b\|c}` | two different ones, “a, c”; `{1-2$$a\|b}` one or two; `{2$$ and $$a\|b\|c}` joined by “ and ” |
| `__name__` | a line of the wildcard file `name.txt`; `__places/*__` of several; lines may hold templates, weights |
| `\{` `\}` `\__`, and `\\|` inside braces | the sign itself |

A text without these signs is never changed. The same text, seed and files give the same words everywhere.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from studio.core.errors import InvalidRequest

Wildcards = Callable[[str], Sequence[str] | None]
"""The lines of a wildcard by its name, or of several by a name with `*`; None where there is none."""

MAX_CHOICES = 1000
MAX_DEPTH = 30
JOINER = ", "
_NAME = r"__((?:[^\W_]|\*)(?:[\w*/. -]*?(?:[^\W_]|\*))?)__(?!_)"
_WILDCARD = re.compile(_NAME)
_SIGNS = re.compile(rf"[{{}}]|{_NAME}")
_COUNT = re.compile(r"\s*(?:(\d+)|(\d*)-(\d*))\$\$(?:([^$|{}]*)\$\$)?")
_WEIGHT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)::")
_ESCAPED = re.compile(r"\\([{}]|__)")


@dataclass(frozen=True)
class Expansion:
    """The words, and what was chosen on the way: each choice in the order of its sign, the outer before the inner."""

    text: str
    choices: tuple[str, ...] = ()


def is_template(text: str) -> bool:
    """Whether `expand` could change the text."""
    return bool(_SIGNS.search(text))


def literal(text: str) -> str:
    """The template that expands to exactly this text."""
    return re.sub(r"([{}]|__)", r"\\\1", text) if is_template(text) else text


def expand(text: str, seed: int, wildcards: Wildcards) -> Expansion:
    """Choose by `seed`. Raises `InvalidRequest` with a sentence for the prompt field."""
    if not is_template(text):
        return Expansion(text)
    chooser = _Chooser(random.Random(seed), wildcards)  # noqa: S311  choices that must be repeatable, no secrets
    return Expansion(chooser.words(_parse(text)), tuple(chooser.choices))


@dataclass(frozen=True)
class _Wildcard:
    name: str


@dataclass(frozen=True)
class _Choice:
    """`low` to `high` different ones of the options (weight, parts)."""

    options: tuple[tuple[float, tuple[_Part, ...]], ...]
    low: int = 1
    high: int = 1
    joiner: str = JOINER


_Part = str | _Wildcard | _Choice


def _parse(text: str) -> tuple[_Part, ...]:
    reader = _Reader(text)
    parts = reader.parts(inside=False)
    if reader.place < len(text):
        raise _fault(text, reader.place, "has a “}” that closes nothing", "Take it out, or write \\} for the sign itself.")
    return parts


@dataclass
class _Reader:
    text: str
    place: int = 0
    depth: int = 0

    def parts(self, *, inside: bool) -> tuple[_Part, ...]:
        """Up to the end of the text, or to a “|” or “}” that is not ours."""
        found: list[_Part] = []
        stops = "|}" if inside else "}"
        while self.place < len(self.text) and self.text[self.place] not in stops:
            found.append(self._part(inside=inside))
        return tuple(found)

    def _part(self, *, inside: bool) -> _Part:
        if (escaped := _ESCAPED.match(self.text, self.place)) or (
            inside and (escaped := re.compile(r"\\(\|)").match(self.text, self.place))
        ):
            self.place = escaped.end()
            return escaped[1]
        if self.text[self.place] == "{":
            return self._choice()
        if wildcard := _WILDCARD.match(self.text, self.place):
            self.place = wildcard.end()
            return _Wildcard(wildcard[1])
        self.place += 1
        return self.text[self.place - 1]

    def _choice(self) -> _Choice:
        start, self.depth = self.place, self.depth + 1
        if self.depth > MAX_DEPTH:
            raise _fault(self.text, start, f"has more than {MAX_DEPTH} braces within each other", "Make it simpler.")
        count = _COUNT.match(self.text, start + 1)
        self.place = count.end() if count else start + 1
        options = [self._option()]
        while self.text.startswith("|", self.place):
            self.place += 1
            options.append(self._option())
        if not self.text.startswith("}", self.place):
            raise _fault(self.text, start, "has a “{” without its “}”", "Close it, or write \\{ for the sign itself.")
        self.place, self.depth = self.place + 1, self.depth - 1
        if not count:
            return _Choice(tuple(options))
        exact, low, high, joiner = count.groups()
        lowest, highest = (int(exact),) * 2 if exact else (int(low or 0), int(high or 10**6))
        return _Choice(tuple(options), min(lowest, highest), max(lowest, highest), JOINER if joiner is None else joiner)

    def _option(self) -> tuple[float, tuple[_Part, ...]]:
        weight = _WEIGHT.match(self.text, self.place)
        if weight:
            self.place = weight.end()
        return float(weight[1]) if weight else 1.0, self.parts(inside=True)


@dataclass
class _Chooser:
    random: random.Random
    wildcards: Wildcards
    choices: list[str] = field(default_factory=list)
    within: tuple[str, ...] = ()

    def words(self, parts: Sequence[_Part]) -> str:
        return "".join(part if isinstance(part, str) else self._chosen(part) for part in parts)

    def _chosen(self, part: _Wildcard | _Choice) -> str:
        if len(self.choices) >= MAX_CHOICES:
            raise InvalidRequest(f"The prompt makes more than {MAX_CHOICES} choices. Make it simpler.", "prompt")
        place = len(self.choices)
        self.choices.append("")
        chosen = self._of_file(part.name) if isinstance(part, _Wildcard) else self._of_braces(part)
        self.choices[place] = f"{part.name}: {chosen}" if isinstance(part, _Wildcard) else chosen
        return chosen

    def _of_braces(self, part: _Choice) -> str:
        """Options that are one wildcard alone stand for its lines: `{2$$__colours__}` is two colours."""
        options, name = part.options, ""
        first = options[0][1]
        if len(options) == 1 and len(first) == 1 and isinstance(first[0], _Wildcard):
            name = first[0].name
            options = self._lines(name)
        low, high = min(part.low, len(options)), min(part.high, len(options))
        many = low + int(self.random.random() * (high - low + 1)) if low < high else low
        taken = self._take(options, many)
        with _Inside(self, name):
            texts = [self.words(each) for each in taken]
        return texts[0] if len(texts) == 1 else part.joiner.join(text.strip() for text in texts)

    def _of_file(self, name: str) -> str:
        (taken,) = self._take(self._lines(name), 1)
        with _Inside(self, name):
            return self.words(taken)

    def _take(self, options: Sequence[tuple[float, tuple[_Part, ...]]], many: int) -> list[tuple[_Part, ...]]:
        """`many` different ones by their weights, in the order drawn. Weights of nothing but 0 count as equal."""
        left, taken = list(options), []
        for _ in range(many):
            weights = [weight for weight, _ in left] if any(weight for weight, _ in left) else [1.0] * len(left)
            mark, place = self.random.random() * sum(weights), 0
            while place < len(left) - 1 and (mark >= weights[place] or not weights[place]):
                mark, place = mark - weights[place], place + 1
            taken.append(left.pop(place)[1])
        return taken

    def _lines(self, name: str) -> tuple[tuple[float, tuple[_Part, ...]], ...]:
        if name in self.within:
            way = " → ".join((*self.within, name))
            raise InvalidRequest(f"The wildcards go in a circle: {way}. Change one of these files.", "prompt")
        lines = self.wildcards(name)
        if not lines:
            what = "There is no wildcard" if lines is None else "There is no line in the wildcard"
            raise InvalidRequest(
                f"{what} “{name}”. Put {name}.txt into presets/wildcards, or write \\__ for two underscores.", "prompt"
            )
        try:
            return tuple(_line(line) for line in lines)
        except InvalidRequest as error:
            raise InvalidRequest(f"In the wildcard “{name}”: {error}", "prompt") from error


@dataclass
class _Inside:
    """While the words of a wildcard are made, its name must not come up again."""

    chooser: _Chooser
    name: str

    def __enter__(self) -> None:
        self.before = self.chooser.within
        if self.name:
            self.chooser.within = (*self.before, self.name)

    def __exit__(self, *_: object) -> None:
        self.chooser.within = self.before


def _line(line: str) -> tuple[float, tuple[_Part, ...]]:
    weight = _WEIGHT.match(line)
    return float(weight[1]) if weight else 1.0, _parse(line[weight.end() :] if weight else line)


def _fault(text: str, place: int, what: str, advice: str) -> InvalidRequest:
    begin = max(0, place - 12)
    near = ("…" if begin else "") + text[begin : place + 16] + ("…" if place + 16 < len(text) else "")
    return InvalidRequest(f"The prompt {what}, at “{near}”. {advice}", "prompt")
