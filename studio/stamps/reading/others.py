"""The formats that are not walked byte by byte: AVIF, HEIF, TIFF, GIF and whatever else Pillow knows by its header."""

from __future__ import annotations

import io
import struct
import warnings

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.stamps.reading.jpeg import COMMENT
from studio.stamps.reading.limits import MAX_EXIF, MAX_XMP
from studio.stamps.reading.parts import Parts

_TIFF = (b"II*\0", b"MM\0*")
_MAX_BOXES = 1_000
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1")


def walk_other(data: bytes, name: str) -> Parts:
    """Raises `InvalidRequest` for what no reader knows."""
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF:
        return Parts(format="HEIF", whole=True, signed=_has_manifest(data))
    parts = _opened(data, name)
    parts.signed = data[4:8] == b"ftyp" and _has_manifest(data)
    if data[:4] in _TIFF:
        parts.exif = data
    return parts


def _opened(data: bytes, name: str) -> Parts:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as image:
                return _told(image)
    except Image.DecompressionBombError:
        raise InvalidRequest(f"{name} has too many pixels to be opened. Make it smaller and try again.", "image") from None
    except Exception:  # noqa: BLE001  Pillow's forty readers raise anything at all on bytes made to break them
        raise InvalidRequest(f"{name} is not a picture that can be read. Use PNG, JPEG or WebP.", "image") from None


def _told(image: Image.Image) -> Parts:
    parts = Parts(format=image.format or "", width=image.width, height=image.height, whole=True)
    for key, add, most in (("exif", parts.add_exif, MAX_EXIF), ("xmp", parts.add_xmp, MAX_XMP)):
        if isinstance(block := image.info.get(key), bytes):
            add(memoryview(block), most)
    if isinstance(comment := image.info.get("comment"), bytes):
        parts.add_text(COMMENT, comment.decode("utf-8", "replace"))
    return parts


def _has_manifest(data: bytes) -> bool:
    """A `uuid` box of C2PA's among the file's outer boxes (ISO 14496-12)."""
    place = 0
    for _ in range(_MAX_BOXES):
        if place + 24 > len(data):
            break
        size, kind = struct.unpack_from(">I4s", data, place)
        if kind == b"uuid" and data[place + 8 : place + 24] == _C2PA:
            return True
        if size == 1:
            size = struct.unpack_from(">Q", data, place + 8)[0]
        if size < 8:
            break
        place += size
    return False
