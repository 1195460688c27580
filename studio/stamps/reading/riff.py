"""A WebP's size, EXIF, XMP and signature (RFC 9649)."""

from __future__ import annotations

import struct

from studio.stamps.reading.limits import MAX_EXIF, MAX_PARTS, MAX_XMP
from studio.stamps.reading.parts import CUT, TOO_MANY, Broken, Parts

SIGNATURE, KIND = b"RIFF", b"WEBP"


def walk_webp(data: memoryview, parts: Parts) -> None:
    """Every chunk up to the length that the file says it has."""
    length = struct.unpack_from("<I", data, 4)[0] + 8
    end = min(len(data), length)
    parts.trailing = max(0, len(data) - length - length % 2)
    place = 12
    for _ in range(MAX_PARTS):
        if place + 8 > end:
            break
        kind, size = struct.unpack_from("<4sI", data, place)
        behind = place + 8 + size
        if behind > end:
            raise Broken(CUT)
        _chunk(kind, data[place + 8 : behind], parts)
        place = behind + size % 2
    else:
        raise Broken(TOO_MANY)
    if len(data) < length:
        raise Broken(CUT)


def _chunk(kind: bytes, body: memoryview, parts: Parts) -> None:
    parts.whole |= kind in (b"VP8X", b"VP8 ", b"VP8L")
    match kind:
        case b"EXIF":
            parts.add_exif(body, MAX_EXIF)
        case b"XMP ":
            parts.add_xmp(body, MAX_XMP)
        case b"C2PA":
            parts.signed = True
        case b"VP8X" | b"VP8 " | b"VP8L" if not parts.width:
            parts.width, parts.height = _size(kind, bytes(body[:10]))


def _size(kind: bytes, head: bytes) -> tuple[int, int]:
    """Pixels; a canvas' in 24 bits each less one, lossless in 14 bits each less one, lossy in 14 bits each."""
    if kind == b"VP8X" and len(head) == 10:
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8L" and len(head) >= 5:
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 " and len(head) == 10:
        width, height = struct.unpack_from("<HH", head, 6)
        return width & 0x3FFF, height & 0x3FFF
    return 0, 0
