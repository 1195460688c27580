"""The EXIF block of a stamped file (CIPA DC-008): description, software, time and the `parameters` text as UserComment.

Pillow's own writer stores UserComment as type BYTE, which AUTOMATIC1111 and sd-prompt-reader refuse; it must be UNDEFINED.
"""

from __future__ import annotations

import struct

ASCII, LONG, UNDEFINED = 2, 4, 7
DESCRIPTION, SOFTWARE, DATE_TIME, EXIF_IFD, USER_COMMENT = 0x010E, 0x0131, 0x0132, 0x8769, 0x9286
MAX_COMMENT = 32_000
"""UTF-16 units of the comment: a JPEG's whole EXIF block must fit into 64 KB."""
_HEADER = b"MM\0*\0\0\0\x08"
_Entry = tuple[int, int, bytes]


def exif_block(*, comment: str, software: str, description: str, time: str = "") -> bytes:
    """`Exif\\0\\0` and a big-endian TIFF structure, ready for a JPEG's APP1 or Pillow's `exif=`.

    `time` is EXIF's `YYYY:MM:DD HH:MM:SS`. `comment` is at most `MAX_COMMENT` UTF-16 units; the caller sees to it.
    """
    texts = [(DESCRIPTION, description), (SOFTWARE, software), (DATE_TIME, time)]
    first: list[_Entry] = [(tag, ASCII, text.encode("ascii", "replace") + b"\0") for tag, text in texts if text]
    place = len(_HEADER) + len(_ifd([*first, (EXIF_IFD, LONG, b"\0\0\0\0")], start=0))
    outer = _ifd([*first, (EXIF_IFD, LONG, struct.pack(">I", place))], start=len(_HEADER))
    inner = _ifd([(USER_COMMENT, UNDEFINED, _comment(comment))], start=place)
    return b"Exif\0\0" + _HEADER + outer + inner


def comment_units(text: str) -> int:
    """The length of a comment in UTF-16 units."""
    return len(text.encode("utf-16-be", "replace")) // 2


def _comment(text: str) -> bytes:
    """One leading space where the text starts with a non-ASCII character, as readers guess the byte order by it."""
    padded = text if text[:1].isascii() else f" {text}"
    return b"UNICODE\0" + padded.encode("utf-16-be", "replace")


def _ifd(entries: list[_Entry], *, start: int) -> bytes:
    """A directory at offset `start`, entries in order of their tags, longer values behind it."""
    values, rows = b"", b""
    behind = start + 2 + 12 * len(entries) + 4
    for tag, kind, data in sorted(entries):
        count = len(data) // 4 if kind == LONG else len(data)
        if len(data) <= 4:
            rows += struct.pack(">HHI4s", tag, kind, count, data.ljust(4, b"\0"))
        else:
            rows += struct.pack(">HHII", tag, kind, count, behind + len(values))
            values += data + b"\0" * (len(data) % 2)
    return struct.pack(">H", len(entries)) + rows + b"\0\0\0\0" + values
