"""The eight kinds of picture: each function draws the land and the main thing on a canvas that has its sky."""

import math
from collections.abc import Callable

from studio.starter.canvas import Canvas, ground, hill, mix, places
from studio.starter.scenes import COLOURS, Rgb

_WARM = (255, 214, 110)


def _tone(c: Canvas, share: float = 0.0, towards: Rgb = (0, 0, 0)) -> Rgb:
    """The colour that the caption names, under the light of the hour."""
    return c.lit(mix(COLOURS[c.scene.colour], towards, share))


def mountains(c: Canvas) -> None:
    """Three peaks with white caps over a meadow; the peaks have the colour."""
    hill(c, 0.6, 0.03, c.lit((140, 160, 190), 0.6))
    peaks = sorted(((0.2, 0.34), (0.78, 0.36), (0.5, 0.24)), key=lambda peak: -peak[1])
    for middle, height in peaks:
        x, top = middle + c.rng.uniform(-0.06, 0.06), height + c.rng.uniform(-0.03, 0.05)
        foot, slope = 0.85, 0.75 * c.unit / c.width
        left, right = x - slope * (foot - top), x + slope * (foot - top)
        c.poly([(left, foot), (x, top), (right, foot)], _tone(c))
        c.poly([(x, top), (right, foot), (x + 0.02, foot)], _tone(c, 0.28))
        cap = 0.3
        edge = top + (foot - top) * cap
        reach = slope * (foot - top) * cap
        c.poly(
            [(x, top), (x - reach, edge), (x - reach * 0.3, edge - 0.03), (x + reach * 0.2, edge + 0.02), (x + reach, edge)],
            c.lit((250, 252, 255)),
        )
    hill(c, 0.8, 0.02, c.lit(ground(c, (98, 172, 92))))
    hill(c, 0.9, 0.02, c.lit(ground(c, (66, 140, 78))))


def sailboat(c: Canvas) -> None:
    """One to three boats with coloured sails on the sea."""
    line = 0.6
    sea = c.lit((36, 120, 178))
    c.fade(mix(sea, c.low, 0.45), mix(sea, (0, 10, 40), 0.25), line, 1.0)
    if c.scene.body != "none":
        x = c.body_x
        for step in range(5):
            y, half = line + 0.04 + step * 0.07, 0.05 + 0.025 * step
            c.poly([(x - half, y), (x + half, y), (x + half, y + 0.02), (x - half, y + 0.02)], mix(c.low, sea, 0.3))
    size = {1: 0.27, 2: 0.2, 3: 0.15}[c.scene.count]
    for x in places(c):
        y = 0.76 + c.rng.uniform(-0.02, 0.03)
        c.local(x, y, size, [(-0.06, 0.0), (-0.06, -1.75), (0.02, -1.75), (0.02, 0.0)], c.lit((110, 74, 50)))
        c.local(x, y, size, [(0.08, -0.12), (0.08, -1.7), (1.0, -0.12)], _tone(c))
        c.local(x, y, size, [(-0.12, -0.12), (-0.12, -1.4), (-0.8, -0.12)], _tone(c, 0.25, (255, 255, 255)))
        c.local(x, y, size, [(-1.0, 0.0), (1.1, 0.0), (0.75, 0.42), (-0.7, 0.42)], c.lit((128, 78, 48)))
        c.box(x, y, size, (-1.0, 0.0, 1.1, 0.1), c.lit((250, 246, 236)))


def city(c: Canvas) -> None:
    """A skyline: far towers in the haze, near towers in the colour, windows lit in the dark."""
    for x in (0.06, 0.2, 0.36, 0.52, 0.68, 0.84, 0.97):
        top = c.rng.uniform(0.36, 0.56)
        c.poly([(x - 0.075, 1), (x - 0.075, top), (x + 0.075, top), (x + 0.075, 1)], c.lit((110, 124, 160), 0.45))
    dark = c.scene.time in ("night", "dusk")
    pane = _WARM if dark else c.lit((226, 240, 250))
    for place, (x, height) in enumerate(((0.1, 0.56), (0.31, 0.4), (0.53, 0.5), (0.73, 0.34), (0.92, 0.55))):
        top = height + c.rng.uniform(-0.07, 0.07)
        half = 0.088
        c.poly([(x - half, 1), (x - half, top), (x + half, top), (x + half, 1)], _tone(c, 0.16 * (place % 2)))
        c.poly(
            [(x + half * 0.55, 1), (x + half * 0.55, top), (x + half, top), (x + half, 1)],
            _tone(c, 0.16 * (place % 2) + 0.18),
        )
        y = top + 0.06
        while y < 0.86:
            for column in (-0.6, -0.05):
                left = x + column * half
                c.poly([(left - 0.02, y), (left + 0.018, y), (left + 0.018, y + 0.05), (left - 0.02, y + 0.05)], pane)
            y += 0.1
    c.poly([(0, 0.93), (1, 0.93), (1, 1), (0, 1)], c.lit(ground(c, (70, 74, 90))))


def house(c: Canvas) -> None:
    """A coloured house on a green hill with a tree or two."""
    hill(c, 0.66, 0.03, c.lit((150, 190, 140), 0.4))
    hill(c, 0.78, 0.015, c.lit(ground(c, (104, 178, 88))))
    x = places(c)[0]
    trees = {"left": (0.74,), "right": (0.24,), "centre": (0.13, 0.87)}[c.scene.side]
    for spot in trees:
        _tree(c, spot + c.rng.uniform(-0.03, 0.03), 0.84)
    size, y = 0.25, 0.86
    roof = c.lit((96, 60, 58) if c.scene.colour != "white" else (176, 66, 56))
    c.box(x, y, size, (0.45, -1.75, 0.7, -1.0), c.lit((120, 84, 76)))
    c.box(x, y, size, (-0.95, -1.05, 0.95, 0.0), _tone(c))
    c.box(x, y, size, (0.62, -1.05, 0.95, 0.0), _tone(c, 0.16))
    c.local(x, y, size, [(-1.15, -1.0), (0.0, -1.85), (1.15, -1.0)], (245, 248, 252) if c.scene.weather == "snow" else roof)
    pane = _WARM if c.scene.time in ("night", "dusk") else c.lit((206, 232, 250))
    c.box(x, y, size, (-0.72, -0.78, -0.26, -0.32), pane)
    c.box(x, y, size, (0.08, -0.72, 0.48, 0.0), c.lit((92, 58, 44)))


def _tree(c: Canvas, x: float, y: float) -> None:
    c.box(x, y, 0.1, (-0.2, -1.6, 0.2, 0.15), c.lit((112, 76, 52)))
    leaf = c.lit((238, 244, 248) if c.scene.weather == "snow" else (52, 138, 74))
    size = c.unit * 0.1
    for dx, dy, radius in ((-0.55, -1.7, 0.085), (0.55, -1.7, 0.085), (0.0, -2.4, 0.1)):
        c.disc(x + dx * size / c.width, y + dy * size / c.height, radius, leaf)


def desert(c: Canvas) -> None:
    """Sand dunes with one to three green cactuses."""
    hill(c, 0.6, 0.035, c.lit(ground(c, (226, 164, 96)), 0.45))
    hill(c, 0.7, 0.03, c.lit(ground(c, (238, 186, 112))))
    hill(c, 0.85, 0.02, c.lit(ground(c, (222, 158, 86))))
    size = {1: 0.15, 2: 0.125, 3: 0.1}[c.scene.count]
    for x in places(c):
        y = 0.88 + c.rng.uniform(-0.02, 0.03)
        green, shade = c.lit((46, 140, 78)), c.lit((34, 110, 64))
        for left, right, low, high in ((-1.15, -0.7, -1.2, -2.2), (0.7, 1.15, -1.5, -2.6)):
            c.box(x, y, size, (left, high, right, low), green)
            c.box(x, y, size, (min(left, 0), low - 0.45, max(right, 0), low), green)
            c.disc(
                x + (left + right) / 2 * size * c.unit / c.width, y + high * size * c.unit / c.height, size * 0.225, green
            )
        c.box(x, y, size, (-0.36, -3.2, 0.36, 0.0), green)
        c.disc(x, y - 3.2 * size * c.unit / c.height, size * 0.36, green)
        c.box(x, y, size, (0.1, -3.2, 0.36, 0.0), shade)


def balloon(c: Canvas) -> None:
    """One to three hot-air balloons in the colour over soft hills."""
    hill(c, 0.74, 0.03, c.lit((120, 170, 150), 0.5))
    hill(c, 0.84, 0.03, c.lit(ground(c, (92, 168, 96))))
    hill(c, 0.93, 0.02, c.lit(ground(c, (64, 138, 80))))
    size = {1: 0.225, 2: 0.165, 3: 0.125}[c.scene.count]
    for place, x in enumerate(places(c)):
        y = (0.38, 0.46, 0.36)[place] + c.rng.uniform(-0.05, 0.03)
        rope, stripe = c.lit((90, 64, 50)), _tone(c, 0.45, (255, 255, 255) if c.scene.colour != "white" else (150, 160, 190))
        c.local(x, y, size, [(-0.62, 0.7), (0.62, 0.7), (0.26, 1.5), (-0.26, 1.5)], rope)
        c.local(x, y, size, [(-0.45, 0.7), (0.45, 0.7), (0.16, 1.5), (-0.16, 1.5)], mix(c.top, c.low, 0.8))
        c.disc(x, y, size, _tone(c))
        c.local(x, y, size, [(-0.88, 0.48), (0.88, 0.48), (0.42, 1.16), (-0.42, 1.16)], _tone(c))
        c.disc(x, y, size * 0.42, stripe, 2.36)
        c.local(x, y, size, [(-0.36, 0.6), (0.36, 0.6), (0.17, 1.16), (-0.17, 1.16)], stripe)
        c.box(x, y, size, (-0.28, 1.45, 0.28, 1.85), c.lit((140, 92, 52)))


def forest(c: Canvas) -> None:
    """Two rows of fir trees in the colour."""
    hill(c, 0.6, 0.05, c.lit((110, 150, 140), 0.55))
    hill(c, 0.74, 0.02, c.lit(ground(c, (110, 168, 100)), 0.15))
    rows = (((0.08, 0.29, 0.5, 0.71, 0.92), 0.8, 0.13, 0.35), ((0.17, 0.5, 0.83), 0.95, 0.19, 0.0))
    for spots, y, size, depth in rows:
        if depth == 0.0:
            hill(c, 0.88, 0.015, c.lit(ground(c, (80, 148, 84))))
        for spot in spots:
            x, tall = spot + c.rng.uniform(-0.03, 0.03), c.rng.uniform(0.92, 1.1) * size
            c.box(x, y, tall, (-0.13, -0.5, 0.13, 0.1), c.lit((104, 70, 50), depth))
            for low, half, high in ((-0.3, 0.8, -1.5), (-0.95, 0.65, -2.1), (-1.6, 0.48, -2.75)):
                tone = mix(COLOURS[c.scene.colour], (20, 40, 40), 0.22 if low == -0.3 else 0.12 if low == -0.95 else 0.0)
                c.local(x, y, tall, [(-half, low), (0, high), (half, low)], c.lit(tone, depth))


def _outline(shape: str) -> list[tuple[float, float]]:
    """The corners of a shape of radius one."""
    if shape == "square":
        return [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]
    if shape == "triangle":
        return [(0, -1.0), (1.0, 0.8), (-1.0, 0.8)]
    turns = [2 * math.pi * step / 48 for step in range(48)]
    if shape == "heart":
        return [
            (math.sin(a) ** 3, -(13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)) / 16)
            for a in turns
        ]
    if shape == "star":
        spokes = [(1.08 if step % 2 == 0 else 0.46, math.pi * step / 5) for step in range(10)]
        return [(r * math.sin(a), -r * math.cos(a)) for r, a in spokes]
    return [(math.cos(a), math.sin(a)) for a in turns]


def shapes(c: Canvas) -> None:
    """One to three plain shapes on a coloured ground, with a soft light behind them."""
    back = COLOURS[c.scene.background]
    c.fade(mix(back, (255, 255, 255), 0.18), mix(back, (0, 0, 0), 0.12))
    outline, size = _outline(c.scene.shape), {1: 0.3, 2: 0.19, 3: 0.135}[c.scene.count]
    for x in places(c):
        y = 0.5 + c.rng.uniform(-0.06, 0.06)
        c.local(x + 0.02, y + 0.025, size, outline, mix(back, (0, 0, 0), 0.3))
        c.local(x, y, size, outline, COLOURS[c.scene.colour])


DRAWERS: dict[str, Callable[[Canvas], None]] = {
    "mountains": mountains,
    "sailboat": sailboat,
    "city": city,
    "house": house,
    "desert": desert,
    "balloon": balloon,
    "forest": forest,
    "shapes": shapes,
}
"""Kind of scene to the function that draws it."""
