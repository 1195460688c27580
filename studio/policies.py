"""Reads `presets/policy.toml`, anew whenever it changes. A file that is wrong is one sentence, and is heeded by no check:
they say “not screened” with that sentence, and every picture waits for a person.

[[rule]]                         # for words; see studio/core/rules.py
reason_code = "prompt.gore"      # for counting; small letters, digits, dots, hyphens
category = "gore"
outcome = "flag"                 # or "block"
sentence = "…"                   # what is wrong and what to do
words = ["gore"]                 # single words, as a whole, in all their spellings
phrases = ["severed head"]
patterns = ["disembowel\\w*"]    # regular expressions; see studio/core/patterns.py
beside = ["child"]               # and one of these words or phrases in the prompt
beside_patterns = ["\\b1[0-7] years? old"]
negative = ["clothes"]           # or one of these in the negative prompt; only where the outcome is "block"
allow = ["gore tex"]             # not seen by this rule
roles = ["creator"]              # for whom; without it for all

[[publish]]                      # for made pictures and examined files, first match wins; see studio/core/publishing.py
name = "flagged"
action = "review"                # allow, label, review, block
sentence = "…"
verdict = ["ai", "uncertain"]    # declared, ai, uncertain, not-ai; or in the words that the page uses
checks = ["flag"]                # the worst that a check found: allow, not_screened, flag, block
backends = ["local"]             # "elsewhere" for files that were not made here
tasks = ["inpaint"]
roles = ["creator"]

[review]
not_screened = false             # true: what no check could look at waits for a person

[nsfw]                           # P(not safe for work) from which a picture is flagged or blocked, 0 to 1
flag = 0.5
block = 0.98                     # without it nothing is blocked on this score

[credentials]
outcome = "flag"                 # or "allow": a source that somebody else signed is only noted
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from studio.core.errors import InvalidRequest
from studio.core.evidence import WORDS, Band
from studio.core.folding import Term
from studio.core.people import ROLES
from studio.core.publishing import ACTIONS, ELSEWHERE, PublishRule, Table
from studio.core.request import TASKS
from studio.core.rules import Rule, Rules, Wanted
from studio.core.verdict import OUTCOMES

MOST_TERMS = 5000
MOST_SENTENCE = 400
_NAME = re.compile(r"[a-z][a-z0-9._-]{0,59}")
_BANDS: dict[str, Band] = {**{band: band for band in WORDS}, **{words: band for band, words in WORDS.items()}}
_RULE_LISTS = ("words", "phrases", "patterns", "beside", "beside_patterns", "negative", "allow", "roles")
_PUBLISH_LISTS = ("verdict", "checks", "backends", "tasks", "roles")
Word = TypeVar("Word", bound=str)
_TABLES = ("rule", "publish", "review", "nsfw", "credentials")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """P(not safe for work) from which a picture is flagged, and blocked; None: never."""

    flag: float = 0.5
    block: float | None = None


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What the file says. `version` is the start of its SHA-256; `fault` a sentence if it cannot be used."""

    rules: Rules = field(default_factory=Rules)
    publishing: Table = field(default_factory=Table)
    nsfw: Thresholds = Thresholds()
    credentials: Literal["flag", "allow"] = "flag"
    version: str = ""
    fault: str = ""


class PolicyFile:
    """The policy of one file, read anew when the file changes. Never raises for what the file holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: tuple[tuple[int, int], Policy] | None = None

    def get(self) -> Policy:
        """What holds now."""
        try:
            found = self._path.stat()
        except OSError:
            return _faulty(f"{self._path.name} is missing from the presets folder. Put it back", "")
        stamp = (found.st_mtime_ns, found.st_size)
        if self._read is None or self._read[0] != stamp:
            self._read = (stamp, load_policy(self._path))
        return self._read[1]


def load_policy(path: Path) -> Policy:
    """The policy of a file; a faulty one has nothing but its fault."""
    version = ""
    try:
        data = path.read_bytes()
        version = hashlib.sha256(data).hexdigest()[:12]
        return _policy(tomllib.loads(data.decode()), version)
    except InvalidRequest as error:
        return _faulty(f"{path.name} cannot be used: {str(error).rstrip('.')}. Mend it", version)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        return _faulty(f"{path.name} is not valid TOML ({error}). Mend the line it names", version)
    except OSError as error:
        return _faulty(f"{path.name} cannot be opened ({error.strerror}). Check its permissions", version)


def _faulty(what: str, version: str) -> Policy:
    fault = f"{what}, or switch the policy off in Settings."
    return Policy(fault=fault, version=version, publishing=Table(fault=fault, version=version))


def _policy(values: Mapping[str, Any], version: str) -> Policy:
    _refuse_unknown(values, _TABLES, "the file")
    rules = tuple(_rule(_Entry(each, f"rule {number}")) for number, each in enumerate(_rows(values, "rule"), 1))
    publish = tuple(_publish(_Entry(each, f"publish {number}")) for number, each in enumerate(_rows(values, "publish"), 1))
    review, credentials = _Entry(values.get("review", {}), "review"), _Entry(values.get("credentials", {}), "credentials")
    review.only("not_screened")
    credentials.only("outcome")
    return Policy(
        rules=Rules(rules),
        publishing=Table(rules=publish, review_not_screened=review.switch("not_screened"), version=version),
        nsfw=_thresholds(_Entry(values.get("nsfw", {}), "nsfw")),
        credentials=credentials.choice("outcome", ("flag", "allow"), "flag"),
        version=version,
    )


class _Entry:
    """One table of the file; what is wrong with it is said with its place."""

    def __init__(self, values: Any, place: str) -> None:
        if not isinstance(values, dict):
            raise InvalidRequest(f"{place} must be a table")
        name = values.get("reason_code") or values.get("name")
        self._values: dict[str, Any] = values
        self.place = f"{place} (“{name}”)" if isinstance(name, str) else place

    def only(self, *names: str) -> None:
        _refuse_unknown(self._values, names, self.place)

    def text(self, name: str) -> str:
        value = self._values.get(name)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= MOST_SENTENCE:
            raise InvalidRequest(f"{self.place} needs {name}, a text of at most {MOST_SENTENCE} characters")
        return value.strip()

    def name(self, name: str) -> str:
        value = self.text(name)
        if not _NAME.fullmatch(value):
            raise InvalidRequest(f"{self.place}: {name} may hold only small letters, digits, dots and hyphens")
        return value

    def choice(self, name: str, words: Sequence[Word], default: Word | None = None) -> Word:
        value = self._values.get(name, default)
        if value not in words:
            raise InvalidRequest(f"{self.place}: {name} must be one of {', '.join(words)}")
        return words[words.index(value)]

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) and each.strip() for each in value):
            raise InvalidRequest(f"{self.place}: {name} must be a list of texts")
        if len(value) > MOST_TERMS:
            raise InvalidRequest(f"{self.place}: {name} has more than {MOST_TERMS} entries")
        return tuple(value)

    def among(self, name: str, words: Sequence[Word]) -> tuple[Word, ...]:
        """Those of the known words that are listed."""
        listed = self.texts(name)
        if wrong := [each for each in listed if each not in words]:
            raise InvalidRequest(f"{self.place}: {name} holds “{wrong[0]}”; known are {', '.join(words)}")
        return tuple(word for word in words if word in listed)

    def switch(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise InvalidRequest(f"{self.place}: {name} must be true or false")
        return value

    def share(self, name: str) -> float | None:
        value = self._values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise InvalidRequest(f"{self.place}: {name} must be a number from 0 to 1")
        return float(value)

    def terms(self, *names: str) -> tuple[str, ...]:
        """Words and phrases, each with two letters at least."""
        found = [each for name in names for each in self.texts(name)]
        for each in found:
            try:
                Term.of(each)
            except ValueError:
                raise InvalidRequest(f"{self.place}: “{each}” is too short to look for") from None
        return tuple(found)

    def wanted(self, names: tuple[str, ...], patterns: str) -> Wanted:
        try:
            return Wanted.of(self.terms(*names), self.texts(patterns))
        except InvalidRequest as error:
            place = "" if str(error).startswith(self.place) else f"{self.place}: "
            raise InvalidRequest(f"{place}{error}") from None


def _rule(entry: _Entry) -> Rule:
    entry.only("reason_code", "category", "outcome", "sentence", *_RULE_LISTS)
    rule = Rule(
        reason_code=entry.name("reason_code"),
        category=entry.text("category"),
        outcome=entry.choice("outcome", ("block", "flag")),
        sentence=entry.text("sentence"),
        wanted=entry.wanted(("words", "phrases"), "patterns"),
        beside=entry.wanted(("beside",), "beside_patterns"),
        negative=Wanted.of(entry.terms("negative")),
        allow=tuple(map(Term.of, entry.terms("allow"))),
        roles=entry.among("roles", ROLES) or ROLES,
    )
    if any(len(Term.of(word).words) > 1 for word in entry.texts("words")):
        raise InvalidRequest(f"{entry.place}: words holds a phrase. Move it to phrases")
    if not rule.wanted and not rule.negative:
        raise InvalidRequest(f"{entry.place} looks for nothing. Give it words, phrases or patterns")
    if rule.negative and rule.outcome == "flag":
        raise InvalidRequest(f"{entry.place}: negative is for rules that block. Take it out")
    return rule


def _publish(entry: _Entry) -> PublishRule:
    entry.only("name", "action", "sentence", *_PUBLISH_LISTS)
    return PublishRule(
        name=entry.name("name"),
        action=entry.choice("action", ACTIONS),
        sentence=entry.text("sentence"),
        verdicts=tuple(_BANDS[each] for each in entry.among("verdict", tuple(_BANDS))),
        checks=entry.among("checks", OUTCOMES),
        backends=entry.texts("backends"),
        tasks=entry.among("tasks", (*TASKS, ELSEWHERE)),
        roles=entry.among("roles", ROLES),
    )


def _thresholds(entry: _Entry) -> Thresholds:
    entry.only("flag", "block")
    flag, block = entry.share("flag"), entry.share("block")
    flag = Thresholds.flag if flag is None else flag
    if block is not None and block < flag:
        raise InvalidRequest("nsfw: block lies below flag. Make it the larger one")
    return Thresholds(flag=flag, block=block)


def _rows(values: Mapping[str, Any], name: str) -> list[Any]:
    rows = values.get(name, [])
    if not isinstance(rows, list):
        raise InvalidRequest(f"{name} must be written as [[{name}]]")
    return rows


def _refuse_unknown(values: Mapping[str, Any], known: Sequence[str], place: str) -> None:
    if unknown := sorted(set(values) - set(known)):
        raise InvalidRequest(f"{place} has unknown keys: {', '.join(unknown)}")
