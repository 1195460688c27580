"""What a backend's model can do, as declared values that the form, the checks and the adapter all read."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt

from studio.core.request import Size


@dataclass(frozen=True, kw_only=True)
class Model:
    """One selectable model.

    `id` is `<backend>:<name>`, such as `local:starter`. Sizes are pixels; every side is a multiple of `multiple_of`.
    `max_tokens` is the length of one text-encoder chunk (77 for CLIP, two of them special); longer prompts are chunked.
    `soft_masks`: grey values of a mask can be partial strengths.
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
