"""Finds the models on this computer: the built-in starter, folders under `models/`, the Hugging Face cache. No third party.

A model is a folder in diffusers layout with a `model_index.json` and safetensors weights. Nothing outside the given folders
is followed, and what cannot be used is reported as a sentence instead of being listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.backends.local import samplers
from studio.backends.local.families import FAMILIES, FEW_STEPS, Family, by_channels
from studio.core.errors import NotConfigured
from studio.core.model import Model
from studio.core.request import Size

STARTER = Path(__file__).resolve().parents[2] / "starter" / "model"
DEPTH = 3
_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_TOKENIZERS = ("Tokenizer", "TokenizerFast")
_VOCABULARIES = ("tokenizer.json", "vocab.json", "spiece.model", "tokenizer.model", "sentencepiece.bpe.model")
_NO_WEIGHTS = ("Scheduler", "Processor", "ProcessorFast", "ProcessorPil", "FeatureExtractor")
_STEMS = ("diffusion_pytorch_model", "model")
_VARIANTS = ("", "fp16", "bf16")
_REVISION = re.compile(r"[0-9A-Za-z]+")
_REPOSITORY = re.compile(r"models--.+--.+")


class Unfit(Exception):
    """Why a folder cannot be used, as the end of the sentence "<folder> …"."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The safetensors files of one part of a model; `variant` is diffusers' word for a precision, "" for the default."""

    files: tuple[Path, ...]
    variant: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A usable model: its folder, pipeline class, and the parts that have weights.

    `tokenizer` is the folder of the tokenizer that limits the prompt; `stamp` changes when a weight file does.
    """

    model: Model
    folder: Path
    pipeline: str
    family: Family
    weights: dict[str, Weights]
    tokenizer: Path
    stamp: int


NOT_MODELS = ("upscalers",)
"""Folders of the models folder that hold something else."""


@dataclass(frozen=True, kw_only=True)
class Catalog:
    """Where to look. Every call looks again, so a model that was just copied or downloaded is there at once."""

    folders: Sequence[Path] = ()
    hub_cache: Path | None = None
    starter: Path = STARTER

    def models(self) -> list[Model]:
        return [found.model for found in self.scan()[0]]

    def find(self, id: str) -> Found:
        """The model named `id`. Raises `NotConfigured` if it is not there or not usable."""
        found, problems = self.scan()
        for item in found:
            if item.model.id == id:
                return item
        name = id.removeprefix("local:")
        why = next((problem for problem in problems if problem.startswith(f"{name} ")), "It is not on this computer.")
        raise NotConfigured(
            f"The model {name} cannot be used. {why} Choose another model, or copy it into the models folder."
        )

    def scan(self) -> tuple[list[Found], list[str]]:
        """All usable models, and a sentence for each folder that looks like one and is not."""
        found: dict[str, Found] = {}
        problems: list[str] = []
        for name, folder, within in self._candidates():
            if f"local:{name}" in found:
                problems.append(f"{name} is there twice; rename {folder}.")
                continue
            try:
                item = _read(name, folder, within)
            except Unfit as unfit:
                problems.append(f"{name} {unfit}")
            except OSError as error:
                problems.append(f"{name} cannot be read: {error.strerror or error}.")
            else:
                found[item.model.id] = _as_starter(item) if folder == self.starter else item
        return list(found.values()), problems

    def _candidates(self) -> Iterator[tuple[str, Path, Path]]:
        """(name, folder, the folder that no link may leave)."""
        if (self.starter / "model_index.json").is_file():
            yield "starter", self.starter, self.starter
        for folder in self.folders:
            for path in _walk(folder, DEPTH):
                yield path.name, path, folder
        if self.hub_cache:
            yield from _snapshots(self.hub_cache)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    """Folders that hold a model or single weight files; links to elsewhere are not followed."""
    for entry in _entries(folder):
        if entry.is_symlink() or not entry.is_dir() or entry.name in NOT_MODELS:
            continue
        if any(path.name == "model_index.json" or path.suffix in (*_PICKLES, ".safetensors") for path in _entries(entry)):
            yield entry
        elif depth > 1:
            yield from _walk(entry, depth - 1)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder; nothing if it cannot be read."""
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return []


def _snapshots(cache: Path) -> Iterator[tuple[str, Path, Path]]:
    for repository in _entries(cache):
        if not _REPOSITORY.fullmatch(repository.name):
            continue
        try:
            revision = (repository / "refs" / "main").read_text(errors="replace").strip()
        except OSError:
            continue
        snapshot = repository / "snapshots" / revision
        if _REVISION.fullmatch(revision) and any(path.name == "model_index.json" for path in _entries(snapshot)):
            yield repository.name.removeprefix("models--").replace("--", "/"), snapshot, repository


def _read(name: str, folder: Path, within: Path) -> Found:
    if not (folder / "model_index.json").is_file():
        raise Unfit("is not in diffusers layout (no model_index.json). Convert it, or choose a repository in that layout.")
    index = _json(folder / "model_index.json")
    named = index.get("_class_name")
    if not isinstance(named, str) or named not in FAMILIES:
        raise Unfit(f"is a {named}, which the studio cannot run.")
    channels = _config(folder / FAMILIES[named].denoiser / "config.json").get("in_channels")
    pipeline = by_channels(named, channels)
    family = FAMILIES[pipeline]
    weights = {}
    for part in _parts(index, folder):
        if index[part][1].endswith(_TOKENIZERS):
            _require_words(folder / part)
        elif not index[part][1].endswith(_NO_WEIGHTS):
            weights[part] = weight_files(folder / part, within)
    if family.denoiser not in weights:
        raise Unfit(f"has no {family.denoiser}. Download it again.")
    short = not (folder / family.tokenizer).is_dir()  # Stable Diffusion 3 without its T5 encoder reads as far as CLIP does
    return Found(
        model=_describe(name, folder, family, weights, 77 if short else family.max_tokens),
        folder=folder,
        pipeline=pipeline,
        family=family,
        weights=weights,
        tokenizer=folder / ("tokenizer" if short else family.tokenizer),
        stamp=max(file.stat().st_mtime_ns for part in weights.values() for file in part.files),
    )


def _parts(index: dict[str, Any], folder: Path) -> list[str]:
    """Names of the sub-folders in use. A name that is no plain word is refused: it could point outside the folder."""
    parts = []
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or value[0] is None:
            continue
        if not name.isidentifier() or not all(isinstance(word, str) for word in value):
            raise Unfit("has a model_index.json with a strange entry. Download it again from a source you trust.")
        if not (folder / name).is_dir():
            raise Unfit(f"is incomplete: the folder {name} is missing. Download it again.")
        parts.append(name)
    return parts


def _require_words(tokenizer: Path) -> None:
    """transformers makes an empty tokenizer, which reads no word, out of a folder without a vocabulary."""
    if not any((tokenizer / name).is_file() for name in _VOCABULARIES):
        raise Unfit(f"is incomplete: the vocabulary of {tokenizer.name} is missing. Download it again.")


def weight_files(part: Path, within: Path) -> Weights:
    """The safetensors files of one part, all present and inside `within`; the default precision is preferred."""
    for variant in _VARIANTS:
        dotted = f".{variant}" if variant else ""
        for stem in _STEMS:
            single, index = part / f"{stem}{dotted}.safetensors", part / f"{stem}.safetensors.index{dotted}.json"
            if single.is_file() or single.is_symlink():
                return Weights(files=(_inside(single, within),), variant=variant)
            if index.is_file():
                names = sorted({str(name) for name in _mapping(_json(index).get("weight_map")).values()})
                if any(Path(name).name != name for name in names):
                    raise Unfit(f"names weight files outside its folder {part.name}. Do not use it.")
                return Weights(files=tuple(_inside(part / name, within) for name in names), variant=variant)
    if any(path.suffix in _PICKLES for path in part.iterdir()):
        raise Unfit(f"has only pickle weights in {part.name}, which can run code. Choose a model with safetensors weights.")
    raise Unfit(f"is incomplete: the weights of {part.name} are missing. Download it again.")


def _inside(path: Path, within: Path) -> Path:
    if not path.resolve().is_relative_to(within.resolve()):
        raise Unfit(f"links to files outside its folder in {path.parent.name}. Copy the files instead.")
    if not path.is_file() or path.stat().st_size == 0:
        raise Unfit(f"is incomplete: {path.parent.name}/{path.name} is missing. Download it again.")
    return path


def _json(path: Path) -> dict[str, Any]:
    try:
        return _mapping(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, RecursionError):
        raise Unfit(f"is damaged: {path.name} in {path.parent.name} is not valid JSON. Download it again.") from None


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unfit("is damaged: a JSON file does not hold what it should. Download it again.")
    return value


def _describe(name: str, folder: Path, family: Family, weights: dict[str, Weights], max_tokens: int) -> Model:
    few = any(word in name.lower() for word in FEW_STEPS)
    own = _config(folder / "scheduler" / "scheduler_config.json")
    available = samplers.names(family.samplers)
    wanted = samplers.name_of(str(own.get("_class_name")), own, family.samplers) if few else family.sampler
    side = _native_side(folder, family)
    return Model(
        id=f"local:{name}",
        title=name.rpartition("/")[2],
        backend="local",
        default_size=Size(side, side),
        max_side=max(family.max_side, side),
        multiple_of=family.multiple_of,
        default_steps=min(4, family.steps) if few else family.steps,
        default_guidance_scale=1.0 if few else family.guidance_scale,
        default_sampler=wanted if wanted in available else available[0],
        samplers=available,
        negative_prompt=family.negative,
        max_tokens=max_tokens,
        tasks=family.tasks,
        soft_masks=family.soft,
        family=family.title,
        source=str(folder),
        size_bytes=sum(file.stat().st_size for part in weights.values() for file in part.files),
    )


def _as_starter(found: Found) -> Found:
    model = replace(
        found.model,
        title="Starter (built in)",
        default_steps=20,
        default_guidance_scale=3.5,
        default_sampler="DPM++ 2M",
        max_side=256,
    )
    return replace(found, model=model)


def _config(path: Path) -> dict[str, Any]:
    return _json(path) if path.is_file() else {}


def _native_side(folder: Path, family: Family) -> int:
    """The side the model was made for: its latent size times the factor of its VAE."""
    latent = _config(folder / family.denoiser / "config.json").get("sample_size")
    channels = _config(folder / "vae" / "config.json").get("block_out_channels")
    if not isinstance(latent, int) or not isinstance(channels, list) or not channels or family.samplers is samplers.FLOW:
        return family.size
    return max(family.multiple_of, latent * (1 << len(channels) - 1) // family.multiple_of * family.multiple_of)
