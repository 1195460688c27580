"""The starter detector: a small network, trained here, that knows pictures of the built-in starter model. Offline, embedded.

Its scope is the starter model's pictures and the project's own renders. A picture whose features lie far from both (a
photograph, a screenshot, another model's) is out of scope: it gets a raw number and no verdict. See
`starter_model/MODEL_CARD.md`.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.core import calibration as calibrations
from studio.core.calibration import Calibration
from studio.core.errors import Unavailable
from studio.core.request import Size
from studio.core.score import Raw

if TYPE_CHECKING:
    import torch
    from torch import nn

FOLDER = Path(__file__).parent / "starter_model"
OUT_OF_SCOPE = "this detector knows pictures of the starter model only"
WINDOW, MOST_WINDOWS = 128, 12
LEAST_SIDE = 32


def create(_: object) -> StarterDetector:
    return StarterDetector(FOLDER)


class StarterDetector:
    """`studio.core.score.Detector`. Raw scores are mean logits; safe from any thread."""

    name, title, hosted, opt_in = "starter", "Starter detector", False, False

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()

    @cached_property
    def revision(self) -> str:
        return f"1-{hashlib.sha256((self._folder / 'weights.safetensors').read_bytes()).hexdigest()[:8]}"

    def unready(self) -> str:
        if (self._folder / "weights.safetensors").is_file():
            return ""
        return "The starter detector's weights are missing. Install the studio again."

    def calibration(self) -> Calibration | None:
        """Made on held-out renders and starter pictures in mixed codings. One-sided: resizing hides the traces."""
        values = json.loads((self._folder / "calibration.json").read_text(encoding="utf-8"))
        return calibrations.from_json({**values, "revision": self.revision, "one_sided": True})

    def forecast(self, size: Size) -> float:
        return 0.02 * min(MOST_WINDOWS, max(1, size.width * size.height // WINDOW**2))

    def score(self, image: Image.Image) -> Raw:
        """Mean logit over up to a dozen windows in native resolution, spread over the picture."""
        import torch

        began = perf_counter()
        if min(image.size) < LEAST_SIDE:
            return Raw(value=0.0, out_of_scope="the picture is too small for this detector")
        with self._lock, torch.inference_mode():
            net, gate = self._loaded
            logits, features = net(windows(image))
            distance = float(gate(features).mean())
        if math.isnan(distance):
            raise Unavailable("The starter detector's weights are damaged. Install the studio again.")
        outside = OUT_OF_SCOPE if distance > gate.limit else ""
        return Raw(value=round(float(logits.mean()), 4), out_of_scope=outside, seconds=round(perf_counter() - began, 4))

    @cached_property
    def _loaded(self) -> tuple[nn.Module, Gate]:
        from safetensors.torch import load_file

        weights = {name: value.float() for name, value in load_file(self._folder / "weights.safetensors").items()}
        gate = Gate(weights.pop("gate.mean"), weights.pop("gate.whiten"), float(weights.pop("gate.limit")))
        net = new_net()
        net.load_state_dict(weights)
        return net.eval(), gate


class Gate:
    """Mahalanobis' distance of features [n, 96] to what the network was trained on."""

    def __init__(self, mean: torch.Tensor, whiten: torch.Tensor, limit: float) -> None:
        self._mean, self._whiten, self.limit = mean, whiten, limit

    def __call__(self, features: torch.Tensor) -> torch.Tensor:
        return ((features - self._mean) @ self._whiten).square().mean(dim=1).sqrt()


def windows(image: Image.Image) -> torch.Tensor:
    """[n, 3, h, w] in -1..1: the whole picture if it is small, else windows spread evenly; never resized."""
    import numpy as np
    import torch

    width, height = image.size
    across, down = min(width, WINDOW), min(height, WINDOW)
    columns, rows = max(1, width // WINDOW), max(1, height // WINDOW)
    places = [(x, y) for y in range(rows) for x in range(columns)]
    step = -(-len(places) // MOST_WINDOWS)
    boxes = []
    for x, y in places[::step]:
        left = (width - across) * x // max(1, columns - 1)
        top = (height - down) * y // max(1, rows - 1)
        boxes.append(np.asarray(image.crop((left, top, left + across, top + down)).convert("RGB")))
    return torch.from_numpy(np.stack(boxes)).permute(0, 3, 1, 2).float() / 127.5 - 1


def new_net() -> nn.Module:
    """About 200 000 parameters: [n, 3, h, w] to logits [n] and the 96 features (means and spreads) they come from."""
    import torch
    from torch import nn

    def block(given: int, made: int, stride: int) -> list[nn.Module]:
        return [nn.Conv2d(given, made, 3, stride, 1, bias=False), nn.GroupNorm(8, made), nn.SiLU()]

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            widths: list[tuple[int, int, int]] = [
                (6, 16, 1),
                (16, 24, 2),
                (24, 32, 1),
                (32, 48, 2),
                (48, 48, 1),
                (48, 48, 1),
            ]
            self.body = nn.Sequential(*(layer for shape in widths for layer in block(*shape)))
            self.head = nn.Linear(96, 1)

        def forward(self, pictures: torch.Tensor) -> Any:
            smooth = nn.functional.avg_pool2d(nn.functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
            seen = self.body(torch.cat([pictures, (pictures - smooth) * 8], dim=1))
            features = torch.cat([seen.mean(dim=(2, 3)), seen.std(dim=(2, 3))], dim=1)
            return self.head(features)[:, 0], features

    return Net()
