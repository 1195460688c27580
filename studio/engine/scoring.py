"""Scores of all detectors with their calibrations, and the stamp that puts them into a picture's record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from time import perf_counter

from PIL import Image

from studio.core import calibration
from studio.core.calibration import Calibration
from studio.core.errors import StampFailed, StudioError
from studio.core.fingerprint import fingerprint
from studio.core.ports import Calibrations
from studio.core.request import Size
from studio.core.result import Draft
from studio.core.score import Detector, DetectorStatus, Raw, Score


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """The detectors of one process. `enabled` are those that score every picture besides the quick ones."""

    detectors: tuple[Detector, ...]
    calibrations: Calibrations
    enabled: tuple[str, ...] = ()

    def by_default(self) -> tuple[str, ...]:
        """Ready detectors that run on every picture: local ones that cost little, and those the user named."""
        own = [each for each in self.detectors if not each.unready()]
        return tuple(each.name for each in own if each.name in self.enabled or not (each.hosted or each.opt_in))

    def score(self, image: Image.Image, names: Iterable[str] | None = None) -> list[Score]:
        """The scores of the named detectors, or of those that run by default. One that fails says so in its note."""
        wanted = self.by_default() if names is None else tuple(names)
        rgb = image.convert("RGB")
        return [self._score(each, rgb) for each in self.detectors if each.name in wanted]

    def raw(self, image: Image.Image, names: Iterable[str]) -> Iterator[tuple[str, Raw]]:
        """The named detectors' own numbers, without calibration; those that fail are left out."""
        for detector in self.detectors:
            if detector.name in names and not detector.unready():
                with suppress(StudioError):
                    yield detector.name, detector.score(image)

    def _score(self, detector: Detector, image: Image.Image) -> Score:
        name, title = detector.name, detector.title
        if missing := detector.unready():
            return Score(detector=name, title=title, revision="", note=missing)
        began, revision = perf_counter(), detector.revision
        try:
            raw = detector.score(image)
        except StudioError as error:
            return Score(detector=name, title=title, revision=revision, note=str(error))
        score = calibration.apply(self.calibration(detector), raw, detector=name, title=title, revision=revision)
        return replace(score, seconds=round(perf_counter() - began, 4))

    def calibration(self, detector: Detector) -> Calibration | None:
        """The user's own calibration of a detector, else the one it was built with."""
        return self.calibrations.find(detector.name, detector.revision) or detector.calibration()

    def statuses(self) -> list[DetectorStatus]:
        """What a page shows of each detector. May load libraries; ask for it where the detectors run."""
        return [self._status(each) for each in self.detectors]

    def _status(self, detector: Detector) -> DetectorStatus:
        known = DetectorStatus(name=detector.name, title=detector.title, hosted=detector.hosted)
        if missing := detector.unready():
            return replace(known, missing=missing)
        own = self.calibration(detector)
        return replace(
            known,
            calibration=(own.about or own.id) if own else "",
            by_default=detector.name in self.by_default(),
            seconds=round(detector.forecast(Size(1000, 1000)), 2),
        )


class ScoreStamp:
    """`studio.core.ports.Stamp`: scores the very pixels that will be saved, and takes their fingerprint.

    `as_saved` gives the pixels as a reader of the file will see them: a lossy format changes them.
    """

    name = "detector"

    def __init__(self, score: Callable[[Image.Image], Sequence[Score]], as_saved: Callable[[Image.Image], Image.Image]):
        self._score, self._as_saved = score, as_saved

    def __call__(self, draft: Draft) -> Draft:
        saved = self._as_saved(draft.picture.image)
        scores = self._score(saved)
        if not any(score.raw is not None for score in scores):
            reasons = " ".join(score.note for score in scores) or "There is none. Run “python studio.py doctor”."
            raise StampFailed(f"No local detector could score the picture, so it was not saved. {reasons}")
        facts = {**draft.facts, "fingerprint": asdict(fingerprint(saved)), "detector": [asdict(score) for score in scores]}
        return replace(draft, facts=facts, stamps=(*draft.stamps, self.name))
