"""Finds the metadata in the bytes of a stranger's file: walked, never decoded, every size and count limited."""

from __future__ import annotations

import struct

from studio.stamps.reading import jpeg, png, riff
from studio.stamps.reading.parts import CUT, Broken, Parts

_WALKS = (("PNG", png.SIGNATURE, png.walk_png), ("JPEG", jpeg.SIGNATURE, jpeg.walk_jpeg), ("WEBP", b"RIFF", riff.walk_webp))


def walk(data: bytes) -> Parts:
    """A PNG, JPEG or WebP. Never raises; `format` is empty for another kind of file."""
    for format, head, steps in _WALKS:
        if data.startswith(head) and (format != "WEBP" or data[8:12] == riff.KIND):
            parts = Parts(format)
            try:
                steps(memoryview(data), parts)
            except Broken as broken:
                parts.complain(str(broken))
            except struct.error:
                parts.complain(CUT)
            return parts
    return Parts()
