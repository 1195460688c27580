"""Opens an image file that somebody else made: limits first, pixels last, and sentences instead of tracebacks."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from studio.core.errors import InvalidRequest

MAX_PIXELS = 64_000_000


def open_picture(path: Path, *, limit: int = MAX_PIXELS) -> Image.Image:
    """The picture at `path`, decoded and upright, free of the file's metadata.

    The size is read from the header and checked before a pixel is decoded. Raises `InvalidRequest`.
    """
    try:
        with warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning), Image.open(path) as image:
            if image.width * image.height > limit:
                raise InvalidRequest(
                    f"{path.name} has {image.width} × {image.height} pixels; at most {limit // 1_000_000} million can be "
                    "opened. Make it smaller and try again."
                )
            image.load()
            upright = ImageOps.exif_transpose(image)
    except FileNotFoundError:
        raise InvalidRequest(f"{path.name} is not there any more. Choose another picture.") from None
    except (UnidentifiedImageError, Image.DecompressionBombError):
        raise InvalidRequest(f"{path.name} is not a picture that can be read. Use PNG, JPEG or WebP.") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise InvalidRequest(f"{path.name} is damaged: {error}. Export it again and retry.") from error
    upright.info.clear()
    return upright
