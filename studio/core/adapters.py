"""Adapters as values: what there is to choose from, what may be asked of a model, and AUTOMATIC1111's `<lora:name:0.8>`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import ADAPTERS, Adapter, AdapterKind, ImageRequest

MAX_ADAPTERS = 8
RANGES: Mapping[AdapterKind, tuple[float, float]] = {
    "lora": (-2.0, 2.0),
    "controlnet": (0.0, 2.0),
    "ip-adapter": (0.0, 2.0),
}
"""Weights; the other kinds have none."""
PICTURED: tuple[AdapterKind, ...] = ("controlnet", "ip-adapter")
TITLES: Mapping[AdapterKind, str] = {
    "lora": "LoRA", "textual-inversion": "Embedding", "controlnet": "ControlNet", "ip-adapter": "IP-Adapter", "vae": "VAE",
}  # fmt: skip
DRAWN = ("canny", "lineart")
"""Preprocessors that need no model."""
_TAG = re.compile(r"<lora:([^:<>\n]{1,200})(?::([+-]?\d{0,3}\.?\d{0,6})(?::[^<>\n]{0,40})?)?>", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An adapter on this computer. `models` are ids of models that it fits, `triggers` words that call it up, the most used
    first. `preprocessors` are what can make its control picture; the first is the one its name speaks for.
    """

    kind: AdapterKind
    name: str
    models: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    preprocessors: tuple[str, ...] = ()
    size_bytes: int = 0


def check_adapters(adapters: tuple[Adapter, ...]) -> None:
    """Raise `InvalidRequest` for what no model could take."""
    if len(adapters) > MAX_ADAPTERS:
        raise InvalidRequest(
            f"There are {len(adapters)} adapters; at most {MAX_ADAPTERS} go together. Remove some.", "adapters"
        )
    for adapter in adapters:
        _check_one(adapter)
    if sum(each.kind == "vae" for each in adapters) > 1:
        raise InvalidRequest("Two VAEs were chosen; only one can decode the picture. Remove one.", "adapters")
    named = [(each.kind, each.name) for each in adapters if each.kind not in PICTURED]
    if twice := next((name for kind, name in named if named.count((kind, name)) > 1), None):
        raise InvalidRequest(f"“{twice}” was chosen twice. Remove one and set its weight.", "adapters")


def _check_one(adapter: Adapter) -> None:
    if adapter.kind not in ADAPTERS:
        raise InvalidRequest(f"“{adapter.kind}” is no kind of adapter. Choose one of: {', '.join(ADAPTERS)}.", "adapters")
    if not adapter.name.strip() or len(adapter.name) > 300:
        raise InvalidRequest(f"A {TITLES[adapter.kind]} has no name. Choose one from the list.", "adapters")
    low, high = RANGES.get(adapter.kind, (-100.0, 100.0))
    if not low <= adapter.weight <= high:
        told = f"The weight of {adapter.name} is {adapter.weight:g}. It must lie between {low:g} and {high:g}."
        raise InvalidRequest(told, "adapters")
    if adapter.kind in PICTURED and adapter.image is None:
        raise InvalidRequest(f"{adapter.name} has no picture yet. Choose one for it.", "adapters")
    if not 0 <= adapter.start < adapter.end <= 1:
        raise InvalidRequest(f"{adapter.name} must begin before it ends, between 0 and 1.", "adapters")


def fit_adapters(request: ImageRequest, model: Model) -> tuple[ImageRequest, tuple[str, ...]]:
    """The request with its `<lora:…>` words made adapters, where the model takes them; with other models they are words.

    Raises `Unsupported` or `InvalidRequest`.
    """
    notes: tuple[str, ...] = ()
    if "lora" in model.adapters:
        request, notes = heed_tags(request)
    check_adapters(request.adapters)
    for adapter in request.adapters:
        if adapter.kind not in model.adapters:
            raise Unsupported(
                f"{model.title} takes no {TITLES[adapter.kind]}. Remove {adapter.name}, or choose another model."
            )
    return request, notes


def heed_tags(request: ImageRequest) -> tuple[ImageRequest, tuple[str, ...]]:
    """`<lora:name:0.8>` in either prompt taken out and made an adapter; one that is chosen already keeps its weight."""
    prompt, found = take_tags(request.prompt)
    negative, more = take_tags(request.negative_prompt)
    if not (found or more):
        return request, ()
    chosen = {each.name for each in request.adapters if each.kind == "lora"}
    weights: dict[str, float] = {}
    for name, weight in (*found, *more):
        weights[name] = weight
    new = tuple(Adapter(kind="lora", name=name, weight=weight) for name, weight in weights.items() if name not in chosen)
    notes = tuple(f"LoRA {each.name} with weight {each.weight:g}, as the prompt says" for each in new)
    notes += tuple(f"<lora:{name}> in the prompt left out: it is chosen already" for name in weights if name in chosen)
    return replace(request, prompt=prompt, negative_prompt=negative, adapters=(*request.adapters, *new)), notes


def take_tags(text: str) -> tuple[str, list[tuple[str, float]]]:
    """A prompt without its `<lora:…>` words, and the names and weights these told. Without any it comes back unchanged."""
    found = [(match[1].strip(), _weight(match[2])) for match in _TAG.finditer(text)]
    if not found:
        return text, []
    bare = re.sub(r" *, *(?:, *)+", ", ", re.sub(r" {2,}", " ", _TAG.sub("", text)))
    return bare.strip(" ,"), found


def tag(name: str, weight: float) -> str:
    """A LoRA as AUTOMATIC1111 has it in a prompt."""
    return f"<lora:{name}:{weight:g}>"


def _weight(text: str | None) -> float:
    try:
        return float(text or "1")
    except ValueError:
        return 1.0


def find_offer(offers: Iterable[Offer], kind: str, name: str) -> Offer | None:
    """The adapter of this name, letter by letter, else whatever the case of its letters."""
    of_kind = [offer for offer in offers if offer.kind == kind]
    exact = next((offer for offer in of_kind if offer.name == name), None)
    return exact or next((offer for offer in of_kind if offer.name.casefold() == name.casefold()), None)


def require_offers(request: ImageRequest, offers: Iterable[Offer]) -> None:
    """Raise `InvalidRequest` for an adapter that is not here, or that was made for other models."""
    known = list(offers)
    for adapter in request.adapters:
        title, offer = TITLES[adapter.kind], find_offer(known, adapter.kind, adapter.name)
        if offer is None:
            told = f"There is no {title} “{adapter.name}” here. Put it into the models folder, or remove it."
            raise InvalidRequest(told, "adapters")
        if request.model not in offer.models:
            fitting = ", ".join(id.partition(":")[2] for id in offer.models[:3])
            fits = f" It fits: {fitting}." if fitting else ""
            told = f"The {title} {adapter.name} was made for another family of models.{fits} Remove it, or change the model."
            raise InvalidRequest(told, "adapters")
        if adapter.preprocessor and adapter.preprocessor not in offer.preprocessors:
            told = f"Nothing here makes “{adapter.preprocessor}” pictures for {adapter.name}. "
            raise InvalidRequest(f"{told}Choose one of: {', '.join(offer.preprocessors) or 'none'}.", "adapters")
