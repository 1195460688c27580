"""A PNG's texts, EXIF, XMP and signature (W3C PNG, third edition). Nothing is decoded but texts, within limits."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator

from studio.stamps.reading.limits import MAX_EXIF, MAX_PARTS, MAX_TEXT
from studio.stamps.reading.parts import CUT, TOO_LARGE, TOO_MANY, Broken, Parts

SIGNATURE = b"\x89PNG\r\n\x1a\n"
XMP_KEYWORD = "XML:com.adobe.xmp"
_CONTROLS = re.compile(rb"[\x80-\x9f]")
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def walk_png(data: memoryview, parts: Parts) -> None:
    """Every chunk to the end mark, its checksum too; a chunk whose checksum is wrong is not read."""
    for kind, body in _chunks(data, parts):
        if not parts.whole:
            _header(kind, body, parts)
        elif kind == b"caBX":
            parts.signed = True
        elif kind == b"eXIf":
            parts.add_exif(body, MAX_EXIF)
        elif kind in _TEXTS:
            _add_text(kind, body, parts)


def _header(kind: bytes, body: memoryview, parts: Parts) -> None:
    if kind != b"IHDR" or len(body) != 13:
        raise Broken("its header is missing")
    parts.width, parts.height = struct.unpack_from(">II", body)
    parts.whole = True
    if not parts.width or not parts.height:
        parts.complain("its header names no pixels")


def _chunks(data: memoryview, parts: Parts) -> Iterator[tuple[bytes, memoryview]]:
    place = len(SIGNATURE)
    for _ in range(MAX_PARTS):
        if place + 12 > len(data):
            raise Broken(CUT)
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data):
            raise Broken(CUT)
        sound = zlib.crc32(data[place + 4 : end]) == struct.unpack_from(">I", data, end)[0]
        if not sound:
            parts.complain("a checksum is wrong")
        if kind == b"IEND":
            parts.trailing = len(data) - end - 4
            return
        if sound or kind == b"IHDR":
            yield kind, data[place + 8 : end]
        place = end + 4
    raise Broken(TOO_MANY)


def _add_text(kind: bytes, body: memoryview, parts: Parts) -> None:
    """tEXt is Latin-1; zTXt the same, compressed; iTXt is UTF-8 behind two flags, a language and a translated keyword."""
    if len(body) > MAX_TEXT or parts.is_full:
        parts.complain(TOO_LARGE)
        return
    keyword, _, rest = bytes(body).partition(b"\0")
    try:
        text = _international(rest) if kind == b"iTXt" else _latin(_inflated(rest[1:]) if kind == b"zTXt" else rest)
    except Broken as broken:
        parts.complain(str(broken))
        return
    name = keyword[:79].decode("latin-1")
    if name != XMP_KEYWORD:
        parts.add_text(name, text)
    elif not parts.xmp:
        parts.xmp = text


def _latin(text: bytes) -> str:
    """Latin-1, unless it would hold control characters that none has and is sound UTF-8, as StabilityMatrix writes it."""
    if _CONTROLS.search(text):
        try:
            return text.decode()
        except UnicodeDecodeError:
            pass
    return text.decode("latin-1")


def _international(rest: bytes) -> str:
    fields = rest[2:].split(b"\0", 2)
    if len(fields) != 3:
        raise Broken("a text in it is malformed")
    try:
        return (_inflated(fields[2]) if rest[:1] == b"\1" else fields[2]).decode()
    except UnicodeDecodeError:
        raise Broken("a text in it is not UTF-8") from None


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, MAX_TEXT)
    except zlib.error:
        raise Broken("a compressed text in it is broken") from None
    if stream.unconsumed_tail or not stream.eof:
        raise Broken("a compressed text in it is too large or cut off")
    return text
