"""The axes of a grid: which settings can be one, and how their values are typed.

numbers     20, 30, 40     1-5     20..40 by 5     0..1 (in five steps)
seeds       the same, or “4 random”
names       Euler, DDIM    of samplers and models; the beginning of a name is enough where it is clear
words       red | blue | green: the first stands in the prompt, the others take its place
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from studio.core.adapt import random_seed
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import Adapter, ImageRequest, ImageToImage, Sampling, Size, Task, TextToImage, Variation

MOST_POINTS = 50
FIVE = 5
"""Points of a range of fractions that does not say how far apart they are."""
TITLES: Mapping[str, str] = {
    "prompt": "Words of the prompt", "seed": "Seed", "steps": "Steps", "guidance_scale": "Guidance scale",
    "sampler": "Sampler", "size": "Size", "model": "Model", "strength": "Strength", "lora": "Weight of the LoRA",
    "variation_strength": "Variation strength",
}  # fmt: skip
"""What can be an axis, and its words."""
_NUMBER = r"-?(?:\d{1,12}(?:\.\d{1,9})?|\.\d{1,9})"
_RANGE = re.compile(rf"({_NUMBER})\s*(?:\.\.\.?|…|-|–|to)\s*({_NUMBER})(?:\s*(?:by|:)\s*({_NUMBER}))?", re.IGNORECASE)
_RANDOM = re.compile(r"(\d{1,2})\s*random|random\s*(\d{1,2})", re.IGNORECASE)
_TOWARDS = re.compile(r"(.*?)\s+(?:of|to|towards)\s+seed\s+(\d+)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Axis:
    """A setting and its values as they were typed."""

    field: str
    text: str

    @property
    def title(self) -> str:
        return TITLES.get(self.field, self.field)


@dataclass(frozen=True)
class Point:
    """One value of an axis: how it is labelled, and what it makes of a request."""

    label: str
    apply: Callable[[ImageRequest], ImageRequest]


def read_axis(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> tuple[Point, ...]:
    """The values of an axis on a grid that starts from `base`. Raises `InvalidRequest` with the axis' field."""
    if axis.field not in TITLES:
        raise InvalidRequest(f"“{axis.field}” cannot be an axis. Choose one of: {', '.join(TITLES.values())}.", axis.field)
    if not axis.text.strip():
        raise InvalidRequest(f"{axis.title} has no values yet. {_example(axis.field)}", axis.field)
    points = tuple({point.label: point for point in _READERS[axis.field](axis, base, models)}.values())
    if not points:
        raise _unread(axis, axis.text)
    if len(points) > MOST_POINTS:
        raise InvalidRequest(f"{axis.title} has {len(points)} values; at most {MOST_POINTS} fit on an axis.", axis.field)
    return points


def numbers(axis: Axis, *, whole: bool) -> list[float]:
    """The numbers of a list with ranges. Raises `InvalidRequest`."""
    found: list[float] = []
    for part in (each.strip() for each in axis.text.split(",") if each.strip()):
        ranged = _RANGE.fullmatch(part)
        if ranged:
            found += _between(axis, ranged, whole=whole)
        elif re.fullmatch(_NUMBER, part):
            found.append(float(part))
        else:
            raise _unread(axis, part)
        if len(found) > MOST_POINTS:
            raise InvalidRequest(f"{axis.title} has more than {MOST_POINTS} values. Take fewer.", axis.field)
    if whole and any(value != int(value) for value in found):
        raise InvalidRequest(f"{axis.title} are whole numbers. {_example(axis.field)}", axis.field)
    return found


def _between(axis: Axis, ranged: re.Match[str], *, whole: bool) -> list[float]:
    low, high = float(ranged[1]), float(ranged[2])
    apart = float(ranged[3]) if ranged[3] else (1.0 if whole else abs(high - low) / (FIVE - 1)) or 1.0
    count = abs(high - low) / abs(apart) + 1e-9 if apart else MOST_POINTS
    if count >= MOST_POINTS:
        raise InvalidRequest(
            f"{axis.title}: “{ranged[0]}” is more than {MOST_POINTS} values. Take larger steps.", axis.field
        )
    step = abs(apart) if high >= low else -abs(apart)
    return [round(low + step * number, 6) for number in range(int(count) + 1)]


def _unread(axis: Axis, part: str) -> InvalidRequest:
    return InvalidRequest(f"{axis.title}: “{part[:60]}” cannot be read. {_example(axis.field)}", axis.field)


def _example(field: str) -> str:
    told = {
        "prompt": "Write words of the prompt and what takes their place: red | blue | green.",
        "seed": "Write 1, 2, 3 or 1-5 or 4 random.", "steps": "Write 20, 30, 40 or 20..40 by 5.",
        "sampler": "Write names with commas between.", "model": "Write names with commas between.",
        "size": "Write 512x512, 768x512.",
        "variation_strength": "Write 0..1 by 0.25 of seed 1234.",
    }  # fmt: skip
    return told.get(field, "Write 0.2, 0.5 or 0..1 by 0.25.")


def _sampled(name: str, value: Any) -> Callable[[ImageRequest], ImageRequest]:
    return lambda request: replace(request, sampling=replace(request.sampling, **{name: value}))


def _whole(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    return [Point(f"{value:.0f}", _sampled(axis.field, int(value))) for value in numbers(axis, whole=True)]


def _seeds(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    if found := _RANDOM.fullmatch(axis.text.strip()):
        seeds = [random_seed() for _ in range(int(found[1] or found[2]))]
        return [Point(str(seed), _sampled("seed", seed)) for seed in seeds]
    return _whole(axis, base, models)


def _fractions(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    return [Point(f"{value:g}", _sampled(axis.field, value)) for value in numbers(axis, whole=False)]


def _words(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    wanted, *others = [part.strip() for part in axis.text.split("|")]
    if not others or not wanted:
        raise InvalidRequest(f"{axis.title}: one value is no axis. {_example('prompt')}", axis.field)
    if wanted not in base.prompt:
        raise InvalidRequest(f"The prompt does not hold “{wanted[:80]}”. Write words that stand in it first.", axis.field)

    def put(words: str) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: replace(request, prompt=request.prompt.replace(wanted, words), template="", choices=())

    return [Point(words or "(nothing)", put(words)) for words in (wanted, *others)]


def _samplers(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    own = next((model.samplers for model in models if model.id == base.model), ())
    known = dict.fromkeys((*own, *(name for model in models for name in model.samplers)))
    found = (_named(axis, part, {name: (name,) for name in known}) for part in _names(axis.text))
    return [Point(name, _sampled("sampler", name)) for name in found]


def _models(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    known = {model.id: (model.id, model.title, model.id.partition(":")[2]) for model in models}
    chosen = [_named(axis, part, known) for part in _names(axis.text)]
    by_id = {model.id: model for model in models}
    titles = [by_id[id].title for id in chosen]

    def put(model: Model) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: _with_model(request, model)

    labels = [by_id[id].title if titles.count(by_id[id].title) == 1 else id for id in chosen]
    return [Point(label, put(by_id[id])) for label, id in zip(labels, chosen, strict=True)]


def _with_model(request: ImageRequest, model: Model) -> ImageRequest:
    """The same on another model; a sampler that it does not have becomes its own, and options of the first are left out."""
    if model.id == request.model:
        return request
    known = not model.samplers or request.sampling.sampler in model.samplers
    sampling = request.sampling if known else replace(request.sampling, sampler=None)
    return replace(request, model=model.id, sampling=sampling, options={})


def _strengths(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    if isinstance(base.task, TextToImage):
        raise InvalidRequest("A picture from words has no strength. Take another setting.", axis.field)

    def put(value: float) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: replace(request, task=_changed(request.task, strength=value))

    return [Point(f"{value:g}", put(value)) for value in numbers(axis, whole=False)]


def _sizes(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    if not isinstance(base.task, TextToImage | ImageToImage):
        raise InvalidRequest("The size of this picture is that of its source. Take another setting.", axis.field)

    def put(size: Size) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: replace(request, task=_changed(request.task, size=size))

    sizes = [Size.parse(part.strip()) for part in axis.text.split(",") if part.strip()]
    return [Point(f"{size.width} × {size.height}", put(size)) for size in sizes]


def _changed(task: Task, **values: Any) -> Task:
    changed: Task = replace(task, **values)
    return changed


def _weights(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    if not any(each.kind == "lora" for each in base.adapters):
        raise InvalidRequest("The picture wears no LoRA. Take one that does, or another setting.", axis.field)

    def put(value: float) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: replace(request, adapters=_weighted(request.adapters, value))

    return [Point(f"{value:g}", put(value)) for value in numbers(axis, whole=False)]


def _weighted(adapters: tuple[Adapter, ...], weight: float) -> tuple[Adapter, ...]:
    """The first LoRA with this weight."""
    first = next(place for place, each in enumerate(adapters) if each.kind == "lora")
    return (*adapters[:first], replace(adapters[first], weight=weight), *adapters[first + 1 :])


def _walk(axis: Axis, base: ImageRequest, models: Sequence[Model]) -> Iterable[Point]:
    """From the seed's noise to that of another seed: the one that is named, or that the picture was varied towards."""
    towards = _TOWARDS.fullmatch(axis.text.strip())
    *before, last = base.sampling.variations or (Variation(seed=random_seed(), strength=0.0),)
    seed = int(towards[2]) if towards else last.seed

    def put(value: float) -> Callable[[ImageRequest], ImageRequest]:
        return lambda request: replace(
            request, sampling=_turned(request.sampling, (*before, Variation(seed=seed, strength=value)))
        )

    values = numbers(replace(axis, text=towards[1]) if towards else axis, whole=False)
    return [Point(f"{value:g} of {seed}", put(value)) for value in values]


def _turned(sampling: Sampling, variations: tuple[Variation, ...]) -> Sampling:
    return replace(sampling, variations=variations)


def _names(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[,|\n]", text) if part.strip()]


def _named(axis: Axis, part: str, known: Mapping[str, tuple[str, ...]]) -> str:
    """The one that is called so, or the only one whose name begins so. Raises `InvalidRequest`."""
    wanted = part.casefold()
    called = [key for key, names in known.items() if wanted in [name.casefold() for name in names]]
    begun = [key for key, names in known.items() if any(name.casefold().startswith(wanted) for name in names)]
    found = called or begun
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidRequest(f"{axis.title}: “{part[:60]}” could be {', '.join(found[:6])}. Write more of it.", axis.field)
    raise InvalidRequest(f"{axis.title}: “{part[:60]}” is not known here. There are: {_few(known)}.", axis.field)


def _few(known: Mapping[str, tuple[str, ...]]) -> str:
    names = [names[1] if len(names) > 1 else key for key, names in known.items()]
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")


_READERS: Mapping[str, Callable[[Axis, ImageRequest, Sequence[Model]], Iterable[Point]]] = {
    "prompt": _words, "seed": _seeds, "steps": _whole, "guidance_scale": _fractions, "sampler": _samplers, "size": _sizes,
    "model": _models, "strength": _strengths, "lora": _weights, "variation_strength": _walk,
}  # fmt: skip
