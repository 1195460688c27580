"""The last step before a picture is kept: its file is opened again, and every mark on it is looked for."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image

from studio.core.errors import InvalidRequest, StampFailed
from studio.core.fingerprint import from_facts, pixels_sha256
from studio.core.metadata import file_record
from studio.core.result import Draft
from studio.stamps.c2pa import Manifest
from studio.stamps.reading import read_file

ReadManifest = Callable[[bytes, str], Manifest | None]


class Reopened:
    """`studio.core.ports.Stamp` that adds nothing: what it does not find again fails the save. `StampFailed` names it."""

    name = "reopened"

    def __init__(self, read_manifest: ReadManifest) -> None:
        self._read_manifest = read_manifest

    def __call__(self, draft: Draft) -> Draft:
        if missing := [what for what, found in self._looked_for(draft).items() if not found]:
            raise StampFailed(
                f"The file was opened again and lacks {' and '.join(missing)}, so it was not saved. Try again."
            )
        return draft

    def _looked_for(self, draft: Draft) -> dict[str, bool]:
        data = draft.data or b""
        try:
            found = read_file(data, draft.id)
        except InvalidRequest:
            return {"a picture": False}
        seen = from_facts(draft.facts)
        manifest = self._read_manifest(data, draft.suffix)
        return {
            "the pixels that were scored": seen is None or _pixels(data) == seen.pixels,
            "its record": any(_is_record(reading.record, draft) for reading in found.readings),
            "the AI label": found.xmp is not None and found.xmp.digital_source_type != "",
            "a valid signature": manifest is not None and manifest.state != "invalid",
        }


def _pixels(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return pixels_sha256(image)


def _is_record(record: Mapping[str, Any] | None, draft: Draft) -> bool:
    own = file_record(draft)
    return record is not None and all(record.get(key) == own[key] for key in ("record", "job", "seed", "request"))
