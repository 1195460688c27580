"""A single checkpoint file as a model: its layout, and where the parts are that it does not hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.backends.local import headers, layouts, variants
from studio.backends.local.families import Family
from studio.backends.local.layouts import Layout
from studio.backends.local.shelf import LOOSE, Part, Shelf
from studio.core.model import Model
from studio.core.request import Size

CLIP = "clip"
"""The folder of configurations with the vocabulary of CLIP (Radford et al. 2021), which every CLIP encoder shares."""
_ELSEWHERE = {"lora", "loras", "embeddings", "controlnet", "controlnets", "ip-adapter", "ip-adapters", "ip_adapter",
              "upscalers", "upscale_models", "hypernetworks", "clip_vision", "preprocessors"} | {
                  name for names in LOOSE.values() for name in names}  # fmt: skip
"""Folders whose files are parts and adapters, not models."""
_SUFFIXES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
_OPTIONAL = {"text_encoder_3": "tokenizer_3"}
"""Stable Diffusion 3 draws without T5, too."""
_PREDICTIONS = {"v": "v_prediction", "epsilon": "epsilon"}
"""ModelSpec's words and diffusers'."""
_CLIPS = {768: "CLIP-L (clip_l.safetensors)", 1024: "OpenCLIP-H", 1280: "CLIP-G (clip_g.safetensors)"}
_WORDS = {"T5EncoderModel": "the encoder T5-XXL (t5xxl_fp16.safetensors) into text_encoders",
          "Qwen3Model": "the encoder Qwen3-4B (qwen_3_4b.safetensors) into text_encoders",
          "AutoencoderKL": "its VAE (FLUX.1 and Z-Image: ae.safetensors; name others with sd3 or xl) into vae",
          "T5TokenizerFast": "T5's tokenizer.json into tokenizers/t5",
          "Qwen2TokenizerFast": "Qwen's tokenizer.json into tokenizers/qwen2"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Single:
    """`borrowed` are parts from elsewhere, `tokenizers` folders by part, `missing` what to put where, in words."""

    file: Path
    layout: Layout
    configs: Path
    borrowed: Mapping[str, Part]
    tokenizers: Mapping[str, Path]
    missing: tuple[str, ...] = ()

    @property
    def index(self) -> dict[str, Any]:
        """What a `model_index.json` would say."""
        return _index(self.configs / self.layout.name)

    @property
    def denoiser(self) -> dict[str, Any]:
        """The denoiser's configuration with what the file's shapes say."""
        part = "unet" if "unet" in self.index else "transformer"
        return {**layouts.config(self.configs, self.layout.name, part), **self.layout.denoiser}

    def max_tokens(self, longest: int, tokenizer: str) -> int:
        """The length of its longest encoder: CLIP's 77 where the longer one is missing."""
        return longest if tokenizer in self.tokenizers else 77


def walk(folder: Path, depth: int) -> Iterator[Path]:
    """Weight files below `folder` that may be models: none of a model in diffusers layout, no parts, no adapters."""
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError:
        return
    if any(entry.name == "model_index.json" for entry in entries):
        return
    for entry in entries:
        if entry.suffix.lower() in _SUFFIXES and (entry.is_file() or entry.is_symlink()):
            yield entry
        elif depth and _is_followed(entry):
            yield from walk(entry, depth - 1)


def _is_followed(entry: Path) -> bool:
    """A folder of its own, neither hidden (what was removed lies there) nor one of parts and adapters."""
    name = entry.name.lower()
    return entry.is_dir() and not entry.is_symlink() and not name.startswith(".") and name not in _ELSEWHERE


def read(file: Path, title: str, shelf: Shelf, configs: Path) -> Single:
    """What `file` is and what it needs. Raises `layouts.Unknown`, OSError."""
    layout = _layout(file, headers.stamp(file), title, configs)
    if isinstance(layout, layouts.Unknown):
        raise layout
    borrowed: dict[str, Part] = {}
    tokenizers: dict[str, Path] = {}
    missing: dict[str, str] = {}
    for part, (_, kind) in _parts(configs / layout.name):
        if part.startswith("tokenizer"):
            place = configs / CLIP if kind.startswith("CLIP") else shelf.tokenizer(kind)
            tokenizers |= {part: place} if place else {}
            missing |= {} if place else {part: _WORDS[kind]}
        elif part == "vae" or part.startswith("text_encoder"):
            wanted = layouts.config(configs, layout.name, part)
            other = None if part in layout.parts else shelf.weights(part, wanted, layout.name)
            borrowed |= {part: other} if other else {}
            missing |= {} if other or part in layout.parts else {part: _advice(kind, wanted)}
    left_out = {name for pair in _OPTIONAL.items() if missing.keys() & set(pair) for name in pair}
    return Single(
        file=file, configs=configs,
        layout=replace(layout, parts={part: at for part, at in layout.parts.items() if part not in left_out}),
        borrowed={part: place for part, place in borrowed.items() if part not in left_out},
        tokenizers={part: place for part, place in tokenizers.items() if part not in left_out},
        missing=tuple(dict.fromkeys(words for part, words in missing.items() if part not in left_out)),
    )  # fmt: skip


@lru_cache(maxsize=1024)
def _layout(file: Path, _: headers.Stamp, title: str, configs: Path) -> Layout | layouts.Unknown:
    """What a file is, or why it is nothing; remembered, because headers are long."""
    try:
        layout = layouts.recognise(headers.shapes(file), title, configs)
    except headers.Damaged:
        return layouts.Unknown("is no whole safetensors file. Copy or download it again.")
    except layouts.Unknown as unknown:
        return unknown
    told = headers.metadata(file)
    words = _PREDICTIONS.get(told.get("modelspec.prediction_type", "")) if layout.name in layouts.UNETS else None
    scheduler = {**layout.scheduler, **({"prediction_type": words} if words else {})}
    return replace(layout, scheduler=scheduler, licence=told.get("modelspec.license", "")[:80])


def described(model: Model, single: Single, family: Family) -> Model:
    """The model with what is different about a single file."""
    changes: dict[str, Any] = {"source": str(single.file), "licence": single.layout.licence}
    if single.missing:
        changes["unready"] = (
            f"{model.title} needs parts that its file does not hold. Put into the models folder: "
            f"{'; '.join(single.missing)}. Or add a {family.title} model in diffusers layout, whose parts are then used."
        )
    if variants.distilled(model.title, family) and family.denoiser == "unet":
        changes["default_sampler"] = "LCM" if "lcm" in model.title.lower() else "Euler"
    if single.layout.name == "sd21" and single.layout.scheduler.get("prediction_type") == "epsilon":
        changes["default_size"] = Size(512, 512)
    return replace(model, **changes)


def _advice(kind: str, wanted: Mapping[str, Any]) -> str:
    if kind.startswith("CLIP"):
        return f"the encoder {_CLIPS.get(int(wanted['hidden_size']), 'CLIP')} into text_encoders"
    return _WORDS[kind]


def _parts(folder: Path) -> list[tuple[str, tuple[str, str]]]:
    index = _index(folder)
    return [(name, (value[0], value[1])) for name, value in index.items() if isinstance(value, list) and value[0]]


def _index(folder: Path) -> dict[str, Any]:
    return layouts.read_json(folder / "model_index.json")
