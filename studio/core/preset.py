"""A named set of form values with a picture, what it takes of a request, and the version of a prompt."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from studio.core.request import Adapter, Hires, ImageRequest, Sampling, Size
from studio.core.templates import literal

GROUPS = ("Editorial", "Product", "Banner", "Avatar", "Concept")
"""The groups that the shipped presets stand in; any other word makes another one."""
MAX_TITLE = 80
PICTURE_SIDE = 256
"""Longest side of a preset's picture as the studio makes it."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One file of `presets/`. Empty text and None leave the form's value alone; `model` is a model id.

    `task` is the form it belongs to, empty for all of them. `author` is who saved it here, empty for what came along.
    """

    name: str
    title: str
    group: str = "General"
    version: int = 1
    description: str = ""
    author: str = ""
    task: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    styles: tuple[str, ...] = ()
    model: str = ""
    size: Size | None = None
    strength: float | None = None
    sampling: Sampling = field(default_factory=Sampling)
    options: Mapping[str, Any] = field(default_factory=dict)
    adapters: tuple[Adapter, ...] = ()
    hires: Hires | None = None
    picture: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A preset that was saved, imported, deleted or brought back. `undo` names what `restore` would bring back."""

    preset: Preset
    undo: str = ""


class PresetFolder(Protocol):
    """The presets of this studio, read anew when a file changes. What cannot be written is a `LibraryError`."""

    @property
    def folder(self) -> Path: ...

    def all(self) -> Sequence[Preset]:
        """By group and title."""

    def faults(self) -> Sequence[str]:
        """One sentence for each fault of a file."""

    def save(self, preset: Preset, picture: bytes | None, *, over: bool) -> Saved:
        """Write a preset under its name, or one made of its title. `over` an older one of that name the version goes up and
        the older one is put aside; otherwise another name is found. `picture` None: that of the older one; empty: none."""

    def remove(self, name: str) -> Saved: ...

    def restore(self, undo: str) -> Preset:
        """Bring back what was put aside; what stands in its place is put aside in turn. Raises `InvalidRequest`."""

    def packed(self, name: str) -> tuple[str, bytes]:
        """A file for others, with the picture in it and without the author: its name and its bytes."""

    def unpacked(self, data: bytes, name: str) -> tuple[Preset, bytes]:
        """The preset and the picture, or nothing, of such a file. Raises `InvalidRequest` with every fault."""


def slug(text: str, otherwise: str = "preset") -> str:
    """At most 40 small letters, digits and hyphens: `Café “Zwölf”` → `cafe-zwolf`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40].strip("-") or otherwise


def of_request(request: ImageRequest, *, typed: bool, seed: int | None = None) -> Preset:
    """What a preset keeps of a request, still without a title; pictures that it starts from are left out.

    `typed`: its prompt is as it stood in the form, where braces mean a choice.
    """
    task = request.task
    size = getattr(task, "size", None) if task.kind == "text-to-image" else None
    return Preset(
        name="",
        title="",
        task=task.kind,
        prompt=request.template or (request.prompt if typed else literal(request.prompt)),
        negative_prompt=request.negative_template if request.styles and not typed else request.negative_prompt,
        styles=request.styles,
        model=request.model,
        size=size,
        strength=getattr(task, "strength", None),
        sampling=replace(request.sampling, seed=seed),
        options=dict(request.options),
        adapters=tuple(adapter for adapter in request.adapters if adapter.image is None),
        hires=request.hires,
    )


def prompt_version(preset: Preset | None, prompt: str, negative: str) -> str:
    """Which words these are: `v3` while they are those of version 3 of the preset, `v3-5f0c2a` once they were changed,
    `5f0c2a` without a preset. Equal words have equal letters, on every computer."""
    if preset and (prompt, negative) == (preset.prompt, preset.negative_prompt):
        return f"v{preset.version}"
    short = hashlib.sha256(f"{prompt}\0{negative}".encode(errors="replace")).hexdigest()[:6]
    return f"v{preset.version}-{short}" if preset else short


def versioned(request: ImageRequest, presets: Sequence[Preset]) -> ImageRequest:
    """The request with the version of its preset and of its prompt; one that repeats a picture keeps that picture's."""
    if request.again is not None:
        return request
    preset = next((each for each in presets if request.preset and each.name == request.preset), None)
    prompt = request.template or request.prompt
    negative = request.negative_template if request.styles else request.negative_prompt
    told = prompt_version(preset, prompt, negative)
    return replace(request, preset_version=preset.version if preset else 0, prompt_version=told)
