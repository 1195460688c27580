"""What a detector says of a picture: a signal, never proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from PIL import Image

from studio.core.request import Size

if TYPE_CHECKING:
    from studio.core.calibration import Calibration

Verdict = Literal["ai", "uncertain", "not-ai"]
SCORE_WORDS: dict[Verdict, str] = {
    "ai": "likely AI-generated",
    "uncertain": "uncertain",
    "not-ai": "likely not AI-generated",
}


@dataclass(frozen=True, kw_only=True)
class Raw:
    """A detector's own number; higher is more like AI. `out_of_scope` says why it must not be calibrated, else empty.

    `device` is where it ran, `seconds` its wall-clock time.
    """

    value: float
    out_of_scope: str = ""
    device: str = "cpu"
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Score:
    """A detector's answer after calibration.

    `probability` is P(AI) at a prior of one half, 0.03 to 0.97, and None without a calibration (`calibration` is its id);
    the verdict is then *uncertain* and `note` says why. `evidence` is the clipped log-likelihood ratio, -3 to 3.
    """

    detector: str
    title: str
    revision: str
    raw: float | None = None
    calibration: str = ""
    probability: float | None = None
    evidence: float = 0.0
    verdict: Verdict = "uncertain"
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class DetectorStatus:
    """A detector as a page shows it: `missing` is what it needs first, `calibration` on what it was calibrated.

    `by_default`: it scores every picture. `seconds` is the forecast for a picture of one million pixels here.
    """

    name: str
    title: str
    hosted: bool
    missing: str = ""
    calibration: str = ""
    by_default: bool = False
    seconds: float = 0.0


class Detector(Protocol):
    """One detector, one file of `studio/detectors` with `create(settings)`. Creating one is light: no torch, no network.

    `revision` changes whenever scores change (weights, preprocessing). `hosted`: the picture leaves the machine.
    `opt_in`: it costs so much here that it runs only when asked for.
    """

    name: str
    title: str
    hosted: bool

    @property
    def revision(self) -> str: ...

    @property
    def opt_in(self) -> bool: ...

    def calibration(self) -> Calibration | None:
        """The calibration it was built with; None if the user's own pictures must calibrate it."""

    def unready(self) -> str:
        """A sentence that says what is missing and what to do; empty if it can score now."""

    def forecast(self, size: Size) -> float:
        """Seconds that one picture of this size will take here, roughly."""

    def score(self, image: Image.Image) -> Raw:
        """Score RGB pixels in their own size. Raises a `StudioError`."""


def told_scores(scores: Any) -> str:
    """What the detectors said, from a record's facts, which may come from a stranger; a signal, never proof."""
    told = []
    for score in (each for each in scores if isinstance(each, dict)) if isinstance(scores, list | tuple) else ():
        number, raw = score.get("probability"), score.get("raw")
        value = f"{number:.0%} likely AI" if isinstance(number, float) else f"raw {raw}" if raw is not None else "no score"
        verdict = SCORE_WORDS.get(str(score.get("verdict")), "uncertain")  # type: ignore[call-overload]
        note = f" ({score['note']})" if score.get("note") else ""
        told.append(f"{score.get('title')}: {value}; {verdict}{note}")
    return "; ".join(told)
