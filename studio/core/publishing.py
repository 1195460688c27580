"""What may be published: a small table of rules, the first that fits decides. Nothing is ever banned on a score alone.

A rule says for which pictures it is (what the detectors and marks say, the worst a check found, where it was made, by which
task, for whom) and what is to be done. A detector's score is a signal, never proof, so a rule that blocks must not depend
on it: neither by asking for it, nor by standing behind rules that do, unless a check flagged the picture as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from studio.core.errors import InvalidRequest
from studio.core.evidence import Band
from studio.core.people import Role
from studio.core.verdict import Outcome, Verdict

Action = Literal["allow", "label", "review", "block"]
"""`label`: only with words that say it is made with AI; `review`: not before a person has decided."""
ACTIONS: tuple[Action, ...] = ("allow", "label", "review", "block")
ELSEWHERE = "elsewhere"
"""The backend of a file that was not made here, and its task."""
_SCORED: frozenset[Band] = frozenset({"ai", "uncertain", "not-ai"})
"""What detectors may have said; a mark says “declared”."""
_FOUND: frozenset[Outcome] = frozenset({"flag", "block"})
_SEVERITY: tuple[Outcome, ...] = ("block", "flag", "not_screened", "allow")


@dataclass(frozen=True, kw_only=True)
class Case:
    """A picture as the table sees it. `checks` is the worst that a check found, `not_screened` if none looked."""

    band: Band = "uncertain"
    checks: Outcome = "not_screened"
    backend: str = ELSEWHERE
    task: str = ELSEWHERE
    role: Role = "creator"


@dataclass(frozen=True, kw_only=True)
class PublishRule:
    """One row. An empty condition fits every picture."""

    name: str
    action: Action
    sentence: str
    verdicts: tuple[Band, ...] = ()
    checks: tuple[Outcome, ...] = ()
    backends: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()

    def fits(self, case: Case) -> bool:
        pairs = (
            (self.verdicts, case.band),
            (self.checks, case.checks),
            (self.backends, case.backend),
            (self.tasks, case.task),
            (self.roles, case.role),
        )
        return all(not wanted or value in wanted for wanted, value in pairs)

    @property
    def asks_for_a_score(self) -> bool:
        return not _SCORED.isdisjoint(self.verdicts)

    @property
    def asks_for_a_finding(self) -> bool:
        """Whether it is for pictures alone that a check flagged or blocked."""
        return bool(self.checks) and _FOUND.issuperset(self.checks)


@dataclass(frozen=True)
class Ruling:
    """What is to be done with a picture, by which rule, and why, in a sentence for the user."""

    action: Action
    rule: str
    sentence: str


UNRULED = Ruling("label", "", "No rule of the policy is for this picture. Say that it is made with AI where you show it.")
FAULTY = "policy.faulty"
FLAGGED = "checks.flagged"
NOT_SCREENED = "checks.not_screened"


@dataclass(frozen=True, kw_only=True)
class Table:
    """All rules for publishing. `review_not_screened`: what no check could look at goes to a person. `fault` says why
    the table could not be read; then everything goes to a person. `version` is the file's."""

    rules: Sequence[PublishRule] = ()
    review_not_screened: bool = False
    fault: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Raises `InvalidRequest` for a table that could ban a picture on a score alone."""
        by_score = False
        for rule in self.rules:
            by_score = by_score or rule.asks_for_a_score
            if rule.action == "block" and by_score and not rule.asks_for_a_finding:
                raise InvalidRequest(
                    f"The publishing rule “{rule.name}” would block on a detector's score alone, which is no proof. Send "
                    "such pictures to review, add checks = [\"flag\"], or put the rule before those that ask for a verdict."
                )  # fmt: skip

    def decide(self, case: Case, verdicts: Iterable[Verdict] = ()) -> Ruling:
        """The first rule that fits. What a check flagged goes to a person, unless that rule is for flagged pictures."""
        if self.fault:
            return Ruling("review", FAULTY, self.fault)
        rule = next((rule for rule in self.rules if rule.fits(case)), None)
        ruling = Ruling(rule.action, rule.name, rule.sentence) if rule else UNRULED
        if ruling.action in ("review", "block") or (rule and case.checks in rule.checks):
            return ruling
        if case.checks in _FOUND:
            return Ruling("review", FLAGGED, _reason(verdicts, case.checks) or "A check flagged it. Let a reviewer decide.")
        if case.checks == "not_screened" and self.review_not_screened:
            why = _reason(verdicts, case.checks) or "No check could look at it."
            return Ruling("review", NOT_SCREENED, f"{why} Until then a reviewer decides.")
        return ruling


def worst_outcome(verdicts: Iterable[Verdict]) -> Outcome:
    """A block before a flag before “not screened”; without any verdict nothing was screened."""
    found = {verdict.outcome for verdict in verdicts}
    return next((outcome for outcome in _SEVERITY if outcome in found), "not_screened")


def _reason(verdicts: Iterable[Verdict], outcome: Outcome) -> str:
    return next((verdict.message for verdict in verdicts if verdict.outcome == outcome and verdict.message), "")
