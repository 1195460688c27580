"""Sources in memory, for tests of the engine."""

from __future__ import annotations

import hashlib
from io import BytesIO
from pathlib import Path

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.opening import header
from studio.core.request import Source


class MemorySources:
    folder = Path("memory")

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def add(self, data: bytes, name: str = "", record: str = "") -> Source:
        _, size = header(data, name)
        sha256 = hashlib.sha256(data).hexdigest()
        self._kept[sha256] = data
        return Source(sha256=sha256, width=size.width, height=size.height, name=name, record=record)

    def add_image(self, image: Image.Image, name: str = "a.png") -> Source:
        file = BytesIO()
        image.save(file, "PNG")
        return self.add(file.getvalue(), name)

    def read(self, source: Source) -> bytes:
        if source.sha256 not in self._kept:
            raise InvalidRequest(f"The picture {source.name} is gone. Choose it again.", "image")
        return self._kept[source.sha256]

    def path(self, source: Source) -> Path | None:
        return self.folder / source.sha256 if source.sha256 in self._kept else None
