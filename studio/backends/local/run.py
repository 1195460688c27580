"""Makes the pictures of one request with a loaded pipeline.

Pictures are made one at a time, on every device, each from its own generator on the CPU seeded `seed + i`. So a picture
depends on its request alone: batches change the order of floating-point sums and with it the last bit of some pixels.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from studio.backends.local import editing, levers, preview, samplers
from studio.backends.local.course import Course, hooked
from studio.backends.local.decoding import AGAIN, guarded, require_finite
from studio.backends.local.embeddings import encoded_once, words_of
from studio.backends.local.families import TRUE_CFG
from studio.backends.local.loader import Loaded
from studio.backends.local.prompts import Conditioning, condition
from studio.core.canvas import Ground
from studio.core.errors import Moderated, Unsupported
from studio.core.request import ImageRequest, Size
from studio.core.result import ImageResult, Picture

_OWN_SIZES = {"use_resolution_binning": False, "_auto_resize": False}
"""Some pipelines would draw at a size of their own choice."""
_OPTIONS = ("tiling", "memory", TRUE_CFG, *levers.NAMES)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A request on a loaded model with every value concrete.

    `arguments` are more of the pipeline's call, `facts` more of what ran: what adapters add (`adapters.put_on`).
    """

    loaded: Loaded
    request: ImageRequest
    size: Size
    steps: int
    guidance_scale: float
    seed: int
    sampler: str
    ground: Ground | None = None
    notes: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    facts: Callable[[], Mapping[str, Any]] = dict

    @classmethod
    def of(cls, loaded: Loaded, request: ImageRequest, ground: Ground | None = None) -> Plan:
        editing.refuse(loaded, ground)
        model, asked = loaded.found.model, request.sampling
        sampler = asked.sampler or model.default_sampler
        if sampler not in model.samplers:
            raise Unsupported(f"{model.title} has no sampler “{sampler}”. Choose one of: {', '.join(model.samplers)}.")
        notes: tuple[str, ...] = ()
        if ground and loaded.found.family.samplers is samplers.FLOW and sampler != samplers.ON_PICTURES:
            notes = (f"sampler {sampler} cannot start from a picture with {model.title}; {samplers.ON_PICTURES} was used",)
            sampler = samplers.ON_PICTURES
        return cls(
            loaded=loaded,
            request=request,
            size=Size(*ground.image.size) if ground else request.task.size or model.default_size,
            steps=asked.steps or model.default_steps,
            guidance_scale=model.default_guidance_scale if asked.guidance_scale is None else asked.guidance_scale,
            seed=asked.seed or 0,
            sampler=sampler,
            ground=ground,
            notes=notes,
        )

    @property
    def tiling(self) -> bool:
        return bool(self.request.options.get("tiling"))

    @property
    def pipe(self) -> Any:
        return editing.pipeline(self.loaded, self.ground)


def generate(plan: Plan, course: Course) -> ImageResult:
    """Make `request.count` pictures. Raises `Cancelled`, `BadPicture`, `Moderated`, `OutOfMemory` and foreign errors."""
    loaded, pipe = plan.loaded, plan.pipe
    notes = [*plan.notes]
    notes += [f"option {name} is unknown here" for name in plan.request.options if name not in _OPTIONS]
    pictures = []
    with (
        _quiet(),
        levers.switched(loaded, plan.request, course.say) as switches,
        hooked(pipe, loaded.denoiser, course),
        guarded(pipe.vae, notes.append, tiling=plan.tiling),
    ):
        course.enter("encoding")
        conditioning = _condition(plan)
        with encoded_once(pipe, loaded.embeddings, plan.request, loaded.device.torch_name):
            for index in range(plan.request.count):
                image = _draw(plan, conditioning, index, course)
                if image is None:
                    notes.append(f"the picture with seed {plan.seed + index} was withheld by the model's safety checker")
                else:
                    pictures.append(Picture(image=image, seed=plan.seed + index))
    course.enter(None)
    if not pictures:
        raise Moderated("The model's safety checker withheld the picture. Change the prompt or the seed.")
    used = {**_used(plan, conditioning.arguments), **switches, "tokens": conditioning.tokens, "seconds": course.seconds}
    if AGAIN in notes:
        used["vae_dtype"] = "float32"
    return ImageResult(pictures=tuple(pictures), used=used, notes=tuple(dict.fromkeys([*conditioning.notes, *notes])))


def _condition(plan: Plan) -> Conditioning:
    """The prompts as arguments; those of an earlier job are known."""
    loaded, device = plan.loaded, plan.loaded.device.torch_name

    def read() -> Conditioning:
        loaded.placement.bring("encoders")
        return condition(loaded, plan.request)

    known: Conditioning = loaded.embeddings.recall(words_of(plan.request), device, read)
    return known


def _draw(plan: Plan, conditioning: Conditioning, index: int, course: Course) -> Image.Image | None:
    """Picture number `index`; None if the safety checker flagged it."""
    import torch

    pipe, family, ground, seed = plan.pipe, plan.loaded.found.family, plan.ground, plan.seed + index
    scheduler = samplers.build(plan.sampler, family.samplers, plan.loaded.schedule, steps=plan.steps, seed=seed)
    wanted = {
        **conditioning.arguments,
        "width": plan.size.width,
        "height": plan.size.height,
        "num_inference_steps": plan.steps,
        family.guidance: plan.guidance_scale,
        "generator": torch.Generator("cpu").manual_seed(seed),
        **_OWN_SIZES,
        "max_area": plan.size.width * plan.size.height,
        **plan.arguments,
        **editing.arguments(pipe, family, ground, plan.steps),
    }
    accepted = inspect.signature(pipe.__call__).parameters
    wanted["callback_on_step_end"] = _reporter(plan, scheduler, index, course, hears="callback_on_step_end" in accepted)
    own, pipe.scheduler = pipe.scheduler, scheduler
    try:
        with editing.held(scheduler, family, ground) as kept:
            wanted["callback_on_step_end"] = editing.keeping(kept, wanted["callback_on_step_end"])
            output = pipe(**{name: value for name, value in wanted.items() if name in accepted})
    finally:
        pipe.scheduler = own
    flagged = getattr(output, "nsfw_content_detected", None)
    return None if flagged and flagged[0] else output.images[0].convert("RGB")


def _reporter(plan: Plan, scheduler: Any, index: int, course: Course, *, hears: bool) -> Any:
    """The callback after each step: stop sign, range check, progress, and a preview if one is due.

    A pipeline that `hears` no callback is followed by its scheduler's steps.
    """
    taken = itertools.count()

    def report(pipe: Any, step: int, timestep: Any, values: dict[str, Any]) -> dict[str, Any]:
        tell(step, pipe.num_timesteps, values["latents"])
        return values

    def tell(step: int, total: int, latents: Any) -> None:
        course.watch.check()
        require_finite(latents)
        course.watch.step(index * total + step + 1, plan.request.count * total, show)

    def stepped(latents: Any) -> None:
        tell(next(taken), len(scheduler.timesteps), latents)

    last = _remember_step(scheduler, None if hears else stepped)

    def show() -> Image.Image | None:
        latents = preview.without_noise(scheduler, *last)
        return preview.picture(latents, plan.loaded.colours, (plan.size.width, plan.size.height))

    return report


def _remember_step(scheduler: Any, after: Callable[[Any], None] | None = None) -> list[Any]:
    """The arguments (prediction, timestep, sample) of the scheduler's last step, in a list that is kept up to date.

    `after` gets what each step leaves.
    """
    last: list[Any] = []
    original = scheduler.step

    @functools.wraps(original)
    def step(prediction: Any, timestep: Any, sample: Any, *args: Any, **options: Any) -> Any:
        last[:] = prediction, timestep, sample
        output = original(prediction, timestep, sample, *args, **options)
        if after:
            after(output[0])
        return output

    scheduler.step = step
    return last


@contextmanager
def _quiet() -> Iterator[None]:
    """The libraries' advice to programmers is not for our users."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _used(plan: Plan, conditioned: Mapping[str, Any]) -> dict[str, Any]:
    """What really ran, for the record and the file."""
    import diffusers
    import torch
    import transformers

    found, device = plan.loaded.found, plan.loaded.device
    facts: dict[str, Any] = {
        "model": found.model.id,
        "model_sha256": plan.loaded.sha256.result(),
        "pipeline": type(plan.pipe).__name__,
        "scheduler": found.family.samplers[plan.sampler].scheduler,
        "sampler": plan.sampler,
        "steps": plan.steps,
        "guidance_scale": plan.guidance_scale,
        "width": plan.size.width,
        "height": plan.size.height,
        "device": f"{device.kind}: {device.name}",
        "dtype": str(plan.loaded.denoiser.dtype).removeprefix("torch."),
        "torch": torch.__version__,
        "diffusers": diffusers.__version__,
        "transformers": transformers.__version__,
        **editing.facts(plan.loaded, plan.ground),
        **plan.facts(),
    }
    facts |= {name: value for name, value in conditioned.items() if name == TRUE_CFG}
    if getattr(plan.pipe, "safety_checker", None) is not None:
        facts["safety_checker"] = "passed"  # what it flags is withheld
    return {**facts, "tiling": True} if plan.tiling else facts
