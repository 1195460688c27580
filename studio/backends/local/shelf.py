"""Parts that a single file comes without: from `vae/`, `text_encoders/` and `tokenizers/`, or from another model's folder.

A part fits if its widths are those of the configuration wanted; read from headers and JSON, never from weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.backends.local import headers, layouts

LOOSE: Mapping[str, tuple[str, ...]] = {
    "vae": ("vae",), "text_encoder": ("text_encoders", "text_encoder", "clip"), "tokenizer": ("tokenizers", "text_encoders"),
}  # fmt: skip
"""Folders of the models folder with loose parts, by what they hold."""
_VOCABULARIES = ("tokenizer.json", "spiece.model", "vocab.json")
_STEMS = ("model", "diffusion_pytorch_model")


@dataclass(frozen=True)
class Part:
    """Where a part is: one safetensors file, or the folder of another model's part with its files."""

    place: Path
    files: tuple[Path, ...]

    @property
    def loose(self) -> bool:
        return self.place.is_file()


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """`folders` are the models folders, `models` the folders of models in diffusers layout. Good for one look around."""

    folders: Sequence[Path]
    models: Sequence[Path]
    _known: dict[tuple[str, str], Part | None] = field(default_factory=dict, compare=False)

    def weights(self, part: str, wanted: Mapping[str, Any], layout: str) -> Part | None:
        """Weights for `part` ("vae", "text_encoder_2", …) of the configuration `wanted`."""
        if (part, layout) not in self._known:
            self._known[part, layout] = self._weights(part, wanted, layout)
        return self._known[part, layout]

    def _weights(self, part: str, wanted: Mapping[str, Any], layout: str) -> Part | None:
        kind = "vae" if part == "vae" else "text_encoder"
        for file in self._loose(kind):
            try:
                shapes = headers.shapes(file)
            except (OSError, headers.Damaged):
                continue
            fits = _is_vae(shapes, wanted, file.stem, layout) if kind == "vae" else _is_encoder(shapes, wanted)
            if fits:
                return Part(file, (file,))
        return next(self._borrowed(kind, wanted), None)

    def tokenizer(self, kind: str) -> Path | None:
        """A folder with the vocabulary of a tokenizer such as "T5TokenizerFast"; with or without Fast is the same."""
        name = kind.removesuffix("Fast")
        for model in self.models:
            for part, entry in _index(model).items():
                if isinstance(entry, list) and str(entry[-1]).removesuffix("Fast") == name and _has_words(model / part):
                    return model / part
        short = name.removesuffix("Tokenizer").lower()
        places = [folder / own / short for folder in self.folders for own in LOOSE["tokenizer"]]
        return next((place for place in places if _has_words(place)), None)

    def _loose(self, kind: str) -> Iterator[Path]:
        for folder in self.folders:
            for own in LOOSE[kind]:
                yield from sorted((folder / own).rglob("*.safetensors")) if (folder / own).is_dir() else ()

    def _borrowed(self, kind: str, wanted: Mapping[str, Any]) -> Iterator[Part]:
        for model in self.models:
            for part, entry in _index(model).items():
                own = _json(model / part / "config.json") if part.startswith(kind) and isinstance(entry, list) else {}
                files = _files(model / part) if own and _same(own, str(entry[-1]), wanted) else ()
                if files:
                    yield Part(model / part, files)


def _same(own: Mapping[str, Any], kind: str, wanted: Mapping[str, Any]) -> bool:
    """Whether another model's part does what is wanted. An encoder with a projection serves where none is needed."""
    asked = (wanted.get("architectures") or [wanted.get("_class_name")])[0]
    keys = {
        "AutoencoderKL": ("latent_channels", "scaling_factor", "shift_factor"),
        "T5EncoderModel": ("d_model", "num_layers"),
    }
    sizes = keys.get(str(asked), ("hidden_size", "num_hidden_layers", "vocab_size"))
    serves = kind in (asked, f"{asked}WithProjection") or (asked, kind) == ("Qwen3Model", "Qwen3ForCausalLM")
    return serves and all(own.get(key) == wanted.get(key) for key in sizes)


def _is_vae(shapes: headers.Shapes, wanted: Mapping[str, Any], name: str, layout: str) -> bool:
    """Shapes do not tell the VAEs of one channel count apart: "sd3" or "xl" in the file's name does."""
    word = "sd3" if wanted.get("latent_channels") == 16 else "xl"
    named = word in name.lower().translate({ord(mark): None for mark in "-_. "})
    channels = shapes.get("decoder.conv_in.weight", (0, 0))[1]
    return channels == wanted.get("latent_channels") and named is layout.startswith(("sd3", "sdxl"))


def _is_encoder(shapes: headers.Shapes, wanted: Mapping[str, Any]) -> bool:
    for words, width in (("text_model.embeddings.token_embedding.weight", "hidden_size"), ("shared.weight", "d_model"),
                         ("model.embed_tokens.weight", "hidden_size")):  # fmt: skip
        if words in shapes:
            return shapes[words] == (wanted.get("vocab_size"), wanted.get(width))
    return False


def _files(folder: Path) -> tuple[Path, ...]:
    for stem in _STEMS:
        if (folder / f"{stem}.safetensors").is_file():
            return (folder / f"{stem}.safetensors",)
        names = {str(name) for name in (_json(folder / f"{stem}.safetensors.index.json").get("weight_map") or {}).values()}
        if names and all(Path(name).name == name and (folder / name).is_file() for name in names):
            return tuple(folder / name for name in sorted(names))
    return ()


def _has_words(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _VOCABULARIES)


def _index(model: Path) -> dict[str, Any]:
    return _json(model / "model_index.json")


def _json(file: Path) -> dict[str, Any]:
    try:
        return layouts.read_json(file)
    except (OSError, ValueError):
        return {}
