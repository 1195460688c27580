"""What a provider's own moderation said of a picture that it sent all the same, or a local model's own safety checker.

What they withhold never gets here: that is a `Moderated` error. Where nothing is said of moderation there is no verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.settings import Settings

_MARKED = ("flagged", "blurred", "blocked_by_provider")


def create(_: Settings) -> ProvidersWord:
    return ProvidersWord()


class ProvidersWord:
    """`studio.core.screening.Check` of the facts that a backend told. `version` is whose word it is."""

    name, light = "provider", False

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage != "output":
            return None
        return self._hosted(_table(subject.facts, "hosted")) or self._local(_table(subject.facts, "used"))

    def _hosted(self, told: Mapping[str, Any]) -> Verdict | None:
        said, whose = told.get("moderation"), str(told.get("provider") or "")
        if said == "ok":
            return Verdict(check=self.name, outcome="allow", version=whose, stage="output")
        if said not in _MARKED:
            return None
        why = str(told.get("moderation_reason") or "")[:200].strip().rstrip(".")
        reason = f" Its reason: {why}." if why else ""
        message = f"The moderation of {whose or 'the provider'} marked this picture.{reason} Let a reviewer decide on it."
        return Verdict(check=self.name, outcome="flag", reason_code="provider.flagged", message=message, version=whose,
                       stage="output")  # fmt: skip

    def _local(self, used: Mapping[str, Any]) -> Verdict | None:
        said = used.get("safety_checker")
        if said == "passed":
            return Verdict(check=self.name, outcome="allow", version="safety checker", stage="output")
        if said != "flagged":
            return None
        message = "The model's own safety checker marked this picture. Let a reviewer decide before it is shared."
        return Verdict(check=self.name, outcome="flag", reason_code="model.flagged", message=message,
                       version="safety checker", stage="output")  # fmt: skip


def _table(facts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = facts.get(name)
    return value if isinstance(value, Mapping) else {}
