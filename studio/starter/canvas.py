"""The large picture that a scene is drawn on, and the light of its hour.

Coordinates are fractions of the width and the height unless a method says otherwise.
"""

import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from studio.starter.scenes import Rgb, Scene

# sky at the top, sky at the horizon, light that falls on things, colour of the far haze
_LIGHT: dict[str, tuple[Rgb, Rgb, float, Rgb]] = {
    "dawn": ((246, 168, 176), (255, 228, 196), 0.94, (250, 205, 190)),
    "day": ((62, 152, 232), (190, 228, 250), 1.0, (196, 224, 244)),
    "sunset": ((236, 92, 44), (255, 196, 84), 0.86, (246, 150, 80)),
    "dusk": ((92, 62, 150), (206, 132, 186), 0.84, (150, 104, 170)),
    "night": ((12, 20, 58), (40, 62, 118), 0.7, (34, 52, 100)),
}
_PLAIN = ((0, 0, 0), (0, 0, 0), 1.0, (0, 0, 0))


def mix(a: Rgb, b: Rgb, share: float) -> Rgb:
    """``a`` with ``share`` (0..1) of ``b`` in it."""
    return (
        round(a[0] + (b[0] - a[0]) * share),
        round(a[1] + (b[1] - a[1]) * share),
        round(a[2] + (b[2] - a[2]) * share),
    )


def greyed(colour: Rgb, time: str) -> Rgb:
    """``colour`` under a covered sky."""
    grey = {"night": 76, "dusk": 140}.get(time, 190)
    return mix(colour, (grey, grey, grey + 8), 0.42)


def sky_colours(time: str) -> tuple[Rgb, Rgb]:
    """The upper sky of an hour: when it is clear, when it is covered."""
    return _LIGHT[time][0], greyed(_LIGHT[time][0], time)


@dataclass
class Canvas:
    """A large picture being drawn. ``unit`` is the size that things are measured in."""

    scene: Scene
    image: Image.Image
    rng: random.Random

    def __post_init__(self) -> None:
        """Looks the light of the scene up once."""
        self.pen = ImageDraw.Draw(self.image)
        self.top, self.low, self.light, self.haze = _LIGHT.get(self.scene.time, _PLAIN)
        if self.scene.weather in ("rain", "snow", "fog"):
            self.top, self.low, self.haze = (greyed(colour, self.scene.time) for colour in (self.top, self.low, self.haze))
        self.width, self.height = self.image.size
        self.body_x = self.rng.uniform(0.18, 0.82)
        self.unit = 0.5 * (min(self.image.size) + (self.width * self.height) ** 0.5)

    def lit(self, colour: Rgb, depth: float = 0.0) -> Rgb:
        """``colour`` under the light of the hour, ``depth`` (0 near .. 1 far) faded into the haze."""
        shade = mix(mix(self.haze, (0, 0, 0), 0.75), colour, self.light)
        return mix(shade, self.haze, depth)

    def poly(self, points: list[tuple[float, float]], colour: Rgb) -> None:
        """A filled polygon; points are fractions of the picture."""
        self.pen.polygon([(x * self.width, y * self.height) for x, y in points], fill=colour)

    def disc(self, x: float, y: float, radius: float, colour: Rgb, squash: float = 1.0) -> None:
        """A filled ellipse around a fraction of the picture, ``radius`` in units."""
        cx, cy, rx, ry = x * self.width, y * self.height, radius * self.unit, radius * self.unit * squash
        self.pen.ellipse((cx - rx, cy - ry, cx + rx, cy + ry), fill=colour)

    def local(self, x: float, y: float, size: float, points: list[tuple[float, float]], colour: Rgb) -> None:
        """A filled polygon around a fraction of the picture; points are multiples of ``size`` units."""
        step = size * self.unit
        cx, cy = x * self.width, y * self.height
        self.pen.polygon([(cx + px * step, cy + py * step) for px, py in points], fill=colour)

    def box(self, x: float, y: float, size: float, corners: tuple[float, float, float, float], colour: Rgb) -> None:
        """A filled upright rectangle (left, top, right, bottom) in the measure of :meth:`local`."""
        left, top, right, bottom = corners
        self.local(x, y, size, [(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def veil(self, colour: Rgb, mask: Image.Image) -> None:
        """Lays ``colour`` over the picture through a mask (mode L, any size, stretched)."""
        self.image.paste(
            Image.new("RGB", self.image.size, colour), (0, 0), mask.resize(self.image.size, Image.Resampling.BILINEAR)
        )

    def fade(self, top: Rgb, low: Rgb, start: float = 0.0, end: float = 1.0) -> None:
        """Fills a band from ``start`` to ``end`` (fractions of the height) with a vertical gradient."""
        first, last = round(start * self.height), round(end * self.height)
        rows = np.linspace(0, 1, max(2, last - first), dtype=np.float32)[:, None]
        ramp = np.asarray(top, np.float32) * (1 - rows) + np.asarray(low, np.float32) * rows
        band = Image.fromarray(ramp[:, None, :].round().astype(np.uint8), "RGB")
        self.image.paste(band.resize((self.width, last - first), Image.Resampling.NEAREST), (0, first))

    def glow(self, x: float, y: float, radius: float, colour: Rgb, strength: float) -> None:
        """A soft round light around a point, ``radius`` in units."""
        reach = round(radius * self.unit)
        axis = np.linspace(-1, 1, 48, dtype=np.float32)
        fall = np.clip(1 - np.hypot(axis[:, None], axis[None, :]), 0, 1) ** 1.5 * 255 * strength
        mask = Image.fromarray(fall.astype(np.uint8), "L").resize((2 * reach, 2 * reach), Image.Resampling.BILINEAR)
        spot = Image.new("RGB", mask.size, colour)
        self.image.paste(spot, (round(x * self.width) - reach, round(y * self.height) - reach), mask)


def ground(c: Canvas, colour: Rgb) -> Rgb:
    """The colour of the ground: snow covers it."""
    return (238, 243, 250) if c.scene.weather == "snow" else colour


def hill(c: Canvas, y: float, swing: float, colour: Rgb) -> None:
    """A rolling hill across the picture, its crest around ``y``, down to the lower edge."""
    phase, stretch = c.rng.uniform(0, 6.283), c.rng.uniform(3.0, 6.0)
    xs = np.linspace(0, 1, 25)
    crest = y + swing * np.sin(stretch * xs + phase)
    c.poly([(0.0, 1.0), *zip(xs.tolist(), crest.tolist(), strict=True), (1.0, 1.0)], colour)


def places(c: Canvas) -> list[float]:
    """Where the main things stand, as fractions of the width."""
    if c.scene.count == 1:
        return [{"left": 0.28, "centre": 0.5, "right": 0.72}[c.scene.side] + c.rng.uniform(-0.04, 0.04)]
    ends = (0.28, 0.72) if c.scene.count == 2 else (0.2, 0.5, 0.8)
    return [x + c.rng.uniform(-0.03, 0.03) for x in ends]
