"""The detector report: how each detector does on the pictures of each provider and model that this library holds.

With a folder of photographs there is something to compare with: AUC and true positives at 1 % false alarms. Without one
there are verdicts and score histograms only. The same after JPEG 75 and at half size.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from PIL import Image

from studio.core.errors import Cancelled, InvalidRequest
from studio.core.measures import auc, histogram, tpr_at
from studio.core.result import Record
from studio.core.score import Score
from studio.engine.calibrating import Progress, Stop
from studio.engine.folders import IsOurs, coded, opened, photos_in
from studio.engine.scoring import Scoring

PHOTOS = "photos"
FEW = 30
"""Below so many pictures a share is hardly worth its decimals."""


def _half(image: Image.Image) -> Image.Image:
    return image.resize((max(1, image.width // 2), max(1, image.height // 2)), Image.Resampling.LANCZOS)


TREATMENTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as kept": lambda image: image,
    "JPEG 75": lambda image: coded(image, 75),
    "half size": _half,
}


@dataclass(frozen=True, kw_only=True)
class Line:
    """One detector on one model's pictures under one treatment. `auc` and `tpr` (at 1 % false alarms) need photos.

    `raw` counts in 20 bins from `low` to `high`, the photos' beside them in `photos_raw`.
    """

    provider: str
    model: str
    detector: str
    treatment: str
    pictures: int
    out_of_scope: int
    called_ai: int
    called_uncertain: int
    called_not_ai: int
    auc: float | None
    tpr: float | None
    low: float
    high: float
    raw: tuple[int, ...]
    photos_raw: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Report:
    """`scores` are (provider, model, file, detector, treatment, score), `faults` name files that were left out."""

    lines: tuple[Line, ...]
    scores: tuple[tuple[str, str, str, str, str, Score], ...]
    pictures: int
    photos: int
    faults: tuple[str, ...]


Scored = dict[tuple[str, str, str, str], list[Score]]


def evaluate(
    scoring: Scoring, records: Iterable[Record], photos: Path | None, names: Sequence[str], progress: Progress, *,
    is_ours: IsOurs, limit: int = 500, stop: Stop = lambda: False,
) -> Report:  # fmt: skip
    """Score kept pictures (the newest `limit`) and photos under every treatment. Raises `InvalidRequest`, `Cancelled`."""
    kept = [record for record in records if record.path][:limit]
    if not kept:
        raise InvalidRequest("The library holds no pictures yet. Make some first.")
    if not names:
        raise InvalidRequest("No detector was chosen, or none is ready. Choose one.")
    real = photos_in(photos)[:limit] if photos else []
    faults: list[str] = []
    total = len(kept) + len(real)
    found: Scored = defaultdict(list)
    rows: list[tuple[str, str, str, str, str, Score]] = []
    for done, (provider, model, name, image) in enumerate(_pictures(kept, real, is_ours, faults), start=1):
        if stop():
            raise Cancelled("Stopped.")
        for treatment, treat in TREATMENTS.items():
            for score in scoring.score(treat(image), names):
                found[provider, model, score.detector, treatment].append(score)
                rows.append((provider, model, name, score.detector, treatment, score))
        progress(done, total, f"{done} of {total} pictures")
    lines = tuple(_line(key, scores, found) for key, scores in sorted(found.items()) if key[0] != PHOTOS)
    return Report(lines=lines, scores=tuple(rows), pictures=len(kept), photos=len(real), faults=tuple(faults))


def _pictures(
    kept: Sequence[Record], real: list[Path], is_ours: IsOurs, faults: list[str]
) -> Iterator[tuple[str, str, str, Image.Image]]:
    for record in kept:
        provider, _, model = record.request.model.partition(":")
        for image in opened([record.path] if record.path else [], lambda _: False, faults):
            yield provider, model, record.name, image
    for path in real:
        for image in opened([path], is_ours, faults):
            yield PHOTOS, "", path.name, image


def _line(key: tuple[str, str, str, str], scores: list[Score], found: Scored) -> Line:
    provider, model, detector, treatment = key
    values = [score.raw for score in scores if score.raw is not None]
    real = [score.raw for score in found.get((PHOTOS, "", detector, treatment), ()) if score.raw is not None]
    low, high = min([*values, *real], default=0.0), max([*values, *real], default=1.0)
    verdicts = [score.verdict for score in scores]
    area, share = auc(real, values), tpr_at(real, values)
    return Line(
        provider=provider, model=model, detector=detector, treatment=treatment, pictures=len(scores),
        out_of_scope=sum(score.note.startswith("not calibrated: ") for score in scores), called_ai=verdicts.count("ai"),
        called_uncertain=verdicts.count("uncertain"), called_not_ai=verdicts.count("not-ai"),
        auc=None if area is None else round(area, 4), tpr=None if share is None else round(share, 4),
        low=low, high=high, raw=tuple(histogram(values, low, high)), photos_raw=tuple(histogram(real, low, high)),
    )  # fmt: skip


def to_csv(report: Report) -> str:
    """One row for each model, detector and treatment."""
    names = [field.name for field in fields(Line) if field.name not in ("raw", "photos_raw")]
    return _csv(names, ([asdict(line)[name] for name in names] for line in report.lines))


def scores_csv(report: Report) -> str:
    """One row for each picture, detector and treatment."""
    names = ["provider", "model", "file", "detector", "treatment", "raw", "probability", "verdict", "note"]
    rows = ([*row[:5], row[5].raw, row[5].probability, row[5].verdict, row[5].note] for row in report.scores)
    return _csv(names, rows)


def _csv(names: list[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue()


def _cell(value: object) -> object:
    """A text that a spreadsheet would take for a formula is written as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value
