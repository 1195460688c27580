"""The words of a request: what is read, what is said of it, and that a faulty policy is never a pass."""

from pathlib import Path

import pytest
from subjects import a_subject

from studio.core.rules import FILE
from studio.policies import PolicyFile
from studio.policy.prompt_rules import PromptRules, create
from studio.settings import Settings

POLICY = """
[[rule]]
reason_code = "prompt.violence"
category = "violence"
outcome = "block"
sentence = "No violence here. Ask for peace."
words = ["kill"]
beside = ["cat"]
negative = ["collar"]
roles = ["creator"]

[[rule]]
reason_code = "prompt.gore"
category = "gore"
outcome = "flag"
sentence = "Somebody looks at this. Wait."
words = ["gore"]
"""


@pytest.fixture
def check(tmp_path: Path) -> PromptRules:
    (tmp_path / FILE).write_text(POLICY)
    return PromptRules(PolicyFile(tmp_path / FILE))


def test_a_blocked_a_flagged_and_a_plain_prompt(check: PromptRules, tmp_path: Path) -> None:
    blocked = check(a_subject(prompt="k i 1 l the cat"))
    assert (blocked.outcome, blocked.reason_code, blocked.stage) == ("block", "prompt.violence", "request")
    assert blocked.message == "No violence here. Ask for peace."
    assert check(a_subject(prompt="gore")).outcome == "flag"
    plain = check(a_subject(prompt="a skilled cat"))
    assert (plain.outcome, plain.reason_code, plain.message) == ("allow", "", "")
    assert plain.version == blocked.version == PolicyFile(tmp_path / FILE).get().version != ""


def test_the_role_decides_which_rules_there_are(check: PromptRules) -> None:
    assert check(a_subject(prompt="kill the cat", role="admin")).outcome == "allow"


def test_the_negative_prompt_counts_only_by_words_of_its_own(check: PromptRules) -> None:
    assert check(a_subject(prompt="a cat", negative="kill, gore")).outcome == "allow"
    assert check(a_subject(prompt="a cat", negative="c.o.l.l.a.r")).outcome == "block"


def test_texts_among_the_options_are_read_as_the_prompt_is(check: PromptRules) -> None:
    assert check(a_subject(prompt="a cat", options={"prompt_2": "kill", "steps": 3})).outcome == "block"
    assert check(a_subject(prompt="a cat", options={"negative_prompt_2": "kill"})).outcome == "allow"
    assert check(a_subject(prompt="a cat", options={"negative_prompt_2": "collar"})).outcome == "block"


def test_only_requests_are_looked_at_and_it_is_light(check: PromptRules) -> None:
    assert check(a_subject("source", prompt="kill the cat")) is check(a_subject("output", prompt="kill the cat")) is None
    assert check.light


def test_a_faulty_policy_is_not_screened_and_holds_again_once_mended(tmp_path: Path) -> None:
    check = create(Settings(presets=tmp_path))
    assert check(a_subject()).outcome == "not_screened"
    (tmp_path / FILE).write_text("[[rule]]\n")
    faulty = check(a_subject(prompt="kill the cat"))
    assert (faulty.outcome, faulty.reason_code) == ("not_screened", "policy.faulty")
    assert "rule 1" in faulty.message
    assert faulty.message.endswith("switch the policy off in Settings.")
    (tmp_path / FILE).write_text(POLICY)
    assert check(a_subject(prompt="kill the cat")).outcome == "block"
