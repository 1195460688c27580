"""A grid: one request and up to three axes, each cell a request of its own; what is wrong is known before anything runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, Protocol

from studio.core.adapt import adapt, random_seed
from studio.core.axes import Axis, read_axis
from studio.core.errors import InvalidRequest, NotConfigured, StudioError
from studio.core.model import Model
from studio.core.price import dollars
from studio.core.request import ImageRequest
from studio.core.result import Record

MOST_AXES, MOST_CELLS = 3, 144
_FIRST = ("model",)
"""Axes that are applied before the others, whatever their place: a model brings values of its own along."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One picture of a grid. `place` counts along the axes; `fault` is a sentence where nothing can be made of it."""

    place: tuple[int, ...]
    labels: tuple[str, ...]
    request: ImageRequest
    fault: str = ""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a grid will take. `dollars` of those cells whose price is known (`unpriced` hosted ones have none); `seconds`
    None where nothing like it was made before, `untimed` cells of which that is so.
    """

    pictures: int
    dollars: float = 0.0
    unpriced: int = 0
    varies: bool = False
    seconds: float | None = None
    untimed: int = 0

    @property
    def cost(self) -> str:
        if not self.dollars and not self.unpriced:
            return "costs nothing"
        known = f"about {'≈' if self.varies else ''}{dollars(self.dollars)}" if self.dollars else ""
        unknown = f"{self.unpriced} of unknown price" if self.unpriced else ""
        return " and ".join(filter(None, (known, unknown)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All cells of a grid in order: the first axis fastest. `labels` by axis."""

    base: ImageRequest
    axes: tuple[Axis, ...]
    labels: tuple[tuple[str, ...], ...]
    cells: tuple[Cell, ...]
    forecast: Forecast

    @property
    def faults(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.fault]


@dataclass(frozen=True, kw_only=True)
class KeptGrid:
    """A grid that was begun. `jobs` and `faults` by cell, empty for none; `sheet` is the record of its sheet."""

    id: str
    base: ImageRequest
    axes: tuple[Axis, ...]
    labels: tuple[tuple[str, ...], ...]
    jobs: tuple[str, ...]
    faults: tuple[str, ...]
    sheet: str = ""
    created: float = 0.0
    changed: float = 0.0

    @property
    def places(self) -> list[tuple[int, ...]]:
        return places(self.labels)

    def labels_of(self, place: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(names[number] for names, number in zip(self.labels, place, strict=True))


class GridStore(Protocol):
    """The grids that were begun."""

    def add(
        self, id: str, base: ImageRequest, axes: Sequence[Axis], labels: Sequence[Sequence[str]], faults: Sequence[str]
    ) -> KeptGrid: ...

    def put(self, id: str, cells: Mapping[int, tuple[str, str]]) -> KeptGrid:
        """The job and the fault of these cells."""

    def set_sheet(self, id: str, record: str) -> None: ...

    def find(self, id: str) -> KeptGrid | None: ...

    def newest(self, limit: int = 50) -> list[KeptGrid]: ...

    def remove(self, id: str) -> None: ...


def places(labels: Sequence[Sequence[str]]) -> list[tuple[int, ...]]:
    """Where the cells stand, the first axis fastest."""
    turned = itertools.product(*(range(len(names)) for names in reversed(labels)))
    return [tuple(reversed(place)) for place in turned]


def plan_grid(
    base: ImageRequest,
    axes: Sequence[Axis],
    models: Sequence[Model],
    *,
    check: Callable[[ImageRequest], None] = lambda _: None,
    paces: Mapping[str, float] | None = None,
) -> Plan:
    """Every cell with its request or its fault; `check` raises a `StudioError` for more that may be wrong with one.

    All cells share one seed where no axis is the seed. Raises `InvalidRequest` where there is no grid at all.
    """
    _check_axes(axes)
    base = _one(base)
    points = [read_axis(axis, base, models) for axis in axes]
    labels = tuple(tuple(point.label for point in each) for each in points)
    count = 1
    for names in labels:
        count *= len(names)
    if count > MOST_CELLS:
        raise InvalidRequest(
            f"The grid would have {count} pictures; at most {MOST_CELLS} are made at once. Take fewer values."
        )
    by_id = {model.id: model for model in models}
    order = sorted(range(len(axes)), key=lambda number: axes[number].field not in _FIRST)
    cells = []
    for place in places(labels):
        request = base
        for number in order:
            request = points[number][place[number]].apply(request)
        named = tuple(labels[number][place[number]] for number in range(len(axes)))
        cells.append(Cell(place=place, labels=named, request=request, fault=_fault(request, by_id, check)))
    told = forecast([cell.request for cell in cells if not cell.fault], by_id, paces or {})
    return Plan(base=base, axes=tuple(axes), labels=labels, cells=tuple(cells), forecast=told)


def _check_axes(axes: Sequence[Axis]) -> None:
    if not 1 <= len(axes) <= MOST_AXES:
        raise InvalidRequest(f"A grid has one to {MOST_AXES} axes. Choose what is to change.")
    fields = [axis.field for axis in axes]
    if twice := next((axis for axis in axes if fields.count(axis.field) > 1), None):
        raise InvalidRequest(f"{twice.title} stands on two axes. Choose another setting for one of them.", twice.field)


def _one(base: ImageRequest) -> ImageRequest:
    seed = base.sampling.seed if base.sampling.seed is not None else random_seed()
    return replace(base, count=1, again=None, sampling=replace(base.sampling, seed=seed))


def _fault(request: ImageRequest, models: Mapping[str, Model], check: Callable[[ImageRequest], None]) -> str:
    model = models.get(request.model)
    try:
        if model is None:
            raise NotConfigured(f"The model “{request.model}” is not here. Choose another one.")
        if model.unready:
            raise NotConfigured(model.unready)
        adapt(request, model)
        check(request)
    except StudioError as error:
        return str(error)
    return ""


def forecast(requests: Iterable[ImageRequest], models: Mapping[str, Model], paces: Mapping[str, float]) -> Forecast:
    """`paces` are seconds for one unit of work by model (`paces_of`)."""
    money, seconds, pictures, unpriced, untimed, varies = 0.0, 0.0, 0, 0, 0, False
    for request in requests:
        model = models[request.model]
        pictures += 1
        if model.hosted and model.price:
            money += model.price.of(request.task.size or model.default_size)
            varies |= model.price.varies
        elif model.hosted and model.destination:
            unpriced += 1
        if request.model in paces:
            seconds += paces[request.model] * work(request, model)
        else:
            untimed += 1
    timed = seconds if pictures > untimed else None
    return Forecast(
        pictures=pictures, dollars=round(money, 6), unpriced=unpriced, varies=varies, seconds=timed, untimed=untimed
    )


def work(request: ImageRequest, model: Model) -> float:
    """How much there is to do for one picture: steps times megapixels; a hosted one is one piece."""
    if model.hosted:
        return 1.0
    size, steps = request.task.size or model.default_size, request.sampling.steps or model.default_steps
    return steps * size.width * size.height / 1e6


def paces_of(records: Iterable[Record], models: Mapping[str, Model]) -> dict[str, float]:
    """Seconds for one unit of work by model, the middle one of what kept pictures took."""
    seen: dict[str, list[float]] = {}
    for record in records:
        model, seconds = models.get(record.request.model), _seconds(record)
        if model and seconds > 0 and (amount := work(record.request, model)):
            seen.setdefault(model.id, []).append(seconds / record.request.count / amount)
    return {id: median(found) for id, found in seen.items()}


def _seconds(record: Record) -> float:
    used = record.facts.get("used")
    told: Any = used.get("seconds") if isinstance(used, Mapping) else None
    if isinstance(told, Mapping):
        phases = {name: value for name, value in told.items() if name not in ("total", "loading")}
        return float(sum(value for value in phases.values() if isinstance(value, int | float)))
    return float(told) if isinstance(told, int | float) else 0.0


def axes_to_json(axes: Sequence[Axis], labels: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """The axes with what they were read as."""
    return [
        {"field": axis.field, "text": axis.text, "labels": list(names)} for axis, names in zip(axes, labels, strict=True)
    ]


def axes_from_json(values: Sequence[Mapping[str, Any]]) -> tuple[tuple[Axis, ...], tuple[tuple[str, ...], ...]]:
    axes = tuple(Axis(str(each["field"]), str(each["text"])) for each in values)
    return axes, tuple(tuple(str(label) for label in each["labels"]) for each in values)
