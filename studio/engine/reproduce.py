"""Making a picture once more with the same everything, and telling how near the second one is.

*exact*: the drawn pixels are the same to the last bit (`drawn_sha256`, which the watermark does not touch). *close*: they
differ, and the saved pictures are alike (PSNR of 30 dB and more). *different*: they are not. What differs in the
surroundings is named: it is the likely reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.evidence import Reading
from studio.core.measures import psnr
from studio.core.metadata import record_from_json
from studio.core.model import Model
from studio.core.request import ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage
from studio.core.result import Record
from studio.core.variation import variations_of

Outcome = Literal["exact", "close", "different"]
CLOSE = 30.0
"""Decibels."""
SURROUNDINGS: Mapping[str, str] = {
    "model": "Model", "model_sha256": "Model file", "device": "Device", "dtype": "Precision", "precision": "Precision",
    "attention": "Attention", "memory_plan": "Memory plan", "compiled": "Compiled", "step_cache": "Skipped steps",
    "weights": "Weights", "channels_last": "Order of numbers", "vae_dtype": "Precision of the VAE",
    "tiling": "VAE tiles", "torch": "torch", "diffusers": "diffusers", "transformers": "transformers",
    "pipeline": "Pipeline", "scheduler": "Scheduler", "sampler": "Sampler", "steps": "Steps", "guidance_scale": "Guidance",
}  # fmt: skip
"""Keys of `used` by their words: what else decides over pixels besides the request."""


@dataclass(frozen=True, kw_only=True)
class Original:
    """What is to be made again: the request that made it, what ran, and its pixels as far as they are here."""

    request: ImageRequest
    facts: Mapping[str, Any]
    source: Source
    image: Image.Image | None = None

    @property
    def used(self) -> Mapping[str, Any]:
        used = self.facts.get("used")
        return used if isinstance(used, Mapping) else {}


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """How near a picture came to the one that it repeats. `differences` name what was not the same, “Device: A → B”."""

    outcome: Outcome
    psnr: float | None = None
    differences: tuple[str, ...] = ()
    note: str = ""

    @property
    def sentence(self) -> str:
        if self.outcome == "exact":
            return "Exact: every pixel that was drawn is the same."
        told = f" (PSNR {self.psnr:.1f} dB)" if self.psnr is not None else ""
        words = "Close: not the same bit for bit" if self.outcome == "close" else "Different: another picture came of it"
        return f"{words}{told}."


def of_record(record: Record, image: Image.Image | None) -> Original:
    """A kept picture, or the record that a file carries."""
    source = Source(sha256=record.sha256, width=record.width, height=record.height, name=record.name, record=record.id)
    used = record.facts.get("used") if isinstance(record.facts.get("used"), Mapping) else {}
    asked = replace(record.request.sampling, variations=variations_of(record.request, record.facts))
    request = _repeated(replace(record.request, sampling=asked), dict(used or {}), record.seed)
    return Original(request=replace(request, again=source), facts=record.facts, source=source, image=image)


def of_file(reading: Reading | None, source: Source, image: Image.Image, models: list[Model]) -> Original:
    """A file that is not in the library, as far as its metadata tells. Raises `InvalidRequest` where that is too little."""
    if reading is None:
        raise InvalidRequest("The file does not tell how it was made, so it cannot be made again.")
    if reading.record is not None:
        record = record_from_json(reading.record, path=Path(source.name), sha256=source.sha256)
        made = of_record(replace(record, id=source.record or record.id), image)
        return replace(made, source=source, request=replace(made.request, again=source))
    missing = [name for name, value in (("prompt", reading.prompt), ("seed", reading.seed)) if value in (None, "")]
    if missing:
        raise InvalidRequest(f"The file tells no {' and no '.join(missing)}, so it cannot be made again.")
    size = Size(reading.width, reading.height) if reading.width and reading.height else None
    request = ImageRequest(
        model=_model_named(reading.model, models), prompt=reading.prompt, negative_prompt=reading.negative_prompt,
        task=TextToImage(size), again=source,
        sampling=Sampling(steps=reading.steps, guidance_scale=reading.guidance_scale, seed=reading.seed,
                          sampler=reading.sampler or None, variations=reading.variations),
    )  # fmt: skip
    return Original(request=request, facts={}, source=source, image=image)


def compare(original: Original, record: Record, image: Image.Image | None) -> Reproduction:
    """`record` was made from the original's request; `image` are its saved pixels."""
    differences = surroundings(original.facts, record.facts)
    before, after = original.facts.get("drawn_sha256"), record.facts.get("drawn_sha256")
    if before and before == after:
        return Reproduction(outcome="exact", differences=differences)
    if original.image is None or image is None:
        note = "One of the two files is gone, so the pixels cannot be compared."
        return Reproduction(outcome="different", differences=differences, note=note)
    if original.image.size != image.size:
        sizes = f"Size: {original.image.width} × {original.image.height} → {image.width} × {image.height}"
        return Reproduction(outcome="different", differences=(sizes, *differences))
    value = psnr(original.image, image)
    if value is None:
        return Reproduction(outcome="exact", differences=differences)
    marked = any((facts.get("watermark") or {}).get("present") for facts in (original.facts, record.facts))
    note = "Watermarks differ from picture to picture: with them, equal drawings have some 42 dB." if marked else ""
    return Reproduction(outcome="close" if value >= CLOSE else "different", psnr=value, differences=differences, note=note)


def surroundings(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """What both tell and tell differently."""
    ran, runs = before.get("used") or {}, after.get("used") or {}
    pairs = [(words, ran.get(key), runs.get(key)) for key, words in SURROUNDINGS.items()]
    pairs.append(("Studio", before.get("studio"), after.get("studio")))
    return tuple(
        f"{words}: {_short(old)} → {_short(new)}" for words, old, new in pairs if None not in (old, new) and old != new
    )


def changed_model(original: Original, sha256: str) -> str:
    """A sentence if the model's file is another one than that which made the original; empty if not, or nobody knows."""
    was = original.used.get("model_sha256")
    if not was or not sha256 or was == sha256:
        return ""
    return (
        f"The model's file has changed since ({_short(was)} → {_short(sha256)}), so another picture will come of it. "
        "Press again to make it all the same."
    )


def _repeated(request: ImageRequest, used: dict[str, Any], seed: int) -> ImageRequest:
    """With the values that ran, for defaults may have changed since."""
    asked, ran = request.sampling, {
        "steps": _of(used.get("steps"), int), "guidance_scale": _of(used.get("guidance_scale"), int, float),
        "sampler": _of(used.get("sampler"), str),
    }  # fmt: skip
    values = {name: getattr(asked, name) if value in (None, "") else value for name, value in ran.items()}
    width, height = _of(used.get("width"), int), _of(used.get("height"), int)
    task = request.task
    if isinstance(task, TextToImage | ImageToImage) and task.size is None and width and height:
        task = replace(task, size=Size(width, height))
    return replace(request, count=1, task=task, sampling=replace(asked, seed=seed, **values))


def _of(value: Any, *kinds: type) -> Any:
    """The value if it is of such a kind: a stranger's file may hold anything."""
    return value if isinstance(value, kinds) and not isinstance(value, bool) else None


def _model_named(name: str, models: list[Model]) -> str:
    stem = name.rpartition(".")[0] or name
    known = next((model for model in models if name and model.id in (name, f"local:{name}", f"local:{stem}")), None)
    known = known or next((model for model in models if name and model.title == name), None)
    if known is None:
        raise InvalidRequest(
            f"The model “{name or 'that made it'}” is not here. Put it into the models folder first.", "model"
        )
    return known.id


def _short(value: Any) -> str:
    text = str(value)
    return text[:10] if len(text) == 64 and text.isalnum() else text[:80]
