"""Opens picture files that somebody else made: limits first, pixels last, and sentences instead of tracebacks.

Pure functions on bytes. What comes out is upright, 8 bits a channel, RGB or RGBA, and free of the file's metadata.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from studio.core.errors import InvalidRequest
from studio.core.request import Size

MAX_PIXELS = 100_000_000
"""12 000 × 8 000 pixels fit."""
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)


def format_of(data: bytes, name: str = "the picture", *, limit: int = MAX_PIXELS) -> str:
    """Format ("PNG", "JPEG" …) alone, even of a file that is cut off. Raises `InvalidRequest` for what is no picture."""
    with _opened(data, name, limit) as image:
        return image.format or ""


def header(data: bytes, name: str = "the picture", *, limit: int = MAX_PIXELS) -> tuple[str, Size]:
    """Format ("PNG", "JPEG" …) and upright size, read without decoding a pixel. Raises `InvalidRequest`."""
    with _opened(data, name, limit) as image:
        width, height = image.size
        if image.getexif().get(_ORIENTATION) in _TURNED:
            width, height = height, width
        return image.format or "", Size(width, height)


def open_picture(data: bytes, name: str = "the picture", *, limit: int = MAX_PIXELS) -> Image.Image:
    """The picture, decoded and upright: RGBA if anything in it is see-through, else RGB. Raises `InvalidRequest`."""
    with _opened(data, name, limit) as image:
        image.load()
        upright = _eight_bits(ImageOps.exif_transpose(image))
    plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    if plain.mode == "RGBA" and plain.getchannel("A").getextrema()[0] == 255:
        plain = plain.convert("RGB")
    plain.info.clear()
    return plain


def read_mask(data: bytes, size: Size, name: str = "the mask") -> Image.Image:
    """Any picture as a mask of `size`, mode L, 255 = edit: its alpha channel if that is see-through, else its brightness."""
    image = open_picture(data, name)
    return _sized(image.getchannel("A") if image.mode == "RGBA" else image.convert("L"), size)


def read_editor(
    picture: bytes, layers: Sequence[bytes | Image.Image | None] = (), name: str = "the picture"
) -> tuple[Image.Image, Image.Image]:
    """What an editor holds, as a picture and a mask of its size: the maximum of all layers, empty where there are none."""
    image = open_picture(picture, name)
    size = Size(*image.size)
    mask = Image.new("L", image.size, 0)
    for layer in layers:
        if isinstance(layer, Image.Image):
            painted = layer.getchannel("A") if "A" in layer.getbands() else _eight_bits(layer).convert("L")
            mask = ImageChops.lighter(mask, _sized(painted, size))
        elif layer is not None:
            mask = ImageChops.lighter(mask, read_mask(layer, size))
    return image, mask


def _sized(mask: Image.Image, size: Size) -> Image.Image:
    wanted = (size.width, size.height)
    return mask if mask.size == wanted else mask.resize(wanted, Image.Resampling.BILINEAR)


def _eight_bits(image: Image.Image) -> Image.Image:
    """16 bits a pixel are scaled, where Pillow's own conversion clips them to white."""
    if image.mode.startswith("I;16") or image.mode == "I":
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode == "F":
        return image.point(lambda value: value * 255).convert("L")
    return image


@contextmanager
def _opened(data: bytes, name: str, limit: int) -> Iterator[Image.Image]:
    """The file's image, its size checked; whatever goes wrong inside becomes a sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            Image.MAX_IMAGE_PIXELS = None  # the limit below is ours, stricter, and a sentence
            with Image.open(io.BytesIO(data)) as image:
                if image.width * image.height > limit:
                    raise InvalidRequest(
                        f"{name} has {image.width} × {image.height} pixels; at most {limit // 1_000_000} million can be "
                        "opened. Make it smaller and try again.", "image",
                    )  # fmt: skip
                yield image
    except UnidentifiedImageError:
        raise InvalidRequest(f"{name} is not a picture that can be read. Use PNG, JPEG or WebP.", "image") from None
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError, MemoryError) as error:
        raise InvalidRequest(f"{name} is damaged: {error}. Export it again and retry.", "image") from error
