"""The second, larger pass: what of it a model can do, and how large the picture becomes."""

from __future__ import annotations

from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.request import Hires, ImageRequest, ImageToImage, Size, TextToImage

LATENT, LANCZOS = "latent", "lanczos"
BUILT_IN = (LATENT, LANCZOS)
MOST_SCALE = 4.0
MOST_PIXELS = 67_108_864
"""8192 × 8192."""


def is_upscaling(request: ImageRequest) -> bool:
    """Whether the picture it starts from is not drawn anew before it is made larger."""
    return request.hires is not None and isinstance(request.task, ImageToImage) and not request.task.strength


def check_hires(request: ImageRequest) -> None:
    """Raise `InvalidRequest` for what no model could do."""
    hires = request.hires
    if hires is None:
        return
    if not 1 < hires.scale <= MOST_SCALE:
        raise InvalidRequest(
            f"The second pass cannot be {hires.scale:g} times as large. Choose up to 4 times.", "hires_scale"
        )
    if not 0 <= hires.strength <= 1:
        raise InvalidRequest("The strength of the second pass must lie between 0 and 1.", "hires_strength")
    if hires.steps is not None and not 1 <= hires.steps <= 500:
        raise InvalidRequest("The second pass takes 1 to 500 steps.", "hires_steps")
    if hires.upscaler == LATENT and (not hires.strength or is_upscaling(request)):
        raise InvalidRequest(
            "Latents are made larger for drawing on: choose another upscaler, or a strength above 0.", "hires_upscaler"
        )


def fit_hires(request: ImageRequest, model: Model) -> tuple[Hires | None, tuple[str, ...]]:
    """The second pass of a request whose size is concrete, or none with a note. Raises a `StudioError`."""
    hires = request.hires
    if hires is None:
        return None, ()
    if not model.hires or not isinstance(request.task, TextToImage | ImageToImage):
        if is_upscaling(request):
            raise Unsupported(f"{model.title} cannot make pictures larger. Choose a model of this computer.")
        return None, (f"second pass dropped: {model.title} has none for {request.task.kind}",)
    known = (*BUILT_IN, *model.upscalers)
    if hires.upscaler not in known:
        raise InvalidRequest(
            f"There is no upscaler “{hires.upscaler}”. Choose one of: {', '.join(known)}; or put its file into "
            "models/upscalers.", "hires_upscaler",
        )  # fmt: skip
    size = larger(request.task.size or model.default_size, hires, model)
    if size.width * size.height > MOST_PIXELS:
        raise InvalidRequest(f"The picture would measure {size}. Choose a smaller scale.", "hires_scale")
    return hires, ()


def larger(size: Size, hires: Hires, model: Model) -> Size:
    """What it will measure: in the model's multiples where it is drawn over, else exactly so many times as large."""
    unit = model.multiple_of if hires.strength else 1
    return Size(*(max(unit, round(side * hires.scale / unit) * unit) for side in (size.width, size.height)))
