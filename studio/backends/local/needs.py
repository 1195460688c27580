"""How much memory a request on a model needs, from the headers of its files and the sizes of its parts. No torch.

Deliberately simple, and a little too high rather than too low: weights by part and block, the feature maps of the denoiser
at the picture's size, and those of the VAE's last blocks (`memory.bytes_per_pixel`).
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends.local.memory import LONGEST_HEADER, bytes_per_pixel
from studio.core.request import ImageRequest, Size

if TYPE_CHECKING:
    from studio.backends.local.catalog import Found

UNET_MAPS = 25
"""Feature maps of a UNet's first width that are alive at once, for each latent. Measured in float32, one thread: 19 to 36
on Stable Diffusion 1.5 and XL at 512² with `WORKSPACE` in them."""
TRANSFORMER_ROWS = 24
"""Rows of a transformer's width alive at once, for each token. Measured on FLUX's blocks: 18 at 512², 25 at 256²."""
TEXT_TOKENS = 512
WHOLE = 96
"""Bytes that the finished picture takes for each pixel on its way out of tiles: three channels of float32, eight
times. Measured with the rest of a tiny model at 1536²: 220 MB, estimated 229."""
WORKSPACE = 200_000_000
"""Scratch memory of the libraries, or a tenth of the denoiser if that is less. Measured: 100 to 150 MB."""
SMALL_ENCODERS = 2_000_000_000
"""Text encoders below this are moved whole even by the plans that move a denoiser in pieces."""
CONTROLNET = 0.45
"""A ControlNet's weights as a part of its denoiser's: 0.42 for Stable Diffusion 1.5, 0.49 for XL."""
IP_ADAPTER = 700_000_000
"""Numbers in an IP-Adapter with its picture encoder (ViT-H)."""

_PREFIXES = {
    "model.diffusion_model.": "", "first_stage_model.": "vae", "vae.": "vae", "cond_stage_model.": "text_encoder",
    "conditioner.": "text_encoder", "text_encoders.": "text_encoder",
}  # fmt: skip
"""Parts of a single file by the beginnings of its tensors' names; "" is the denoiser."""
_BLOCK = re.compile(r"^(.*?\.\d+)\.")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Bytes of one part: all of it, its largest block, what stands in no block, and its largest tensor."""

    whole: int = 0
    block: int = 0
    outside: int = 0
    tensor: int = 0


@dataclass(frozen=True, kw_only=True)
class Needs:
    """Bytes by what they are for. `decoding_tiled` is at most `decoding`; `itemsize` is that of the weights."""

    denoiser: Part
    encoders: Part
    vae: Part
    other: int = 0
    extra: int = 0
    denoising: int = 0
    decoding: int = 0
    decoding_tiled: int = 0
    itemsize: int = 4

    @property
    def weights(self) -> int:
        return self.denoiser.whole + self.encoders.whole + self.vae.whole + self.other + self.extra

    def on_device(self, place: str, *, tiled: bool = False, eight_bit: bool = False) -> int:
        """The fullest moment on the device, where weights lie as `place` says."""
        decoding = self.decoding_tiled if tiled else self.decoding
        denoiser = self.denoiser.whole // self.itemsize if eight_bit else self.denoiser.whole
        encoders = self.encoders.whole
        if place == "full":
            rest = self.weights - self.denoiser.whole
            return max(self._loading(eight_bit=eight_bit), rest + denoiser + max(self.denoising, decoding))
        if place in ("group", "sequential"):
            denoiser = self.denoiser.outside + 2 * self.denoiser.block if place == "group" else 2 * self.denoiser.tensor
            encoders = encoders if encoders <= SMALL_ENCODERS else 2 * self.encoders.tensor
        return max(encoders, denoiser + self.extra + self.denoising, self.vae.whole + decoding, self.other)

    def in_ram(self, place: str) -> int:
        """Of the computer's memory, where the device has its own: what waits there, or passes through while loading."""
        return max(self.denoiser.whole, self.encoders.whole) if place == "full" else self.weights

    def _loading(self, *, eight_bit: bool) -> int:
        """A denoiser is read as it is before it is made smaller."""
        return self.weights if eight_bit else 0


def of(found: Found, itemsize: int, request: ImageRequest, size: Size, *, guided: bool) -> Needs:
    """What `request` at `size` needs on `found` with weights of `itemsize` bytes; `guided`: each step runs twice as wide."""
    parts = weights_by_part(found, itemsize)
    denoiser = parts.pop(found.family.denoiser, Part())
    encoders = _sum(part for name, part in parts.items() if name.startswith(("text_encoder", "image_encoder")))
    vae = parts.get("vae", Part())
    config = _config(found.folder / "vae")
    upcast = "XL" in found.pipeline and config.get("force_upcast")
    area, per_pixel = size.width * size.height, _per_pixel(config, 4 if upcast else itemsize)
    tile = int(config.get("sample_size") or 512) ** 2
    return Needs(
        denoiser=denoiser,
        encoders=encoders,
        vae=vae,
        other=sum(part.whole for part in parts.values()) - encoders.whole - vae.whole,
        extra=_adapters(request, denoiser.whole, itemsize),
        denoising=_denoising(found, area, itemsize, 2 if guided else 1) + min(WORKSPACE, denoiser.whole // 10),
        decoding=per_pixel * area,
        decoding_tiled=min(per_pixel * area, per_pixel * min(area, tile) + WHOLE * area),
        itemsize=itemsize,
    )


def weights_by_part(found: Found, itemsize: int) -> dict[str, Part]:
    """Every part that has weights; a single file is told apart by the names in it."""
    numbers: dict[str, dict[str, int]] = defaultdict(dict)
    for name, weights in found.weights.items():
        for file in weights.files:
            stat = file.stat()
            for tensor, count in _tensors(file, stat.st_mtime_ns, stat.st_size).items():
                prefix = next((prefix for prefix in _PREFIXES if tensor.startswith(prefix)), None)
                part = name if prefix is None else _PREFIXES[prefix] or found.family.denoiser
                numbers[part][tensor.removeprefix(prefix or "")] = count
    return {part: _part(tensors, itemsize) for part, tensors in numbers.items()}


def _part(tensors: Mapping[str, int], itemsize: int) -> Part:
    blocks: dict[str, int] = defaultdict(int)
    for name, count in tensors.items():
        match = _BLOCK.match(name)
        blocks[match.group(1) if match else ""] += count * itemsize
    outside = blocks.pop("", 0)
    return Part(
        whole=outside + sum(blocks.values()),
        block=max(blocks.values(), default=0),
        outside=outside,
        tensor=max(tensors.values(), default=0) * itemsize,
    )


def _sum(parts: Any) -> Part:
    found = list(parts)
    return Part(
        whole=sum(part.whole for part in found),
        block=max((part.block for part in found), default=0),
        outside=sum(part.outside for part in found),
        tensor=max((part.tensor for part in found), default=0),
    )


@lru_cache(maxsize=256)
def _tensors(file: Path, stamp: int, size: int) -> dict[str, int]:
    """How many numbers each tensor of a safetensors file has; empty for a damaged one, of which loading will say so."""
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if length > LONGEST_HEADER:
            return {}
        try:
            header = json.loads(stream.read(length))
            return {name: math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__"}
        except (ValueError, TypeError, KeyError, AttributeError):
            return {}


def _denoising(found: Found, area: int, itemsize: int, batch: int) -> int:
    config = _config(found.folder / found.family.denoiser)
    channels = config.get("block_out_channels")
    if found.family.denoiser == "unet":
        first = channels[0] if isinstance(channels, list) and channels else 320
        return int(UNET_MAPS * first * area / 64 * itemsize * batch)
    width = _width(config)
    return int(TRANSFORMER_ROWS * width * (area / 256 + TEXT_TOKENS) * itemsize * batch)


def _width(config: Mapping[str, Any]) -> int:
    heads, head = config.get("num_attention_heads"), config.get("attention_head_dim")
    if isinstance(heads, int) and isinstance(head, int):
        return heads * head
    own = config.get("dim")
    return own if isinstance(own, int) else 3072


def _per_pixel(vae: Mapping[str, Any], itemsize: int) -> int:
    channels = vae.get("block_out_channels") or vae.get("decoder_block_out_channels") or (128, 256)
    return bytes_per_pixel(list(channels), itemsize)


def _adapters(request: ImageRequest, denoiser: int, itemsize: int) -> int:
    """Weights that come on top; those of LoRAs, inversions and VAEs are too small to count or take another's place."""
    kinds = [adapter.kind for adapter in request.adapters]
    pictures = IP_ADAPTER * itemsize if "ip-adapter" in kinds else 0
    return int(kinds.count("controlnet") * CONTROLNET * denoiser) + pictures


def _config(folder: Path) -> dict[str, Any]:
    """A part's configuration; empty where it has none, as beside a single file."""
    try:
        found = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
