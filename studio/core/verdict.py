"""What a policy check says of a request, of a picture it starts from, or of a picture that was made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["allow", "flag", "block", "not_screened"]
"""`flag`: a person decides; `not_screened`: the check could not look (its classifier is missing), which is never a pass."""
Stage = Literal["request", "source", "output"]
"""Before submission: the words, then the pictures it starts from; and what came of it."""
OUTCOMES: tuple[Outcome, ...] = ("allow", "flag", "block", "not_screened")
STAGES: tuple[Stage, ...] = ("request", "source", "output")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One check's answer. `score` is 0..1 where the check gives one, `version` what it looked with (rules, weights).

    `reason_code` is stable and countable (`prompt.violence`, `file.blocked`), `message` a sentence for the user.
    """

    check: str
    outcome: Outcome
    reason_code: str = ""
    message: str = ""
    score: float | None = None
    version: str = ""
    stage: Stage = "request"


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that decides: a block before a flag; None if neither is there."""
    found = list(verdicts)
    blocked = (verdict for verdict in found if verdict.outcome == "block")
    flagged = (verdict for verdict in found if verdict.outcome == "flag")
    return next(blocked, next(flagged, None))
