"""Pictures and masks on their way to a provider, and what comes back from it.

A mask is mode L with 255 = edit everywhere in the studio; here it becomes what a provider understands. What comes back is
sniffed and opened, never believed.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageChops, ImageStat

from studio.backends._hosted.provider import Attached
from studio.core import filling
from studio.core.canvas import fit
from studio.core.errors import InvalidRequest, Unavailable
from studio.core.opening import open_picture
from studio.core.request import Size

As = Literal["file", "data-uri", "base64"]
JPEG_QUALITY = 95
MEGABYTE = 1_000_000
BASE64 = re.compile(rb"\s*(data:image/|[A-Za-z0-9+/]{40})")
"""How a file begins that may be base64 of a picture."""


class Garbled(Unavailable):
    """What came is no picture; the message is the end of a sentence that begins with the provider's name."""


def attached(image: Image.Image, as_: As = "data-uri", name: str = "image", *, most: int = 20 * MEGABYTE) -> Attached:
    """The picture as PNG without any metadata, or as JPEG where that is more than `most` bytes. Raises `InvalidRequest`."""
    for kind, mime, options in (("PNG", "image/png", {}), ("JPEG", "image/jpeg", {"quality": JPEG_QUALITY})):
        if kind == "JPEG" and image.mode in ("RGBA", "L"):
            break
        data = _file(image, kind, options)
        if len(data) <= most:
            return Attached(data=data, name=f"{name}.{'png' if kind == 'PNG' else 'jpg'}", mime=mime, as_=as_)
    raise InvalidRequest(
        f"The picture is larger than the {most // MEGABYTE} MB that this provider takes. Make it smaller.", "image"
    )


def white_is_edit(mask: Image.Image, as_: As = "data-uri") -> Attached:
    """The mask as it is: white where the picture may change."""
    return attached(mask.convert("L"), as_, "mask")


def black_is_edit(mask: Image.Image, as_: As = "data-uri") -> Attached:
    return attached(ImageChops.invert(mask.convert("L")), as_, "mask")


def clear_is_edit(mask: Image.Image, image: Image.Image, as_: As = "data-uri") -> Attached:
    """The picture with an alpha channel that is transparent where it may change."""
    seen = image.convert("RGBA")
    seen.putalpha(ImageChops.invert(mask.convert("L")))
    return attached(seen, as_, "mask")


def decoded(text: str) -> bytes:
    """The bytes of base64, with or without a data prefix and line breaks. Raises `Garbled`."""
    bare = text.partition(",")[2] if text[:5].lower() == "data:" else text
    try:
        return base64.b64decode("".join(bare.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Garbled("it sent something that is neither a picture nor base64 of one") from None


def unwrapped(data: bytes) -> bytes:
    """A file's bytes; where a file holds base64 of a picture instead of one, the picture's."""
    try:
        return decoded(data.decode("ascii")) if BASE64.match(data) else data
    except (UnicodeDecodeError, Garbled):
        return data


def is_address(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))


def opened(data: bytes) -> Image.Image:
    """The picture in a provider's bytes, whatever it said they were. Raises `Garbled` for what is none."""
    try:
        return open_picture(data, "its picture")
    except InvalidRequest as error:
        raise Garbled(f"it sent {_looks_like(data)} instead of a picture ({error})") from None


def is_blank(image: Image.Image) -> bool:
    """One flat colour."""
    return all(low == high for low, high in _extrema(image))


def is_black(image: Image.Image) -> bool:
    return all(high == 0 for _, high in _extrema(image))


def has_credentials(data: bytes) -> bool:
    """Whether a C2PA manifest store lies in the file (a JUMBF box with the label `c2pa`); it is not checked here."""
    return b"jumb" in data and b"c2pa" in data


@dataclass(frozen=True)
class Framed:
    """A picture inside one of another shape: `box` is where the old one lies (left, top, right, bottom)."""

    image: Image.Image
    mask: Image.Image | None
    box: tuple[int, int, int, int]

    def cut(self, drawn: Image.Image, size: tuple[int, int]) -> Image.Image:
        """The old picture's part of a drawing of any size, in `size`."""
        across, down = drawn.width / self.image.width, drawn.height / self.image.height
        left, top, right, bottom = self.box
        part = (left * across, top * down, right * across, bottom * down)
        return drawn.resize(size, Image.Resampling.LANCZOS, box=part)


def framed(image: Image.Image, mask: Image.Image | None, size: Size) -> Framed:
    """Picture and mask within `size`, not distorted: what is missing beside them continues the edges and is not edited."""
    scale = min(size.width / image.width, size.height / image.height)
    width, height = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    left, top = (size.width - width) // 2, (size.height - height) // 2
    placed = None
    if mask is not None:
        placed = Image.new("L", (size.width, size.height), 0)
        placed.paste(mask.resize((width, height), Image.Resampling.BILINEAR), (left, top))
    return Framed(fit(image, size, "pad"), placed, (left, top, left + width, top + height))


def laid(image: Image.Image, mask: Image.Image, size: Size) -> tuple[Image.Image, Image.Image]:
    """Picture and mask in a provider's size, as `HostedBackend` takes the answer back: stretched where the shape is nearly
    the same, else framed."""
    if 0.98 < (size.width / size.height) / (image.width / image.height) < 1.02:
        return image.resize((size.width, size.height)), mask.resize((size.width, size.height))
    within = framed(image, mask, size)
    return within.image, within.mask or mask


def extended(image: Image.Image, margins: tuple[int, int, int, int]) -> Image.Image:
    """The picture on a larger canvas whose new part continues its edges; margins are left, right, up, down."""
    return filling.extend(image, margins, "neighbours")


def _file(image: Image.Image, kind: str, options: dict[str, int]) -> bytes:
    plain = Image.frombytes(image.mode, image.size, image.tobytes())
    file = io.BytesIO()
    plain.save(file, kind, **options)
    return file.getvalue()


def _extrema(image: Image.Image) -> list[tuple[int, int]]:
    """Lowest and highest value of each channel."""
    return [(int(low), int(high)) for low, high in ImageStat.Stat(image.convert("RGB")).extrema]


def _looks_like(data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "a web page"
    if start.startswith((b"{", b"[")):
        return "JSON"
    return "nothing" if not data else "unknown bytes"
