"""What the comparing page shows of two to four pictures: themselves, how their settings differ, how far apart two are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from studio.core.canvas import fit, heat_map
from studio.core.contrast import contrast
from studio.core.errors import InvalidRequest
from studio.core.measures import psnr
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.request import Size
from studio.core.result import Record
from studio.engine.reproduce import surroundings
from studio.ui.pictures import picture, url
from studio.ui.thumbs import Thumbs

MOST, LETTERS = 4, "ABCD"
MAX_SIDE = 1600
SETTINGS = ("Model:", "Steps:", "Guidance:", "Sampler:")
"""Told among the settings already."""
ALIKE: tuple[tuple[float, str], ...] = (
    (45, "hardly anybody sees a difference"),
    (35, "small differences, seen side by side"),
    (25, "clearly different in places"),
    (15, "different pictures of the same kind"),
    (0, "different pictures"),
)


def shown(record: Record) -> dict[str, Any]:
    """One picture for the page; `src` is empty once the file is gone."""
    return {**picture(record), "prompt": record.request.prompt, "seed": record.seed}


def small(record: Record, thumbs: Thumbs) -> dict[str, Any]:
    """One of those to choose from."""
    thumb = thumbs.of(record) if record.path else None
    return {"id": record.id, "thumb": url(thumb) if thumb else "", "alt": record.request.prompt[:200] or record.name}


def differences(records: Sequence[Record], models: Sequence[Model]) -> list[dict[str, Any]]:
    """Of each picture against the first one."""
    titles = {model.id: model.title for model in models}
    return [_difference(records[0], other, titles) for other in records[1:]]


def _difference(one: Record, other: Record, titles: dict[str, str]) -> dict[str, Any]:
    rows = [
        {"name": each.name, "before": each.before or "none", "after": each.after or "none",
         "added": list(each.added), "removed": list(each.removed)}
        for each in contrast(one, other, titles)
    ]  # fmt: skip
    around = [each for each in surroundings(one.facts, other.facts) if not each.startswith(SETTINGS)]
    return {"id": other.id, "rows": rows, "around": around}


def measured(one: Record, other: Record, folder: Path) -> dict[str, str]:
    """The heat map's address, and in words how near the two are. Raises `InvalidRequest` where a file is gone."""
    before, after = _opened(one), _opened(other)
    note = ""
    if before.size != after.size:
        note = f"The sizes differ, {_size(before)} and {_size(after)}: the second was fitted to the first. "
        after = fit(after, Size(*before.size), "crop")
    value = psnr(before, after)
    sentence = "Equal: every pixel is the same." if value is None else f"{value:.1f} dB: {_words(value)}."
    return {"src": url(_heat(before, after, one, other, folder)), "sentence": note + sentence}


def _heat(before: Image.Image, after: Image.Image, one: Record, other: Record, folder: Path) -> Path:
    """Made once for two files and kept in the private folder."""
    name = hashlib.sha256(f"{one.sha256} {other.sha256}".encode()).hexdigest()[:24]
    file = folder / f"{name}-heat.webp"
    if not file.exists():
        heat = heat_map(before, after)
        heat.thumbnail((MAX_SIDE, MAX_SIDE))
        folder.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")
        heat.save(part, "WEBP", lossless=True)
        part.replace(file)
    return file


def _opened(record: Record) -> Image.Image:
    if record.path is None:
        raise InvalidRequest(f"The file of {record.name} is gone, so it cannot be compared.")
    return open_picture(record.path.read_bytes(), record.name).convert("RGB")


def _size(image: Image.Image) -> str:
    return f"{image.width} × {image.height}"


def _words(value: float) -> str:
    return next(words for least, words in ALIKE if value >= least or least == 0)
