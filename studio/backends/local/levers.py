"""Switches that make drawing faster: which model has them, and switching them on for one request.

PyTorch's own attention (SDPA) is diffusers' default and always on. `channels_last` is set at loading on graphics cards.
Fused QKV is not used: it keeps the weights twice and does not go together with LoRA (see tests/bench/levers.py).
"""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from studio.core.errors import Unsupported
from studio.core.model import Option
from studio.core.request import ImageRequest

if TYPE_CHECKING:
    from studio.backends.local.device import Device
    from studio.backends.local.loader import Loaded

OFF = "off"
THRESHOLDS = {"careful": 0.05, "balanced": 0.1, "fast": 0.2}
"""How much the first block's change may differ from the step before for the other blocks to be skipped."""
CACHED = ("FluxPipeline", "FluxFillPipeline", "FluxKontextPipeline", "Flux2Pipeline", "Flux2KleinPipeline",
          "QwenImagePipeline", "QwenImageEditPipeline", "QwenImageEditPlusPipeline")  # fmt: skip
"""Pipelines whose transformer has blocks that First-Block caching knows; with the others of diffusers 0.42 it fails."""
NAMES = ("compile", "step_cache")
_COMPILERS = ("c++", "g++", "clang++", "cl")

COMPILE = Option(name="compile", title="Compile the model", choices=(OFF, "on"), default=OFF)
STEP_CACHE = Option(name="step_cache", title="Skip alike steps", choices=(OFF, *THRESHOLDS), default=OFF)


def options_of(pipeline: str) -> tuple[Option, ...]:
    """The switches a model of this pipeline class has."""
    return (COMPILE, STEP_CACHE) if pipeline in CACHED else (COMPILE,)


def lay_out(pipe: Any, device: Device) -> bool:
    """Set the order of numbers in pictures that convolutions on graphics cards like; whether it was done.

    On a CPU it changes last bits and gains 4 % at most, so there it is left.
    """
    import torch

    if device.kind not in ("cuda", "rocm", "xpu"):
        return False
    parts = [part for name in ("unet", "vae") if (part := getattr(pipe, name, None)) is not None]
    for part in parts:
        if all(weight.dim() != 5 for weight in part.parameters()):  # video autoencoders have five
            part.to(memory_format=torch.channels_last)
    return bool(parts)


@contextmanager
def switched(loaded: Loaded, request: ImageRequest, say: Callable[[str], None]) -> Iterator[dict[str, Any]]:
    """Switch on what the request asks for; gives what the record says of it. Raises `Unsupported`."""
    used: dict[str, Any] = {"attention": "sdpa", **({"channels_last": True} if loaded.channels_last else {})}
    compiles, wanted = request.options.get("compile") == "on", str(request.options.get("step_cache") or OFF)
    if fault := _fault(loaded, compiles=compiles, wanted=wanted):
        raise Unsupported(fault)
    with ExitStack() as stack:
        if compiles:
            used["compiled"] = "repeated blocks"
            stack.enter_context(compiled(loaded.denoiser, used, say))
        if wanted != OFF:
            used["step_cache"] = f"first block, threshold {THRESHOLDS[wanted]:g}"
            stack.enter_context(cached(loaded.denoiser, THRESHOLDS[wanted]))
        yield used


def _fault(loaded: Loaded, *, compiles: bool, wanted: str) -> str:
    """Why the switches cannot be on for this model, else nothing."""
    if wanted != OFF and (wanted not in THRESHOLDS or loaded.found.pipeline not in CACHED):
        return f"{loaded.found.model.title} cannot skip alike steps so. Switch “{STEP_CACHE.title}” off."
    if not compiles:
        return ""
    if wanted != OFF:
        return f"“{COMPILE.title}” and “{STEP_CACHE.title}” do not go together. Switch one of them off."
    if loaded.placement.place in ("group", "sequential"):
        return f"“{COMPILE.title}” needs the whole denoiser on the device. Switch it off, or choose another memory plan."
    return compile_fault(loaded.device)


def compile_fault(device: Device) -> str:
    """Why nothing can be compiled on this device, else nothing."""
    if device.kind == "mps":
        return f"Compiling is not ready for Apple's devices. Switch “{COMPILE.title}” off."
    if device.kind == "cpu" and not any(shutil.which(name) for name in _COMPILERS):
        return f"Compiling for the CPU needs a C++ compiler. Install one, or switch “{COMPILE.title}” off."
    if device.kind != "cpu" and importlib.util.find_spec("triton") is None:
        return f"Compiling needs the package triton, which comes with torch on Linux. Switch “{COMPILE.title}” off."
    return ""


@contextmanager
def cached(denoiser: Any, threshold: float) -> Iterator[None]:
    """Where the first block changes little from one step to the next, the other blocks' last change is used again.

    After the idea of “First Block Cache” in ParaAttention (https://github.com/chengzeyi/ParaAttention), by diffusers.
    """
    from diffusers import FirstBlockCacheConfig

    denoiser.enable_cache(FirstBlockCacheConfig(threshold=threshold))
    try:
        yield
    finally:
        denoiser.disable_cache()


@contextmanager
def compiled(denoiser: Any, used: dict[str, Any], say: Callable[[str], None]) -> Iterator[None]:
    """The repeated blocks compiled while inside; the work is done when they first run, and kept with the model."""
    kept = getattr(denoiser, "_studio_compiled", None)
    if kept is None:
        denoiser.compile_repeated_blocks(dynamic=True)
        kept = {part: part._compiled_call_impl for part in denoiser.modules() if part._compiled_call_impl is not None}
        denoiser._studio_compiled = kept
        say("Compiling the model: the first step takes a minute or more, the next pictures start at once.")
        watching: AbstractContextManager[None] = _stopwatch(denoiser, used)
    else:
        _set(kept, on=True)
        watching = nullcontext()
    try:
        with watching:
            yield
    finally:
        _set(kept, on=False)


def _set(kept: dict[Any, Any], *, on: bool) -> None:
    for part, call in kept.items():
        part._compiled_call_impl = call if on else None


@contextmanager
def _stopwatch(denoiser: Any, used: dict[str, Any]) -> Iterator[None]:
    """Note how much longer the first step took than the fastest one."""
    begun: list[float] = []
    lengths: list[float] = []
    handles = (
        denoiser.register_forward_pre_hook(lambda *_: begun.append(time.perf_counter())),
        denoiser.register_forward_hook(lambda *_: lengths.append(time.perf_counter() - begun[-1])),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        if lengths:
            used["compile_seconds"] = round(lengths[0] - min(lengths), 1)
