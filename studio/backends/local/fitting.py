"""One request fitted into the memory of this device: the plan it follows, what is said of it, what to try if it fails."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from studio.backends.local import needs, plan
from studio.backends.local.needs import Needs
from studio.backends.local.plan import ACCELERATORS, Choice, MemoryPlan, Room
from studio.backends.local.warm import WarmModels, tidy
from studio.core.canvas import Ground
from studio.core.errors import OutOfMemory
from studio.core.request import ImageRequest, Size, TextToImage
from studio.core.result import ImageResult

if TYPE_CHECKING:
    from studio.backends.local.catalog import Found
    from studio.backends.local.course import Course
    from studio.backends.local.device import Device
    from studio.backends.local.loader import Loaded

_SPARE = 0.8
"""The part of the free memory that a size which “should fit” may fill by its estimate."""


@dataclass(frozen=True, kw_only=True)
class Fitting:
    """`request` asks for tiles if the plan does; `size` is the largest drawn, `room` the memory without our models."""

    found: Found
    device: Device
    warm: WarmModels
    request: ImageRequest
    size: Size
    needs: Needs
    room: Room
    choice: Choice

    @classmethod
    def of(
        cls,
        found: Found,
        device: Device,
        warm: WarmModels,
        request: ImageRequest | None = None,
        ground: Ground | None = None,
    ) -> Fitting:
        """Raises `Unsupported` for a plan that this device does not have. Without a request: for one picture as it comes."""
        request = request or ImageRequest(model=found.model.id, prompt="")
        size = Size(*ground.image.size) if ground else request.task.size or found.model.default_size
        room = warm.room(device)
        if request.hires:
            larger = Size(*(int(side * request.hires.scale) for side in (size.width, size.height)))
            whole = _needs(found, device, request, larger)
            if plan.need(plan.smallest(plan.possible(room), whole, room), whole, room) <= room.total:
                size = larger  # else the second pass draws it in tiles
        needed = _needs(found, device, request, size)
        if request.options.get("tiling"):
            needed = replace(needed, decoding=needed.decoding_tiled)
        choice = plan.choose(str(request.options.get("memory") or plan.AUTO), needed, room)
        if choice.plan.tiled:
            request = replace(request, options={**request.options, "tiling": True})
        return cls(found=found, device=device, warm=warm, request=request, size=size, needs=needed, room=room, choice=choice)

    @property
    def plan(self) -> MemoryPlan:
        return self.choice.plan

    @property
    def in_ram(self) -> int:
        """Bytes of the computer's memory that this takes."""
        own = self.device.kind in ACCELERATORS
        return self.needs.in_ram(self.plan.place) if own else self.choice.need

    def fits(self, size: Size) -> bool:
        """Whether a picture of this size can be drawn at once: a second pass draws a larger one in tiles."""
        needed = _needs(self.found, self.device, self.request, size)
        return plan.need(self.plan, needed, self.room) <= self.room.total

    def announce(self, course: Course) -> None:
        """Say which plan is followed, if it is not the plain one. Raises `OutOfMemory` for what can never fit."""
        bare = replace(self.needs, denoising=0, decoding=0, decoding_tiled=0)
        if plan.need(plan.smallest(plan.possible(self.room), bare, self.room), bare, self.room) > self.room.total:
            title = self.found.model.title
            raise OutOfMemory(f"{title} is larger than the memory of {self.device.name}.", "Choose a smaller model.")
        if self.choice.need > self.room.total:
            raise self._failure(self.room.total)
        if self.choice.why:
            course.say(f"{self.choice.why[0].upper()}{self.choice.why[1:]}.")

    def told(self, result: ImageResult) -> ImageResult:
        """The result with the plan in its facts, and in its notes if it was not the plain one."""
        used = {**result.used, "memory_plan": self.plan.name}
        if self.plan.eight_bit:
            used["weights"] = "float8"
        return replace(result, used=used, notes=(*result.notes, *filter(None, (self.choice.why,))))

    def clear(self, loaded: Loaded) -> None:
        """After a failure: what it left on the device goes."""
        from studio.backends.local.device import empty_cache

        loaded.pipe.maybe_free_model_hooks()
        gc.collect()
        empty_cache(self.device)

    def failed(self) -> OutOfMemory:
        """The error for memory that ran out, with what to try next; models that wait are let go for it."""
        from studio.backends.local.device import empty_cache

        self.warm.drop_waiting()
        tidy()
        empty_cache(self.device)
        return self._failure(self.warm.room(self.device).free)

    def unloadable(self) -> OutOfMemory:
        """The error for memory that ran out while the model was loaded."""
        self.warm.drop_waiting()
        smaller = plan.next_smaller(self.plan, self.needs, self.room)
        advice = f"The plan “{smaller.name}” needs less." if smaller else "Close other programs, or choose a smaller model."
        message = f"The memory ran out while loading {self.found.model.title}."
        return OutOfMemory(message, advice, facts={"smaller": _with_plan(smaller)} if smaller else None)

    def _failure(self, room: int) -> OutOfMemory:
        size, smaller = self._smaller_size(room), plan.next_smaller(self.plan, self.needs, self.room)
        advice = [f"{size} should fit."] if size else ["Close other programs, or choose a smaller model."]
        facts: Mapping[str, Any] = {}
        if smaller and plan.need(smaller, self.needs, self.room) <= self.room.total:
            advice.append(f"Or keep the size: the plan “{smaller.name}” needs less.")
            facts = {"smaller": _with_plan(smaller)}
        elif size and isinstance(self.request.task, TextToImage) and not self.request.hires:
            facts = {"smaller": {"title": f"Try again at {size.width} × {size.height}", "size": str(size)}}
        return OutOfMemory(f"The memory does not suffice for a picture of {self.size}.", " ".join(advice), facts=facts)

    def _smaller_size(self, room: int) -> Size | None:
        """The largest size of the same shape that should fit by this plan, at most nine tenths; None if none does."""
        low, high = 0.0, 0.9
        for _ in range(20):
            middle = (low + high) / 2
            fits = self._need_at(middle) <= _SPARE * room
            low, high = (middle, high) if fits else (low, middle)
        return self._scaled(low) if self._need_at(high) > _SPARE * room else self._scaled(0.9)

    def _need_at(self, scale: float) -> int:
        width, height = (max(1, int(side * scale)) for side in (self.size.width, self.size.height))
        needed = _needs(self.found, self.device, self.request, Size(width, height))
        return plan.need(self.plan, needed, self.room)

    def _scaled(self, scale: float) -> Size | None:
        unit = 64
        width, height = (int(side * scale) // unit * unit for side in (self.size.width, self.size.height))
        return Size(width, height) if min(width, height) >= unit else None


def _needs(found: Found, device: Device, request: ImageRequest, size: Size) -> Needs:
    asked, model = request.sampling.guidance_scale, found.model
    guided = found.family.negative and (model.default_guidance_scale if asked is None else asked) > 1
    itemsize = int(device.dtype_for(model.size_bytes).itemsize)
    return needs.of(found, itemsize, request, size, guided=guided)


def _with_plan(smaller: MemoryPlan) -> dict[str, Any]:
    return {"title": f"Try again with “{smaller.name}”", "options": {"memory": smaller.name}}
