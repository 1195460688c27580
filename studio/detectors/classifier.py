"""Classifier detectors: any Hugging Face image classifier in `models/detectors/<name>/`, safetensors only.

The AI label is found by name, never by place; preprocessing is the model's own. The raw score is the log-odds of AI. There
is no built-in calibration: the field's thresholds do not carry over (median raw score of modern AI pictures 0.32 in one
measurement), so until the user calibrates it the verdict stays *uncertain*.
"""

from __future__ import annotations

import math
from functools import cached_property
from pathlib import Path
from time import perf_counter

from PIL import Image

from studio import classification
from studio.classification import Classifier, Curated, folders, places_of
from studio.core.calibration import Calibration
from studio.core.errors import InvalidRequest, Unavailable
from studio.core.request import Size
from studio.core.score import Raw
from studio.settings import Settings

AI_WORDS = {"ai", "artificial", "fake", "generated", "synthetic", "deepfake", "aigenerated", "machine", "gan", "diffusion"}
REAL_WORDS = {"real", "human", "hum", "natural", "photo", "photograph", "authentic", "nature", "camera"}
CURATED_FILE = Path(__file__).parent / "_classifiers.toml"


def curated() -> list[Curated]:
    """The list, the best known one first."""
    return classification.curated(CURATED_FILE)


def create(settings: Settings) -> list[ClassifierDetector]:
    """One for each folder below `models/detectors/` that holds a config."""
    known = {entry.name: entry for entry in curated()}
    return [ClassifierDetector(folder, known.get(folder.name)) for folder in folders(settings.models / "detectors")]


class ClassifierDetector:
    """`studio.core.score.Detector` around one folder in the layout of the Hub."""

    hosted, opt_in = False, False

    def __init__(self, folder: Path, entry: Curated | None = None) -> None:
        self.name = f"classifier-{folder.name}"
        self.title = entry.title if entry else folder.name
        self._classifier, self._entry = Classifier(folder, self.title), entry

    @cached_property
    def revision(self) -> str:
        return self._classifier.revision

    def unready(self) -> str:
        try:
            if missing := self._classifier.unready():
                return missing
            self._sides()
        except InvalidRequest as error:
            return str(error)
        return ""

    def calibration(self) -> Calibration | None:
        return None

    def forecast(self, size: Size) -> float:
        """About 2 s of CPU time for 22 million parameters at 384 pixels."""
        return self._classifier.bytes / 88e6 * 2

    def score(self, image: Image.Image) -> Raw:
        """Log-odds of AI: the labels that say AI against the others."""
        began = perf_counter()
        ai, _ = self._sides()
        logits = self._classifier.logits(image)
        if len(logits) == 1:
            value = logits[0]
        else:
            rest = [value for place, value in enumerate(logits) if place not in ai]
            value = _log_sum([logits[place] for place in ai]) - _log_sum(rest)
        if math.isnan(value):
            raise Unavailable(f"{self.title} gave no number: its weights may be damaged.")
        return Raw(value=round(value, 6), seconds=round(perf_counter() - began, 3))

    def _sides(self) -> tuple[list[int], list[int]]:
        """The places of the labels that say AI, and of those that say real. Raises `InvalidRequest` if that is not plain."""
        labels = self._classifier.labels()
        if len(labels) <= 1:
            if self._entry is not None and self._entry.single:
                return [0], []
            raise InvalidRequest(f"{self.title} does not name its outputs; which of them is AI cannot be told.")
        ai, real = places_of(labels, AI_WORDS), places_of(labels, REAL_WORDS)
        if not ai or not real or set(ai) & set(real):
            told = ", ".join(f"“{label}”" for label in labels.values())
            raise InvalidRequest(f"{self.title} has the labels {told}; which of them is AI cannot be told by name.")
        return ai, real


def _log_sum(values: list[float]) -> float:
    """log Σ exp, without overflow."""
    most = max(values)
    return most if math.isinf(most) else most + math.log(sum(math.exp(value - most) for value in values))
