"""Watches the VAE: numbers out of range or one flat colour are decoded again in float32, and reported if still so.

Half precision overflows in some VAEs and gives black pictures; the same latents in float32 are fine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from studio.core.errors import BadPicture

AGAIN = "decoded again in float32, because the first decode gave no picture"


def require_finite(latents: Any) -> None:
    """Raise `BadPicture` if the denoiser's numbers ran out of range."""
    if not bool(latents.isfinite().all()):
        raise BadPicture(
            "The model's numbers ran out of range while drawing. Lower the guidance scale, or change the sampler or seed."
        )


def is_bad(image: Any) -> bool:
    """True if a decoded batch (−1..1, channels second) has a picture with non-finite values or one flat colour.

    Flat: no channel varies by more than one of 255 steps.
    """
    values = image.detach()
    low, high = (_steps(each(dim=(-2, -1)).float()) for each in (values.amin, values.amax))  # NaN and infinity pass through
    return not bool((low.isfinite() & high.isfinite()).all()) or bool((high - low <= 1).all(dim=1).any())


def _steps(extreme: Any) -> Any:
    """−1..1 as one of 255 steps; what is not finite stays so."""
    steps = ((extreme / 2 + 0.5).clamp(0, 1) * 255).round()
    return steps.where(extreme.isfinite(), extreme)


@contextmanager
def guarded(vae: Any, note: Callable[[str], None], *, tiling: bool = False) -> Iterator[None]:
    """While inside, `vae.decode` heals or reports bad pictures; `note` hears of each healing.

    A pipeline that is stopped while it has turned the VAE to float32 leaves it so; afterwards it is as it was.
    """
    import torch
    from diffusers.models.autoencoders.vae import DecoderOutput

    original, dtype = vae.decode, vae.dtype

    def decode(latents: Any, *args: Any, return_dict: bool = True, **options: Any) -> Any:
        require_finite(latents)
        image = original(latents, *args, return_dict=False, **options)[0]
        if is_bad(image) and vae.dtype != torch.float32:
            image = _in_float32(vae, lambda: original(latents.float(), *args, return_dict=False, **options)[0])
            note(AGAIN)
        if is_bad(image):
            raise BadPicture("The model gave an empty picture of one colour. Choose another seed, sampler or model.")
        return DecoderOutput(sample=image) if return_dict else (image,)

    vae.decode = decode
    if tiling:
        vae.enable_tiling()
    try:
        yield
    finally:
        del vae.decode
        if vae.dtype != dtype:
            vae.to(dtype)
        if tiling:
            vae.disable_tiling()


def _in_float32(vae: Any, decode: Callable[[], Any]) -> Any:
    import torch

    dtype = vae.dtype
    vae.to(torch.float32)
    try:
        return decode()
    finally:
        vae.to(dtype)
