"""One file's metadata as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.evidence import Reading
from studio.core.opening import header
from studio.stamps.parameters import parse_parameters
from studio.stamps.reading.container import walk
from studio.stamps.reading.dialects import readings
from studio.stamps.reading.dialects.novelai import read_stealth
from studio.stamps.reading.dialects.studio import KEYWORD
from studio.stamps.reading.exif import read_exif
from studio.stamps.reading.found import Found, as_object
from studio.stamps.reading.others import walk_other
from studio.stamps.reading.xmp import Xmp, read_packet


@dataclass(frozen=True, kw_only=True)
class FileMetadata:
    """`format` is Pillow's name, `width` and `height` are pixels as stored, 0 where the header does not tell.

    `texts` are PNG's text chunks, and `comment` among them a JPEG's or GIF's; the field `comment` is EXIF's UserComment.
    `readings` are the settings in each dialect that fits, our own record first. `problems` are ends of sentences on
    damaged parts; `signed` says that there is a C2PA manifest, valid or not; `trailing` counts bytes behind the end.
    """

    format: str = ""
    width: int = 0
    height: int = 0
    texts: Mapping[str, str] = field(default_factory=dict)
    comment: str = ""
    exif: Mapping[str, str] = field(default_factory=dict)
    xmp: Xmp | None = None
    readings: tuple[Reading, ...] = ()
    problems: tuple[str, ...] = ()
    signed: bool = False
    trailing: int = 0


def read_file(data: bytes, name: str, image: Image.Image | None = None) -> FileMetadata:
    """Raises `InvalidRequest` for what is no picture; whatever else is wrong with a file is one of its `problems`.

    With the decoded `image`, NovelAI's copy in its pixels counts where the texts were stripped.
    """
    parts = walk(data)
    if not parts.format:
        parts = walk_other(data, name)
    elif not parts.whole:
        reason = parts.problems[0] if parts.problems else "its header is missing"
        raise InvalidRequest(f"{name} is damaged: {reason}. Use another copy of it.", "image")
    exif, xmp = read_exif(parts.exif), read_packet(parts.xmp)
    found = Found(texts=parts.texts, comment=exif.comment, exif=exif.texts, xmp=xmp or Xmp())
    problems = [*parts.problems, *exif.problems, *([xmp.problem] if xmp and xmp.problem else [])]
    told, trouble = readings(found)
    hidden = read_stealth(image) if image and not told else None
    return FileMetadata(
        format=parts.format,
        width=parts.width,
        height=parts.height,
        texts=parts.texts,
        comment=exif.comment,
        exif=exif.texts,
        xmp=xmp,
        readings=(hidden,) if hidden else told,
        problems=(*problems, *trouble),
        signed=parts.signed,
        trailing=parts.trailing,
    )


@dataclass(frozen=True, kw_only=True)
class StampRead:
    """What a kept file says of its making. `record` is our own record, with the file's true width and height, or None.

    `prompt` and `negative_prompt` are the exact ones where there is a record, else as `text`, the raw parameters, has them.
    """

    width: int
    height: int
    prompt: str = ""
    negative_prompt: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    record: Mapping[str, Any] | None = None


def read(source: Path | bytes) -> StampRead | None:
    """The marks of a picture of the library; None for another kind of file or one without them.

    Raises `InvalidRequest` with a sentence for a damaged or hostile file, OSError where it cannot be opened.
    """
    name = source.name if isinstance(source, Path) else "the picture"
    data = source if isinstance(source, bytes) else source.read_bytes()
    if not walk(data).format:
        return None
    found = read_file(data, name)
    if found.problems:
        raise InvalidRequest(f"{name} is damaged: {found.problems[0]}. Use another copy of it.")
    text = found.texts.get("parameters", "") or found.comment
    held = found.texts.get(KEYWORD, "") or (found.xmp.studio_record if found.xmp else "")
    record = as_object(held, strict=True)
    if held and not record:
        raise InvalidRequest(f"The record in {name} is damaged. Its picture can still be opened.")
    if not held and not text:
        return None
    _, size = header(data, name)
    prompt, negative, fields = parse_parameters(text)
    if isinstance(request := record.get("request"), dict):
        prompt, negative = str(request.get("prompt", prompt)), str(request.get("negative_prompt", negative))
    if found.signed and isinstance(record.get("stamps"), list):
        record["stamps"] = [*(name for name in record["stamps"] if name != "c2pa"), "c2pa"]
    whole = {**record, "width": size.width, "height": size.height} if record else None
    return StampRead(
        width=size.width, height=size.height, prompt=prompt, negative_prompt=negative, fields=fields, text=text, record=whole
    )
