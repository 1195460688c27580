"""What a policy check says of a request or a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["allow", "flag", "block"]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One check's answer; `score` is 0..1 where the check gives one."""

    check: str
    outcome: Outcome
    reason_code: str = ""
    message: str = ""
    score: float | None = None
