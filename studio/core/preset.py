"""A named set of form values with a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from studio.core.request import Sampling, Size


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One file of `presets/`. Empty text and None leave the form's value alone; `model` is a model id."""

    name: str
    title: str
    group: str = "General"
    version: int = 1
    description: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    size: Size | None = None
    sampling: Sampling = field(default_factory=Sampling)
    picture: Path | None = None
