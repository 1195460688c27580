"""From evidence to one of four wordings, with its reasons. A signal, never proof.

| wording | given when |
|---|---|
| likely AI-generated (declared) | a signature that fits the bytes, our watermark or our own library says so |
| likely AI-generated | unsigned metadata says so, or the calibrated detectors do, their evidence taken together |
| likely not AI-generated | the calibrated detectors say so and no mark says otherwise |
| uncertain | everything else, and every contradiction |

Detector families count once, by their strongest member, each clipped to ±3 in log-odds; unsigned metadata counts log 50
and for AI only, a camera's signature by a trusted signer as much against it; the absence of a mark counts nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from studio.core.evidence import Evidence, Judgement
from studio.core.score import Score

METADATA = math.log(50)
ABSENCE = "The absence of marks says nothing: any platform or screenshot removes them."


def judge(evidence: Sequence[Evidence], scores: Sequence[Score]) -> Judgement:
    """The wording that the evidence bears, and why."""
    declared = [row for row in evidence if row.declared and row.side == "ai"]
    captured = [row for row in evidence if row.side == "not-ai" and row.strength == "strong"]
    if declared and captured:
        return Judgement(band="uncertain", reasons=("Marks contradict each other.", *_findings([*declared, *captured])))
    if declared:
        return Judgement(band="declared", reasons=_findings(declared))
    return _weigh([row for row in evidence if row.side == "ai"], captured, list(_families(scores)))


def _weigh(marks: list[Evidence], captured: list[Evidence], scores: list[Score]) -> Judgement:
    says_ai = [score for score in scores if score.verdict == "ai"]
    says_not = [score for score in scores if score.verdict == "not-ai"]
    total = sum(score.evidence for score in scores) + (METADATA if marks else 0.0) - (METADATA if captured else 0.0)
    for_ai = (*_findings(marks), *map(_told, says_ai))
    against = (*_findings(captured), *map(_told, says_not))
    if for_ai and against:
        return Judgement(band="uncertain", reasons=("The signs contradict each other.", *for_ai, *against))
    if for_ai and total > 0:
        return Judgement(band="ai", reasons=for_ai)
    if against and not marks and total < 0:
        return Judgement(band="not-ai", reasons=(*against, ABSENCE))
    return Judgement(band="uncertain", reasons=(*against, *_why_uncertain(scores), ABSENCE))


def _families(scores: Iterable[Score]) -> Iterable[Score]:
    """Of each family of calibrated detectors (`reconstruction-…`) the one that says most."""
    strongest: dict[str, Score] = {}
    for score in scores:
        name = score.detector.partition("-")[0]
        if score.probability is not None and abs(score.evidence) >= abs(strongest.get(name, score).evidence):
            strongest[name] = score
    return strongest.values()


def _findings(rows: Iterable[Evidence]) -> tuple[str, ...]:
    return tuple(row.finding for row in rows)


def _told(score: Score) -> str:
    return f"{score.title}: {score.probability:.0%} likely AI at even odds ({score.calibration})."


def _why_uncertain(scores: list[Score]) -> tuple[str, ...]:
    if not scores:
        return ("No mark was found, and no detector is calibrated for a picture like this.",)
    return (*map(_told, scores), "That is not enough for a verdict.")
