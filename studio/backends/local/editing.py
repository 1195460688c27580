"""Drawing on a picture: which pipeline does it, and masks that a pipeline does not know itself.

All pipelines of a model share its parts; switching costs no memory. Where a family has no inpainting pipeline, or where
the mask's grey values are to be partial strengths, the image-to-image pipeline draws and `held` sets back, after every
step, what may not change yet (differential diffusion, Levin & Fried 2023, https://arxiv.org/abs/2306.00950).
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from PIL import Image

from studio.backends.local import samplers
from studio.backends.local.families import Family
from studio.backends.local.loader import Loaded
from studio.core.canvas import Ground
from studio.core.errors import Unsupported

_HELD = ("latents", "denoised")
"""What a step hands on; the latter is what Latent Consistency pipelines decode."""


def refuse(loaded: Loaded, ground: Ground | None) -> None:
    """Raise `Unsupported` for what the model's family has no pipeline for."""
    model = loaded.found.model
    kind = "text-to-image" if ground is None else "image-to-image" if ground.mask is None else "inpaint"
    if kind not in loaded.found.family.tasks:
        raise Unsupported(f"{model.title} cannot do {kind}. Choose another model.")


def is_soft(family: Family, ground: Ground | None) -> bool:
    """Whether grey values of the mask are partial strengths. Without a grey value it is a hard mask like any other."""
    return bool(ground and ground.mask and ground.soft and family.soft and any(ground.mask.histogram()[1:255]))


def is_blended(family: Family, ground: Ground | None) -> bool:
    """Whether the mask is ours to keep: the pipeline draws the whole picture."""
    return bool(ground and ground.mask and (not family.inpaint or is_soft(family, ground)))


def pipeline(loaded: Loaded, ground: Ground | None) -> Any:
    """The pipeline for this kind of drawing, made of the very parts of the loaded one, in their own precision.

    Not by diffusers' `from_pipe`: it casts every part to one dtype, and some text encoders keep layers in float32.
    """
    name = name_of(loaded, ground)
    if loaded.extra:
        from studio.backends.local.adapters import CONTROLLED

        name = CONTROLLED[name]
    if name == type(loaded.pipe).__name__:
        return loaded.pipe
    if name not in loaded.variants:
        loaded.variants[name] = assembled(loaded, name, loaded.extra)
    return loaded.variants[name]


def name_of(loaded: Loaded, ground: Ground | None) -> str:
    """The class of the pipeline that draws without adapters."""
    family = loaded.found.family
    if ground is None:
        return type(loaded.pipe).__name__
    return family.inpaint if ground.mask and not is_blended(family, ground) else family.redraw


def assembled(loaded: Loaded, name: str, others: Mapping[str, Any]) -> Any:
    """A pipeline of this class of the loaded one's parts, with `others` besides or in place of them."""
    import diffusers

    kind = getattr(diffusers, name)
    parts = {**loaded.pipe.config, **loaded.pipe.components, **others}
    taken = inspect.signature(kind.__init__).parameters
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice of the library to its users, not to ours
        made = kind(**{part: value for part, value in parts.items() if part in taken})
    made.set_progress_bar_config(disable=True)
    return made


def accepted(pipe: Any) -> Mapping[str, Any]:
    """The arguments of a pipeline's call."""
    return inspect.signature(pipe.__call__).parameters


def arguments(pipe: Any, family: Family, ground: Ground | None, steps: int) -> dict[str, Any]:
    """What an editing pipeline gets besides the words. At least one of the `steps` runs, whatever rounding does."""
    if ground is None:
        return {}
    if family.reference and ground.mask is None:
        return {"image": ground.image}
    strength = ground.strength if int(steps * ground.strength) else min(1.0, (1 + 1e-9) / steps)
    drawn: dict[str, Any] = {"image": ground.image, "strength": strength}
    if "original_inference_steps" in inspect.signature(pipe.__call__).parameters:
        # a consistency model takes all its steps, picked from those left of its schedule
        drawn["num_inference_steps"] = min(steps, int(samplers.distilled_steps(steps) * strength))
    if is_blended(family, ground):
        given = [name for name in _HELD if name in pipe._callback_tensor_inputs]
        return {**drawn, "callback_on_step_end_tensor_inputs": given}
    return drawn if ground.mask is None else {**drawn, "mask_image": ground.mask}


def facts(loaded: Loaded, ground: Ground | None) -> dict[str, Any]:
    """What the record says of it."""
    if ground is None:
        return {}
    family = loaded.found.family
    if ground.mask is None:
        return {"reference": True} if family.reference else {"strength": ground.strength}
    used = "inpainting model" if family.inpaint_only else "blending"
    return {"strength": ground.strength, "inpainting": used, **({"soft_mask": True} if is_soft(family, ground) else {})}


@dataclass
class Held:
    """The clean latents and the noise of a picture whose parts are set back after each step, and the mask that says which.

    `soft`: grey values are partial strengths; else a latent is free where any of its pixels is to be edited.
    """

    mask: Image.Image
    soft: bool
    clean: Any = None
    noise: Any = None

    def after(self, pipe: Any, step: int, latents: Any) -> Any:
        """`latents` after step `step` (from 0): what may not change yet is the original again, at the next noise level."""
        scheduler, total = pipe.scheduler, pipe.num_timesteps
        known = self.clean
        if step + 1 < total:
            level = scheduler.timesteps[len(scheduler.timesteps) - total + step + 1].unsqueeze(0)
            known = _noised(scheduler, self.clean, self.noise, level)
        threshold = 1 - (step + 1) / total
        free = ((self.strengths >= threshold) & (self.strengths > 0)).to(latents)
        known = known.to(latents)
        if latents.ndim == 3:  # patches in rows, as FLUX packs them
            known, free = (_packed(pipe, part, known) for part in (known, free))
        return latents * free + known * (1 - free)

    @functools.cached_property
    def strengths(self) -> Any:
        """The mask as strengths from 0 to 1, one for each latent: 1 × 1 × height × width."""
        import torch

        size = (self.clean.shape[-1], self.clean.shape[-2])
        mask = self.mask if self.soft else self.mask.point(lambda value: 255 if value > 127 else 0)
        small = mask.resize(size, Image.Resampling.BOX)
        values = torch.frombuffer(bytearray(small.tobytes()), dtype=torch.uint8).reshape(1, 1, size[1], size[0]) / 255
        return values if self.soft else values.ceil()


@contextmanager
def held(scheduler: Any, family: Family, ground: Ground | None) -> Iterator[Held | None]:
    """Learns from the scheduler, as the pipeline prepares, a picture's latents and noise; None if nothing is held."""
    if ground is None or ground.mask is None or not is_blended(family, ground):
        yield None
        return
    kept = Held(ground.mask, is_soft(family, ground))
    name = "scale_noise" if hasattr(scheduler, "scale_noise") else "add_noise"
    original = getattr(scheduler, name)

    @functools.wraps(original)
    def start(clean: Any, *args: Any) -> Any:
        if kept.clean is None:
            kept.clean, kept.noise = clean, args[1 if name == "scale_noise" else 0]
        return original(clean, *args)

    setattr(scheduler, name, start)
    try:
        yield kept
    finally:
        delattr(scheduler, name)


def _noised(scheduler: Any, clean: Any, noise: Any, level: Any) -> Any:
    if hasattr(scheduler, "scale_noise"):
        return scheduler.scale_noise(clean, level, noise)
    return scheduler.add_noise(clean, noise, level)


def _packed(pipe: Any, part: Any, like: Any) -> Any:
    batch, (channels, height, width) = like.shape[0], like.shape[-3:]
    return pipe._pack_latents(part.expand(like.shape), batch, channels, height, width)


Callback = Callable[[Any, int, Any, dict[str, Any]], dict[str, Any]]


def keeping(kept: Held | None, report: Callback) -> Callback:
    """The step callback with the held parts set back first, if there are any."""
    if kept is None:
        return report

    def after_step(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        values |= {name: kept.after(pipe, step, values[name]) for name in _HELD if name in values}
        return report(pipe, step, timestep, values)

    return after_step
