"""What the editing tabs share: from a kept picture or a painted layer to a source that a task can start from."""

from __future__ import annotations

from io import BytesIO

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.opening import read_mask
from studio.core.request import Source
from studio.core.result import Record
from studio.ui.easel import Easel, as_layer
from studio.ui.ports import Studio

NO_PICTURE = "There is no picture yet. Drop one on the canvas, paste it, or send one from your pictures."


def source_of(studio: Studio, record: Record) -> Source:
    """A kept picture as a source, at its own resolution. Raises `InvalidRequest` if its file is gone."""
    if record.path is None:
        raise InvalidRequest("The file of this picture is gone, so it cannot be worked on. Choose another one.", "image")
    return studio.add_source(record.path.read_bytes(), record.name, record.id)


def layer_of(studio: Studio, layer: Source | None) -> bytes | None:
    """The bytes of a sketch that a task used."""
    return studio.read_source(layer) if layer else None


def layer_source(studio: Studio, easel: Easel, name: str) -> Source | None:
    """What is painted on the easel, as it is; None if nothing is."""
    layer = easel.layer()
    return studio.add_source(layer, name) if layer else None


def mask_layer(studio: Studio, mask: Source) -> bytes:
    """The mask of a task as a layer for the easel."""
    return as_layer(read_mask(studio.read_source(mask), mask.size))


def mask_source(studio: Studio, easel: Easel) -> Source:
    """What is painted on the easel as a mask of mode L, 255 = edit. Raises `InvalidRequest` if nothing is."""
    layer = easel.layer()
    if layer is None:
        raise InvalidRequest("Nothing is painted. Paint over what should change.", "mask")
    painted = Image.open(BytesIO(layer))
    mask = painted.getchannel("A") if "A" in painted.getbands() else painted.convert("L")
    file = BytesIO()
    mask.save(file, "PNG")
    return studio.add_source(file.getvalue(), "mask.png")
