"""What a backend's model can do, as declared values that the form, the checks and the adapter all read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log, sqrt
from typing import Any, Literal

from studio.core.price import Price
from studio.core.request import AdapterKind, Size

EVERY = ""
"""In `Model.ignores`: whatever the task."""


@dataclass(frozen=True, kw_only=True)
class Option:
    """A field that only this model has; its value goes into `ImageRequest.options` under `name`.

    `choices` make a list, else `kind` says what may be typed; numbers lie between `low` and `high`. None as default means
    that nothing is sent unless the user says so. `tasks` are those that have the field; none means all.
    """

    name: str
    title: str
    kind: Literal["text", "number"] = "text"
    choices: tuple[str, ...] = ()
    default: str | float | None = None
    low: float = 0.0
    high: float = 100.0
    tasks: tuple[str, ...] = ()

    def fault(self, value: Any) -> str:
        """A sentence if `value` cannot be used, else nothing."""
        if self.choices:
            return "" if value in self.choices else f"{self.title} must be one of: {', '.join(self.choices)}."
        if self.kind == "text":
            return "" if isinstance(value, str) and len(value) <= 10_000 else f"{self.title} must be a short text."
        good = isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        return "" if good else f"{self.title} must be a number from {self.low:g} to {self.high:g}."


@dataclass(frozen=True, kw_only=True)
class Model:
    """One selectable model.

    `id` is `<backend>:<name>`, such as `local:starter`. Sizes are pixels; every side is a multiple of `multiple_of`; where
    there are `sizes`, a picture from words has one of these. `max_tokens` is the length of one text-encoder chunk (77 for
    CLIP, two of them special); longer prompts are chunked. `soft_masks`: grey values of a mask can be partial strengths.

    `ignores` are fields (prompt, negative_prompt, steps, guidance_scale, sampler, seed, strength, size) without effect, by
    task; `needs_prompt` are tasks that want words. `cannot` says why a task is missing from `tasks`. `native` tasks are
    done by the provider in its own way, whole. `hosted`: the request leaves the studio for `destination`, a host's name.
    `adapters` are the kinds (`studio.core.request.Adapter`) that it takes, `hires` whether a second, larger pass can follow,
    `upscalers` names of upscaling models for it.
    `variations`: it can start from noise between that of two seeds.
    `precision` is that of its weights, such as "float16". `unready` is a sentence while it cannot be used.
    """

    id: str
    title: str
    backend: str
    group: str = "On this computer"
    tasks: tuple[str, ...] = ("text-to-image",)
    soft_masks: bool = False
    default_size: Size = field(default_factory=lambda: Size(512, 512))
    min_side: int = 64
    max_side: int = 2048
    multiple_of: int = 8
    max_count: int = 16
    default_steps: int = 20
    default_guidance_scale: float = 7.0
    default_sampler: str = "Euler"
    samplers: tuple[str, ...] = ()
    negative_prompt: bool = True
    max_tokens: int | None = 77
    family: str = ""
    licence: str = ""
    source: str = ""
    size_bytes: int = 0
    sizes: tuple[Size, ...] = ()
    ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    cannot: Mapping[str, str] = field(default_factory=dict)
    native: tuple[str, ...] = ()
    needs_prompt: tuple[str, ...] = ("text-to-image", "image-to-image")
    options: tuple[Option, ...] = ()
    adapters: tuple[AdapterKind, ...] = ()
    hires: bool = False
    variations: bool = False
    upscalers: tuple[str, ...] = ()
    precision: str = ""
    hosted: bool = False
    destination: str = ""
    price: Price | None = None
    unready: str = ""

    def takes(self, name: str, task: str) -> bool:
        """Whether a field has an effect in this task."""
        if name == "negative_prompt" and not self.negative_prompt:
            return False
        return name not in self.ignores.get(EVERY, ()) and name not in self.ignores.get(task, ())

    def options_for(self, task: str) -> tuple[Option, ...]:
        return tuple(option for option in self.options if not option.tasks or task in option.tasks)

    def size_of_shape(self, shape: Size) -> Size:
        """For a picture from words: the one of `sizes` whose proportions are nearest, or the best size."""
        if not self.sizes:
            return self.best_size(shape)
        return min(self.sizes, key=lambda size: (abs(log(size.width / size.height * shape.height / shape.width)),
                                                 abs(size.width - shape.width)))  # fmt: skip

    def best_size(self, shape: Size) -> Size:
        """The size of the proportions of `shape` with about the native area, in the model's multiples and limits."""
        area = self.default_size.width * self.default_size.height
        width = self._snap(sqrt(area * shape.width / shape.height))
        return Size(width, self._snap(width * shape.height / shape.width))

    def size_near(self, size: Size) -> Size:
        """The size itself, in the model's multiples, where the model draws well (half to twice its area); else its best."""
        unit, area = self.multiple_of, self.default_size.width * self.default_size.height
        own = Size(*(max(unit, round(side / unit) * unit) for side in (size.width, size.height)))
        fits = self.min_side <= min(own.width, own.height) and max(own.width, own.height) <= self.max_side
        return own if fits and area / 2 <= own.width * own.height <= area * 2 else self.best_size(size)

    def _snap(self, side: float) -> int:
        unit = self.multiple_of
        lowest, highest = -(-self.min_side // unit) * unit, self.max_side // unit * unit
        return min(max(round(side / unit) * unit, lowest), highest)
