"""The text marks of a picture, and its encoding: `parameters`, our record, XMP and EXIF in a PNG, JPEG or WebP.

| file | `parameters` | our record |
|---|---|---|
| PNG | text chunk `parameters` | text chunk `studio_metadata`; XMP carries the AI label only |
| JPEG, WebP | EXIF UserComment | XMP `studio:record` |

The pixels are encoded before any text exists (`as_saved`), so a lossy file's pixels are known while they are scored.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.metadata import file_record
from studio.core.result import Draft
from studio.stamps import exif, xmp
from studio.stamps.parameters import parameters_text

PARAMETERS, RECORD = "parameters", "studio_metadata"
XMP_KEYWORD = "XML:com.adobe.xmp"
AI_LABEL = "AI-generated image"
CREDIT = "Made with AI"
TOO_LONG = "(the settings are too long for this place; they stand in the XMP record)"
MAX_XMP = 65_000
"""Bytes of XMP that a JPEG holds in one segment."""
COMPRESSION = 4
"""zlib level; on noisy 1024 × 1024 pictures the same size as Pillow's 6, a little sooner."""

FileFormat = Literal["png", "jpeg", "webp"]
SUFFIXES: dict[FileFormat, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
MAX_SIDE: dict[FileFormat, int] = {"png": 2**31 - 1, "jpeg": 65_500, "webp": 16_383}


@dataclass(frozen=True)
class Coding:
    """How pixels become a file. `quality` is 1 to 100 and counts for JPEG and WebP."""

    format: FileFormat = "png"
    quality: int = 92

    def fitting(self, image: Image.Image) -> Coding:
        """This one, or PNG where the format cannot hold so large a picture."""
        return self if max(image.size) <= MAX_SIDE[self.format] else replace(self, format="png")

    def encode(self, image: Image.Image, **marks: Any) -> bytes:
        """A file of these pixels. `marks` are Pillow's `pnginfo`, `exif` and `xmp`; they never change the pixels."""
        file = io.BytesIO()
        match self.format:
            case "png":
                _bare(image).save(file, "PNG", compress_level=COMPRESSION, **marks)
            case "jpeg":
                _opaque(image).save(file, "JPEG", quality=self.quality, subsampling=0, optimize=True, **marks)
            case "webp":
                _bare(image, ("RGB", "RGBA")).save(file, "WEBP", quality=self.quality, method=4, exact=True, **marks)
        return file.getvalue()

    def as_saved(self, image: Image.Image) -> Image.Image:
        """The pixels as a reader of the file will see them."""
        coding = self.fitting(image)
        if coding.format == "png":
            return _bare(image)
        with Image.open(io.BytesIO(coding.encode(image))) as saved:
            saved.load()
            return saved.copy()


class TextStamp:
    """`studio.core.ports.Stamp`: encodes the draft's picture with all its texts. `later` are stamps still to come."""

    name = "text"

    def __init__(self, studio_version: str, coding: Coding | None = None, later: tuple[str, ...] = ()) -> None:
        self._version, self._coding, self._later = studio_version, coding or Coding(), later

    def __call__(self, draft: Draft) -> Draft:
        image, coding = draft.picture.image, self._coding.fitting(draft.picture.image)
        stamped = replace(draft, stamps=(*draft.stamps, self.name, "xmp"))
        if coding.format != self._coding.format:
            stamped = replace(stamped, notes=(*draft.notes, f"saved as PNG: too large for {self._coding.format}"))
        record = file_record(replace(stamped, stamps=(*stamped.stamps, *self._later)), self._version)
        marks = self._png(stamped, record) if coding.format == "png" else self._exif_and_xmp(stamped, record)
        return replace(stamped, data=coding.encode(image, **marks), suffix=SUFFIXES[coding.format])

    def _png(self, draft: Draft, record: dict[str, Any]) -> dict[str, Any]:
        texts = PngInfo()
        texts.add_text(PARAMETERS, parameters_text(draft, self._version))
        texts.add_text(RECORD, json.dumps(record))
        texts.add_itxt(XMP_KEYWORD, self._packet(draft).decode())
        return {"pnginfo": texts}

    def _exif_and_xmp(self, draft: Draft, record: dict[str, Any]) -> dict[str, Any]:
        comment = parameters_text(draft, self._version)
        if exif.comment_units(comment) > exif.MAX_COMMENT:
            comment = TOO_LONG
        block = exif.exif_block(
            comment=comment,
            software=f"Studio {self._version}",
            description=AI_LABEL,
            time=f"{datetime.fromisoformat(draft.created).astimezone(UTC):%Y:%m:%d %H:%M:%S}",
        )
        return {"exif": block, "xmp": self._fitting(draft, record)}

    def _fitting(self, draft: Draft, record: dict[str, Any]) -> bytes:
        """The packet with our record; what does not fit into a JPEG's segment goes, the AI label never does."""
        shorter = {**record, "facts": {}, "notes": ["what else was known did not fit into this file"]}
        for candidate in (record, shorter):
            found = self._packet(draft, json.dumps(candidate, ensure_ascii=False))
            if self._coding.format != "jpeg" or len(found) <= MAX_XMP:
                return found
        return self._packet(draft, with_prompt=False)

    def _packet(self, draft: Draft, record: str = "", *, with_prompt: bool = True) -> bytes:
        used = draft.facts.get("used", {})
        properties = {
            "Iptc4xmpExt:DigitalSourceType": xmp.source_type(draft.request.task),
            "Iptc4xmpExt:AISystemUsed": str(used.get("model") or draft.request.model),
            "Iptc4xmpExt:AISystemVersionUsed": str(used.get("model_sha256") or "")[:10],
            "Iptc4xmpExt:AIPromptInformation": draft.request.prompt if with_prompt else "",
            "xmp:CreatorTool": f"Studio {self._version}",
            "xmp:CreateDate": draft.created,
            "photoshop:Credit": CREDIT,
        }
        return xmp.packet(properties, description=AI_LABEL, record=record)


def _bare(image: Image.Image, modes: tuple[str, ...] = ("1", "L", "LA", "RGB", "RGBA", "I;16")) -> Image.Image:
    """The pixels alone, in a mode the format has, without what the image carried along (texts, EXIF, profiles)."""
    if image.mode not in modes:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _opaque(image: Image.Image) -> Image.Image:
    """As JPEG can hold it: what is transparent lies on white."""
    if not image.has_transparency_data:
        return _bare(image, ("L", "RGB"))
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
