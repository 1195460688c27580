"""Loads a single file as a pipeline, part by part, from configurations that ship with the studio. No network, no pickle.

diffusers' own loader of single files looks on the network for configurations even where it is told not to, and for a
missing encoder's; so its converters alone are used here, on one part's tensors at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.backends.local import flux_names, layouts
from studio.backends.local.loader import part_class
from studio.backends.local.shelf import Part
from studio.backends.local.singles import CLIP, Single
from studio.core.errors import Unavailable

_OPEN_CLIP = ".model."
"""The end of a prefix behind which the encoder has OpenCLIP's names; all others have transformers'."""
_PADDED_WITH_MARKS = ("sd15", "flux")
"""Layouts whose every CLIP tokenizer fills up with the end mark; elsewhere all but the first use "!"."""


def pipeline(single: Single, where: str, dtype: Any, check: Callable[[], None]) -> Any:
    """The whole pipeline on the device `where`, in `dtype`; `check` is called before each part."""
    import diffusers

    parts: dict[str, Any] = {}
    for name, entry in single.index.items():
        if not isinstance(entry, list) or not entry[0]:
            continue
        check()
        part = _part(single, name, part_class(entry[0], entry[1]), dtype)
        parts[name] = part.to(where).eval() if hasattr(part, "parameters") else part
    kind = getattr(diffusers, single.layout.pipeline)
    accepted = inspect.signature(kind.__init__).parameters
    settings = {name: value for name, value in single.index.items() if not name.startswith("_")}
    settings = {name: None if isinstance(value, list) else value for name, value in settings.items()} | parts
    absent = {name: None for name, each in accepted.items() if each.default is each.empty and name != "self"}
    return kind(**{name: value for name, value in (absent | settings).items() if name in accepted})


def _part(single: Single, name: str, kind: Any, dtype: Any) -> Any:
    folder = single.configs / single.layout.name
    if name == "scheduler":
        return kind.from_config({**layouts.config(single.configs, single.layout.name, name), **single.layout.scheduler})
    if name.startswith("tokenizer"):
        return _tokenizer(single, name, kind)
    if name in ("unet", "transformer"):
        return _denoiser(single, folder, name, kind, dtype)
    if name in single.borrowed:
        return _borrowed(single.borrowed[name], folder, name, kind, dtype)
    return _own(single, folder, name, kind, dtype) if name in single.layout.parts else None


def _own(single: Single, folder: Path, name: str, kind: Any, dtype: Any) -> Any:
    """An autoencoder or a text encoder inside the file."""
    prefix = single.layout.parts[name]
    tensors = _read(single.file, prefix)
    if name == "vae":
        return _diffusers(kind, tensors, folder, name, dtype)
    return _encoder(kind, tensors, folder, name, dtype, original=prefix if prefix.endswith(_OPEN_CLIP) else "")


def _denoiser(single: Single, folder: Path, name: str, kind: Any, dtype: Any) -> Any:
    tensors = _read(single.file, layouts.DENOISER) or _read(single.file, "")
    if single.layout.name == "flux":
        tensors = flux_names.to_diffusers(tensors)
    elif name == "unet":
        tensors = {f"{layouts.DENOISER}{key}": tensor for key, tensor in tensors.items()}
    return _diffusers(kind, tensors, folder, name, dtype, **single.layout.denoiser)


def _diffusers(kind: Any, tensors: dict[str, Any], folder: Path, name: str, dtype: Any, **changes: Any) -> Any:
    """A part of diffusers'; its converter takes the tensors out of the dict. Everything must have been there."""
    part = kind.from_single_file(
        tensors, config=str(folder), subfolder=name, torch_dtype=dtype, local_files_only=True, **changes
    )
    _require_all(part, [key for key, value in part.state_dict().items() if value.is_meta], name)
    return part


def _encoder(kind: Any, tensors: Mapping[str, Any], folder: Path, name: str, dtype: Any, *, original: str = "") -> Any:
    """A text encoder. `original` is the prefix of OpenCLIP's names, which diffusers' converter wants to see."""
    import torch
    from accelerate import init_empty_weights
    from diffusers.loaders.single_file_utils import convert_open_clip_checkpoint

    config = kind.config_class.from_pretrained(folder, subfolder=name, local_files_only=True)
    with init_empty_weights():
        part = kind(config)
    if original:
        tensors = convert_open_clip_checkpoint(part, {f"{original}{key}": each for key, each in tensors.items()}, original)
    wanted = part.state_dict().keys()
    own = {_fitting(key, wanted): tensor.to(dtype) for key, tensor in tensors.items()}
    if "text_projection.weight" in wanted and "text_projection.weight" not in own:  # files of CLIP-L leave it out
        own["text_projection.weight"] = torch.eye(config.projection_dim, config.hidden_size, dtype=dtype)
    part.load_state_dict({key: tensor for key, tensor in own.items() if key in wanted}, strict=False, assign=True)
    part.tie_weights()
    _require_all(part, [key for key, value in part.named_parameters() if value.is_meta], name)
    for key, weight in part.named_parameters():
        if dtype == torch.float16 and set(key.split(".")) & set(kind._keep_in_fp32_modules or ()):
            weight.data = weight.data.float()
    return part


def _fitting(key: str, wanted: Any) -> str:
    """A tensor's name as this version of transformers has it: with or without the wrapper around the words' model."""
    for name in (key, key.removeprefix("text_model."), f"text_model.{key}", key.removeprefix("model."), f"model.{key}"):
        if name in wanted:
            return name
    return key


def _require_all(part: Any, absent: list[str], name: str) -> None:
    if absent:
        raise Unavailable(
            f"The file has no whole {name}: {absent[0]} and {len(absent) - 1} more are missing. Get another file."
        )


def _borrowed(source: Part, folder: Path, name: str, kind: Any, dtype: Any) -> Any:
    """A part from a loose file, or from another model's folder."""
    if not source.loose:
        return kind.from_pretrained(source.place, torch_dtype=dtype, use_safetensors=True, local_files_only=True)
    tensors = _read(source.place, "")
    if name == "vae":
        return _diffusers(kind, tensors, folder, name, dtype)
    return _encoder(kind, tensors, folder, name, dtype)


def _tokenizer(single: Single, name: str, kind: Any) -> Any:
    place = single.tokenizers.get(name)
    if place is None:
        return None
    if place != single.configs / CLIP:
        return kind.from_pretrained(place, local_files_only=True)
    marks = single.layout.name in _PADDED_WITH_MARKS or (name == "tokenizer" and single.layout.name != "sd21")
    fill = {} if marks else {"pad_token": "!"}
    return kind.from_pretrained(place, model_max_length=77, local_files_only=True, **fill)


def _read(file: Path, prefix: str) -> dict[str, Any]:
    """The tensors whose names begin with `prefix`, without it."""
    from safetensors import safe_open

    with safe_open(file, framework="pt") as opened:
        return {name.removeprefix(prefix): opened.get_tensor(name) for name in opened.keys() if name.startswith(prefix)}  # noqa: SIM118  no mapping
