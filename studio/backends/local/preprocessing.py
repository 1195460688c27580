"""Control pictures that need a model of their own: depth, by an estimator in `models/preprocessors/`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.errors import NotConfigured


def depth(picture: Image.Image, folder: Path | None, torch_device: str) -> Image.Image:
    """How near everything is, near is bright; RGB of the picture's size. The estimator is let go afterwards."""
    if folder is None:
        told = "There is no depth model here. Put one in diffusers or transformers layout into models/preprocessors."
        raise NotConfigured(told)
    import torch
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    options: dict[str, Any] = {"local_files_only": True}
    estimator = AutoModelForDepthEstimation.from_pretrained(folder, use_safetensors=True, **options).to(torch_device).eval()
    processor = AutoImageProcessor.from_pretrained(folder, backend="pil", **options)
    with torch.no_grad():
        inputs = {name: value.to(torch_device) for name, value in processor(images=picture, return_tensors="pt").items()}
        near = estimator(**inputs).predicted_depth[0].float().cpu()
    low, high = near.min(), near.max()
    levels = ((near - low) / (high - low).clamp(min=1e-6) * 255).round().to(torch.uint8)
    grey = Image.frombytes("L", (levels.shape[1], levels.shape[0]), levels.numpy().tobytes())
    return grey.resize(picture.size, Image.Resampling.BICUBIC).convert("RGB")
