"""Adapters of `generate`: `--lora name:0.8`, `--controlnet name:image.png:canny`, and the other kinds."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.request import Adapter, AdapterKind, Source
from studio.engine.studio import Studio

_WAY = re.compile(r"[a-z][a-z_-]*")


def add_adapter_options(parser: argparse.ArgumentParser) -> None:
    repeated: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--lora", metavar="NAME[:WEIGHT]", **repeated, help="a LoRA, such as evening:0.8; may be repeated")
    parser.add_argument("--embedding", metavar="NAME", **repeated, help="a textual inversion; say its name in a prompt")
    parser.add_argument("--controlnet", metavar="NAME:IMAGE[:PREPROCESSOR[:WEIGHT]]", **repeated,
                        help="a ControlNet with its picture, made by canny, lineart or depth; may be repeated")  # fmt: skip
    parser.add_argument("--ip-adapter", metavar="NAME:IMAGE[:WEIGHT]", **repeated, help="an IP-Adapter with its picture")
    parser.add_argument("--vae", default="", metavar="NAME", help="another VAE than the model's own")


def adapters_of(studio: Studio, arguments: argparse.Namespace) -> tuple[Adapter, ...]:
    """The adapters of a command line; their pictures are kept as sources. Raises `InvalidRequest`."""
    return (
        *(_lora(text) for text in arguments.lora),
        *(Adapter(kind="textual-inversion", name=name) for name in arguments.embedding),
        *(_pictured(studio, "controlnet", text) for text in arguments.controlnet),
        *(_pictured(studio, "ip-adapter", text) for text in arguments.ip_adapter),
        *((Adapter(kind="vae", name=arguments.vae),) if arguments.vae else ()),
    )


def _lora(text: str) -> Adapter:
    name, colon, weight = text.rpartition(":")
    if not colon:
        return Adapter(kind="lora", name=text)
    return Adapter(kind="lora", name=name, weight=_weight(weight, text))


def _pictured(studio: Studio, kind: AdapterKind, text: str) -> Adapter:
    """The path is what lies between the name and what is no part of it: a path may hold colons itself."""
    name, _, rest = text.partition(":")
    weight, way = 1.0, ""
    if not Path(rest).is_file() and (found := rest.rpartition(":"))[1] and _is_number(found[2]):
        rest, weight = found[0], float(found[2])
    if kind == "controlnet" and not Path(rest).is_file() and _WAY.fullmatch(rest.rpartition(":")[2]):
        rest, _, way = rest.rpartition(":")
    return Adapter(kind=kind, name=name, weight=weight, image=_kept(studio, rest, text), preprocessor=way)


def _kept(studio: Studio, path: str, text: str) -> Source:
    try:
        return studio.add_source(Path(path).read_bytes(), Path(path).name)
    except OSError as error:
        raise InvalidRequest(
            f"The picture “{path or text}” cannot be read: {error.strerror}. Name a file.", "adapters"
        ) from error


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"\d{1,3}(\.\d{1,4})?", text))


def _weight(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InvalidRequest(f"“{whole}” has no weight after its colon. Write it as name:0.8.", "adapters") from None
