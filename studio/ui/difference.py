"""The heat map of an edited picture against what it was made from, made once and kept in the private thumbs folder."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from studio.core.canvas import fit, heat_map, lay_over
from studio.core.errors import InvalidRequest
from studio.core.opening import open_picture
from studio.core.request import ImageToImage, Outpaint, Size, TextToImage
from studio.core.result import Record
from studio.ui.ports import Studio

MAX_SIDE = 1600


def difference(record: Record, studio: Studio, folder: Path) -> Path:
    """The heat map's file, at most 1600 pixels a side. Raises `InvalidRequest` if a picture is gone."""
    file = folder / f"{record.id}-difference.webp"
    if file.exists():
        return file
    if record.path is None:
        raise InvalidRequest("The file of this picture is gone, so it cannot be compared.")
    after = open_picture(record.path.read_bytes(), record.name)
    heat = heat_map(_before(record, studio, after.size), after)
    heat.thumbnail((MAX_SIDE, MAX_SIDE))
    folder.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    heat.save(part, "WEBP", quality=90)
    part.replace(file)
    return file


def _before(record: Record, studio: Studio, size: tuple[int, int]) -> Image.Image:
    """The source as the edit saw it, in the size of the result."""
    task = record.request.task
    if isinstance(task, TextToImage):
        raise InvalidRequest("This picture was made from words alone; there is nothing to compare it with.")
    image = open_picture(studio.read_source(task.image), task.image.name or "the source")
    match task:
        case ImageToImage():
            if task.sketch:
                image = lay_over(image, open_picture(studio.read_source(task.sketch), "the sketch"))
            return fit(image, Size(*size), task.resize)
        case Outpaint():
            ground = Image.new("RGB", size)
            ground.paste(image.convert("RGB"), (task.left, task.up))
            return ground
        case _:
            return image
