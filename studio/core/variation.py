"""Variations of a picture: the words for them in a form, and what is wrong with them whatever the form.

`0.25 of 1234` is a quarter of the way from the picture's own noise to that of seed 1234; several, one on from the other,
are written with commas: `0.25 of 1234, 0.25 of 77`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import MAX_SEED, ImageRequest, Variation

FIELD, FACT = "variation", "variations"
MOST = 8
"""Steps one on from the other."""
_STEP = re.compile(r"(\d+(?:\.\d+)?|\.\d+)(\s*%)?(?:\s*of\s*(?:seed\s*)?(\d+))?", re.IGNORECASE)


def read_variations(text: str, fresh: Callable[[], int]) -> tuple[Variation, ...]:
    """What a person typed; a strength alone takes a `fresh` seed. Raises `InvalidRequest`."""
    return tuple(_read(part.strip(), fresh) for part in text.split(",") if part.strip())


def say_variations(variations: tuple[Variation, ...]) -> str:
    """The same as it is typed."""
    return ", ".join(f"{each.strength:g} of {each.seed}" for each in variations)


def variation_facts(variations: tuple[Variation, ...]) -> dict[str, Any]:
    """What one picture's facts tell of them; nothing for none."""
    told = [{"seed": each.seed, "strength": each.strength} for each in variations]
    return {FACT: told} if told else {}


def variations_of(request: ImageRequest, facts: Mapping[str, Any]) -> tuple[Variation, ...]:
    """Those of one picture: the last seed counts up within a request. Facts may come from a stranger's file."""
    told = facts.get(FACT)
    if not isinstance(told, list):
        return request.sampling.variations
    try:
        found = tuple(Variation(seed=int(each["seed"]), strength=float(each["strength"])) for each in told)
        check_variations(found)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidRequest):
        return request.sampling.variations
    return found


def check_variations(variations: tuple[Variation, ...]) -> None:
    """Raise `InvalidRequest` for what is out of range."""
    if len(variations) > MOST:
        raise InvalidRequest(f"A variation of {len(variations)} steps; at most {MOST} are possible.", FIELD)
    for each in variations:
        if not 0 <= each.seed <= MAX_SEED:
            raise InvalidRequest(f"The variation's seed is {each.seed}. It must lie between 0 and {MAX_SEED}.", FIELD)
        if not 0 <= each.strength <= 1:
            raise InvalidRequest(f"The variation's strength is {each.strength:g}. It must lie between 0 and 1.", FIELD)


def require_variations(request: ImageRequest, model: Model) -> None:
    """Raise `Unsupported` where the model cannot start from noise that is given to it."""
    if request.sampling.variations and not model.variations:
        raise Unsupported(
            f"{model.title} cannot make variations of a picture: its noise is its own. Empty the field Variation, or choose "
            "a model of this computer."
        )


def _read(part: str, fresh: Callable[[], int]) -> Variation:
    found = _STEP.fullmatch(part)
    if found is None:
        raise InvalidRequest(
            f"“{part[:40]}” is no variation. Write it as 0.25 of 1234: how far, and towards which seed.", FIELD
        )
    number, percent, seed = found.groups()
    return Variation(seed=int(seed) if seed else fresh(), strength=float(number) / (100 if percent else 1))
