"""Blocked files, other people's signatures, blank pictures, and a provider's own word."""

import hashlib
import os
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from subjects import a_picture, a_subject, as_file

from studio.core.evidence import Evidence
from studio.core.rules import FILE as POLICY_FILE
from studio.policy import blank, blocked_files, credentials, provider
from studio.settings import Settings

DATA = as_file(a_picture())
WHOSE = {"provider": "Pictures Inc"}
SHA256 = hashlib.sha256(DATA).hexdigest()


def a_list(folder: Path, text: str, seconds: int = 0) -> None:
    path = folder / blocked_files.FILE
    path.write_text(text, encoding="utf-8")
    os.utime(path, (1_800_000_000 + seconds, 1_800_000_000 + seconds))


@pytest.mark.parametrize("line", ["{0}", "  {0}", "{0}  a.png", "{0}\t# withdrawn", "# note\n\n{1}\n"])
def test_a_file_on_the_list_is_blocked(tmp_path: Path, line: str) -> None:
    a_list(tmp_path, line.format(SHA256, SHA256.upper()))
    found = blocked_files.create(Settings(data=tmp_path))(a_subject("source", data=DATA))
    assert (found.outcome, found.reason_code, found.stage) == ("block", "file.blocked", "source")
    assert "Start from another picture" in found.message
    assert len(found.version) == 12


def test_the_list_is_read_anew_and_without_one_there_is_nothing_to_say(tmp_path: Path) -> None:
    check, subject = blocked_files.create(Settings(data=tmp_path)), a_subject("source", data=DATA)
    assert check(subject) is None
    a_list(tmp_path, "0" * 64)
    assert check(subject).outcome == "allow"
    a_list(tmp_path, SHA256, 1)
    assert check(subject).outcome == "block"
    (tmp_path / blocked_files.FILE).unlink()
    assert check(subject) is None
    assert check(a_subject("output", data=DATA)) is None


def test_a_line_that_is_no_hash_is_said_and_the_others_hold(tmp_path: Path) -> None:
    a_list(tmp_path, f"{'0' * 64}\nnonsense\n{SHA256}\n")
    check = blocked_files.create(Settings(data=tmp_path))
    assert check(a_subject("source", data=DATA)).outcome == "block"
    other = check(a_subject("source", data=b"other"))
    assert (other.outcome, other.reason_code) == ("not_screened", "file.list_faulty")
    assert other.message.startswith("Line 2 of blocked_files.txt")


def test_a_list_that_cannot_be_read_is_not_screened(tmp_path: Path) -> None:
    (tmp_path / blocked_files.FILE).mkdir()
    found = blocked_files.create(Settings(data=tmp_path))(a_subject("source", data=DATA))
    assert found.outcome == "not_screened"


def signed(**facts: object) -> tuple[Evidence, ...]:
    other = Evidence(kind="metadata", finding="It says red.")
    return (other, Evidence(kind="manifest", finding="Signed.", facts={"ours": False, "state": "valid", **facts}))


def test_somebody_elses_signature_is_flagged_with_their_name(tmp_path: Path) -> None:
    check = credentials.create(Settings(presets=tmp_path))
    found = check(a_subject("source", evidence=signed(signer="The Daily")))
    assert (found.outcome, found.reason_code, found.stage) == ("flag", "source.credentials", "source")
    assert "signed by “The Daily”" in found.message
    broken = check(a_subject("source", evidence=signed(state="invalid")))
    assert (broken.outcome, broken.reason_code) == ("flag", "source.credentials_broken")
    assert "“somebody”" in check(a_subject("source", evidence=signed())).message


def test_our_own_signature_and_none_at_all_are_nothing_to_speak_of(tmp_path: Path) -> None:
    check = credentials.create(Settings(presets=tmp_path))
    assert check(a_subject("source", evidence=signed(ours=True))) is None
    assert check(a_subject("source")) is None
    assert check(a_subject("output", evidence=signed())) is None


def test_the_policy_may_be_content_with_a_note(tmp_path: Path) -> None:
    (tmp_path / POLICY_FILE).write_text('[credentials]\noutcome = "allow"\n')
    found = credentials.create(Settings(presets=tmp_path))(a_subject("source", evidence=signed(signer="The Daily")))
    assert found.outcome == "allow"
    assert "The Daily" in found.message


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (Image.new("RGB", (32, 32)), "picture.black"),
        (Image.new("RGBA", (32, 32), (0, 0, 0, 255)), "picture.black"),
        (Image.effect_noise((32, 32), 1).point(lambda level: level // 32).convert("RGB"), "picture.black"),
        (Image.new("RGB", (32, 32), "white"), "picture.blank"),
        (Image.new("RGB", (32, 32), (10, 200, 30)), "picture.blank"),
        (a_picture(), ""),
        (Image.linear_gradient("L").point(lambda level: level // 8).convert("RGB"), ""),
    ],
)
def test_black_and_flat_pictures_are_blocked_dark_and_pale_ones_are_not(image: Image.Image, reason: str) -> None:
    found = blank.create(Settings())(a_subject("output", image=image))
    assert (found.outcome, found.reason_code) == ("block" if reason else "allow", reason)
    assert not reason or found.message.endswith("try again.")


def test_one_small_thing_makes_a_flat_picture_a_picture() -> None:
    image = Image.new("RGB", (640, 480), "navy")
    ImageDraw.Draw(image).point((5, 5), "white")
    check = blank.create(Settings())
    assert check(a_subject("output", image=image)).outcome == "allow"
    assert check(a_subject("source", image=Image.new("RGB", (8, 8)))) is None
    assert check(a_subject()) is None


@pytest.mark.parametrize(
    ("facts", "outcome", "reason"),
    [
        ({"hosted": {"moderation": "flagged", **WHOSE, "moderation_reason": "adult."}}, "flag", "provider.flagged"),
        ({"hosted": {"moderation": "ok", **WHOSE}}, "allow", ""),
        ({"used": {"safety_checker": "flagged"}}, "flag", "model.flagged"),
        ({"used": {"safety_checker": "passed"}}, "allow", ""),
    ],
)  # fmt: skip
def test_a_providers_or_a_models_own_word_counts(facts: dict, outcome: str, reason: str) -> None:
    found = provider.create(Settings())(a_subject("output", facts=facts))
    assert (found.outcome, found.reason_code, found.stage) == (outcome, reason, "output")
    if "hosted" in facts and outcome == "flag":
        assert found.message.startswith("The moderation of Pictures Inc marked this picture. Its reason: adult.")
        assert found.version == "Pictures Inc"


@pytest.mark.parametrize(
    "facts", [{}, {"hosted": {}}, {"hosted": {"moderation": "unknown"}}, {"hosted": None, "used": 3}, {"used": {}}]
)
def test_where_nothing_is_said_of_moderation_there_is_no_verdict(facts: dict) -> None:
    assert provider.create(Settings())(a_subject("output", facts=facts)) is None
    assert provider.create(Settings())(a_subject("source", facts={"used": {"safety_checker": "flagged"}})) is None
