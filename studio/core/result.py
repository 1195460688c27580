"""What comes back: pictures from a backend, drafts on their way to disk, records of what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from studio.core.people import Role
from studio.core.request import ImageRequest
from studio.core.review import ReviewStatus
from studio.core.verdict import Verdict


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture as its backend gave it. `original` holds a provider's own bytes, untouched; `facts` are its own."""

    image: Image.Image
    seed: int
    original: bytes | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ImageResult:
    """Pictures of one request. `used` is what really ran (asked and used stand apart); `notes` name every difference.

    Keys of `used` a local backend fills: model, model_sha256, pipeline, scheduler, sampler, steps, guidance_scale,
    width, height, device, dtype, torch, diffusers, transformers, tokens, seconds (a dict by phase), and safety_checker
    ("passed") where the model has one.
    """

    pictures: tuple[Picture, ...]
    used: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A picture on its way to disk; each stamp returns a new one. `data` is the encoded file once a stamp made it."""

    id: str
    job: str
    picture: Picture
    request: ImageRequest
    created: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    review_status: ReviewStatus = "not_needed"
    role: Role = "creator"
    stamps: tuple[str, ...] = ()
    data: bytes | None = None
    suffix: str = ".png"


@dataclass(frozen=True, kw_only=True)
class Record:
    """A kept picture's row; it outlives the file. `path` is None once the file is gone. `created` is ISO 8601 in UTC."""

    id: str
    job: str
    path: Path | None
    name: str
    sha256: str
    width: int
    height: int
    seed: int
    created: str
    request: ImageRequest
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    stamps: tuple[str, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    review_status: ReviewStatus = "not_needed"
    state: Literal["kept", "deleted", "missing"] = "kept"
