"""The words of a request against the rules of `presets/policy.toml`.

Options that are texts may go to the model as the prompt does, so they are read with it, or with the negative prompt where
their name says so. The negative prompt is looked at only by rules that block and have terms of their own for it
(`studio.core.rules` says why).
"""

from __future__ import annotations

from studio.core.rules import FILE, Text
from studio.core.screening import Subject
from studio.core.verdict import Verdict
from studio.policies import PolicyFile
from studio.settings import Settings


def create(settings: Settings) -> PromptRules:
    return PromptRules(PolicyFile(settings.presets / FILE))


class PromptRules:
    """`studio.core.screening.Check`. Light: it may run in the page's process, before anything is queued."""

    name, light = "prompt_rules", True

    def __init__(self, file: PolicyFile) -> None:
        self._file = file

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage != "request":
            return None
        policy, request = self._file.get(), subject.request
        if policy.fault:
            return Verdict(check=self.name, outcome="not_screened", reason_code="policy.faulty", message=policy.fault,
                           version=policy.version)  # fmt: skip
        texts = {name: value for name, value in request.options.items() if isinstance(value, str)}
        unwanted = [text for name, text in texts.items() if "negative" in name]
        prompt = Text.of(request.prompt, *(text for name, text in texts.items() if "negative" not in name))
        negative = Text.of(request.negative_prompt, *unwanted)
        rule = policy.rules.judge(prompt, negative, subject.role)
        if rule is None:
            return Verdict(check=self.name, outcome="allow", version=policy.version)
        return Verdict(check=self.name, outcome=rule.outcome, reason_code=rule.reason_code, message=rule.sentence,
                       version=policy.version)  # fmt: skip
