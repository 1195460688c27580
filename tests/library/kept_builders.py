"""Builders with defaults for what the library keeps."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from studio.core.result import Draft, Picture
from studio.core.verdict import Verdict
from studio.stamps.text import TextStamp

SAMPLING = Sampling(steps=20, guidance_scale=7.0, seed=1234, sampler="DPM++ 2M Karras")


def a_request(prompt: str = "a house by the sea", **values: Any) -> ImageRequest:
    defaults = {"model": "local:starter", "task": TextToImage(Size(48, 32)), "sampling": SAMPLING}
    return ImageRequest(**{"prompt": prompt} | defaults | values)


def a_draft(number: int = 0, *, job: str = "job1", **values: Any) -> Draft:
    """A stamped draft; each number has its own colour and seed."""
    image = Image.new("RGB", (48, 32), (number * 40 % 256, 90, 160))
    defaults = {
        "id": f"{job}-{number}",
        "job": job,
        "picture": Picture(image=image, seed=1234 + number),
        "request": a_request(),
        "created": f"2026-11-23T08:15:{number:02d}.250+00:00",
        "facts": {"used": {"model": "starter", "steps": 20, "seconds": {"denoising": 1.5}}, "studio": "0.1.0"},
        "notes": ("size 50x30 became 48x32",),
        "verdicts": (Verdict(check="words", outcome="allow", score=0.25),),
    }
    return TextStamp("0.1.0")(Draft(**defaults | values))


def drafts(count: int = 2, **values: Any) -> list[Draft]:
    return [a_draft(number, **values) for number in range(count)]


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()
