"""A form's adapters ↔ a request's: plain functions on JSON-ready dicts, the shape in which a draft keeps them.

Whatever a page or a draft holds is untrusted: an entry that is none is left out, and `studio.core.adapters` judges the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from studio.core.adapters import MAX_ADAPTERS, PICTURED, Offer, find_offer, take_tags
from studio.core.evidence import Worn
from studio.core.model import Model
from studio.core.request import ADAPTERS, Adapter, source_from_json

_NUMBERS = (("weight", 1.0), ("start", 0.0), ("end", 1.0))
Values = dict[str, Any]


def read(value: Any, model: Model) -> tuple[Adapter, ...]:
    """What the form has chosen; a model that takes none is not asked for any."""
    if not model.adapters:
        return ()
    entries = (value if isinstance(value, list) else [])[: MAX_ADAPTERS + 1]
    return tuple(adapter for entry in entries if (adapter := _adapter(entry)))


def shown(adapters: Iterable[Adapter]) -> list[Values]:
    """A request's adapters as the form keeps them."""
    return [asdict(adapter) for adapter in adapters]


def is_sound(value: Any, model: Model) -> bool:
    """Whether a draft's value is a list of adapters."""
    return isinstance(value, list) and len(value) <= MAX_ADAPTERS and all(_adapter(entry) for entry in value)


def from_worn(
    told: Iterable[Worn], prompts: tuple[str, str], model: Model, offers: list[Offer], *, by_hash: Callable[[str, str], str]
) -> tuple[list[Values], tuple[str, str], list[str]]:
    """What a file names, as far as it is here and fits: the form's adapters, the prompts without tags, and sentences."""
    found: list[Adapter] = []
    notes: list[str] = []
    for each in told:
        offer = find_offer(offers, each.kind, each.name)
        if offer is None and each.hash and (name := by_hash(each.kind, each.hash)):
            offer = find_offer(offers, each.kind, name)
        if offer is None or model.id not in offer.models:
            why = "is not here" if offer is None else "was made for other models"
            notes.append(f"The adapter “{each.name[:80]}” {why}.")
        elif offer.kind not in PICTURED:
            found.append(Adapter(kind=offer.kind, name=offer.name, weight=min(2.0, max(-2.0, each.weight))))
    if not found and notes:
        return [], prompts, notes
    bare = (take_tags(prompts[0])[0], take_tags(prompts[1])[0])
    return shown(found[:MAX_ADAPTERS]), bare, notes


def _adapter(entry: Any) -> Adapter | None:
    """One entry of a form; None for what is none."""
    if not isinstance(entry, Mapping) or entry.get("kind") not in ADAPTERS or not isinstance(entry.get("name"), str):
        return None
    try:
        numbers = {name: _number(entry.get(name), default) for name, default in _NUMBERS}
        image = source_from_json(entry["image"]) if entry.get("image") else None
    except (KeyError, TypeError, ValueError):
        return None
    preprocessor = str(entry.get("preprocessor") or "")[:40]
    return Adapter(kind=entry["kind"], name=entry["name"], image=image, preprocessor=preprocessor, **numbers)


def _number(value: Any, default: float) -> float:
    if value is None or isinstance(value, bool):
        return default
    return round(float(value), 4)
