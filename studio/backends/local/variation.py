"""Noise between that of two seeds, for every family: what a pipeline draws before its first step is turned on the way.

Pipelines draw it by `randn_tensor`, looked up in their module; while a variation is drawn that name means ours. So the noise
is mixed in the shape in which it is drawn, before some families pack it. What schedulers and the VAE draw stays the seed's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.core.errors import Unsupported
from studio.core.request import Variation

DRAWS = "randn_tensor"
NEARLY_ALONG = 0.9995
"""Cosine above which the straight way is as good, and the sine too small to divide by."""


@contextmanager
def varied(pipe: Any, variations: tuple[Variation, ...]) -> Iterator[None]:
    """While inside, the pipeline's own noise is turned towards that of the variations' seeds, one after the other."""
    if not variations:
        yield
        return
    import torch

    others = [(torch.Generator("cpu").manual_seed(each.seed), each.strength) for each in variations]
    places = [place for place in _modules(pipe) if DRAWS in place]
    if not places:
        raise Unsupported(f"{type(pipe).__name__} draws its noise in a way of its own, so no variation can be made of it.")
    originals = [place[DRAWS] for place in places]

    def drawing(original: Any) -> Any:
        def draw(shape: Any, generator: Any = None, **more: Any) -> Any:
            noise = original(shape, generator=generator, **more)
            for other, strength in others:
                noise = slerp(noise, original(shape, generator=other, **more), strength)
            return noise

        return draw

    for place, original in zip(places, originals, strict=True):
        place[DRAWS] = drawing(original)
    try:
        yield
    finally:
        for place, original in zip(places, originals, strict=True):
            place[DRAWS] = original


def slerp(start: Any, end: Any, strength: float) -> Any:
    """From one noise to another along the sphere (Shoemake, Animating Rotation with Quaternion Curves, 1985)."""
    import torch

    if strength <= 0 or strength >= 1:
        return end if strength >= 1 else start
    a, b = start.flatten().float(), end.flatten().float()
    cosine = torch.dot(a, b) / (a.norm() * b.norm())
    if abs(cosine) > NEARLY_ALONG:
        mixed = torch.lerp(a, b, strength)
    else:
        angle = torch.acos(cosine)
        mixed = (torch.sin((1 - strength) * angle) * a + torch.sin(strength * angle) * b) / torch.sin(angle)
    return mixed.reshape(start.shape).to(start.dtype)


def _modules(pipe: Any) -> list[dict[str, Any]]:
    """The names that the pipeline's own methods see."""
    methods = (getattr(type(pipe), name, None) for name in ("prepare_latents", "__call__"))
    unwrapped = [getattr(method, "__wrapped__", method) for method in methods if method]
    seen = [method.__globals__ for method in unwrapped if hasattr(method, "__globals__")]
    return list({id(names): names for names in seen}.values())
