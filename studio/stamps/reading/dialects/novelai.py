"""NovelAI: `Description` holds the prompt, `Comment` the rest as JSON; a copy of all lies in the alpha channel's low bits.

That copy: `stealth_pngcomp` (gzip) or `stealth_pnginfo`, the length in bits as 32 bits, the JSON of all texts; column by
column, the highest bit of a byte first.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image

from studio.core.evidence import Reading
from studio.stamps.reading.found import (
    MAX_SHOWN,
    Found,
    as_float,
    as_int,
    as_object,
    as_side,
    as_steps,
    as_text,
    plain_fields,
    within,
)

NAME, PLACE = "NovelAI", 30
MAX_HIDDEN = 1024 * 1024
"""Bytes of the hidden copy, before and after decompression."""
_PACKED, _PLAIN = b"stealth_pngcomp", b"stealth_pnginfo"
_HEAD = len(_PACKED) + 4


def read(found: Found) -> Reading | None:
    return _read(found.texts)


def read_stealth(image: Image.Image) -> Reading | None:
    """The copy in the low bits of a picture's alpha, at most `MAX_HIDDEN` bytes of it."""
    if image.mode != "RGBA":
        return None
    head = _hidden(image, 0, _HEAD)
    length = int.from_bytes(head[-4:], "big") // 8
    if head[:-4] not in (_PACKED, _PLAIN) or not 0 < length <= min(MAX_HIDDEN, image.width * image.height // 8):
        return None
    data = _hidden(image, _HEAD, length)
    told = as_object((_unpacked(data) if head.startswith(_PACKED) else data).decode("utf-8", "replace"))
    return _read({key: value for key, value in told.items() if isinstance(value, str)})


def _read(texts: Mapping[str, str]) -> Reading | None:
    values = as_object(texts.get("Comment", ""))
    if not values or not (texts.get("Software") == NAME or "uc" in values or "v4_prompt" in values):
        return None
    prompt = within(values, "v4_prompt", "caption", "base_caption") or values.get("prompt") or texts.get("Description")
    negative = within(values, "v4_negative_prompt", "caption", "base_caption") or values.get("uc")
    return Reading(
        dialect=NAME,
        prompt=_with_characters(as_text(prompt), values, "v4_prompt"),
        negative_prompt=_with_characters(as_text(negative), values, "v4_negative_prompt"),
        model=as_text(texts.get("Source")),
        steps=as_steps(values.get("steps")),
        guidance_scale=as_float(values.get("scale")),
        sampler=as_text(values.get("sampler")),
        seed=as_int(values.get("seed")),
        width=as_side(values.get("width")),
        height=as_side(values.get("height")),
        strength=as_float(values.get("strength"), 1.0),
        fields=plain_fields(values, "prompt", "uc", "v4_prompt", "v4_negative_prompt"),
        text=texts["Comment"][:MAX_SHOWN],
    )


def _with_characters(prompt: str, values: dict[str, Any], key: str) -> str:
    """A prompt of version 4 may have one more part for each character."""
    parts = within(values, key, "caption", "char_captions")
    told = [as_text(within(part, "char_caption")) for part in parts[:20]] if isinstance(parts, list) else []
    return "\n".join([prompt, *filter(None, told)])[:MAX_SHOWN]


def _hidden(image: Image.Image, start: int, length: int) -> bytes:
    """Bytes in the low bits of alpha, read down the columns that hold them; short where the picture ends."""
    first, last = start * 8 // image.height, min((start + length) * 8 // image.height + 1, image.width)
    if first >= last:
        return b""
    alpha = image.crop((first, 0, last, image.height)).getchannel("A").transpose(Image.Transpose.TRANSPOSE).tobytes()
    offset = start * 8 - first * image.height
    bits = alpha[offset : offset + length * 8].translate(_LOW_BIT)
    return int(bits, 2).to_bytes(len(bits) // 8, "big") if len(bits) == length * 8 else b""


_LOW_BIT = bytes(ord("0") + (value & 1) for value in range(256))


def _unpacked(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        text = stream.decompress(data, MAX_HIDDEN)
    except zlib.error:
        return b""
    return text if stream.eof else b""
