"""The texts of an EXIF block (CIPA DC-008), read with limits on entries, sizes and directories."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MAX_ENTRIES, MAX_VALUE = 512, 1024 * 1024
NAMES = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x0132: "DateTime",
    0x013B: "Artist",
    0x8298: "Copyright",
    0x9003: "DateTimeOriginal",
    0x927C: "MakerNote",
}
BROKEN = "its EXIF block is broken"
_POINTER, _COMMENT, _MAKER_NOTE, _ASCII = 0x8769, 0x9286, 0x927C, 2
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}


@dataclass
class Exif:
    """Texts by EXIF's names, and the user's comment. A maker's note counts only where it is a text."""

    texts: dict[str, str] = field(default_factory=dict)
    comment: str = ""
    problems: list[str] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def complain(self) -> None:
        if BROKEN not in self.problems:
            self.problems.append(BROKEN)


def read_exif(block: bytes) -> Exif:
    """From the TIFF header on: its first directory and the EXIF directory that this names. Never raises."""
    found = Exif()
    order = {b"MM\0*": ">", b"II*\0": "<"}.get(block[:4])
    if not block:
        return found
    if order is None or len(block) < 8:
        found.complain()
        return found
    try:
        first: int = struct.unpack_from(order + "I", block, 4)[0]
        inner = _directory(block, order, first, found)
        if inner == first:
            found.complain()
        elif inner:
            _directory(block, order, inner, found)
    except struct.error:
        found.complain()
    return found


def _directory(block: bytes, order: str, start: int, found: Exif) -> int:
    """Read one directory; where the next one that matters lies, or 0."""
    count, pointer = struct.unpack_from(order + "H", block, start)[0], 0
    if count > MAX_ENTRIES:
        found.complain()
        return 0
    for number in range(count):
        place = start + 2 + 12 * number
        tag, kind, length = struct.unpack_from(order + "HHI", block, place)
        if tag == _POINTER:
            pointer = struct.unpack_from(order + "I", block, place + 8)[0]
        elif (tag in NAMES or tag == _COMMENT) and tag not in found.seen:
            _entry(block, order, place, (tag, kind, _SIZES.get(kind, 1) * length), found)
    return pointer


def _entry(block: bytes, order: str, place: int, told: tuple[int, int, int], found: Exif) -> None:
    tag, kind, size = told
    offset = place + 8 if size <= 4 else struct.unpack_from(order + "I", block, place + 8)[0]
    if size > MAX_VALUE or offset + size > len(block):
        found.complain()
        return
    value = block[offset : offset + size]
    found.seen.add(tag)
    if tag == _COMMENT:
        found.comment = decode_comment(value, order)
    elif tag != _MAKER_NOTE or kind == _ASCII:
        found.texts[NAMES[tag]] = value.split(b"\0", 1)[0].decode("utf-8", "replace").strip()


def decode_comment(value: bytes, order: str = ">") -> str:
    """A UserComment by its eight-byte head; what has none is taken as UTF-16 if every other byte is zero, else as UTF-8."""
    head, body = value[:8], value[8:]
    if head == b"UNICODE\0":
        return _wide(body, order)
    if head in (b"ASCII\0\0\0", b"\0" * 8):
        return body.decode("utf-8", "replace").strip("\0")
    zeros = _zeros(value)
    if len(value) > 8 and max(zeros) > 3 * min(zeros) + len(value) // 8:
        return _wide(value, order)
    return value.decode("utf-8", "replace").strip("\0")


def _wide(body: bytes, order: str) -> str:
    """UTF-16 in either order: by its mark, else by where the zero bytes stand, else the block's own order."""
    if body[:2] in (b"\xfe\xff", b"\xff\xfe"):
        return body.decode("utf-16", "replace").rstrip("\0")
    big, little = _zeros(body)
    is_big = order == ">" if big == little else big > little
    return body[: len(body) // 2 * 2].decode("utf-16-be" if is_big else "utf-16-le", "replace").rstrip("\0")


def _zeros(body: bytes) -> tuple[int, int]:
    """How many of the bytes at even places are zero, and at odd ones."""
    return body[0::2].count(0), body[1::2].count(0)
