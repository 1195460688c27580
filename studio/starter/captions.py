"""Says in words what a :class:`Scene` shows: sentences and comma tags, with synonyms and parts left out.

Whatever a caption says is true of the picture; it need not say everything.
"""

import random

from studio.starter.scenes import SIDED, Scene

_MANY = {1: ("a", "one", "a single"), 2: ("two", "2", "a pair of"), 3: ("three", "3")}
_NOUNS = {
    "mountains": ("mountains", "mountain peaks", "mountain landscape", "mountain range"),
    "city": ("city skyline", "city", "skyscrapers", "buildings"),
    "house": ("house", "cottage", "home"),
    "forest": ("forest", "fir trees", "pine trees", "woods"),
    "sailboat": ("sailboat", "sailing boat", "boat"),
    "balloon": ("hot air balloon", "hot-air balloon", "balloon"),
}
_AROUND = {
    "mountains": ("", "with snowy peaks", "over a meadow"),
    "city": ("", "in a city", "downtown"),
    "house": ("", "on a hill", "with trees", "in the countryside"),
    "forest": ("", "on the hills"),
    "sailboat": ("on the sea", "on the ocean", "at sea", "on the water", ""),
    "balloon": ("in the sky", "over the hills", ""),
}
_SIDES = {
    "left": ("on the left", "on the left side", "to the left"),
    "centre": ("in the centre", "in the center", "in the middle"),
    "right": ("on the right", "on the right side", "to the right"),
}
_TIMES = {
    "dawn": ("at dawn", "at sunrise", "dawn", "sunrise", "in the morning"),
    "day": ("by day", "daytime", "in daylight", "at noon", "day"),
    "sunset": ("at sunset", "sunset", "golden hour", "in the evening"),
    "dusk": ("at dusk", "dusk", "twilight", "at twilight"),
    "night": ("at night", "night", "by night", "midnight"),
}
_SKIES = {
    "dawn": ("pink sky", "soft pink sky"),
    "day": ("blue sky", "bright blue sky"),
    "sunset": ("orange sky", "red and orange sky"),
    "dusk": ("purple sky", "violet sky"),
    "night": ("dark blue sky", "dark sky"),
}
_WEATHERS = {
    "clear": ("clear sky", "cloudless"),
    "cloudy": ("with clouds", "cloudy", "clouds"),
    "rain": ("in the rain", "rain", "rainy", "raining"),
    "snow": ("in the snow", "snow", "snowy", "winter"),
    "fog": ("in the fog", "fog", "foggy", "misty"),
}
_BODIES = {
    "sun": ("with the sun", "sun", "the sun in the sky", "sunny"),
    "moon": ("with the moon", "moon", "under the moon"),
}
_STYLES = ("flat vector art", "vector illustration", "minimalist poster", "flat design", "illustration")
_POOR = ("blurry, low quality", "blurry", "low quality, blurry", "blurred, low quality", "low quality, jpeg artifacts")
_OPENINGS = ("a picture of", "an illustration of", "a drawing of", "a painting of")
_FINE = ("sharp", "clean", "high quality", "sharp, high quality")
_PLURALS = {"sailing boat": "sailing boats", "hot air balloon": "hot air balloons", "hot-air balloon": "hot-air balloons"}


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else _PLURALS.get(noun, noun + "s")


def _subject(scene: Scene, rng: random.Random, colour: str) -> str:
    """The main thing with its number and its colour (empty where the caption leaves it out)."""
    many = rng.choice(_MANY[scene.count])
    if scene.kind == "shapes":
        text = f"{many} {colour} {_plural(scene.shape, scene.count)}"
    elif scene.kind == "desert":
        plant = "cactus" if scene.count == 1 else rng.choice(("cactuses", "cacti"))
        text = f"{many} {rng.choice(('', 'green'))} {plant} {rng.choice(('in the desert', 'in a desert', 'in the sand'))}"
    else:
        noun = rng.choice(_NOUNS[scene.kind])
        single = scene.kind not in ("mountains", "city", "forest") or noun in ("city skyline", "city", "forest")
        text = f"{many if single else ''} {colour} {_plural(noun, scene.count)} {rng.choice(_AROUND[scene.kind])}"
    return " ".join(text.split())


def _ground(scene: Scene, rng: random.Random) -> str:
    ground = scene.background
    return rng.choice((f"on a {ground} background", f"{ground} background", f"on {ground}"))


def _side(scene: Scene, rng: random.Random, drop: float) -> list[str]:
    """Where a single thing stands; the middle is seldom worth a word."""
    told = scene.kind in SIDED and scene.count == 1 and rng.random() >= (drop if scene.side != "centre" else 0.6)
    return [rng.choice(_SIDES[scene.side])] if told else []


def _hour(scene: Scene, rng: random.Random, drop: float) -> list[str]:
    """The time of day, or the colour of the sky that goes with it, or both."""
    told = [rng.choice(_TIMES[scene.time])] if rng.random() >= drop else []
    if scene.weather in ("clear", "cloudy") and rng.random() < (0.25 if told else 0.6):
        told.append(rng.choice(_SKIES[scene.time]))
    return told


def _heaven(scene: Scene, rng: random.Random, drop: float) -> list[str]:
    """Weather, sun or moon, and stars."""
    told: list[str] = []
    if rng.random() < (0.25 if scene.weather == "clear" else 1 - drop):
        told.append(rng.choice(_WEATHERS[scene.weather]))
    if scene.body != "none" and rng.random() >= 2 * drop:
        told.append(rng.choice(_BODIES[scene.body]))
    if scene.time == "night" and scene.weather == "clear" and rng.random() < 0.5:
        told.append(rng.choice(("stars", "starry sky", "with stars")))
    return told


def parts(scene: Scene, rng: random.Random, drop: float) -> list[str]:
    """The phrases of a caption, the subject first; each of the others is left out with chance ``drop``."""
    subject = _subject(scene, rng, "" if rng.random() < drop else scene.colour)
    told = [subject, *_side(scene, rng, drop)]
    if scene.kind == "shapes":
        return [*told, _ground(scene, rng)] if rng.random() >= drop else told
    return [*told, *_hour(scene, rng, drop), *_heaven(scene, rng, drop)]


def caption(scene: Scene, rng: random.Random, drop: float = 0.12) -> str:
    """One of the many true captions of ``scene``."""
    told = parts(scene, rng, drop)
    if rng.random() < 0.2:
        told.append(rng.choice(_STYLES))
    if rng.random() < 0.35:
        rng.shuffle(told)
        text = ", ".join(told)
    else:
        opening = rng.choice(_OPENINGS) + " " if rng.random() < 0.08 else ""
        text = opening + told[0] + "".join(rng.choice((" ", ", ")) + part for part in told[1:])
    if scene.blurred:
        text += ", " + rng.choice(_POOR)
    elif rng.random() < 0.08:
        text += ", " + rng.choice(_FINE)
    return text
