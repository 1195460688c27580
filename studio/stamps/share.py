"""A share copy: the kept picture in another coding or size, with what its owner lets go out, signed anew.

The AI label (XMP, EXIF, signature) always stays; the watermark stays in the pixels. The kept file itself is not touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.errors import InvalidRequest
from studio.core.opening import open_picture
from studio.core.request import all_sources, without_words
from studio.core.result import Draft, Picture, Record
from studio.core.sharing import SharedCopy, ShareOptions
from studio.stamps import exif, watermark, xmp
from studio.stamps.parameters import parameters_text, safe_prompt
from studio.stamps.text import AI_LABEL, CREDIT, MAX_XMP, PARAMETERS, SUFFIXES, XMP_KEYWORD, Coding

Sign = Callable[[bytes, str, Path, Record, ShareOptions], bytes]
"""Signs the file with the kept one as its ingredient."""


class ShareCopies:
    """Makes share copies; `sign` puts the signature on, last."""

    def __init__(self, version: str, sign: Sign) -> None:
        self._version, self._sign = version, sign

    def __call__(self, record: Record, options: ShareOptions) -> SharedCopy:
        """Raises `InvalidRequest` if the kept file is gone or damaged, `StampFailed` if it cannot be signed."""
        if record.path is None:
            raise InvalidRequest("The file of this picture is gone, so it cannot be shared.")
        image = _sized(open_picture(record.path.read_bytes(), record.name), record, options.max_side)
        coding = Coding(options.format, options.quality).fitting(image)
        suffix = SUFFIXES[coding.format]
        data = coding.encode(image, **self._marks(record, image, options, coding))
        return SharedCopy(
            name=f"{Path(record.name).stem}-share{suffix}",
            data=self._sign(data, suffix, record.path, record, options),
            width=image.width,
            height=image.height,
            stays=_stays(record, options),
            left_out=_left_out(record, options),
            survives=_survives(record),
        )

    def _marks(self, record: Record, image: Image.Image, options: ShareOptions, coding: Coding) -> dict[str, Any]:
        text, packet = self._text(record, image, options), self._packet(record, options)
        if coding.format == "png":
            texts = PngInfo()
            if text:
                texts.add_text(PARAMETERS, text)
            texts.add_itxt(XMP_KEYWORD, packet.decode())
            return {"pnginfo": texts}
        if len(packet) > MAX_XMP:
            packet = self._packet(record, replace(options, prompt=False))
        comment = text if exif.comment_units(text) <= exif.MAX_COMMENT else ""
        block = exif.exif_block(comment=comment, software=f"Studio {self._version}", description=AI_LABEL)
        return {"exif": block, "xmp": packet}

    def _text(self, record: Record, image: Image.Image, options: ShareOptions) -> str:
        """`parameters` with what is allowed out; empty if that is neither prompt nor settings."""
        request = record.request if options.prompt else without_words(record.request)
        if options.settings:
            picture = Picture(image=image, seed=record.seed)
            draft = Draft(id=record.id, job=record.job, picture=picture, request=request, created=record.created,
                          facts=record.facts)  # fmt: skip
            return parameters_text(draft, self._version)
        if options.prompt:
            negative = " ".join(safe_prompt(request.negative_prompt).split("\n"))
            pairs = f"Size: {image.width}x{image.height}, AI generated: yes, Version: studio {self._version}"
            return f"{safe_prompt(request.prompt)}\nNegative prompt: {negative}\n{pairs}"
        return ""

    def _packet(self, record: Record, options: ShareOptions) -> bytes:
        used = record.facts.get("used") or {}
        properties = {
            "Iptc4xmpExt:DigitalSourceType": xmp.source_type(record.request.task),
            "Iptc4xmpExt:AISystemUsed": str(used.get("model") or record.request.model),
            "Iptc4xmpExt:AISystemVersionUsed": str(used.get("model_sha256") or "")[:10] if options.settings else "",
            "Iptc4xmpExt:AIPromptInformation": record.request.prompt if options.prompt else "",
            "Iptc4xmpExt:AIPromptWriterName": record.request.user if options.user else "",
            "xmp:CreatorTool": f"Studio {self._version}",
            "xmp:CreateDate": datetime.fromisoformat(record.created).astimezone(UTC).isoformat(timespec="seconds"),
            "photoshop:Credit": CREDIT,
        }
        return xmp.packet(properties, description=AI_LABEL)


def _sized(image: Image.Image, record: Record, max_side: int | None) -> Image.Image:
    """Smaller if asked for; a watermark that did not survive that is put on again."""
    if max_side is None or max(image.size) <= max_side:
        return image
    scale = max_side / max(image.size)
    smaller = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.LANCZOS
    )
    if not _is_marked(record) or watermark.read(smaller).payload:
        return smaller
    return watermark.embed(smaller, watermark.mark_of(record.id)).image


def _is_marked(record: Record) -> bool:
    return bool((record.facts.get("watermark") or {}).get("present"))


def _parts(record: Record) -> dict[str, tuple[str, bool]]:
    """What can be left out: its words, and whether there is any of it."""
    shown = all_sources(record.request).items()
    parents = [source.name or "a picture" for name, source in shown if name not in ("mask", "sketch")]
    return {
        "prompt": ("Prompt and negative prompt", bool(record.request.prompt or record.request.negative_prompt)),
        "settings": (f"Seed {record.seed}, model version and settings", True),
        "user": (f"Who made it: {record.request.user}", bool(record.request.user)),
        "parents": (f"What it was made from: {', '.join(parents)}", bool(parents)),
    }


def _stays(record: Record, options: ShareOptions) -> tuple[str, ...]:
    always = ("The label “AI-generated”: in the signature, XMP and EXIF", "Model name, software and time")
    marked = ("The invisible watermark with the record's id",) if _is_marked(record) else ()
    chosen = (words for name, (words, there) in _parts(record).items() if there and getattr(options, name))
    return (*always, *marked, *chosen)


def _left_out(record: Record, options: ShareOptions) -> tuple[str, ...]:
    return tuple(words for name, (words, there) in _parts(record).items() if there and not getattr(options, name))


def _survives(record: Record) -> tuple[str, ...]:
    """What a platform leaves that strips metadata."""
    gone = "Signature, XMP, EXIF and texts do not survive a platform that strips metadata."
    if _is_marked(record):
        return (gone, "The invisible watermark usually does: it was made for recompression, resizing and cropping.")
    return (gone, "This picture has no watermark, so nothing would be left but its looks in your library.")
