"""From a detector's raw number to a probability and a verdict, by what it said of known pictures.

The probability is Platt's (1999) logistic fit, read at a prior of one half. The verdict is a class-conditional conformal
band (Vovk 2003): "likely AI" is given to at most 1 % of the real pictures that the calibration stands for. Without a
calibration there is no verdict beyond *uncertain*.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.score import Raw, Score, Verdict

LEAST_REAL, LEAST_AI = 200, 50
FALSE_ALARMS, MISSES = 0.01, 0.05
CLIP = 3.0
LOWEST, HIGHEST = 0.03, 0.97
QUANTILES = 200


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What is kept of the known pictures: quantiles of their raw scores, never the pictures.

    `real` and `ai` are ascending quantiles of the raw scores, `QUANTILES` + 1 of each; `slope` and `offset` are Platt's.
    `one_sided`: a low score says nothing, because treatments it was not made for lower it too; never "likely not AI".
    `about` is a sentence on what the pictures were.
    """

    id: str
    detector: str
    revision: str
    slope: float
    offset: float
    real: tuple[float, ...]
    ai: tuple[float, ...]
    n_real: int
    n_ai: int
    created: str = ""
    about: str = ""
    one_sided: bool = False

    def evidence(self, raw: float) -> float:
        """The log-likelihood ratio of AI to real, clipped to -3..3; not below 0 if it is one-sided."""
        return min(max(self.slope * raw + self.offset, 0.0 if self.one_sided else -CLIP), CLIP)

    def verdict(self, raw: float) -> Verdict:
        """Mondrian conformal p-values from the stored quantiles."""
        p_real = (1 + self.n_real * (1 - _below(self.real, raw))) / (self.n_real + 1)
        p_ai = (1 + self.n_ai * _up_to(self.ai, raw)) / (self.n_ai + 1)
        evidence = self.evidence(raw)
        if p_real <= FALSE_ALARMS and p_ai > MISSES and evidence > 0:
            return "ai"
        if self.one_sided:
            return "uncertain"
        return "not-ai" if p_ai <= MISSES and p_real > FALSE_ALARMS and evidence < 0 else "uncertain"


def fit(
    real: Sequence[float], ai: Sequence[float], *, detector: str, revision: str, created: str = "", about: str = ""
) -> Calibration:
    """Calibrate on raw scores of at least `LEAST_REAL` real and `LEAST_AI` AI pictures. Raises `InvalidRequest`."""
    if len(real) < LEAST_REAL or len(ai) < LEAST_AI:
        raise InvalidRequest(
            f"A calibration needs at least {LEAST_REAL} photos and {LEAST_AI} AI pictures; "
            f"there are {len(real)} and {len(ai)}. Choose a folder with more of them."
        )
    if not all(map(math.isfinite, (*real, *ai))):
        raise InvalidRequest("The detector gave a number that is none. Calibrate again without that picture.")
    slope, offset = _platt(real, ai)
    return Calibration(
        id=f"{detector}-{created[:10].replace('-', '') or 'built-in'}-{len(real)}x{len(ai)}",
        detector=detector, revision=revision, slope=slope, offset=offset, real=_quantiles(real), ai=_quantiles(ai),
        n_real=len(real), n_ai=len(ai), created=created, about=about,
    )  # fmt: skip


def apply(calibration: Calibration | None, raw: Raw, *, detector: str, title: str, revision: str) -> Score:
    """A detector's raw number as a score; *uncertain* with a note where it is not calibrated or out of scope."""
    score = Score(detector=detector, title=title, revision=revision, raw=raw.value, seconds=raw.seconds)
    if raw.out_of_scope or calibration is None or calibration.revision != revision:
        note = raw.out_of_scope or "not calibrated on pictures like yours"
        return Score(**{**asdict(score), "note": f"not calibrated: {note}" if raw.out_of_scope else note})
    evidence = calibration.evidence(raw.value)
    probability = min(max(1 / (1 + math.exp(-evidence)), LOWEST), HIGHEST)
    verdict = calibration.verdict(raw.value)
    values = {"calibration": calibration.id, "probability": probability, "evidence": evidence, "verdict": verdict}
    return Score(**{**asdict(score), **values})


def to_json(calibration: Calibration) -> dict[str, Any]:
    return asdict(calibration)


def from_json(values: Mapping[str, Any]) -> Calibration:
    """Raises `InvalidRequest` for what is no calibration."""
    try:
        made = Calibration(**{**values, "real": _numbers(values["real"]), "ai": _numbers(values["ai"])})
        sound = all(map(math.isfinite, (made.slope, made.offset))) and min(made.n_real, made.n_ai) > 0
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"A calibration is malformed ({error}). Calibrate that detector again.") from error
    if not sound:
        raise InvalidRequest("A calibration is malformed (a number is out of range). Calibrate that detector again.")
    return made


def _numbers(values: Any) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if len(numbers) != QUANTILES + 1 or list(numbers) != sorted(numbers) or not all(map(math.isfinite, numbers)):
        raise ValueError("the quantiles are not in order")
    return numbers


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    """`QUANTILES` + 1 ascending values, the smallest and the largest among them."""
    ordered = sorted(values)
    places = [index * (len(ordered) - 1) / QUANTILES for index in range(QUANTILES + 1)]
    return tuple(_between(ordered, place) for place in places)


def _between(ordered: Sequence[float], place: float) -> float:
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)


def _below(quantiles: Sequence[float], value: float) -> float:
    """The share of values below `value`, from above: with quantiles only, a tie counts for the other side."""
    return max(0, bisect_left(quantiles, value) - 1) / QUANTILES if value <= quantiles[-1] else 1.0


def _up_to(quantiles: Sequence[float], value: float) -> float:
    """The share of values up to `value`, rounded up to the next quantile."""
    return min(bisect_right(quantiles, value), QUANTILES) / QUANTILES


def _platt(real: Sequence[float], ai: Sequence[float]) -> tuple[float, float]:
    """Slope and offset of the log-likelihood ratio: logistic regression on smoothed targets, both classes weighing the same.

    Newton's method on standardised scores, with a little ridge so that classes that do not overlap stay finite.
    """
    values = [*real, *ai]
    mean = sum(values) / len(values)
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values)) or 1.0
    rows = [((value - mean) / spread, 1 / (len(real) + 2), 0.5 / len(real)) for value in real]
    rows += [((value - mean) / spread, (len(ai) + 1) / (len(ai) + 2), 0.5 / len(ai)) for value in ai]
    slope = offset = 0.0
    for _ in range(50):
        g0 = g1 = 0.0
        h00 = h01 = h11 = 1e-6
        for x, target, weight in rows:
            p = 1 / (1 + math.exp(-min(max(slope * x + offset, -30), 30)))
            g0, g1 = g0 + weight * (p - target), g1 + weight * (p - target) * x
            curve = weight * p * (1 - p)
            h00, h01, h11 = h00 + curve, h01 + curve * x, h11 + curve * x * x
        g1 += 1e-4 * slope
        h11 += 1e-4
        determinant = h00 * h11 - h01 * h01
        step0, step1 = (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant
        offset, slope = offset - step0, slope - step1
        if max(abs(step0), abs(step1)) < 1e-9:
            break
    return slope / spread, offset - slope * mean / spread
