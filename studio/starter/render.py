"""Draws a :class:`Scene` as a flat vector poster with Pillow: drawn at three times the size, then averaged down.

Deterministic: the same scene gives the same pixels.
"""

import io
import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from studio.starter.canvas import Canvas, mix
from studio.starter.scenes import Scene
from studio.starter.things import DRAWERS

SCALE = 3


def render(scene: Scene) -> Image.Image:
    """The picture of ``scene``: RGB, ``scene.width`` x ``scene.height``."""
    size = (scene.width * SCALE, scene.height * SCALE)
    canvas = Canvas(scene, Image.new("RGB", size), random.Random(scene.seed))
    if scene.kind != "shapes":
        _sky(canvas)
    DRAWERS[scene.kind](canvas)
    if scene.kind != "shapes":
        _weather(canvas)
    picture = canvas.image.reduce(SCALE)
    return _spoil(picture, canvas.rng) if scene.blurred else picture


def _spoil(picture: Image.Image, rng: random.Random) -> Image.Image:
    """A blurred and badly coded copy, for captions that say so."""
    small = picture.filter(ImageFilter.GaussianBlur(rng.uniform(2.0, 3.0)))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=rng.randint(12, 25))
    return Image.open(buffer).convert("RGB")


def pixels(scene: Scene) -> NDArray[np.uint8]:
    """The picture of ``scene`` as an array [height, width, 3]."""
    return np.asarray(render(scene), dtype=np.uint8)


def _sky(c: Canvas) -> None:
    """Gradient, stars, sun or moon, clouds."""
    c.fade(c.top, c.low, 0.0, 0.8)
    c.image.paste(c.low, (0, round(0.8 * c.height), c.width, c.height))
    if c.scene.time == "night" and c.scene.weather == "clear":
        for _ in range(12):
            c.disc(c.rng.uniform(0.03, 0.97), c.rng.uniform(0.03, 0.5), c.rng.choice((0.012, 0.016)), (238, 240, 255))
    if c.scene.body != "none":
        _sun_or_moon(c)
    if c.scene.weather in ("cloudy", "rain", "snow"):
        for _ in range(3):
            _cloud(c, c.rng.uniform(0.05, 0.95), c.rng.uniform(0.08, 0.32), c.rng.uniform(0.13, 0.19))


def _sun_or_moon(c: Canvas) -> None:
    x, low = c.body_x, c.scene.time in ("sunset", "dawn")
    y = c.rng.uniform(0.34, 0.44) if low else c.rng.uniform(0.14, 0.24)
    if c.scene.body == "sun":
        disc, halo = ((255, 240, 190), (255, 236, 170)) if low else ((255, 226, 80), (255, 246, 200))
        c.glow(x, y, 0.34, halo, 0.75)
        c.disc(x, y, 0.1, disc)
        return
    c.glow(x, y, 0.26, (190, 200, 240), 0.5)
    c.disc(x, y, 0.09, (246, 244, 222))
    if c.rng.random() < 0.5:
        c.disc(x + 0.05 * c.unit / c.width, y - 0.02, 0.078, mix(c.top, c.low, min(1.0, y / 0.8)))


def _cloud(c: Canvas, x: float, y: float, size: float) -> None:
    grey = c.scene.weather in ("rain", "snow")
    tone = mix(c.lit((150, 156, 170) if grey else (255, 255, 255)), c.low, 0.25)
    for dx, dy, radius in ((-0.8, 0.12, 0.5), (0.0, -0.1, 0.72), (0.75, 0.1, 0.55)):
        step = size * c.unit
        c.disc(x + dx * step / c.width, y + dy * step / c.height, size * radius, tone)
    c.box(x, y, size, (-0.8, 0.1, 0.75, 0.63), tone)


def _weather(c: Canvas) -> None:
    """Rain, snow or fog in front of everything."""
    kind = c.scene.weather
    if kind == "rain":
        drop = mix(c.low, (225, 236, 255), 0.6)
        for _ in range(18):
            x, y = c.rng.uniform(0.0, 1.05), c.rng.uniform(-0.05, 1.0)
            c.local(x, y, 0.1, [(0, 0), (0.2, 0), (-0.3, 1), (-0.5, 1)], drop)
    elif kind == "snow":
        for _ in range(20):
            c.disc(c.rng.uniform(0, 1), c.rng.uniform(0, 1), c.rng.uniform(0.018, 0.028), mix((255, 255, 255), c.haze, 0.1))
    elif kind == "fog":
        rows = np.interp(np.linspace(0, 1, 64), (0, 0.4, 0.68, 1), (20, 90, 165, 110))
        c.veil(mix(c.haze, (236, 238, 242), 0.35 + 0.25 * c.light), Image.fromarray(rows.astype(np.uint8)[:, None], "L"))
