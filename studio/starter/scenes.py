"""What can stand in a training picture: one frozen value per picture, drawn from (seed, index).

The caption (``captions.py``) and the pixels (``render.py``) are both made from the same :class:`Scene`.
"""

import random
from dataclasses import dataclass, replace

KINDS = ("mountains", "sailboat", "city", "house", "desert", "balloon", "forest", "shapes")
TIMES = ("dawn", "day", "sunset", "dusk", "night")
WEATHERS = ("clear", "cloudy", "rain", "snow", "fog")
SIDES = ("left", "centre", "right")
BODIES = ("none", "sun", "moon")
SHAPES = ("circle", "square", "triangle", "star", "heart")

Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (222, 52, 48),
    "orange": (245, 138, 32),
    "yellow": (250, 208, 48),
    "green": (56, 166, 82),
    "blue": (44, 104, 216),
    "purple": (136, 72, 190),
    "pink": (244, 120, 172),
    "white": (244, 244, 240),
}
"""The colours a thing or a background may have, sRGB."""

COUNTED = ("sailboat", "desert", "balloon", "shapes")
"""Kinds whose main thing comes one, two or three times."""

SIDED = ("sailboat", "house", "desert", "balloon", "shapes")
"""Kinds whose main thing, when there is one of it, stands left, in the centre or right."""

SIZES = ((128, 128), (160, 96), (96, 160))
"""Width and height of the buckets in pixels; all have about the same area."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything a picture depends on. ``seed`` moves hills, clouds and stars, nothing a caption names."""

    kind: str
    time: str = "day"
    weather: str = "clear"
    body: str = "none"
    colour: str = "red"
    background: str = "none"
    shape: str = "none"
    count: int = 1
    side: str = "centre"
    blurred: bool = False
    width: int = 128
    height: int = 128
    seed: int = 0


def draw_scene(seed: int, index: int) -> Scene:
    """The ``index``-th scene of the stream ``seed``; the same on every machine."""
    rng = random.Random(f"{seed}/{index}")
    width, height = SIZES[rng.choices((0, 1, 2), (76, 14, 10))[0]]
    kind = rng.choice(KINDS)
    count = rng.choices((1, 2, 3), (60, 20, 20))[0] if kind in COUNTED else 1
    side = rng.choice(SIDES) if kind in SIDED and count == 1 else "centre"
    colour = rng.choice(tuple(COLOURS))
    scene = Scene(kind=kind, count=count, side=side, colour=colour, width=width, height=height, seed=rng.randrange(2**31))
    scene = replace(scene, blurred=rng.random() < 0.05)
    if kind == "shapes":
        background = rng.choice([name for name in COLOURS if name != colour])
        return replace(scene, time="none", weather="none", background=background, shape=rng.choice(SHAPES))
    time = rng.choice(TIMES)
    weather = rng.choices(WEATHERS, (56, 18, 9, 9, 8))[0]
    return replace(scene, time=time, weather=weather, body=_body(rng, time, weather))


def _body(rng: random.Random, time: str, weather: str) -> str:
    """The sun by day or the moon by night; rain, snow and fog hide both."""
    if weather not in ("clear", "cloudy") or rng.random() < 0.3:
        return "none"
    return "moon" if time in ("dusk", "night") else "sun"
