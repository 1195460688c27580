"""Classifier detectors: any Hugging Face image classifier in `models/detectors/<name>/`, safetensors only.

The AI label is found by name, never by place; preprocessing is the model's own. The raw score is the log-odds of AI. There
is no built-in calibration: the field's thresholds do not carry over (median raw score of modern AI pictures 0.32 in one
measurement), so until the user calibrates it the verdict stays *uncertain*.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import threading
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from PIL import Image

from studio.core.calibration import Calibration
from studio.core.errors import InvalidRequest, Unavailable
from studio.core.request import Size
from studio.core.score import Raw
from studio.detectors._timm import load_timm_vit
from studio.settings import Settings

AI_WORDS = {"ai", "artificial", "fake", "generated", "synthetic", "deepfake", "aigenerated", "machine", "gan", "diffusion"}
REAL_WORDS = {"real", "human", "hum", "natural", "photo", "photograph", "authentic", "nature", "camera"}
CURATED_FILE = Path(__file__).parent / "_classifiers.toml"


@dataclass(frozen=True, kw_only=True)
class Curated:
    """A known classifier: where it is, what it costs, its licence and what it is bad at. `single`: one logit, P(AI)."""

    name: str
    repository: str
    revision: str
    title: str
    licence: str
    megabytes: int
    weaknesses: str
    single: bool = False


def curated() -> list[Curated]:
    """The list, the best known one first."""
    return [Curated(**entry) for entry in tomllib.loads(CURATED_FILE.read_text(encoding="utf-8"))["classifier"]]


def create(settings: Settings) -> list[ClassifierDetector]:
    """One for each folder below `models/detectors/` that holds a config."""
    known = {entry.name: entry for entry in curated()}
    folders = sorted(config.parent for config in (settings.models / "detectors").glob("*/config.json"))
    return [ClassifierDetector(folder, known.get(folder.name)) for folder in folders]


class ClassifierDetector:
    """`studio.core.score.Detector` around one folder in the layout of the Hub."""

    hosted, opt_in = False, False

    def __init__(self, folder: Path, entry: Curated | None = None) -> None:
        self.name = f"classifier-{folder.name}"
        self.title = entry.title if entry else folder.name
        self._folder, self._entry, self._lock = folder, entry, threading.Lock()

    @cached_property
    def revision(self) -> str:
        digest = hashlib.sha256()
        for path in [*sorted(self._folder.glob("*.safetensors")), *sorted(self._folder.glob("*.json"))]:
            digest.update(path.read_bytes() if path.suffix == ".json" else _digest(path))
        return f"1-{digest.hexdigest()[:8]}"

    def unready(self) -> str:
        if not any(self._folder.glob("*.safetensors")):
            return f"{self.title} has no safetensors weights; pickled ones (.bin, .pt) are never loaded."
        try:
            self._sides()
        except InvalidRequest as error:
            return str(error)
        return ""

    def calibration(self) -> Calibration | None:
        return None

    def forecast(self, size: Size) -> float:
        """About 2 s of CPU time for 22 million parameters at 384 pixels."""
        return sum(path.stat().st_size for path in self._folder.glob("*.safetensors")) / 88e6 * 2

    def score(self, image: Image.Image) -> Raw:
        """Log-odds of AI: the labels that say AI against the others."""
        import torch

        began = perf_counter()
        ai, _ = self._sides()
        with self._lock, torch.inference_mode():
            model = self._model
            logits = model(pixel_values=self._pixels(image)).logits[0].double()
        if logits.numel() == 1:
            value = float(logits[0])
        else:
            rest = [place for place in range(logits.numel()) if place not in ai]
            value = float(torch.logsumexp(logits[ai], 0) - torch.logsumexp(logits[rest], 0))
        if math.isnan(value):
            raise Unavailable(f"{self.title} gave no number: its weights may be damaged.")
        return Raw(value=round(value, 6), seconds=round(perf_counter() - began, 3))

    @cached_property
    def _config(self) -> dict[str, Any]:
        return _json(self._folder / "config.json")

    def _sides(self) -> tuple[list[int], list[int]]:
        """The places of the labels that say AI, and of those that say real. Raises `InvalidRequest` if that is not plain."""
        labels = {int(place): str(label) for place, label in (self._config.get("id2label") or {}).items()}
        if len(labels) <= 1 or self._config.get("num_classes") == 1:
            if self._entry is not None and self._entry.single:
                return [0], []
            raise InvalidRequest(f"{self.title} does not name its outputs; which of them is AI cannot be told.")
        ai = [place for place, label in labels.items() if _words(label) & AI_WORDS]
        real = [place for place, label in labels.items() if _words(label) & REAL_WORDS]
        if not ai or not real or set(ai) & set(real):
            told = ", ".join(f"“{label}”" for label in labels.values())
            raise InvalidRequest(f"{self.title} has the labels {told}; which of them is AI cannot be told by name.")
        return ai, real

    @cached_property
    def _model(self) -> Any:
        from safetensors import SafetensorError
        from transformers import AutoModelForImageClassification

        try:
            if "model_type" not in self._config:
                return load_timm_vit(self._folder)
            found = AutoModelForImageClassification.from_pretrained(
                str(self._folder), use_safetensors=True, local_files_only=True, dtype="float32"
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise Unavailable(f"{self.title} cannot be loaded ({str(error).splitlines()[0][:160]}).") from None
        return found.eval()

    def _pixels(self, image: Image.Image) -> Any:
        """As its `preprocessor_config.json` says: resize, centre crop, rescale, normalise."""
        import numpy as np
        import torch

        values = _json(self._folder / "preprocessor_config.json")
        rgb = image.convert("RGB")
        if values.get("do_resize", True):
            rgb = _resized(rgb, values)
        if values.get("do_center_crop"):
            height, width = _sides_of(values.get("crop_size") or values.get("size"))
            left, top = (rgb.width - width) // 2, (rgb.height - height) // 2
            rgb = rgb.crop((left, top, left + width, top + height))
        pixels = np.asarray(rgb, np.float32) * float(values.get("rescale_factor", 1 / 255))
        if values.get("do_normalize", True):
            mean, spread = (np.asarray(values.get(name, [0.5] * 3), np.float32) for name in ("image_mean", "image_std"))
            pixels = (pixels - mean) / spread
        return torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None]


def _resized(image: Image.Image, values: dict[str, Any]) -> Image.Image:
    size, resample = values.get("size") or {}, Image.Resampling(int(values.get("resample", 2)))
    if isinstance(size, dict) and "shortest_edge" in size:
        scale = int(size["shortest_edge"]) / min(image.size)
        shape = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        return image.resize(shape, resample)
    height, width = _sides_of(size)
    return image.resize((width, height), resample)


def _sides_of(size: Any) -> tuple[int, int]:
    sides = size if isinstance(size, dict) else {"shortest_edge": size or 224}
    edge: Any = sides.get("shortest_edge", 224)
    return int(sides.get("height", edge)), int(sides.get("width", edge))


def _words(label: str) -> set[str]:
    whole = re.sub(r"[^a-z]", "", label.lower())
    return {whole, *re.findall(r"[a-z]+", label.lower())}


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidRequest(f"{path.parent.name} has no readable {path.name}. Download it again.") from None
    return values if isinstance(values, dict) else {}


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
