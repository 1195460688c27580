"""What providers declare of their models; and models that the user adds, in `<data>/providers/<name>.toml`:

[[models]]
name = "black-forest-labs/flux-2-dev"     # the provider's own name of it
title = "FLUX.2 dev"
tasks = ["text-to-image", "image-to-image"]
default_size = "1024x1024"                # or sizes = ["1024x1024", "1536x1024"]
max_side = 2048
multiple_of = 16
takes = ["seed", "steps", "guidance_scale", "negative_prompt", "strength"]
default_steps = 28
default_guidance_scale = 3.5
price = 0.03                              # dollars a picture
price_date = "2026-11-01"
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import log
from typing import Any

from studio.backends._hosted.provider import About
from studio.core.errors import InvalidRequest
from studio.core.model import EVERY, Model
from studio.core.price import Price
from studio.core.request import TASKS, Size

TAKEN = ("seed", "steps", "guidance_scale", "negative_prompt", "strength", "sampler")
WORDS = ("name", "title", "tasks", "default_size", "sizes", "min_side", "max_side", "multiple_of", "max_count", "takes",
         "default_steps", "default_guidance_scale", "price", "price_date")  # fmt: skip
PLAIN = ("min_side", "max_side", "multiple_of", "max_count", "default_steps", "default_guidance_scale")


def own_models(about: About, own: Mapping[str, Any]) -> list[Model]:
    """Raises `InvalidRequest` for an entry that cannot be used."""
    entries = own.get("models", [])
    if not isinstance(entries, list):
        raise InvalidRequest("models is a list of tables: [[models]]")
    return [_model(entry, about) for entry in entries]


def describe(provider: str, name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    """A hosted model. `takes` are the optional fields it takes, of `TAKEN`; `more` are fields of `Model`."""
    values: dict[str, Any] = {
        "default_size": Size(1024, 1024),
        "max_side": 2048,
        "multiple_of": 16,
        "max_count": 8,
        "max_tokens": None,
        "samplers": (),
        "ignores": {EVERY: tuple(field for field in TAKEN if field not in takes)},
        "negative_prompt": "negative_prompt" in takes,
        **more,
    }
    return Model(id=f"{provider}:{name}", title=title, backend=provider, tasks=tasks, **values)


def shapes(ratios: Iterable[str], megapixels: float = 1.0, multiple_of: int = 16) -> tuple[Size, ...]:
    """Nominal sizes of aspect ratios such as `16:9`, for providers that take shapes and decide on the pixels."""
    return tuple(
        Size(
            *(
                round((megapixels * 1e6 * a / b) ** 0.5 / multiple_of) * multiple_of
                for a, b in ((across, down), (down, across))
            )
        )
        for across, down in map(_parts, ratios)
    )


def nearest(ratios: Iterable[str], size: Size) -> str:
    """The aspect ratio that is nearest to a size's."""
    wanted = size.width / size.height
    return min(ratios, key=lambda ratio: abs(log(_parts(ratio)[0] / _parts(ratio)[1] / wanted)))


def _parts(ratio: str) -> tuple[int, int]:
    across, _, down = ratio.partition(":")
    return int(across), int(down)


def _model(entry: Any, about: About) -> Model:
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise InvalidRequest("a model needs a name")
    name = entry["name"]
    if unknown := sorted(set(entry) - set(WORDS)):
        raise InvalidRequest(f"the model {name} has unknown words: {', '.join(unknown)}")
    try:
        tasks = _words(entry.get("tasks", ["text-to-image"]), TASKS, f"{name}: tasks")
        takes = _words(entry.get("takes", []), TAKEN, f"{name}: takes")
        more: dict[str, Any] = {word: type(getattr(Model, word))(entry[word]) for word in PLAIN if word in entry}
        if sizes := tuple(Size.parse(size) for size in entry.get("sizes", [])):
            more |= {"sizes": sizes, "default_size": sizes[0]}
        if "default_size" in entry:
            more["default_size"] = Size.parse(entry["default_size"])
        if "price" in entry:
            more["price"] = Price(picture=float(entry["price"]), date=str(entry.get("price_date", "")))
        return describe(about.name, name, str(entry.get("title", name)), tasks, takes, **more)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidRequest(f"the model {name} has a value of the wrong kind ({error})") from None


def _words(values: Any, known: Iterable[str], what: str) -> tuple[str, ...]:
    wrong = [str(value) for value in values if value not in known]
    if wrong:
        raise InvalidRequest(f"{what} does not know {', '.join(wrong)}")
    return tuple(values)
