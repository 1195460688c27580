"""Image classifiers in the Hub's layout, or timm's: a folder with a config and safetensors. Detectors and policy checks ask
them; what their labels mean is theirs to say. Importing this and making a `Classifier` is light: no torch.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from studio.classification._timm import load_timm_vit
from studio.core.errors import InvalidRequest, Unavailable

_RESAMPLING = {"nearest": 0, "bilinear": 2, "bicubic": 3, "lanczos": 1}


@dataclass(frozen=True, kw_only=True)
class Curated:
    """A known classifier: where it is, what it costs, its licence and what it is bad at. `single`: one logit alone."""

    name: str
    repository: str
    revision: str
    title: str
    licence: str
    megabytes: int
    weaknesses: str
    single: bool = False


def curated(path: Path) -> list[Curated]:
    """The classifiers listed in a TOML file, the best known one first."""
    return [Curated(**entry) for entry in tomllib.loads(path.read_text(encoding="utf-8"))["classifier"]]


def folders(place: Path) -> list[Path]:
    """The folders below `place` that hold a config, by name."""
    return sorted(config.parent for config in place.glob("*/config.json"))


class Classifier:
    """One folder. Loads its weights with the first picture; safe from any thread. `title` is its name in sentences."""

    def __init__(self, folder: Path, title: str = "") -> None:
        self.folder, self.title = folder, title or folder.name
        self._lock = threading.Lock()

    @cached_property
    def revision(self) -> str:
        """Changes with the weights, the labels and the preprocessing."""
        digest = hashlib.sha256()
        for path in [*self._weights(), *sorted(self.folder.glob("*.json"))]:
            digest.update(path.read_bytes() if path.suffix == ".json" else _digest(path))
        return f"1-{digest.hexdigest()[:8]}"

    @property
    def bytes(self) -> int:
        return sum(path.stat().st_size for path in self._weights())

    def unready(self) -> str:
        """A sentence if there are no weights that may be loaded; empty else."""
        if not self._weights():
            return f"{self.title} has no safetensors weights; pickled ones (.bin, .pt) are never loaded."
        return ""

    def labels(self) -> dict[int, str]:
        """What its outputs are called, by place; empty if it does not say. Raises `InvalidRequest` without a config."""
        if self._config.get("num_classes") == 1:
            return {}
        names = self._config.get("id2label") or dict(enumerate(self._config.get("label_names") or ()))
        return {int(place): str(label) for place, label in names.items()}

    def logits(self, image: Image.Image) -> list[float]:
        """Its outputs for RGB pixels of any size. Raises `Unavailable` or `InvalidRequest`."""
        import torch

        try:
            with self._lock, torch.inference_mode():
                found: list[float] = self._model(pixel_values=self._pixels(image)).logits[0].double().tolist()
        except (RuntimeError, ValueError, TypeError) as error:
            raise Unavailable(f"{self.title} could not look at the picture ({_first_line(error)}).") from None
        return found

    @cached_property
    def _config(self) -> dict[str, Any]:
        return _json(self.folder / "config.json")

    def _weights(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"))

    @cached_property
    def _model(self) -> Any:
        from safetensors import SafetensorError
        from transformers import AutoModelForImageClassification

        try:
            if "model_type" not in self._config:
                return load_timm_vit(self.folder)
            found = AutoModelForImageClassification.from_pretrained(
                str(self.folder), use_safetensors=True, local_files_only=True, dtype="float32"
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise Unavailable(f"{self.title} cannot be loaded ({_first_line(error)}).") from None
        return found.eval()

    def _pixels(self, image: Image.Image) -> Any:
        """As its own file says: resize, centre crop, rescale, normalise."""
        import numpy as np
        import torch

        values = self._preprocessing()
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

    def _preprocessing(self) -> dict[str, Any]:
        """`preprocessor_config.json`; without one, what timm wrote into the config."""
        path, own = self.folder / "preprocessor_config.json", self._config.get("pretrained_cfg")
        return _json(path) if path.exists() or not isinstance(own, dict) else _of_timm(own)


def words_of(label: str) -> set[str]:
    """A label's words in small letters, and all of them together: `AI-generated` is ai, generated and aigenerated."""
    whole = re.sub(r"[^a-z]", "", label.lower())
    return {whole, *re.findall(r"[a-z]+", label.lower())}


def places_of(labels: dict[int, str], words: Iterable[str]) -> list[int]:
    """The outputs whose label has one of these words."""
    wanted = set(words)
    return [place for place, label in labels.items() if words_of(label) & wanted]


def _of_timm(own: dict[str, Any]) -> dict[str, Any]:
    """timm's words in the Hub's: the shorter side is resized so that the crop takes `crop_pct` of it."""
    _, height, width = own.get("input_size") or (3, 224, 224)
    share = float(own.get("crop_pct") or 1.0)
    return {
        "size": {"shortest_edge": int(min(height, width) / share)},
        "resample": _RESAMPLING.get(str(own.get("interpolation")), 3),
        "do_center_crop": True,
        "crop_size": {"height": int(height), "width": int(width)},
        "image_mean": own.get("mean", [0.5] * 3),
        "image_std": own.get("std", [0.5] * 3),
    }


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


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:160]


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InvalidRequest(f"{path.parent.name} has no readable {path.name}. Download it again.") from None
    return values if isinstance(values, dict) else {}


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
