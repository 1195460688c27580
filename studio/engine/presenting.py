"""Words become pictures before an audience: the fastest model of this computer, beside a hosted one if that is wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Protocol

from studio.core.errors import InvalidRequest
from studio.core.job import Job, Lane
from studio.core.model import Model
from studio.core.people import Person
from studio.core.request import ImageRequest, TextToImage
from studio.core.result import Record

LOOKED_AT = 200
"""So many of the newest pictures tell how fast a model is."""


class Maker(Protocol):
    """The part of the engine that queues a request."""

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Sequence[Job]: ...


def drawable(models: Iterable[Model], *, hosted: bool) -> list[Model]:
    """The models that can draw from words now, here or at a provider."""
    return [model for model in models if model.hosted is hosted and not model.unready and "text-to-image" in model.tasks]


def fastest(models: Sequence[Model], lately: Iterable[Record]) -> Model:
    """The model here that took the least seconds a picture lately; among models not used yet, the smallest.

    A model that was measured goes before one that was not. Raises `InvalidRequest` where no model of this computer can draw.
    """
    here = drawable(models, hosted=False)
    if not here:
        raise InvalidRequest("No model of this computer can draw now. Look at the Models tab.", "model")
    taken: defaultdict[str, list[float]] = defaultdict(list)
    for record in lately:
        taken[record.request.model].append(seconds_of(record))
    known = {id: median(told) for id, seconds in taken.items() if (told := [each for each in seconds if each])}
    return min(here, key=lambda model: (model.id not in known, known.get(model.id, 0.0), model.size_bytes, model.id))


def seconds_of(record: Record) -> float:
    """How long the picture took on the device, without waiting and loading; 0 where it is not known."""
    used = record.facts.get("used")
    seconds = used.get("seconds") if isinstance(used, dict) else None
    phases = seconds.items() if isinstance(seconds, dict) else ()
    return float(sum(value for name, value in phases if isinstance(value, int | float) and name not in ("total", "loading")))


def draw(maker: Maker, models: Sequence[Model], prompt: str, person: Person) -> list[Job]:
    """One picture of the same words by each of these models, as it draws best. Raises what `submit` raises."""
    if not prompt.strip():
        raise InvalidRequest("Say what the picture should show, then press Enter.", "prompt")
    asked = [ImageRequest(model=model.id, prompt=prompt, task=TextToImage(model.default_size)) for model in models]
    return [job for request in asked for job in maker.submit(request, "interactive", person)[:1]]
