"""AUTOMATIC1111's `parameters` text: prompt, negative prompt and one line of `key: value` pairs, written and parsed.

Nothing inside prompts can be escaped in that format, so it holds them slightly changed (`safe_prompt`); the exact words
stand in our own record. `parse_parameters` is for texts of strangers and never fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from studio.core.errors import InvalidRequest
from studio.core.request import Fill, ImageRequest, ImageToImage, Inpaint, Outpaint, Task, TextToImage, Variation
from studio.core.result import Draft
from studio.core.variation import check_variations, read_variations, say_variations, variations_of
from studio.stamps import adapters

SCHEDULES = ("Karras", "Exponential", "Beta")
NO_PROMPT = "(no prompt)"
"""Stands for an empty prompt, with which three of the seven readers break; our record keeps it empty."""
MASKED_CONTENT: dict[Fill, str] = {
    "original": "original",
    "neighbours": "fill",
    "noise": "latent noise",
    "blank": "latent nothing",
}
MAX_LINE = 32_768
SUBSEED, SUBSEED_STRENGTH, VARIATIONS = "Variation seed", "Variation seed strength", "Variations"

_WORDS = "negative prompt|negative template|template|steps|seed|size|sampler|width|height|cfg scale|pipeline"
_WORD_AND_COLON = re.compile(f"({_WORDS}):", re.IGNORECASE)
_NEGATIVE = "Negative prompt:"


def parameters_text(draft: Draft, version: str) -> str:
    """Prompt, negative prompt and one line of `key: value` pairs."""
    negative = re.sub(r"\s*\n\s*", " ", safe_prompt(draft.request.negative_prompt))
    told = [(key, safe_value(value)) for key, value in _pairs(draft, version) if value not in (None, "")]
    told[-1:-1] = adapters.pairs(draft)
    pairs = ", ".join(f"{key}: {value}" for key, value in told)
    prompt = safe_prompt(adapters.prompt_with_tags(draft))
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
    used, asked = draft.facts.get("used", {}), draft.request.sampling
    backend = draft.request.model.partition(":")[0]
    sampler, schedule = _split_schedule(str(used.get("sampler") or asked.sampler or ""))
    return [
        ("Steps", used.get("steps", asked.steps)),
        ("Sampler", sampler),
        ("Schedule type", schedule),
        ("CFG scale", used.get("guidance_scale", asked.guidance_scale)),
        ("Seed", draft.picture.seed),
        *_variation_pairs(draft),
        ("Size", _first_size(draft)),
        ("Model hash", str(used.get("model_sha256") or "")[:10]),
        ("Model", str(used.get("model") or draft.request.model).removeprefix(f"{backend}:")),
        *_edit_pairs(draft.request.task),
        *_hires_pairs(draft),
        *_words_pairs(draft.request),
        *_detector_pairs(draft),
        ("Created", f"{datetime.fromisoformat(draft.created).astimezone(UTC):%Y%m%dT%H%M%SZ}"),
        ("Version", f"studio {version}"),
    ]


def _variation_pairs(draft: Draft) -> list[tuple[str, object]]:
    """AUTOMATIC1111 knows one variation; where one was made of another, the whole way stands under a key of ours."""
    variations = variations_of(draft.request, draft.facts)
    if len(variations) > 1:
        return [(VARIATIONS, say_variations(variations).replace(",", ";"))]
    return [pair for each in variations for pair in ((SUBSEED, each.seed), (SUBSEED_STRENGTH, each.strength))]


def read_variations_of(fields: Mapping[str, str]) -> tuple[Variation, ...]:
    """The variations that the fields of a `parameters` text tell, any program's; none where they are damaged."""
    text = fields.get(VARIATIONS, "").replace(";", ",")
    if SUBSEED in fields and SUBSEED_STRENGTH in fields:
        text = f"{fields[SUBSEED_STRENGTH]} of {fields[SUBSEED]}"
    try:
        found = read_variations(text, lambda: 0)
        check_variations(found)
    except InvalidRequest:
        return ()
    return found


def _first_size(draft: Draft) -> str:
    """Before a second pass made it larger, as AUTOMATIC1111 writes it: with “Hires upscale” it gives the picture's size."""
    used, image = draft.facts.get("used", {}), draft.picture.image
    if used.get("hires") and used.get("width") and used.get("height"):
        return f"{used['width']}x{used['height']}"
    return f"{image.width}x{image.height}"


def _hires_pairs(draft: Draft) -> list[tuple[str, object]]:
    """The second pass, in AUTOMATIC1111's words; nothing where it did not run."""
    used, hires = draft.facts.get("used", {}), draft.request.hires
    if hires is None or not used.get("hires"):
        return []
    name = {"latent": "Latent", "lanczos": "Lanczos"}.get(hires.upscaler, hires.upscaler)
    strength = ("Denoising strength", None if getattr(draft.request.task, "strength", 0) else hires.strength)
    return [strength, ("Hires upscale", hires.scale), ("Hires steps", hires.steps), ("Hires upscaler", name)]


def _words_pairs(request: ImageRequest) -> list[tuple[str, object]]:
    """How the prompt was made, under the keys of the dynamic-prompts extension; the exact words stand in our record."""
    return [
        ("Template", request.template),
        ("Negative Template", request.negative_template),
        ("Choices", "; ".join(request.choices)),
        ("Styles", "; ".join(request.styles)),
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
    return [("Denoising strength", task.strength or None), *own, *source]


def _detector_pairs(draft: Draft) -> list[tuple[str, object]]:
    """The first detector that gave a number, and what that number means."""
    scores = [score for score in draft.facts.get("detector", ()) if score.get("raw") is not None]
    if not scores:
        return []
    score, probability = scores[0], scores[0].get("probability")
    told = f"{probability:.2f}" if probability is not None else f"{score['raw']:.3g} raw"
    return [("AI detector", f"{score['detector']} {score['revision']}"), ("AI detector score", told),
            ("AI detector verdict", score["verdict"])]  # fmt: skip


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
