"""Builders with defaults for what policy checks look at, and a picture classifier whose answer is known."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

from checkpoints import build, write
from PIL import Image

from studio.core.request import ImageRequest
from studio.core.screening import Subject


def a_subject(stage: str = "request", *, prompt: str = "a lamp", negative: str = "", **fields: Any) -> Subject:
    options = fields.pop("options", {})
    request = ImageRequest(model="local:starter", prompt=prompt, negative_prompt=negative, options=options)
    if stage != "request":
        fields.setdefault("image", a_picture())
    return Subject(stage=stage, request=request, **fields)


def a_picture(size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.linear_gradient("L").resize(size).convert("RGB")


def as_file(image: Image.Image, format: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def sure_classifier(folder: Path, chance: float, *labels: str) -> Path:
    """A tiny vision transformer that gives its last label this chance, whatever the picture."""
    import torch

    model = build("vit", *(labels or ("normal", "nsfw")))
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        model.classifier.bias[-1] = math.log(chance / (1 - chance))
    return write(folder, model)
