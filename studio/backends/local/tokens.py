"""Counts a prompt's tokens from a model folder with `tokenizers` alone, so that the studio process needs no torch."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.backends.local import weights
from studio.backends.local.catalog import Found
from studio.core.counting import TokenCount

CLIP_ROOM = 75
CLIP_PARTS = ("StableDiffusion3Pipeline",)
"""Pipelines of several kinds of encoders, whose CLIP parts are read in chunks and with weights."""
_CLIP_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""


def count(folder: Path, text: str, *, weighted: bool) -> int | None:
    """Tokens of `text` without special ones; `folder` is a tokenizer's folder. None where the format is unknown."""
    tokenizer = _open(folder, _stamp(folder))
    if tokenizer is None:
        return None
    fragments = [fragment for fragment, _ in weights.parse(text)] if weighted else [text]
    return sum(len(ids.ids) for ids in tokenizer.encode_batch(fragments, add_special_tokens=False)) if fragments else 0


def count_encoders(found: Found, text: str) -> tuple[TokenCount, ...]:
    """For each tokenizer that the model has; CLIP's are chunked where the family is, or where its CLIP parts are."""
    counts: list[TokenCount] = []
    family, parted = found.family, found.pipeline in CLIP_PARTS
    for suffix in ("", "_2", "_3"):
        folder = found.folder / f"tokenizer{suffix}"
        number = count(folder, text, weighted=family.chunked or parted) if folder.is_dir() else None
        if number is None:
            continue
        name = _encoder(found.folder, suffix)
        room = CLIP_ROOM if name == "CLIP" else family.max_tokens - (1 if name == "T5" else 0)
        chunked = name == "CLIP" and (family.chunked or parted)
        counts.append(TokenCount(_numbered(name, [each.encoder for each in counts]), number, room, chunked))
    return tuple(counts)


def _encoder(folder: Path, suffix: str) -> str:
    """“CLIP”, “T5” or “Qwen”, by the class that the model's index names."""
    try:
        named = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))[f"text_encoder{suffix}"][1]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        named = ""
    return next((name for name in ("CLIP", "T5", "Qwen") if name in str(named)), str(named or "Text"))


def _numbered(name: str, before: list[str]) -> str:
    """“CLIP”, then “CLIP 2”."""
    same = sum(each.split(" ")[0] == name for each in before)
    return f"{name} {same + 1}" if same else name


def _stamp(folder: Path) -> float:
    """Changes when the tokenizer's files change."""
    files = [folder / "tokenizer.json", folder / "vocab.json", folder / "merges.txt"]
    return max((file.stat().st_mtime for file in files if file.is_file()), default=0.0)


@lru_cache(maxsize=8)
def _open(folder: Path, stamp: float) -> Any:
    from tokenizers import Tokenizer

    try:
        if (folder / "tokenizer.json").is_file():
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        elif (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            tokenizer = _clip(folder)
        else:
            return None
    except Exception:  # noqa: BLE001  tokenizers raises bare Exception for a damaged file; the count is then unknown
        return None
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _clip(folder: Path) -> Any:
    """CLIP's byte-level BPE from its two files (Radford et al. 2021)."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    vocabulary = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split() for line in lines if line and not line.startswith("#version")]
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[(left, right) for left, right in pairs],
            end_of_word_suffix="</w>",
            fuse_unk=False,
            unk_token="<|endoftext|>",  # noqa: S106  a token of text
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    return tokenizer
