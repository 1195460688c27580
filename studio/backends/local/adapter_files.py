"""Finds adapters under the models folder and tells from their headers alone what they are for. No torch, nothing is loaded.

    loras/          *.safetensors of LoRAs            embeddings/   *.safetensors of textual inversions
    controlnets/    diffusers folders, or one file    ip-adapters/  folders: *.safetensors beside image_encoder/
    vae/            *.safetensors, or diffusers folders

Sub-folders are looked into; links to elsewhere are not followed; only safetensors count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.backends.local.adapter_traits import Traits, lora_traits, triggers_of
from studio.core.request import AdapterKind

PLACES: Mapping[str, AdapterKind] = {
    "loras": "lora", "embeddings": "textual-inversion", "controlnets": "controlnet", "ip-adapters": "ip-adapter",
    "vae": "vae",
}  # fmt: skip
NOT_MODELS = (*PLACES, "preprocessors", "upscalers")
"""Folders in which no whole model lies."""
ENCODER = "image_encoder"
DEPTH = 3
MOST = 5000
_LONGEST_HEADER = 100_000_000
_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_CONTROLNETS = {"ControlNetModel": "unet", "FluxControlNetModel": "flux", "SD3ControlNetModel": "sd3"}
_LYCORIS = re.compile(r"\.(hada_w1_a|lokr_w1|lokr_w1_a|oft_blocks|diff)$")


class Unfit(Exception):
    """Why a file cannot be used, as the end of the sentence "<file> …"."""


@dataclass(frozen=True, kw_only=True)
class AdapterFile:
    """A usable adapter. `path` is its file or folder, `files` its weights in the order of their hash."""

    kind: AdapterKind
    name: str
    path: Path
    files: tuple[Path, ...]
    traits: Traits
    triggers: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


def scan(folders: Sequence[Path]) -> tuple[list[AdapterFile], list[str]]:
    """All adapters, and a sentence for each file that looks like one and cannot be used. Looks again at every call."""
    found: dict[tuple[str, str], AdapterFile] = {}
    problems: list[str] = []
    for kind, path, within in _candidates(folders):
        name = path.name.removesuffix(".safetensors")
        if (kind, name) in found:
            problems.append(f"{name} is there twice; rename {path}.")
            continue
        try:
            stat = _inside(path, within).stat()
            found[kind, name] = _read(kind, name, path, stat.st_mtime_ns if path.is_file() else 0, stat.st_size)
        except Unfit as unfit:
            problems.append(f"{path.name} {unfit}")
        except OSError as error:
            problems.append(f"{path.name} cannot be read: {error.strerror or error}.")
    return list(found.values()), problems


def _inside(path: Path, within: Path) -> Path:
    if path.is_symlink() and not path.resolve().is_relative_to(within.resolve()):
        raise Unfit("links to a file outside the models folder. Copy the file instead.")
    return path


def _read(kind: AdapterKind, name: str, path: Path, changed: int, size: int) -> AdapterFile:
    """What a file is; a single one is read again only if it has changed, an IP-Adapter's encoder beside it apart."""
    if changed and kind != "ip-adapter":
        return _read_once(kind, name, path, changed, size)
    return _READ[kind](name, path)


@lru_cache(maxsize=8192)
def _read_once(kind: AdapterKind, name: str, path: Path, _changed: int, _size: int) -> AdapterFile:
    return _READ[kind](name, path)


def _candidates(folders: Sequence[Path]) -> Iterator[tuple[AdapterKind, Path, Path]]:
    for folder in folders:
        for place, kind in PLACES.items():
            for path in _walk(folder / place, kind, DEPTH):
                yield kind, path, folder


def _walk(folder: Path, kind: AdapterKind, depth: int) -> Iterator[Path]:
    """Weight files, and folders in diffusers layout, which are one thing each."""
    for entry in _entries(folder):
        if entry.is_dir():
            if entry.is_symlink() or entry.name == ENCODER:
                continue
            if (entry / "config.json").is_file() and kind in ("controlnet", "vae"):
                yield entry
            elif depth > 1:
                yield from _walk(entry, kind, depth - 1)
        elif entry.suffix in (".safetensors", *_PICKLES):
            yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:MOST] if folder.is_dir() else []
    except OSError:
        return []


def header(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    """The shapes of a safetensors file's tensors by name, and its metadata. Raises `Unfit` for what is none."""
    if path.suffix in _PICKLES:
        raise Unfit("is a pickle, which can run code. Choose the safetensors file of it.")
    stat = path.stat()
    return _header(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _header(path: Path, _changed: int, size: int) -> tuple[dict[str, tuple[int, ...]], dict[str, str]]:
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(size, _LONGEST_HEADER):
            raise Unfit("is damaged: it is no safetensors file. Download it again.")
        try:
            entries = json.loads(stream.read(length))
            told = entries.pop("__metadata__", None) or {}
            shapes = {name: tuple(int(side) for side in entry["shape"]) for name, entry in entries.items()}
            ends = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Unfit("is damaged: its header cannot be read. Download it again.") from None
    if 8 + length + ends > size:
        raise Unfit("is incomplete: it is shorter than its header says. Download it again.")
    return shapes, {str(name): str(value) for name, value in told.items()} if isinstance(told, dict) else {}


def _lora(name: str, path: Path) -> AdapterFile:
    shapes, told = header(path)
    if any(_LYCORIS.search(key) for key in shapes):
        raise Unfit("is a LyCORIS file (LoHa, LoKr or such), which cannot be loaded here. Look for a LoRA of it.")
    if not any("lora" in key for key in shapes):
        raise Unfit("holds no LoRA. If it is another kind of file, move it to the folder for that.")
    return AdapterFile(kind="lora", name=name, path=path, files=(path,), traits=lora_traits(shapes),
                       triggers=triggers_of(told), metadata=told)  # fmt: skip


def _embedding(name: str, path: Path) -> AdapterFile:
    shapes, _ = header(path)
    if set(shapes) == {"clip_l", "clip_g"}:
        widths: tuple[int, ...] = (shapes["clip_l"][-1], shapes["clip_g"][-1])
    elif len(shapes) == 1 and len(shape := next(iter(shapes.values()))) in (1, 2):
        widths = (shape[-1],)
    else:
        raise Unfit("holds no textual inversion (one tensor, or clip_l and clip_g). Move it to the folder for its kind.")
    return AdapterFile(kind="textual-inversion", name=name, path=path, files=(path,), traits=Traits(texts=widths),
                       triggers=(name,))  # fmt: skip


def _controlnet(name: str, path: Path) -> AdapterFile:
    if path.is_dir():
        config = read_config(path)
        kind = str(config.get("_class_name"))
        if kind not in _CONTROLNETS:
            raise Unfit(f"is a {kind}, which is no ControlNet that the studio can run. Choose another one.")
        arch = _CONTROLNETS[kind]
        traits = Traits(arch=arch, context=_whole(config.get("cross_attention_dim")) if arch == "unet" else inner_of(config))
        return AdapterFile(kind="controlnet", name=name, path=path, files=_weights(path), traits=traits)
    shapes, _ = header(path)
    if not any(key.startswith(("control_model.", "input_hint_block", "controlnet_cond_embedding")) for key in shapes):
        raise Unfit("is no ControlNet for Stable Diffusion 1, 2 or XL. Others are read from a folder in diffusers layout.")
    context = next((shape[-1] for key, shape in shapes.items() if re.search(r"attn2\.to_k\.weight$", key)), None)
    return AdapterFile(kind="controlnet", name=name, path=path, files=(path,), traits=Traits(arch="unet", context=context))


def _ip_adapter(name: str, path: Path) -> AdapterFile:
    shapes, _ = header(path)
    if not any(key.startswith("image_proj.") for key in shapes):
        raise Unfit("holds no IP-Adapter (no image_proj). If it is another kind of file, move it to the folder for that.")
    if any("lora" in key for key in shapes):
        raise Unfit("is a FaceID IP-Adapter, which needs a face model that the studio has not. Choose another one.")
    if encoder_of(path) is None:
        raise Unfit(f"has no image encoder: put its folder {ENCODER} (config.json, model.safetensors) beside it.")
    context = next((shape[-1] for key, shape in shapes.items() if key.endswith("to_k_ip.weight")), None)
    return AdapterFile(kind="ip-adapter", name=name, path=path, files=(path,), traits=Traits(arch="unet", context=context))


def encoder_of(path: Path) -> Path | None:
    """The folder of an IP-Adapter's image encoder, beside it or one folder up."""
    places = (path.parent / ENCODER, path.parent.parent / ENCODER)
    return next((each for each in places if (each / "config.json").is_file() and _weights_or_none(each)), None)


def _vae(name: str, path: Path) -> AdapterFile:
    if path.is_dir():
        config = read_config(path)
        if config.get("_class_name") != "AutoencoderKL":
            raise Unfit(f"is a {config.get('_class_name')}, not an AutoencoderKL. Choose another VAE.")
        traits = Traits(latents=_whole(config.get("latent_channels")))
        return AdapterFile(kind="vae", name=name, path=path, files=_weights(path), traits=traits)
    shapes, _ = header(path)
    latents = next((shape[1] for key, shape in shapes.items() if key.endswith("decoder.conv_in.weight")), None)
    if latents is None:
        raise Unfit("holds no VAE. If it is another kind of file, move it to the folder for that.")
    return AdapterFile(kind="vae", name=name, path=path, files=(path,), traits=Traits(latents=latents))


def read_config(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise Unfit("is damaged: its config.json is not valid JSON. Download it again.") from None
    if not isinstance(found, dict):
        raise Unfit("is damaged: its config.json does not hold what it should. Download it again.")
    return found


def inner_of(config: Mapping[str, Any]) -> int | None:
    """The width of a transformer."""
    heads, width = _whole(config.get("num_attention_heads")), _whole(config.get("attention_head_dim"))
    return heads * width if heads and width else None


def _whole(value: Any) -> int | None:
    value = value[0] if isinstance(value, list) and value else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _weights(folder: Path) -> tuple[Path, ...]:
    files = _weights_or_none(folder)
    if not files:
        raise Unfit("is incomplete: it has no safetensors weights. Download it again.")
    return files


def _weights_or_none(folder: Path) -> tuple[Path, ...]:
    """The files of one precision; the default one is preferred."""
    files = [path for path in _entries(folder) if path.suffix == ".safetensors"]
    plain = [
        path for path in files if not re.search(r"\.(fp16|bf16)[.-]|\.(fp16|bf16)$", path.name.removesuffix(".safetensors"))
    ]
    return tuple(plain or files)


_READ = {"lora": _lora, "textual-inversion": _embedding, "controlnet": _controlnet, "ip-adapter": _ip_adapter, "vae": _vae}
