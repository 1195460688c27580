"""Reconstruction detectors: an autoencoder gives back its own pictures better than photographs. One for each that is here.

AEROBLADE (Ricker, Lukovnikov, Fischer 2024) takes the error of one round trip; RDD's S_image (2026) subtracts the error of a
smoothed picture, and half of both for the turned one, which cancels what comes from the content alone. Texture-rich crops
in native resolution, never resized. The error is that of the gradients over the content's own gradients, which needs no
outside weights, or LPIPS where the user has put its weights into `models/lpips/`.

There is no built-in calibration: without the user's own one the verdict stays *uncertain*.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from PIL import Image

from studio.core.calibration import Calibration
from studio.core.errors import InvalidRequest, Unavailable
from studio.core.request import Size
from studio.core.score import Raw
from studio.detectors._distance import Distance, gradient_distance, load_lpips
from studio.settings import Settings
from studio.starter import MODEL_DIR

Method = Literal["aeroblade", "s_image"]
VERSION = "1"
CROP, SMALL_CROP, CROPS = 256, 128, 3
PASSES: dict[Method, int] = {"aeroblade": 1, "s_image": 4}
_ONE_AT_A_TIME = threading.Lock()
"""A VAE is loaded for one picture and let go: at most one is in memory."""


def create(settings: Settings) -> list[ReconstructionDetector]:
    """One for the starter's autoencoder and one for each diffusers folder with a VAE below the models folder."""
    folders = {"starter": MODEL_DIR / "vae"}
    if settings.models.is_dir():
        for config in sorted(settings.models.glob("*/vae/config.json")):
            folders.setdefault(config.parent.parent.name, config.parent)
    lpips = settings.models / "lpips" / "lpips.safetensors"
    return [ReconstructionDetector(name, folder, lpips=lpips) for name, folder in folders.items()]


class ReconstructionDetector:
    """`studio.core.score.Detector`. `lpips` is a file that need not be there."""

    hosted = False

    def __init__(self, model: str, folder: Path, *, method: Method = "aeroblade", lpips: Path | None = None) -> None:
        self.name = f"reconstruction-{model}"
        self.title = f"Reconstruction by {model}"
        self._folder, self._method, self._lpips = folder, method, lpips

    @cached_property
    def revision(self) -> str:
        digest = hashlib.sha256()
        for path in sorted(self._folder.glob("*.safetensors")):
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        measure = "lpips" if self._has_lpips else "gradient"
        return f"{VERSION}-{self._method}-{measure}-{digest.hexdigest()[:8]}"

    @property
    def _has_lpips(self) -> bool:
        return self._lpips is not None and self._lpips.is_file()

    @property
    def opt_in(self) -> bool:
        """A round trip costs seconds to minutes on a CPU."""
        import torch

        return not torch.cuda.is_available()

    def unready(self) -> str:
        if (self._folder / "config.json").is_file() and any(self._folder.glob("*.safetensors")):
            return ""
        return f"{self.title} has no safetensors weights. Put diffusion_pytorch_model.safetensors into its vae folder."

    def calibration(self) -> Calibration | None:
        return None

    def forecast(self, size: Size) -> float:
        """By the number of weights: a round trip of 256² by 84 million of them took about 17 s of one CPU core."""
        side = min(self._side, size.width, size.height)
        crops = max(1, min(CROPS, (size.width // side) * (size.height // side)))
        millions = sum(path.stat().st_size for path in self._folder.glob("*.safetensors")) / 4e6
        seconds = 17 * millions / 84 * (side / 256) ** 2 * crops * PASSES[self._method]
        return seconds if self.opt_in else seconds / 100

    def score(self, image: Image.Image) -> Raw:
        """Minus the mean error over the crops, so that higher is more like this autoencoder's own pictures."""
        import torch

        began = perf_counter()
        device = "cuda" if torch.cuda.is_available() else "cpu"
        pieces = crops(image, self._side, self._factor)
        if not pieces:
            return Raw(value=0.0, out_of_scope="the picture is too small for this detector")
        with _ONE_AT_A_TIME, torch.inference_mode():
            vae, distance = self._load(device), self._distance(device)
            values = [self._value(vae, distance, piece.to(device)) for piece in pieces]
            del vae
        value = sum(values) / len(values)
        if math.isnan(value):
            raise Unavailable(f"{self.title} gave no number: its autoencoder's weights may be damaged.")
        return Raw(value=round(value, 6), device=device, seconds=round(perf_counter() - began, 3))

    def _value(self, vae: Any, distance: Distance, picture: Any) -> float:
        def error(x: Any) -> float:
            posterior = vae.encode(x)
            latent = posterior.latent_dist.mode() if hasattr(posterior, "latent_dist") else posterior[0]
            return distance(x, quantised(vae.decode(latent).sample))

        if self._method == "aeroblade":
            return -error(picture)
        turned = picture.rot90(1, (2, 3))
        plain, smooth = error(picture), error(smoothed(picture))
        return -(plain - smooth - 0.5 * error(turned) + 0.5 * error(smoothed(turned)))

    def _load(self, device: str) -> Any:
        from diffusers import AutoencoderKL
        from safetensors import SafetensorError

        try:
            vae = AutoencoderKL.from_pretrained(str(self._folder), use_safetensors=True, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise Unavailable(f"{self.title} cannot load its autoencoder ({str(error).splitlines()[0][:120]}).") from None
        return vae.float().to(device).eval()

    def _distance(self, device: str) -> Distance:
        return load_lpips(self._lpips, device) if self._has_lpips and self._lpips else gradient_distance

    @cached_property
    def _config(self) -> dict[str, Any]:
        try:
            values: dict[str, Any] = json.loads((self._folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise InvalidRequest(f"{self.title} has no readable config.json.") from None
        return values

    @property
    def _factor(self) -> int:
        return int(2 ** (len(self._config.get("block_out_channels", [0] * 4)) - 1))

    @property
    def _side(self) -> int:
        return SMALL_CROP if int(self._config.get("sample_size") or CROP) < CROP else CROP


def crops(image: Image.Image, side: int, factor: int) -> list[Any]:
    """The most textured windows in native resolution, at most three, as [1, 3, h, w] in -1..1; none if it is too small."""
    import numpy as np
    import torch

    width, height = (min(side, length) // factor * factor for length in image.size)
    if min(width, height) < 32:
        return []
    grey = np.asarray(image.convert("L"), np.float32)
    lively = np.abs(np.diff(grey, axis=0))[:, :-1] + np.abs(np.diff(grey, axis=1))[:-1]
    places = [(y, x) for y in range(0, image.height - height + 1, height) for x in range(0, image.width - width + 1, width)]
    places.sort(key=lambda place: -float(lively[place[0] : place[0] + height, place[1] : place[1] + width].mean()))
    pixels = np.asarray(image.convert("RGB"), np.float32) / 127.5 - 1
    chosen = [pixels[y : y + height, x : x + width] for y, x in places[:CROPS]]
    return [torch.from_numpy(piece.copy()).permute(2, 0, 1)[None] for piece in chosen]


def quantised(x: Any) -> Any:
    """As a file would hold it: 8 bits."""
    return (((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5) - 1


def smoothed(x: Any) -> Any:
    """A Gaussian of 3 × 3, sigma 0.8."""
    import torch

    line = torch.exp(-torch.tensor([1.0, 0.0, 1.0]) / (2 * 0.8**2)).to(x)
    kernel = (line[:, None] * line[None]) / (line.sum() ** 2)
    padded = torch.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")
    return torch.nn.functional.conv2d(padded, kernel.expand(3, 1, 3, 3), groups=3)
