"""A JPEG's size, EXIF, XMP, comment and signature: segments as in ITU T.81, EXIF and XMP in APP1, JUMBF in APP11."""

from __future__ import annotations

import re
import struct

from studio.stamps.reading.limits import MAX_EXIF_JPEG, MAX_PARTS, MAX_XMP
from studio.stamps.reading.parts import CUT, TOO_MANY, Broken, Parts

SIGNATURE = b"\xff\xd8\xff"
COMMENT = "comment"
"""The keyword, as in Pillow, under which a COM segment stands among the texts."""
_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0"
_LONG_XMP_HEAD = b"http://ns.adobe.com/xmp/extension/\0"
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""Within coded data, 0xFF before anything but a stuffed zero, a restart mark or another 0xFF begins a segment."""
_END, _SCAN = 0xD9, 0xDA
_FILL = re.compile(rb"\xff+")
_ALONE = {0x01, *range(0xD0, 0xD9)}
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


def walk_jpeg(data: memoryview, parts: Parts) -> None:
    """Every segment to the end mark; coded data is skipped."""
    place = 2
    for _ in range(MAX_PARTS):
        place, marker = _marker(data, place)
        if marker == _END:
            parts.trailing = len(data) - place
            return
        parts.whole = True
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        if length < 2 or place + length > len(data):
            raise Broken(CUT)
        _segment(marker, data[place + 2 : place + length], parts)
        place += length
        if marker == _SCAN:
            place = _behind_scan(data, place)
    raise Broken(TOO_MANY)


def _marker(data: memoryview, place: int) -> tuple[int, int]:
    """The marker at a place, which any number of 0xFF may fill, and the place behind it."""
    filled = _FILL.match(data, place)
    if filled is None or filled.end() >= len(data):
        raise Broken(CUT if filled or place >= len(data) else "its parts are out of order")
    return filled.end() + 1, data[filled.end()]


def _behind_scan(data: memoryview, place: int) -> int:
    found = _SCAN_END.search(data, place)
    if found is None:
        raise Broken(CUT)
    return found.start()


def _segment(marker: int, body: memoryview, parts: Parts) -> None:
    if marker in _FRAMES and len(body) >= 5 and not parts.width:
        parts.height, parts.width = struct.unpack_from(">HH", body, 1)
    elif marker == 0xE1:
        _application(body, parts)
    elif marker == 0xEB:
        parts.signed |= _is_manifest(body)
    elif marker == 0xFE:
        parts.add_text(COMMENT, bytes(body).decode("utf-8", "replace").rstrip("\0"))


def _application(body: memoryview, parts: Parts) -> None:
    head = bytes(body[:40])
    if head.startswith(b"Exif\0"):
        parts.add_exif(body[6:], MAX_EXIF_JPEG)
    elif head.startswith(_XMP_HEAD):
        parts.add_xmp(body[len(_XMP_HEAD) :], MAX_XMP)
    elif head.startswith(_LONG_XMP_HEAD):
        parts.complain("its long XMP record was not read")


def _is_manifest(body: memoryview) -> bool:
    """JUMBF (ISO 19566-5) whose first box is described as C2PA's."""
    head = bytes(body[:120])
    return head.startswith(b"JP") and b"c2pa" in head
