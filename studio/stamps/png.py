"""The chunks of a PNG (W3C PNG, third edition), read with limits: nothing is decoded but the texts asked for."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from studio.core.errors import InvalidRequest

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_TEXT = 4 * 1024 * 1024
"""Bytes of one text chunk, before and after decompression."""
MAX_CHUNKS = 100_000
_PIECE = 1 << 20


@dataclass(frozen=True)
class PngTexts:
    """Width and height in pixels and the texts by keyword."""

    width: int
    height: int
    texts: dict[str, str] = field(default_factory=dict)


class _Broken(Exception):
    """Ends as an `InvalidRequest` that names the file."""


def read_texts(file: BinaryIO, name: str, keywords: Sequence[str]) -> PngTexts | None:
    """The first text of each of `keywords`; None if the file is no PNG.

    The whole file is walked and its checksums are checked. Raises `InvalidRequest`, in which `name` stands for the file.
    """
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return None
    try:
        chunks = _chunks(file)
        found = _header(chunks)
        for kind, data in chunks:
            keyword = data.partition(b"\0")[0].decode("latin-1")
            if keyword in keywords and keyword not in found.texts:
                found.texts[keyword] = _text(kind, data[len(keyword) + 1 :])
        return found
    except _Broken as error:
        raise InvalidRequest(f"{name} is damaged: {error}. Use another copy of it.") from None


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Header and text chunks with their data, up to the end mark."""
    for _ in range(MAX_CHUNKS):
        length, kind = struct.unpack(">I4s", _exactly(file, 8))
        wanted = kind in (b"IHDR", b"tEXt", b"zTXt", b"iTXt")
        if wanted and length > MAX_TEXT:
            raise _Broken("a text in it is too large")
        data, checksum = b"", zlib.crc32(kind)
        for start in range(0, length, _PIECE):
            piece = _exactly(file, min(_PIECE, length - start))
            checksum = zlib.crc32(piece, checksum)
            data += piece if wanted else b""
        if struct.unpack(">I", _exactly(file, 4))[0] != checksum:
            raise _Broken("a checksum is wrong")
        if kind == b"IEND":
            return
        if wanted:
            yield kind, data
    raise _Broken("it has too many parts")


def _header(chunks: Iterator[tuple[bytes, bytes]]) -> PngTexts:
    kind, data = next(chunks, (b"", b""))
    if kind != b"IHDR" or len(data) != 13:
        raise _Broken("its header is missing")
    return PngTexts(*struct.unpack(">II", data[:8]))


def _exactly(file: BinaryIO, length: int) -> bytes:
    data = file.read(length)
    if len(data) != length:
        raise _Broken("its end is missing")
    return data


def _text(kind: bytes, data: bytes) -> str:
    """tEXt is Latin-1; zTXt the same, compressed; iTXt is UTF-8 behind two flags, a language and a translated keyword."""
    if kind == b"tEXt":
        return data.decode("latin-1")
    if kind == b"zTXt":
        return _inflate(data[1:]).decode("latin-1")
    parts = data[2:].split(b"\0", 2)
    if len(parts) != 3:
        raise _Broken("a text in it is malformed")
    try:
        return (_inflate(parts[2]) if data[:1] == b"\1" else parts[2]).decode()
    except UnicodeDecodeError:
        raise _Broken("a text in it is not UTF-8") from None


def _inflate(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, MAX_TEXT)
    except zlib.error:
        raise _Broken("a compressed text in it is broken") from None
    if stream.unconsumed_tail or not stream.eof:
        raise _Broken("a compressed text in it is too large or cut off")
    return text
