"""Calibrated verdicts keep their promise on pictures like those they were calibrated on, and nothing else gets one."""

import json
import random

import pytest

from studio.core.calibration import QUANTILES, Calibration, apply, fit, from_json, to_json
from studio.core.errors import InvalidRequest
from studio.core.score import Raw


def scores(rng: random.Random, mean: float, count: int) -> list[float]:
    return [rng.gauss(mean, 1) for _ in range(count)]


def a_calibration(seed: int = 0, gap: float = 4.0, count: int = 300) -> Calibration:
    rng = random.Random(seed)
    return fit(
        scores(rng, 0, count), scores(rng, gap, count), detector="x", revision="1", created="2026-11-24T10:00:00+00:00"
    )


def test_at_most_one_real_picture_in_a_hundred_is_called_ai_on_average() -> None:
    alarms = []
    for seed in range(30):
        known, rng = a_calibration(seed), random.Random(1000 + seed)
        alarms += [known.verdict(value) == "ai" for value in scores(rng, 0, 400)]
    assert sum(alarms) / len(alarms) <= 0.012


def test_ai_pictures_are_seldom_called_real_and_mostly_called_ai() -> None:
    known = a_calibration()
    found = [known.verdict(value) for value in scores(random.Random(5), 4, 4000)]
    assert found.count("ai") / 4000 > 0.85
    assert found.count("not-ai") / 4000 < 0.07


def test_kinds_that_cannot_be_told_apart_stay_uncertain() -> None:
    known = a_calibration(gap=0.2)
    found = [known.verdict(value) for value in scores(random.Random(5), 0.1, 2000)]
    assert found.count("uncertain") / 2000 > 0.8


def test_probabilities_rise_with_the_score_and_are_never_certain() -> None:
    known = a_calibration()
    words = {"detector": "x", "title": "X", "revision": "1"}
    values = [apply(known, Raw(value=value / 4), **words).probability for value in range(-40, 60)]
    assert values == sorted(values, key=float)
    assert values[0] is not None
    assert values[-1] is not None
    assert 0.03 <= values[0] < 0.1
    assert 0.9 < values[-1] <= 0.97
    assert all(abs(known.evidence(value)) <= 3 for value in (-1e9, 0, 1e9))


def test_the_direction_is_the_scores_own() -> None:
    rng = random.Random(2)
    known = fit(scores(rng, 4, 300), scores(rng, 0, 300), detector="x", revision="1")
    assert known.slope < 0


@pytest.mark.parametrize("raw", [Raw(value=9.0, out_of_scope="it knows cats only"), Raw(value=9.0)])
def test_without_a_fitting_calibration_there_is_no_verdict(raw: Raw) -> None:
    known = a_calibration() if raw.out_of_scope else None
    score = apply(known, raw, detector="x", title="X", revision="1")
    assert (score.verdict, score.probability, score.evidence) == ("uncertain", None, 0.0)
    assert "not calibrated" in score.note
    other = apply(a_calibration(), Raw(value=9.0), detector="x", title="X", revision="2")
    assert (other.verdict, other.probability) == ("uncertain", None)


def test_too_few_pictures_and_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(InvalidRequest, match="at least 200 photos"):
        fit([0.0] * 199, [1.0] * 50, detector="x", revision="1")
    with pytest.raises(InvalidRequest, match="at least 200 photos and 50"):
        fit([0.0] * 200, [1.0] * 49, detector="x", revision="1")
    with pytest.raises(InvalidRequest, match="a number that is none"):
        fit([0.0] * 199 + [float("nan")], [1.0] * 50, detector="x", revision="1")


def test_kinds_that_do_not_overlap_and_scores_all_alike_stay_finite() -> None:
    for real, ai in (
        ([0.0] * 200, [1.0] * 60),
        ([float(i) for i in range(200)], [1e6 + i for i in range(60)]),
        ([5.0] * 200, [5.0] * 60),
    ):
        known = fit(real, ai, detector="x", revision="1")
        assert abs(known.evidence(real[0])) <= 3
        assert known.verdict(real[0]) in ("ai", "uncertain", "not-ai")


def test_quantiles_alone_are_kept() -> None:
    known = a_calibration(count=1000)
    assert len(known.real) == len(known.ai) == QUANTILES + 1
    assert from_json(json.loads(json.dumps(to_json(known)))) == known


@pytest.mark.parametrize(
    "change",
    [
        {"real": []},
        {"slope": "x"},
        {"slope": float("inf")},
        {"ai": [1.0] * 200 + [0.0]},
        {"n_real": 0},
        {"more": 1},
        {"real": None},
    ],
)
def test_a_malformed_file_is_a_sentence(change: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest, match="malformed"):
        from_json({**to_json(a_calibration()), **change})
