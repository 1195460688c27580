"""Which wording the evidence bears, and why."""

import pytest

from studio.core.evidence import WORDS, Evidence
from studio.core.judgement import ABSENCE, judge
from studio.core.score import Score

SIGNED = Evidence(kind="manifest", finding="Signed by a studio.", strength="strong", side="ai", declared=True)
CAMERA = Evidence(kind="manifest", finding="Signed by a camera.", strength="strong", side="not-ai")
SETTINGS = Evidence(kind="metadata", finding="Settings of a program.", strength="weak", side="ai")
EXIF = Evidence(kind="capture", finding="Names a camera.", strength="weak", side="not-ai")
TAMPERED = Evidence(kind="manifest", finding="Changed after signing.", strength="fair")


def a_score(verdict: str, evidence: float, name: str = "x", probability: float | None = 0.9) -> Score:
    values = {"detector": name, "title": name.title(), "revision": "1", "raw": 1.0, "calibration": "c", "verdict": verdict}
    return Score(**values, probability=probability, evidence=evidence)


@pytest.mark.parametrize(
    ("evidence", "scores", "band"),
    [
        ([], [], "uncertain"),
        ([SIGNED], [], "declared"),
        ([SIGNED], [a_score("not-ai", -3)], "declared"),
        ([SIGNED, CAMERA], [], "uncertain"),
        ([SETTINGS], [], "ai"),
        ([SETTINGS], [a_score("not-ai", -3)], "uncertain"),
        ([EXIF], [], "uncertain"),
        ([TAMPERED], [], "uncertain"),
        ([CAMERA], [], "not-ai"),
        ([CAMERA], [a_score("not-ai", -2)], "not-ai"),
        ([CAMERA], [a_score("ai", 2)], "uncertain"),
        ([], [a_score("ai", 2)], "ai"),
        ([], [a_score("not-ai", -2)], "not-ai"),
        ([], [a_score("uncertain", 2.9)], "uncertain"),
        ([], [a_score("ai", 2, "a"), a_score("not-ai", -2, "b")], "uncertain"),
        ([], [a_score("ai", 1, "a"), a_score("uncertain", -3, "b")], "uncertain"),
        ([], [a_score("ai", 3, probability=None)], "uncertain"),
    ],
)
def test_the_wording_follows_from_the_evidence(evidence: list[Evidence], scores: list[Score], band: str) -> None:
    found = judge(evidence, scores)
    assert found.band == band
    assert found.words == WORDS[found.band]
    assert found.reasons


def test_a_family_of_detectors_counts_once() -> None:
    family = [a_score("ai", 1, f"reconstruction-{name}") for name in "abc"]
    assert judge([], [*family, a_score("uncertain", -2, "other")]).band == "uncertain"
    assert judge([], [*family, a_score("uncertain", -0.5, "other")]).band == "ai"


def test_absence_of_marks_is_never_a_reason_for_not_ai() -> None:
    assert judge([], []).reasons[-1] == ABSENCE
    assert judge([], [a_score("not-ai", -2)]).reasons[-1] == ABSENCE


def test_no_wording_claims_proof() -> None:
    for words in WORDS.values():
        assert words.startswith(("likely", "uncertain"))
