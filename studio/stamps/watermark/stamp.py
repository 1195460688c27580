"""The watermark as a stamp on a draft, and as a witness for a stranger's file."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

from PIL import Image

from studio.core.evidence import Evidence, Suspect
from studio.core.fingerprint import pixels_sha256
from studio.core.result import Draft
from studio.stamps.watermark.embed import embed
from studio.stamps.watermark.public import public_marks
from studio.stamps.watermark.read import Found, read

ALGORITHM = "org.studio.tiled-1"
DEEP_PIXELS = 4_200_000
UNREADABLE = "this picture cannot carry it readably: it is too small, or too rough"
_FAKED = "anyone: the key is public, so the mark can be copied, forged and removed"


def mark_of(record: str) -> bytes:
    """The 48 bits that a record's pictures carry: the head of the SHA-256 of its id."""
    return hashlib.sha256(record.encode()).digest()[:6]


class WatermarkStamp:
    """`studio.core.ports.Stamp`: the first, since it changes pixels. The record says whether the mark is there.

    `drawn_sha256` is the hash of the pixels before it: the same request gives the same one, whatever the record's id.
    """

    name = "watermark"

    def __init__(self, on: bool = True) -> None:
        self._on = on

    def __call__(self, draft: Draft) -> Draft:
        facts = {**draft.facts, "drawn_sha256": pixels_sha256(draft.picture.image)}
        if not self._on:
            return replace(draft, facts={**facts, "watermark": {"present": False, "reason": "switched off"}})
        payload = mark_of(draft.id)
        marked = embed(draft.picture.image, payload)
        if not marked.readable:
            return replace(draft, facts={**facts, "watermark": {"present": False, "reason": UNREADABLE}})
        told = {"present": True, "algorithm": ALGORITHM, "payload": payload.hex(), "z": marked.z, "psnr": marked.psnr,
                "max_change": marked.max_change}  # fmt: skip
        picture = replace(draft.picture, image=marked.image)
        return replace(draft, picture=picture, facts={**facts, "watermark": told}, stamps=(*draft.stamps, self.name))


class WatermarkWitness:
    """`studio.core.evidence.Witness`: our mark, and the public ones of well-known models. No mark, no row.

    `find_record` gives the record of a payload (hex), empty if the library has none.
    """

    name = "watermark"

    def __init__(self, find_record: Callable[[str], str]) -> None:
        self._find_record = find_record

    def look(self, suspect: Suspect) -> Sequence[Evidence]:
        if suspect.image is None:
            return []
        own = self._own(look_for(suspect.image))
        return [*own, *map(_public_row, public_marks(suspect.image))]

    def _own(self, found: Found) -> list[Evidence]:
        if not found.present:
            return []
        facts = {"algorithm": ALGORITHM, "z": round(found.z, 2), "scale": round(found.scale, 3)}
        if found.payload is None:
            finding = "This software's invisible watermark is there, but its number cannot be read any more."
            return [Evidence(kind="watermark", finding=finding, strength="weak", side="ai", faked_by=_FAKED, facts=facts)]
        record = self._find_record(found.payload.hex())
        where = "It leads to a record of this library" if record else "Its record is not in this library"
        finding = f"This software's invisible watermark, number {found.payload.hex()}. {where}."
        return [Evidence(kind="watermark", finding=finding, strength="fair", side="ai", declared=True, faked_by=_FAKED,
                         record=record, facts={**facts, "payload": found.payload.hex()})]  # fmt: skip


def look_for(image: Image.Image) -> Found:
    """Quickly first; through all scales only where that found no number and the picture is not huge."""
    found = read(image)
    if found.payload or image.width * image.height > DEEP_PIXELS:
        return found
    deep = read(image, deep=True)
    return deep if deep.present else found


def _public_row(name: str) -> Evidence:
    finding = f"The public watermark of {name}: programs put it on what they generate."
    return Evidence(kind="watermark", finding=finding, strength="fair", side="ai", declared=True, faked_by=_FAKED,
                    facts={"public": name})  # fmt: skip
