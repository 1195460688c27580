"""The user's own photographs, as detectors are calibrated and measured on them."""

from __future__ import annotations

import hashlib
import io
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.opening import open_picture

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".avif")
MOST = 2000
MAX_BYTES = 100 * 1024 * 1024
SHARED_QUALITY = 96
"""JPEG quality that both sides are coded with, so that a detector is not calibrated on the codec."""
IsOurs = Callable[[bytes], bool]


def photos_in(folder: Path) -> list[Path]:
    """Picture files below a folder, at most 2 000, always the same ones. Raises `InvalidRequest`."""
    if not folder.is_dir():
        raise InvalidRequest(f"{folder} is not a folder. Give the folder that holds your photos.", "folder")
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    random.Random(0).shuffle(found)  # noqa: S311  a fair choice, no secret
    return found[:MOST]


def opened(paths: list[Path], is_ours: IsOurs, faults: list[str]) -> Iterator[Image.Image]:
    """Each picture once; second copies, our own pictures and what cannot be read are left out, the last two named."""
    seen: set[str] = set()
    for path in paths:
        try:
            data = _read(path, is_ours)
            digest = hashlib.sha256(data).hexdigest()
            if digest not in seen:
                seen.add(digest)
                yield open_picture(data, path.name).convert("RGB")
        except (InvalidRequest, OSError) as error:
            faults.append(str(error))


def _read(path: Path, is_ours: IsOurs) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRequest(f"{path.name} is too large.")
    data = path.read_bytes()
    if is_ours(data):
        raise InvalidRequest(f"{path.name} was made by a studio; it is no photo.")
    return data


def coded_alike(image: Image.Image) -> Image.Image:
    return coded(image, SHARED_QUALITY)


def coded(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(file).convert("RGB")
