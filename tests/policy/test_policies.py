"""`policy.toml`: every key is read, a mistake is a sentence that names its place, and a change holds at once."""

import os
from pathlib import Path

import pytest

from studio import settings
from studio.core.publishing import Case
from studio.core.rules import FILE, Text
from studio.policies import Policy, PolicyFile, Thresholds, load_policy

RULE = '[[rule]]\nreason_code = "prompt.test"\ncategory = "test"\noutcome = "block"\nsentence = "No. Change it."\n'
PUBLISH = '[[publish]]\nname = "one"\naction = "review"\nsentence = "Why. Wait."\n'


def write(folder: Path, text: str, seconds: int = 0) -> Path:
    path = folder / FILE
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_800_000_000 + seconds, 1_800_000_000 + seconds))
    return path


def loaded(folder: Path, text: str) -> Policy:
    return load_policy(write(folder, text))


def says(policy: Policy, prompt: str, negative: str = "") -> str:
    found = policy.rules.judge(Text.of(prompt), Text.of(negative), "creator")
    return found.sentence if found else ""


def test_every_key_of_a_rule_is_heeded(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        RULE + 'words = ["kill"]\nphrases = ["slit throat"]\npatterns = [\'Stab\\w*\']\nbeside = ["cat", "small dog"]\n'
        'beside_patterns = ["kittens?"]\nnegative = ["collar"]\nallow = ["kill switch"]\nroles = ["creator"]\n',
    )
    assert policy.fault == ""
    for prompt in ("kill a cat", "slit throat, small dog", "stabbing kittens"):
        assert says(policy, prompt) == "No. Change it."
    assert says(policy, "a cat", "collar") == "No. Change it."
    for prompt in ("kill", "a cat", "kill switch for a cat"):
        assert says(policy, prompt) == ""
    assert policy.rules.judge(Text.of("kill a cat"), Text.of(""), "admin") is None


def test_every_other_table_is_heeded(tmp_path: Path) -> None:
    policy = loaded(
        tmp_path,
        PUBLISH
        + 'verdict = ["likely AI-generated", "uncertain"]\nchecks = ["allow"]\nbackends = ["openai"]\ntasks = ["inpaint"]\n'
        'roles = ["creator"]\n[review]\nnot_screened = true\n[nsfw]\nflag = 0.4\nblock = 0.9\n'
        '[credentials]\noutcome = "allow"\n',
    )
    assert (policy.fault, policy.nsfw, policy.credentials) == ("", Thresholds(flag=0.4, block=0.9), "allow")
    case = Case(band="ai", checks="allow", backend="openai", task="inpaint", role="creator")
    assert policy.publishing.decide(case).rule == "one"
    assert policy.publishing.review_not_screened
    assert len(policy.version) == 12
    assert policy.publishing.version == policy.version


def test_an_empty_file_is_a_policy_without_rules(tmp_path: Path) -> None:
    policy = loaded(tmp_path, "")
    assert (policy.fault, says(policy, "anything"), policy.nsfw) == ("", "", Thresholds(flag=0.5, block=None))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule = ", "not valid TOML"),
        ("rules = 1", "unknown keys: rules"),
        ("rule = 1", r"must be written as \[\[rule\]\]"),
        ("rule = [1]", "rule 1 must be a table"),
        (RULE, "prompt.test.* looks for nothing"),
        (RULE + "wrods = []", "unknown keys: wrods"),
        (RULE + 'words = "kill"', "words must be a list of texts"),
        (RULE + "words = [1]", "words must be a list of texts"),
        (RULE + 'words = ["a b c"]', "words holds a phrase"),
        (RULE + 'words = ["?"]', "“\\?” is too short"),
        (RULE + 'patterns = ["(a+)+"]', "rule 1 .*repeats a group"),
        (RULE + 'words = ["kill"]\nroles = ["boss"]', "roles holds “boss”; known are creator"),
        (RULE.replace("block", "maybe") + 'words = ["kill"]', "outcome must be one of block, flag"),
        (RULE.replace("block", "flag") + 'words = ["kill"]\nnegative = ["dog"]', "negative is for rules that block"),
        (RULE.replace("prompt.test", "Prompt Test") + 'words = ["kill"]', "small letters"),
        (RULE.replace("No. Change it.", " ") + 'words = ["kill"]', "needs sentence"),
        (PUBLISH + 'verdict = ["maybe"]', "verdict holds “maybe”"),
        (PUBLISH + 'tasks = ["fly"]', "tasks holds “fly”"),
        (PUBLISH + 'checks = ["bad"]', "checks holds “bad”"),
        (PUBLISH.replace("review", "block") + 'verdict = ["ai"]', "score alone"),
        ("[nsfw]\nflag = 2", "number from 0 to 1"),
        ("[nsfw]\nflag = true", "number from 0 to 1"),
        ("[nsfw]\nflag = nan", "number from 0 to 1"),
        ("[nsfw]\nblock = 0.2", "block lies below flag"),
        ("nsfw = 1", "nsfw must be a table"),
        ("[review]\nnot_screened = 1", "true or false"),
        ('[credentials]\noutcome = "block"', "one of flag, allow"),
    ],
)
def test_a_mistake_is_one_sentence_that_says_where_and_what_to_do(tmp_path: Path, text: str, said: str) -> None:
    policy = loaded(tmp_path, text)
    assert policy == Policy(fault=policy.fault, version=policy.version, publishing=policy.publishing)
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(policy.fault)
    assert policy.fault.startswith("policy.toml ")
    assert policy.fault.endswith("or switch the policy off in Settings.")
    assert policy.publishing.decide(Case(checks="allow")).action == "review"


def test_bytes_that_are_no_text_and_a_folder_in_its_place_are_sentences(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"\xff\xfe")
    assert "not valid TOML" in load_policy(tmp_path / FILE).fault
    assert "cannot be opened" in load_policy(tmp_path).fault


def test_a_change_holds_at_once_and_a_mended_file_too(tmp_path: Path) -> None:
    file = PolicyFile(tmp_path / FILE)
    assert "missing from the presets folder" in file.get().fault
    write(tmp_path, RULE + 'words = ["kill"]')
    first = file.get()
    assert says(first, "kill") != ""
    assert file.get() is first
    write(tmp_path, "rule = ", 1)
    assert "not valid TOML" in file.get().fault
    write(tmp_path, RULE + 'words = ["cats"]', 2)
    assert (file.get().fault, says(file.get(), "kill"), says(file.get(), "cats")) == ("", "", "No. Change it.")


def test_the_shipped_policy_is_no_preset() -> None:
    from studio.presets import load_presets

    presets, faults = load_presets(settings.ROOT / "presets")
    assert faults == []
    assert "policy" not in {preset.name for preset in presets}
