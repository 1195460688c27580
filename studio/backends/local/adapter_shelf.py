"""The adapters of this computer beside its models: which fits which, and which a request means."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from studio.backends.local import adapter_files
from studio.backends.local.adapter_files import AdapterFile, Unfit, inner_of, read_config
from studio.backends.local.adapter_traits import KINDS, Traits, fits
from studio.core.adapters import DRAWN, TITLES, Offer
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.request import Adapter, AdapterKind

MOST_HASHED = 64
"""Files that are hashed in search of one whose hash alone is known."""
_WORDS = {"canny": "canny", "lineart": "lineart", "line": "lineart", "depth": "depth"}


def taking(pipeline: str, model: Model) -> Model:
    """The model with the kinds of adapters that its pipeline takes."""
    return replace(model, adapters=cast("tuple[AdapterKind, ...]", KINDS.get(pipeline, ())))


def traits_of(found: Any) -> Traits:
    """What a model (`catalog.Found`) is, from its configuration files; unknown where it has none."""
    denoiser, folder = _config(found.folder / found.family.denoiser), found.folder
    unet = found.family.denoiser == "unet"
    texts = tuple(width for name in ("text_encoder", "text_encoder_2")
                  if isinstance(width := _config(folder / name).get("hidden_size"), int))  # fmt: skip
    latents, context = _config(folder / "vae").get("latent_channels"), denoiser.get("cross_attention_dim")
    context = context[0] if isinstance(context, list) and context else context
    return Traits(
        arch="unet" if unet else _arch(found.pipeline),
        context=(context if isinstance(context, int) else None) if unet else inner_of(denoiser),
        texts=texts if unet else (),
        latents=latents if isinstance(latents, int) else None,
    )


def _arch(pipeline: str) -> str:
    if pipeline.startswith(("Flux", "Chroma")):
        return "flux"
    return "sd3" if pipeline.startswith("StableDiffusion3") else pipeline


def _config(folder: Path) -> dict[str, Any]:
    try:
        return read_config(folder)
    except (Unfit, OSError):
        return {}


@dataclass(frozen=True, kw_only=True)
class AdapterShelf:
    """Adapters under the same folders as the models. Every call looks again."""

    folders: Sequence[Path]

    def offers(self, models: Sequence[Any]) -> list[Offer]:
        """What there is, with the ids of the models (`catalog.Found`) that each fits."""
        known = [(found.model, traits_of(found)) for found in models]
        return [
            Offer(
                kind=file.kind,
                name=file.name,
                models=tuple(
                    model.id for model, traits in known if file.kind in model.adapters and fits(file.traits, traits)
                ),
                triggers=file.triggers,
                preprocessors=self._preprocessors(file),
                size_bytes=sum(each.stat().st_size for each in file.files),
            )
            for file in adapter_files.scan(self.folders)[0]
        ]

    def problems(self) -> list[str]:
        return adapter_files.scan(self.folders)[1]

    def find(self, adapter: Adapter, found: Any) -> AdapterFile:
        """The file that a request means. Raises `InvalidRequest` if it is not here, or made for another family of models."""
        files = [file for file in adapter_files.scan(self.folders)[0] if file.kind == adapter.kind]
        names = {file.name.casefold(): file for file in files} | {file.name: file for file in files}
        file, title = names.get(adapter.name) or names.get(adapter.name.casefold()), TITLES[adapter.kind]
        if file is None:
            raise InvalidRequest(
                f"The {title} “{adapter.name}” is not here any more. Remove it from the request.", "adapters"
            )
        if not fits(file.traits, traits_of(found)):
            told = f"The {title} {file.name} was made for another family of models than {found.model.title}."
            raise InvalidRequest(f"{told} Remove it, or choose a model that it fits.", "adapters")
        return file

    def named(self, kind: str, hash: str) -> str:
        """The name of the adapter with this hash, as files of other programs tell it; empty if none has it."""
        files = [file for file in adapter_files.scan(self.folders)[0] if file.kind == kind]
        told = next((file for file in files if file.metadata.get("sshs_model_hash", "-").startswith(hash)), None)
        if told or len(hash) < 8:
            return told.name if told else ""
        hashed = (file for file in files[:MOST_HASHED] if sha256_of(file.files).startswith(hash))
        return next((file.name for file in hashed), "")

    def _preprocessors(self, file: AdapterFile) -> tuple[str, ...]:
        if file.kind != "controlnet":
            return ()
        there = (*DRAWN, *(("depth",) if self.depth_model() else ()))
        meant = next((made for word, made in _WORDS.items() if word in file.name.lower() and made in there), "")
        return tuple(dict.fromkeys((*filter(None, (meant,)), *there)))

    def depth_model(self) -> Path | None:
        """A depth estimator's folder in `preprocessors/`, if there is one."""
        places = (path for folder in self.folders for path in sorted((folder / "preprocessors").glob("*/config.json")))
        return next((path.parent for path in places if _is_depth(path.parent)), None)


def _is_depth(folder: Path) -> bool:
    named = _config(folder).get("architectures")
    return isinstance(named, list) and any(str(each).endswith("ForDepthEstimation") for each in named)


def sha256_of(files: tuple[Path, ...]) -> str:
    """Hash over an adapter's weight files in order; remembered by path, time and size."""
    return _sha256(files, tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@lru_cache(maxsize=256)
def _sha256(files: tuple[Path, ...], _stamps: tuple[tuple[int, int], ...]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
