"""Everything a picture depends on, in one frozen value that any process can rebuild from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from studio.core.errors import InvalidRequest

MAX_SEED = 2**32 - 2
"""AUTOMATIC1111's largest seed; JavaScript readers lose precision far above it."""


@dataclass(frozen=True)
class Size:
    """Width and height in pixels."""

    width: int
    height: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"

    @classmethod
    def parse(cls, text: str) -> Size:
        """Read `768x512`, `768 × 512` or `768` (a square)."""
        parts = text.lower().replace("×", "x").split("x")
        try:
            numbers = [int(part) for part in parts]
        except ValueError:
            numbers = []
        if len(numbers) == 1:
            numbers *= 2
        if len(numbers) != 2 or min(numbers) < 1:
            raise InvalidRequest(f"“{text}” is not a size. Write it as 512x512.", "size")
        return cls(*numbers)


@dataclass(frozen=True)
class TextToImage:
    """Make a picture of `size` from words alone; None takes the model's best size."""

    kind: ClassVar[str] = "text-to-image"
    size: Size | None = None


Task = TextToImage


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How the denoiser runs. None means "the model's default" and is resolved by `adapt`.

    steps 1..500; guidance_scale 0..50 (1 or less turns classifier-free guidance off, Ho & Salimans 2022);
    seed 0..MAX_SEED, picture i of a request uses seed + i; sampler is a name creators know ("DPM++ 2M Karras").
    """

    steps: int | None = None
    guidance_scale: float | None = None
    seed: int | None = None
    sampler: str | None = None


@dataclass(frozen=True, kw_only=True)
class ImageRequest:
    """One wish for `count` pictures. `options` holds what only one backend understands."""

    model: str
    prompt: str
    task: Task = field(default_factory=TextToImage)
    negative_prompt: str = ""
    count: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    options: Mapping[str, Any] = field(default_factory=dict)
    preset: str = ""
    user: str = ""


def request_to_json(request: ImageRequest) -> dict[str, Any]:
    """The request as JSON-ready values; `request_from_json` is its inverse."""
    values = asdict(request)
    values["task"] = {"kind": request.task.kind, **values["task"]}
    values["options"] = dict(request.options)
    return values


def request_from_json(values: Mapping[str, Any]) -> ImageRequest:
    """Rebuild a request; unknown keys are ignored so that an older studio reads a newer file."""
    known = {name: values[name] for name in ImageRequest.__dataclass_fields__ if name in values}
    known["task"] = _task_from_json(values.get("task") or {})
    sampling = values.get("sampling") or {}
    known["sampling"] = Sampling(**{name: sampling.get(name) for name in Sampling.__dataclass_fields__})
    return ImageRequest(**known)


def _task_from_json(values: Mapping[str, Any]) -> Task:
    kind = values.get("kind", TextToImage.kind)
    if kind != TextToImage.kind:
        raise InvalidRequest(f"This version of the studio does not know the task “{kind}”. Update the studio.")
    size = values.get("size")
    return TextToImage(Size(int(size["width"]), int(size["height"])) if size else None)
