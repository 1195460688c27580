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
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from studio.backends.local import editing, hires, levers, preview, samplers
from studio.backends.local.course import Course, hooked
from studio.backends.local.decoding import AGAIN, guarded, require_finite
from studio.backends.local.embeddings import encoded_once, words_of
from studio.backends.local.families import TRUE_CFG
from studio.backends.local.loader import Loaded
from studio.backends.local.prompts import Conditioning, condition
from studio.backends.local.upscalers import Network
from studio.backends.local.variation import varied
from studio.core.canvas import Ground
from studio.core.errors import Moderated, Unsupported
from studio.core.hires import LATENT
from studio.core.request import Hires, ImageRequest, Sampling, Size
from studio.core.result import ImageResult, Picture
from studio.core.variation import variation_facts

_OWN_SIZES = {"use_resolution_binning": False, "_auto_resize": False}
"""Some pipelines would draw at a size of their own choice."""
_OPTIONS = ("tiling", "memory", TRUE_CFG, *levers.NAMES)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A request on a loaded model with every value concrete.

    `arguments` are more of the pipeline's call, `facts` more of what ran: what adapters add (`adapters.put_on`). `network`
    enlarges the picture for the second pass, `fits` tells which sizes are drawn at once.
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
    network: Network | None = None
    fits: Callable[[Size], bool] = bool

    @classmethod
    def of(
        cls, loaded: Loaded, request: ImageRequest, ground: Ground | None = None, network: Network | None = None, *,
        fits: Callable[[Size], bool] = bool,
    ) -> Plan:  # fmt: skip
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
            network=network,
            fits=fits,
        )

    @property
    def tiling(self) -> bool:
        return bool(self.request.options.get("tiling"))

    @property
    def pipe(self) -> Any:
        return editing.pipeline(self.loaded, self.ground)

    @functools.cached_property
    def second(self) -> hires.Second | None:
        """The larger pass that follows, if one does."""
        if self.request.hires is None:
            return None
        return hires.second(self.request.hires, self.size, self.loaded.found.model, self.network, fits=self.fits)

    @property
    def is_drawn(self) -> bool:
        """Whether there is a first pass: a picture that is only to be larger needs none."""
        return self.ground is None or self.ground.strength > 0

    def over(self, tile: Image.Image) -> Plan:
        """The plan for drawing over a tile of the enlarged picture. Control pictures belong to the first pass."""
        wanted = self.request.hires or Hires()
        on_pictures = self.loaded.found.family.samplers is samplers.FLOW
        arguments = {name: value for name, value in self.arguments.items() if name.startswith("ip_adapter")}
        loaded = replace(self.loaded, extra={}, variants={}) if self.loaded.extra else self.loaded
        return replace(
            self, loaded=loaded, arguments=arguments, ground=Ground(image=tile, strength=wanted.strength),
            size=Size(*tile.size), steps=wanted.steps or self.steps,
            sampler=samplers.ON_PICTURES if on_pictures else self.sampler,
        )  # fmt: skip


@dataclass(frozen=True)
class Leg:
    """Which part of all steps one drawing is: `weight` of `total`, behind `before`; `place` puts a preview in its place."""

    before: int
    weight: int
    total: int
    place: Callable[[Image.Image], Image.Image] = lambda image: image

    def done(self, step: int, steps: int) -> tuple[int, int]:
        """Steps done and in all, once `step` of this drawing's `steps` is."""
        return self.before + round(self.weight * step / steps), self.total


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
        known = (loaded.embeddings, plan.request, loaded.device.torch_name)
        with encoded_once(pipe, *known), encoded_once(_second_pipe(plan, pipe), *known):
            for index in range(plan.request.count):
                own = plan.request.sampling.of_picture(index)
                image = _both(plan, conditioning, index, own, course)
                if image is None:
                    notes.append(f"the picture with seed {own.seed} was withheld by the model's safety checker")
                else:
                    pictures.append(Picture(image=image, seed=own.seed or 0, facts=variation_facts(own.variations)))
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


def _second_pipe(plan: Plan, first: Any) -> Any:
    """The pipeline of the second pass where it is another one."""
    if not (plan.second and plan.second.boxes):
        return None
    pipe = plan.over(Image.new("RGB", (1, 1))).pipe
    return None if pipe is first else pipe


def _both(plan: Plan, conditioning: Conditioning, index: int, own: Sampling, course: Course) -> Image.Image | None:
    """Picture number `index` with its second pass, if it has one; None if the safety checker flagged it."""
    count, second, seed = plan.request.count, plan.second, own.seed or 0
    plan = replace(plan, request=replace(plan.request, sampling=own))
    if second is None:
        return _draw(plan, conditioning, seed, course, leg=lambda steps: Leg(index * steps, steps, count * steps))
    first = plan.steps if plan.is_drawn else 0
    weight = max(1, int((second.hires.steps or plan.steps) * second.hires.strength))
    each = first + weight * len(second.boxes)
    image: Image.Image | None = plan.ground.image if plan.ground else None
    with hires.decoded_from(plan.pipe.vae) as seen:
        if plan.is_drawn:
            image = _draw(plan, conditioning, seed, course, leg=lambda _: Leg(index * each, first, count * each))
    if image is None:
        return None

    def draw(tile: Image.Image, number: int, noise: hires.Noise, place: Callable[..., Image.Image]) -> Image.Image | None:
        leg = Leg(index * each + first + number * weight, weight, count * each, place)
        return _draw(plan.over(tile), conditioning, seed, course, leg=lambda _: leg, noise=noise)

    latents = seen[0] if second.hires.upscaler == LATENT else None
    vae, check = plan.pipe.vae, course.watch.check
    return hires.draw_over(second, image, latents=latents, seed=seed, vae=vae, draw=draw, check=check)


def _draw(
    plan: Plan, conditioning: Conditioning, seed: int, course: Course, *, leg: Callable[[int], Leg], noise: Any = None
) -> Image.Image | None:
    """One drawing; `leg` tells by the number of its steps which part of all it is. None if the safety checker flagged it."""
    import torch

    pipe, family, ground = plan.pipe, plan.loaded.found.family, plan.ground
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
    wanted["callback_on_step_end"] = _reporter(plan, scheduler, leg, course, hears="callback_on_step_end" in accepted)
    own, pipe.scheduler = pipe.scheduler, scheduler
    try:
        variations = plan.request.sampling.variations if noise is None else ()  # a second pass has noise of its own
        with editing.held(scheduler, family, ground) as kept, hires.noised(scheduler, noise), varied(pipe, variations):
            wanted["callback_on_step_end"] = editing.keeping(kept, wanted["callback_on_step_end"])
            output = pipe(**{name: value for name, value in wanted.items() if name in accepted})
    finally:
        pipe.scheduler = own
    flagged = getattr(output, "nsfw_content_detected", None)
    return None if flagged and flagged[0] else output.images[0].convert("RGB")


def _reporter(plan: Plan, scheduler: Any, leg: Callable[[int], Leg], course: Course, *, hears: bool) -> Any:
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
        own = leg(total)
        course.watch.step(*own.done(step + 1, total), functools.partial(show, own))

    def stepped(latents: Any) -> None:
        tell(next(taken), len(scheduler.timesteps), latents)

    last = _remember_step(scheduler, None if hears else stepped)

    def show(own: Leg) -> Image.Image | None:
        latents = preview.without_noise(scheduler, *last)
        seen = preview.picture(latents, plan.loaded.colours, (plan.size.width, plan.size.height))
        return own.place(seen) if seen else None

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
    if plan.second:
        facts["hires"] = {**plan.second.facts(), "sampler": plan.over(Image.new("RGB", (1, 1))).sampler}
    if getattr(plan.pipe, "safety_checker", None) is not None:
        facts["safety_checker"] = "passed"  # what it flags is withheld
    return {**facts, "tiling": True} if plan.tiling else facts
