"""The text mark of a PNG: `parameters`, which readers of AUTOMATIC1111's format know, and `studio_metadata`, our record.

Nothing inside prompts can be escaped in that format, so `parameters` holds them slightly changed (`safe_prompt`); the exact
words stand in our record, which `read` prefers. `read` is for files of strangers: every size is limited.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.errors import InvalidRequest
from studio.core.metadata import draft_to_json
from studio.core.request import Fill, ImageToImage, Inpaint, Outpaint, Task, TextToImage
from studio.core.result import Draft
from studio.stamps.png import read_texts

PARAMETERS, RECORD = "parameters", "studio_metadata"
SCHEDULES = ("Karras", "Exponential", "Beta")
NO_PROMPT = "(no prompt)"
"""Stands for an empty prompt, with which three of the seven readers break; our record keeps it empty."""
MASKED_CONTENT: dict[Fill, str] = {
    "original": "original",
    "neighbours": "fill",
    "noise": "latent noise",
    "blank": "latent nothing",
}
MAX_DEPTH = 32
MAX_LINE = 32_768
COMPRESSION = 4
"""zlib level; on noisy 1024 × 1024 pictures the same size as Pillow's 6, a little sooner."""

_WORDS = "negative prompt|negative template|template|steps|seed|size|sampler|width|height|cfg scale|pipeline"
_WORD_AND_COLON = re.compile(f"({_WORDS}):", re.IGNORECASE)
_NEGATIVE = "Negative prompt:"


class TextStamp:
    """`studio.core.ports.Stamp`: encodes the draft's picture as PNG with both texts."""

    name = "text"

    def __init__(self, studio_version: str) -> None:
        self._version = studio_version

    def __call__(self, draft: Draft) -> Draft:
        stamped = replace(draft, stamps=(*draft.stamps, self.name))
        texts = PngInfo()
        texts.add_text(PARAMETERS, parameters_text(stamped, self._version))
        texts.add_text(RECORD, json.dumps(draft_to_json(stamped, self._version)))
        file = io.BytesIO()
        _bare(draft.picture.image).save(file, "PNG", pnginfo=texts, compress_level=COMPRESSION)
        return replace(stamped, data=file.getvalue(), suffix=".png")


@dataclass(frozen=True, kw_only=True)
class StampRead:
    """What a PNG says of its making. `record` is our own record, with the file's true width and height, or None.

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
    """Read the marks of a PNG; None for another kind of file or one without them.

    Raises `InvalidRequest` with a sentence for a damaged or hostile file, OSError where it cannot be opened.
    """
    name = source.name if isinstance(source, Path) else "the picture"
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        found = read_texts(file, name, (PARAMETERS, RECORD))
    if found is None or not found.texts:
        return None
    text = found.texts.get(PARAMETERS, "")
    prompt, negative, fields = parse_parameters(text)
    record = _record(found.texts[RECORD], name) if RECORD in found.texts else None
    if record is not None:
        record |= {"width": found.width, "height": found.height}
        request = record.get("request")
        if isinstance(request, dict):
            prompt, negative = str(request.get("prompt", prompt)), str(request.get("negative_prompt", negative))
    return StampRead(width=found.width, height=found.height, prompt=prompt, negative_prompt=negative,
                     fields=fields, text=text, record=record)  # fmt: skip


def parameters_text(draft: Draft, version: str) -> str:
    """Prompt, negative prompt and one line of `key: value` pairs."""
    negative = re.sub(r"\s*\n\s*", " ", safe_prompt(draft.request.negative_prompt))
    pairs = ", ".join(f"{key}: {safe_value(value)}" for key, value in _pairs(draft, version) if value not in (None, ""))
    prompt = safe_prompt(draft.request.prompt)
    return f"{prompt if prompt.strip() else NO_PROMPT}\n{_NEGATIVE} {negative}\n{pairs}"


def safe_prompt(text: str) -> str:
    """A prompt as `parameters` can hold it: LF line ends, no NUL, a space before a colon that looks like a key's."""
    return _WORD_AND_COLON.sub(r"\1 :", text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))


def safe_value(value: object) -> str:
    """A value as every reader understands it: without comma, colon, double quote or line break."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"\s+", " ", text.translate(str.maketrans(',:"', ";-'"))).strip()


def parse_parameters(text: str) -> tuple[str, str, dict[str, str]]:
    """Prompt, negative prompt and fields of a `parameters` text, ours or another program's. Never fails.

    The last line is the fields if it holds three pairs or more; the negative prompt starts at a line's start.
    """
    lines = text.replace("\r\n", "\n").strip().split("\n")
    fields = _parse_pairs(lines[-1])
    if len(fields) < 3:
        fields = {}
    else:
        lines.pop()
    start = next((number for number, line in enumerate(lines) if line.startswith(_NEGATIVE)), len(lines))
    prompt, negative = "\n".join(lines[:start]), "\n".join(lines[start:])
    return prompt.strip(), negative.removeprefix(_NEGATIVE).strip(), fields


def _pairs(draft: Draft, version: str) -> list[tuple[str, object]]:
    used, asked, image = draft.facts.get("used", {}), draft.request.sampling, draft.picture.image
    backend = draft.request.model.partition(":")[0]
    sampler, schedule = _split_schedule(str(used.get("sampler") or asked.sampler or ""))
    return [
        ("Steps", used.get("steps", asked.steps)),
        ("Sampler", sampler),
        ("Schedule type", schedule),
        ("CFG scale", used.get("guidance_scale", asked.guidance_scale)),
        ("Seed", draft.picture.seed),
        ("Size", f"{image.width}x{image.height}"),
        ("Model hash", str(used.get("model_sha256") or "")[:10]),
        ("Model", str(used.get("model") or draft.request.model).removeprefix(f"{backend}:")),
        *_edit_pairs(draft.request.task),
        ("Created", f"{datetime.fromisoformat(draft.created).astimezone(UTC):%Y%m%dT%H%M%SZ}"),
        ("Version", f"studio {version}"),
    ]


def _edit_pairs(task: Task) -> list[tuple[str, object]]:
    """What an edit did, in AUTOMATIC1111's words where it has some."""
    match task:
        case TextToImage():
            return []
        case ImageToImage():
            own: list[tuple[str, object]] = []
        case Inpaint():
            own = [
                ("Mask blur", task.feather),
                ("Inpaint area", "Only masked" if task.area == "masked" else "Whole picture"),
                ("Masked area padding", task.padding if task.area == "masked" else None),
                ("Masked content", MASKED_CONTENT[task.fill]),
            ]
        case Outpaint():
            margins = {"left": task.left, "right": task.right, "up": task.up, "down": task.down}
            extended = "; ".join(f"{side} {pixels}" for side, pixels in margins.items() if pixels)
            own = [("Mask blur", task.feather), ("Outpaint", extended), ("Masked content", MASKED_CONTENT[task.fill])]
    source = [("Source", task.image.sha256[:10]), ("Source picture", task.image.record)]
    return [("Denoising strength", task.strength), *own, *source]


def _split_schedule(sampler: str) -> tuple[str, str]:
    """`DPM++ 2M Karras` is two fields in this format: `DPM++ 2M` and `Karras`."""
    name, _, last = sampler.rpartition(" ")
    return (name, last) if name and last in SCHEDULES else (sampler, "")


def _parse_pairs(line: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    position = 0 if len(line) <= MAX_LINE else len(line)
    while (colon := line.find(":", position)) >= 0:
        key = line[position:colon].rpartition(",")[2].strip()
        value, position = _parse_value(line, colon + 1)
        if re.fullmatch(r"\w[\w \-/]+", key):
            fields.setdefault(key, value)
    return fields


def _parse_value(line: str, start: int) -> tuple[str, int]:
    """The value at `start`, JSON or all up to the next comma, and where the next pair begins."""
    while line.startswith(" ", start):
        start += 1
    if line.startswith(('"', "{"), start):
        try:
            value, end = json.JSONDecoder().raw_decode(line, start)
            return (value if isinstance(value, str) else json.dumps(value)), end
        except (ValueError, RecursionError):
            pass
    comma = line.find(",", start)
    end = len(line) if comma < 0 else comma
    return line[start:end].strip(), end


def _bare(image: Image.Image) -> Image.Image:
    """The pixels alone, in a mode PNG has, without what the image carried along (texts, EXIF, profiles)."""
    if image.mode not in ("1", "L", "LA", "RGB", "RGBA", "I;16"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    return Image.frombytes(image.mode, image.size, image.tobytes())


def _record(text: str, name: str) -> dict[str, Any]:
    try:
        values = json.loads(text, parse_constant=_no_constant)
        if isinstance(values, dict) and _depth(values) <= MAX_DEPTH:
            return values
    except (ValueError, RecursionError):
        pass
    raise InvalidRequest(f"The record in {name} is damaged. Its picture can still be opened.")


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, items), default=0)
