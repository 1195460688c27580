"""What ControlNets and IP-Adapters look at: the request's pictures, made into control pictures, in the place that is drawn.

A control picture belongs to the whole picture: of a part that is drawn it is cut as the picture is. One of the size of an
extended picture's old part lies where that part lies.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from studio.core import canvas
from studio.core.adapters import Offer
from studio.core.adapting import Adapting
from studio.core.canvas import Ground, Pass
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.ports import Backend, Sources, Watch
from studio.core.request import Adapter, ImageRequest, Outpaint, Size, Source
from studio.core.result import ImageResult
from studio.engine.edges import DRAW

Pictures = Mapping[int, Image.Image]


def offers_of(backends: Iterable[Backend]) -> list[Offer]:
    """All adapters that are here."""
    return [offer for backend in backends if isinstance(backend, Adapting) for offer in backend.adapters()]


def adapter_with_hash(backends: Iterable[Backend], kind: str, hash: str) -> str:
    """The name of the adapter of this hash; empty if none has it."""
    named = (backend.adapter_named(kind, hash) for backend in backends if isinstance(backend, Adapting))
    return next(filter(None, named), "")


def preview(picture: Image.Image, preprocessor: str) -> Image.Image | None:
    """What a preprocessor makes of a picture; None if only the engine's worker can tell."""
    if not preprocessor:
        return picture.convert("RGB")
    return DRAW[preprocessor](canvas.flat(picture)) if preprocessor in DRAW else None


@dataclass(frozen=True)
class Controls:
    """A request's pictures by place among its adapters, whole; `facts` name those that were made."""

    pictures: Pictures = field(default_factory=dict)
    steering: frozenset[int] = frozenset()
    facts: Mapping[str, Any] = field(default_factory=dict)

    def fitted(self, size: Size) -> Pictures:
        """For a picture of this size that is drawn whole."""
        return {place: canvas.fit(image, size, "crop") if place in self.steering else image
                for place, image in self.pictures.items()}  # fmt: skip

    def on_canvas(self, task: Any, whole: Size) -> Controls:
        """Laid over the canvas of an edit."""
        laid = {place: _laid(image, task, whole) if place in self.steering else image
                for place, image in self.pictures.items()}  # fmt: skip
        return Controls(laid, self.steering, self.facts)

    def within(self, step: Pass) -> Pictures:
        """For one pass over the canvas."""
        return {place: canvas.fit(image.crop(step.box), step.size, "stretch") if place in self.steering else image
                for place, image in self.pictures.items()}  # fmt: skip


def controls_of(request: ImageRequest, backend: Backend, kept: Sources) -> Controls:
    """Read the adapters' pictures, and make and keep the control pictures. Raises `InvalidRequest`."""
    pictures, made = {}, []
    for place, adapter in enumerate(request.adapters):
        if adapter.image is None:
            continue
        picture = canvas.flat(open_picture(kept.read(adapter.image), adapter.image.name or "the picture"))
        if adapter.preprocessor:
            picture = _prepared(picture, adapter, backend)
            made.append({"adapter": place, "preprocessor": adapter.preprocessor, **_kept(picture, adapter, kept)})
        pictures[place] = picture
    steering = frozenset(place for place, adapter in enumerate(request.adapters) if adapter.kind == "controlnet")
    return Controls(pictures, steering, {"controls": made} if made else {})


def generate(
    backend: Backend, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None, *, pictures: Pictures
) -> ImageResult:
    """Ask the backend, with the adapters' pictures if there are any."""
    if not pictures:
        return backend.generate(request, model, watch, ground)
    if not isinstance(backend, Adapting):
        raise Unsupported(f"{model.title} takes no pictures for adapters. Remove them, or choose another model.")
    return backend.generate(request, model, watch, ground, pictures)


def control_sources(facts: Mapping[str, Any]) -> Sequence[Source]:
    """The control pictures that a record names. What is malformed is left out."""
    found = []
    for each in facts.get("controls") or ():
        try:
            name = f"{each['preprocessor']} picture"
            found.append(Source(sha256=each["sha256"], width=each["width"], height=each["height"], name=name))
        except (KeyError, TypeError):
            continue
    return found


def _prepared(picture: Image.Image, adapter: Adapter, backend: Backend) -> Image.Image:
    if adapter.preprocessor in DRAW:
        return DRAW[adapter.preprocessor](picture)
    if not isinstance(backend, Adapting):
        told = f"Nothing here makes “{adapter.preprocessor}” pictures. Choose another preprocessor."
        raise InvalidRequest(told, "adapters")
    return backend.prepare(picture, adapter.preprocessor)


def _kept(picture: Image.Image, adapter: Adapter, kept: Sources) -> dict[str, Any]:
    file = io.BytesIO()
    picture.save(file, "PNG")
    source = kept.add(file.getvalue(), f"{adapter.preprocessor} of {adapter.image.name if adapter.image else 'a picture'}")
    return {"sha256": source.sha256, "width": source.width, "height": source.height}


def _laid(image: Image.Image, task: Any, whole: Size) -> Image.Image:
    if isinstance(task, Outpaint) and image.size == (task.image.width, task.image.height):
        canvas_of = Image.new("RGB", (whole.width, whole.height))
        canvas_of.paste(image, (task.left, task.up))
        return canvas_of
    return canvas.fit(image, whole, "crop")
