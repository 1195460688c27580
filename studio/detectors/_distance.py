"""How far a picture and its reconstruction are apart, as the eye sees it: by gradients, or by LPIPS with its weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.core.errors import Unavailable

Distance = Callable[[Any, Any], float]
SCALES = 3


def gradient_distance(x: Any, y: Any) -> float:
    """The mean error of gradients over the mean gradient of the content, on three scales; x and y [1, 3, h, w] in -1..1."""
    import torch

    total = 0.0
    for _ in range(SCALES):
        error = _gradients(x - y)
        content = _gradients(x)
        total += float(error / (content + 1e-3))
        x, y = (torch.nn.functional.avg_pool2d(each, 2) for each in (x, y))
    return total / SCALES


def _gradients(x: Any) -> Any:
    return (x[..., 1:, :] - x[..., :-1, :]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()


def load_lpips(path: Path, device: str) -> Distance:
    """LPIPS' second layer (Zhang et al. 2018, VGG16 up to relu2_2), spatial mean.

    The file holds `conv1_1`, `conv1_2`, `conv2_1`, `conv2_2` (each with .weight and .bias) and `linear` [128].
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file
    from torch.nn import functional as F

    try:
        weights = {name: value.float().to(device) for name, value in load_file(path).items()}
        layers = [(weights[f"conv{name}.weight"], weights[f"conv{name}.bias"]) for name in ("1_1", "1_2", "2_1", "2_2")]
        linear = weights["linear"].reshape(1, 128, 1, 1)
    except (KeyError, OSError, RuntimeError, ValueError, SafetensorError) as error:
        raise Unavailable(f"{path.name} does not hold LPIPS' weights ({error}). Remove or replace it.") from None
    shift = torch.tensor([-0.030, -0.088, -0.188], device=device).reshape(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450], device=device).reshape(1, 3, 1, 1)

    def features(x: Any) -> Any:
        x = (x - shift) / scale
        for number, (weight, bias) in enumerate(layers):
            x = F.relu(F.conv2d(F.max_pool2d(x, 2) if number == 2 else x, weight, bias, padding=1))
        return x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)

    def distance(x: Any, y: Any) -> float:
        return float(((features(x) - features(y)).square() * linear).sum(dim=1).mean())

    return distance
