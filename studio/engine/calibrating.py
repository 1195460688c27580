"""“Calibrate on my photos”: what detectors say of the user's own photographs and of the studio's own pictures.

Only quantiles are stored. Both sides go through the same JPEG first, in their own size, so that the codec is not learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from studio.core import calibration
from studio.core.calibration import LEAST_AI, LEAST_REAL
from studio.core.errors import Cancelled, InvalidRequest
from studio.core.request import Size
from studio.engine.folders import IsOurs, coded_alike, opened, photos_in
from studio.engine.scoring import Scoring

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, kw_only=True)
class Calibrated:
    """What came of one detector: the id of its calibration, or why it has none. `faults` name files left out."""

    detector: str
    calibration: str = ""
    problem: str = ""
    photos: int = 0
    own: int = 0
    faults: tuple[str, ...] = field(default=())


def forecast(scoring: Scoring, names: Sequence[str], count: int, size: Size | None = None) -> float:
    """Seconds that scoring this many pictures will take, roughly."""
    shape = size or Size(1600, 1200)
    return count * sum(each.forecast(shape) for each in scoring.detectors if each.name in names and not each.unready())


def calibrate(
    scoring: Scoring, folder: Path, own: Sequence[Path], names: Sequence[str], progress: Progress, *,
    is_ours: IsOurs, stop: Stop = lambda: False,
) -> list[Calibrated]:  # fmt: skip
    """Score both sides and keep a calibration for each named detector.

    Raises `InvalidRequest` before any scoring if there are too few pictures, `Cancelled` if `stop` says so; what was
    calibrated before then stays as it was.
    """
    photos = photos_in(folder)
    if len(photos) < LEAST_REAL:
        raise InvalidRequest(
            f"{folder} holds {len(photos)} photos; a calibration needs at least {LEAST_REAL}. Choose a larger folder.",
            "folder",
        )
    if len(own) < LEAST_AI:
        raise InvalidRequest(
            f"The library holds {len(own)} pictures; a calibration needs at least {LEAST_AI}. Make some more first."
        )
    total = len(photos) + len(own)
    faults: list[str] = []

    def scored(paths: list[Path], before: int, ours: IsOurs) -> dict[str, list[float]]:
        found: dict[str, list[float]] = {name: [] for name in names}
        for number, image in enumerate(opened(paths, ours, faults), start=1):
            if stop():
                raise Cancelled("Stopped. The calibrations are as they were.")
            _add(scoring, coded_alike(image), names, found)
            progress(before + number, total, f"{before + number} of {total} pictures")
        return found

    real = scored(photos, 0, is_ours)
    ai = scored(list(own), len(photos), lambda _: False)
    return [_fit(scoring, name, real[name], ai[name], tuple(faults)) for name in names]


def _add(scoring: Scoring, image: Image.Image, names: Sequence[str], found: dict[str, list[float]]) -> None:
    for name, raw in scoring.raw(image, names):
        if not raw.out_of_scope:
            found[name].append(raw.value)


def _fit(scoring: Scoring, name: str, real: list[float], ai: list[float], faults: tuple[str, ...]) -> Calibrated:
    counts = Calibrated(detector=name, photos=len(real), own=len(ai), faults=faults)
    revision = next((each.revision for each in scoring.detectors if each.name == name and not each.unready()), "")
    created = datetime.now(UTC).isoformat(timespec="seconds")
    about = f"{len(real)} of your photos against {len(ai)} pictures of this library"
    try:
        made = calibration.fit(real, ai, detector=name, revision=revision, created=created, about=about)
    except InvalidRequest as error:
        return Calibrated(**{**counts.__dict__, "problem": f"{error} Pictures out of a detector's scope do not count."})
    scoring.calibrations.save(made)
    return Calibrated(**{**counts.__dict__, "calibration": made.id})
