"""Values for an axis to begin with, around those that a picture was made with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from studio.core.adapt import MAX_GUIDANCE, MAX_STEPS, random_seed
from studio.core.model import Model
from studio.core.request import MAX_SEED, ImageRequest


def suggestion(field: str, base: ImageRequest, models: list[Model]) -> str:
    """A text that the axis reads; empty where nobody can guess."""
    model = next((each for each in models if each.id == base.model), None)
    return _GUESSES[field](base, model, models) if model and field in _GUESSES else ""


def _seeds(base: ImageRequest, model: Model, models: list[Model]) -> str:
    first = min(base.sampling.seed or 0, MAX_SEED - 4)
    return f"{first}-{first + 3}"


def _steps(base: ImageRequest, model: Model, models: list[Model]) -> str:
    return ", ".join(str(value) for value in _around(base.sampling.steps or model.default_steps))


def _guidance(base: ImageRequest, model: Model, models: list[Model]) -> str:
    asked = base.sampling.guidance_scale
    own = model.default_guidance_scale if asked is None else asked
    values = (min(MAX_GUIDANCE, round(own * part, 1)) for part in (0.5, 0.75, 1, 1.5))
    return ", ".join(f"{value:g}" for value in dict.fromkeys(values))


def _samplers(base: ImageRequest, model: Model, models: list[Model]) -> str:
    own_first = dict.fromkeys((base.sampling.sampler or model.default_sampler, *model.samplers))
    return ", ".join([name for name in own_first if name][:4])


def _walk(base: ImageRequest, model: Model, models: list[Model]) -> str:
    variations = base.sampling.variations
    return f"0..1 by 0.25 of seed {variations[-1].seed if variations else random_seed()}"


def _models(base: ImageRequest, model: Model, models: list[Model]) -> str:
    able = [each for each in models if base.task.kind in each.tasks and not each.unready]
    return ", ".join(each.id for each in sorted(able, key=lambda each: (each.id != model.id, each.hosted))[:3])


def _around(steps: int) -> list[int]:
    return list(dict.fromkeys(min(MAX_STEPS, max(1, round(steps * part))) for part in (0.5, 0.75, 1, 1.5)))


def _sizes(base: ImageRequest, model: Model, models: list[Model]) -> str:
    if model.sizes:
        return ", ".join(str(size) for size in model.sizes[:4])
    side = model.default_size
    return ", ".join(dict.fromkeys((str(side), f"{side.width * 3 // 4 // 64 * 64 or side.width}x{side.height}")))


def _word(base: ImageRequest, model: Model, models: list[Model]) -> str:
    """The longest of the first words: most likely what the picture is of."""
    words = [word.strip(",.()") for word in base.prompt.split()[:6]]
    return f"{max(words, key=len, default='')} | "


_GUESSES: Mapping[str, Callable[[ImageRequest, Model, list[Model]], str]] = {
    "seed": _seeds, "steps": _steps, "guidance_scale": _guidance, "sampler": _samplers, "size": _sizes, "model": _models,
    "prompt": _word, "variation_strength": _walk,
    "strength": lambda *_: "0.2..0.8 by 0.2", "lora": lambda *_: "0, 0.4, 0.8, 1.2",
}  # fmt: skip
