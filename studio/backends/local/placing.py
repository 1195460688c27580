"""Puts a loaded pipeline's parts where a memory plan wants them, and moves them while a picture is made.

The hooks are ours and hang on the parts, not on one pipeline: every pipeline that is made of the same parts (image to image,
inpainting) is served by them, and they run on a CPU as well, where the tests see that no pixel changes. diffusers' own
`enable_…_offload` calls do the same with hooks of one pipeline, and refuse to run without an accelerator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from studio.backends.local.device import Device, empty_cache
from studio.backends.local.needs import SMALL_ENCODERS
from studio.backends.local.plan import MemoryPlan, Place

HOST = "cpu"
_ENCODERS = ("text_encoder", "image_encoder")


@dataclass
class Placement:
    """Where the parts of one model are. `stages` are parts that share the device's memory by turns, by stage."""

    device: Device
    place: Place
    stages: dict[str, list[Any]] = field(default_factory=dict)

    def bring(self, stage: str) -> None:
        """Have the parts of `stage` on the device and those of the other stages in the computer's memory."""
        if not self.stages:
            return
        moved = False
        for name, parts in self.stages.items():
            if name != stage:
                moved = bool(sum(_move(part, HOST) for part in parts)) or moved
        if moved:
            empty_cache(self.device)
        for part in self.stages.get(stage, ()):
            _move(part, self.device.torch_name)

    def rest(self) -> None:
        """After a picture: what takes turns leaves the device."""
        self.bring("")

    def park(self, pipe: Any) -> None:
        """Leave the device altogether, but stay in the computer's memory."""
        self.rest()
        if self.place == "full":
            _move_all(pipe, HOST)
        empty_cache(self.device)

    def unpark(self, pipe: Any) -> None:
        if self.place == "full":
            _move_all(pipe, self.device.torch_name)


def first_stop(plan: MemoryPlan, device: Device) -> str:
    """Where parts are read to: the device itself, or the computer's memory where they wait there for their turn."""
    return device.torch_name if _place(plan, device) == "full" else HOST


def place(pipe: Any, plan: MemoryPlan, device: Device, *, denoiser: str, anyway: bool = False) -> Placement:
    """Hang the hooks of `plan` on the parts of `pipe`, which lie at `first_stop`.

    `anyway`: also where the device has no memory of its own, so that tests run the hooks on a CPU.
    """
    placement = Placement(device, plan.place if anyway else _place(plan, device))
    if plan.eight_bit:
        _narrow(getattr(pipe, denoiser))
    if placement.place == "full":
        return placement
    for name, part in _modules(pipe):
        if name == denoiser and placement.place != "model":
            _piecewise(part, placement)
        elif placement.place != "model" and name.startswith(_ENCODERS) and _bytes(part) > SMALL_ENCODERS:
            _leaf_by_leaf(part, placement)
        else:
            stage = "encoders" if name.startswith(_ENCODERS) else name
            placement.stages.setdefault(stage, []).append(part)
            _add(part, placement, stage)
    return placement


def _place(plan: MemoryPlan, device: Device) -> Place:
    return plan.place if device.kind in ("cuda", "rocm", "xpu") else "full"


def _add(part: Any, placement: Placement, stage: str) -> None:
    from accelerate.hooks import ModelHook, add_hook_to_module
    from accelerate.utils import send_to_device

    class Turn(ModelHook):  # type: ignore[misc]  # accelerate has no types
        """Brings the part's stage to the device before it runs. diffusers reads `execution_device`."""

        execution_device = placement.device.torch_name

        def pre_forward(self, _: Any, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
            placement.bring(stage)
            return send_to_device(args, self.execution_device), send_to_device(kwargs, self.execution_device)

    add_hook_to_module(part, Turn())


def _piecewise(denoiser: Any, placement: Placement) -> None:
    """The denoiser block by block (with the next block on its way where streams exist), or layer by layer."""
    if placement.place == "sequential":
        _leaf_by_leaf(denoiser, placement)
        return
    denoiser.enable_group_offload(
        offload_type="block_level", num_blocks_per_group=1, use_stream=placement.device.kind in ("cuda", "rocm"),
        **_ways(placement),
    )  # fmt: skip


def _leaf_by_leaf(part: Any, placement: Placement) -> None:
    from diffusers.hooks import apply_group_offloading

    apply_group_offloading(part, offload_type="leaf_level", **_ways(placement))


def _ways(placement: Placement) -> dict[str, Any]:
    import torch

    return {"onload_device": torch.device(placement.device.torch_name), "offload_device": torch.device(HOST)}


def _narrow(denoiser: Any) -> None:
    """Keep the weights as float8; each layer widens its own while it works (norms and embeddings stay as they are)."""
    import torch

    denoiser.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=denoiser.dtype)


def _modules(pipe: Any) -> Iterator[tuple[str, Any]]:
    from torch.nn import Module

    return ((name, part) for name, part in pipe.components.items() if isinstance(part, Module))


def _bytes(part: Any) -> int:
    return sum(each.numel() * each.element_size() for each in (*part.parameters(), *part.buffers()))


def weight_bytes(pipe: Any) -> int:
    """Bytes of all weights of a loaded pipeline."""
    return sum(_bytes(part) for _, part in _modules(pipe))


def _move(part: Any, where: str) -> bool:
    """Whether it had to be moved."""
    import torch

    first, there = next(part.parameters(), None), torch.device(where)
    if first is None or (first.device.type == there.type and there.index in (None, first.device.index)):
        return False
    part.to(where)
    return True


def _move_all(pipe: Any, where: str) -> None:
    for _, part in _modules(pipe):
        _move(part, where)
