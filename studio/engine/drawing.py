"""From an adapted request to pictures: words alone go straight to the backend, edits by way of a canvas.

Each picture of an edit is drawn for itself, pass after pass, so that it depends on its own seed alone. Whoever draws, the
pixels outside the mask are the source's own: they are never drawn, and the record holds the count that proves it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from studio.core import canvas, masks
from studio.core.canvas import Ground, Pass, Plan
from studio.core.errors import InvalidRequest, Moderated
from studio.core.job import Phase
from studio.core.model import Model
from studio.core.opening import open_picture, read_editor, read_mask
from studio.core.ports import Backend, Sources, Watch
from studio.core.request import (
    MAX_SEED,
    ImageRequest,
    ImageToImage,
    Inpaint,
    Outpaint,
    Size,
    Source,
    TextToImage,
    all_sources,
)
from studio.core.result import ImageResult, Picture
from studio.engine.controls import Controls, controls_of, generate

PREVIEW_SIDE = 256
NEXT_PASS = 7919
"""Added to a picture's seed for each further pass, so that the passes of a canvas do not repeat each other's noise."""


def require_sources(request: ImageRequest, kept: Sources) -> None:
    """Raise `InvalidRequest` if a picture of the request is gone or nothing is painted on its mask."""
    for name, source in all_sources(request).items():
        if kept.path(source) is None:
            field = "adapters" if name.startswith("adapter_") else "image"
            raise InvalidRequest(f"The picture {source.name or 'to start from'} is gone. Choose it again.", field)
    if isinstance(request.task, Inpaint):
        mask = request.task.mask
        if masks.is_empty(read_mask(kept.read(mask), mask.size)):
            raise InvalidRequest("Nothing is painted. Paint over what should change.", "mask")


def draw(request: ImageRequest, model: Model, backend: Backend, kept: Sources, watch: Watch) -> ImageResult:
    """Make the pictures of an adapted request. Raises a `StudioError`."""
    looked_at = controls_of(request, backend, kept)
    result = _draw(request, model, backend, kept, watch, looked_at=looked_at)
    if not looked_at.facts:
        return result
    pictures = tuple(replace(each, facts={**each.facts, **looked_at.facts}) for each in result.pictures)
    return replace(result, pictures=pictures)


def _draw(
    request: ImageRequest, model: Model, backend: Backend, kept: Sources, watch: Watch, *, looked_at: Controls
) -> ImageResult:
    match request.task:
        case TextToImage() as task:
            shown = looked_at.fitted(task.size or model.default_size)
            return generate(backend, request, model, watch, None, pictures=shown)
        case ImageToImage() as task:
            ground = Ground(image=_source(task, kept), strength=task.strength)
            return generate(backend, request, model, watch, ground, pictures=looked_at.fitted(Size(*ground.image.size)))
        case Inpaint() as task:
            image, mask = read_editor(kept.read(task.image), [kept.read(task.mask)], task.image.name or "the picture")
            plan = canvas.plan_inpaint(task, image, mask, model)
        case Outpaint() as task:
            plan = canvas.plan_outpaint(task, _open(task.image, kept), model)
    laid = looked_at.on_canvas(task, Size(*plan.canvas.size))
    return _edit(_Edit(request, task, model, backend, watch, plan, laid))


def _open(source: Source, kept: Sources) -> Image.Image:
    return open_picture(kept.read(source), source.name or "the picture")


def _source(task: ImageToImage, kept: Sources) -> Image.Image:
    image = _open(task.image, kept)
    if task.sketch:
        image = canvas.lay_over(image, _open(task.sketch, kept))
    return canvas.fit(image, task.size or task.image.size, task.resize)


@dataclass
class _Edit:
    """An inpaint or outpaint being drawn."""

    request: ImageRequest
    task: Inpaint | Outpaint
    model: Model
    backend: Backend
    watch: Watch
    plan: Plan
    looked_at: Controls
    used: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def legs(self) -> int:
        return self.request.count * len(self.plan.passes)


def _edit(edit: _Edit) -> ImageResult:
    pictures: list[Picture] = []
    for index in range(edit.request.count):
        try:
            pictures.append(_draw_one(edit, index))
        except Moderated:
            if edit.request.count == 1:
                raise
            edit.notes.append(f"picture {index + 1} was withheld by the model's safety checker")
    if not pictures:
        raise Moderated("The model's safety checker withheld every picture. Change the prompt or the seed.")
    return ImageResult(pictures=tuple(pictures), used=edit.used, notes=tuple(dict.fromkeys(edit.notes)))


def _draw_one(edit: _Edit, index: int) -> Picture:
    """Picture number `index`, all its passes."""
    plan, task = edit.plan, edit.task
    sampling, image = edit.request.sampling.of_picture(index), plan.canvas
    seed = sampling.seed or 0
    for number, step in enumerate(plan.passes):
        own = (seed + number * NEXT_PASS) % (MAX_SEED + 1)
        request = replace(edit.request, count=1, sampling=replace(sampling, seed=own))
        watch = _Leg(edit.watch, index * len(plan.passes) + number, edit.legs, _in_place(image, step))
        ground, shown = canvas.ground(image, step, task, own), edit.looked_at.within(step)
        result = generate(edit.backend, request, edit.model, watch, ground, pictures=shown)
        image = canvas.paste(image, step, result.pictures[0].image, match_colour=task.match_colour)
        _add(edit, result)
    facts = {**canvas.proof(plan.canvas, image, plan.passes), "passes": len(plan.passes)}
    drawn = result.pictures[0]  # of the last pass
    return Picture(image=image, seed=seed, original=drawn.original, facts={**drawn.facts, "canvas": facts})


def _add(edit: _Edit, result: ImageResult) -> None:
    """The last pass tells what ran; times add up."""
    before: Mapping[str, float] = edit.used.get("seconds", {})
    after: Mapping[str, float] = result.used.get("seconds", {})
    edit.used = {**result.used, "seed": edit.request.sampling.seed}
    if after:
        edit.used["seconds"] = {name: round(before.get(name, 0.0) + seconds, 4) for name, seconds in after.items()}
    edit.notes += result.notes


def _in_place(image: Image.Image, step: Pass) -> Callable[[Image.Image], Image.Image]:
    """Shows a pass' preview where it belongs: on a small copy of the whole canvas."""
    scale = min(1.0, PREVIEW_SIDE / max(image.size))
    small = image.convert("RGB").resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    left, top, right, bottom = (round(side * scale) for side in step.box)
    size = (max(1, right - left), max(1, bottom - top))
    alpha = step.alpha.resize(size)

    def show(preview: Image.Image) -> Image.Image:
        whole = small.copy()
        whole.paste(preview.convert("RGB").resize(size), (left, top), alpha)
        return whole

    return show


class _Leg:
    """The `Watch` of one pass out of several: one count of steps over all of them, and receipts of its own."""

    def __init__(self, whole: Watch, number: int, count: int, show: Callable[[Image.Image], Image.Image]) -> None:
        self._whole, self._number, self._count, self._show = whole, number, count, show
        self.lane, self.receipts = whole.lane, whole.receipts.within(f"pass-{number}")

    def delay(self, until: float, why: str) -> None:
        self._whole.delay(until, why)

    def check(self) -> None:
        self._whole.check()

    def say(self, text: str) -> None:
        self._whole.say(text)

    def phase(self, phase: Phase) -> None:
        self._whole.phase(phase)

    def step(self, done: int, total: int, preview: Callable[[], Image.Image | None] | None = None) -> None:
        def placed() -> Image.Image | None:
            image = preview() if preview else None
            return self._show(image) if image else None

        self._whole.step(self._number * total + done, self._count * total, placed if preview else None)
