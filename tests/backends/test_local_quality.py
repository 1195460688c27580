"""What edits look like, measured on the starter model, which has learned to draw."""

import pytest
from PIL import Image, ImageChops, ImageStat
from watching import Recorder

from studio.backends.local import LocalBackend
from studio.core.canvas import Ground
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

SIDE = 128


@pytest.fixture(scope="module")
def starter():
    return LocalBackend((), None)


@pytest.fixture(scope="module")
def draw(starter):
    """Draws with the starter's own defaults, twelve steps: `draw("a house")`, `draw("a moon", ground)`."""
    model = starter.models()[0]

    def run(prompt, ground=None, *, seed=3):
        sampling = Sampling(steps=12, guidance_scale=3.5, seed=seed, sampler="DPM++ 2M")
        asked = ImageRequest(model=model.id, prompt=prompt, task=TextToImage(Size(SIDE, SIDE)), sampling=sampling)
        return starter.generate(asked, model, Recorder(previews=False), ground).pictures[0].image

    return run


@pytest.fixture(scope="module")
def mountains(draw):
    return draw("green mountains by day")


def difference(one, other, mask=None):
    """Mean absolute difference from 0 to 255, where the mask is not 0."""
    return sum(ImageStat.Stat(ImageChops.difference(one, other), mask).mean) / 3


def test_a_low_strength_stays_near_the_picture_and_a_high_one_leaves_it(draw, mountains):
    def away(prompt, strength):
        return difference(mountains, draw(prompt, Ground(image=mountains, strength=strength), seed=5))

    distances = [away("purple mountains at sunset", each) for each in (0.1, 0.4, 0.7, 1.0)]
    assert distances == sorted(distances)
    assert distances[-1] > 3 * distances[0]
    assert away("green mountains by day", 0.1) < 6


@pytest.mark.parametrize("soft", [False, True])
def test_a_balloon_is_painted_into_the_mask_and_nowhere_else(draw, mountains, soft):
    mask = Image.new("L", (SIDE, SIDE), 0)
    mask.paste(255, (32, 0, 96, 80))
    if soft:
        mask.paste(254, (32, 0, 40, 8))  # one grey value makes it soft
    drawn = draw("a red balloon by day", Ground(image=mountains, mask=mask, soft=soft), seed=1)
    away = Image.new("L", (SIDE, SIDE), 255)
    away.paste(0, (24, 0, 104, 88))
    assert difference(mountains, drawn, mask) > 20
    assert difference(mountains, drawn, away) < 6  # the decoder sees the whole picture, so that all of it moves a little
    red, green, blue = ImageStat.Stat(drawn.crop((48, 16, 80, 48))).mean
    assert red > 1.5 * max(green, blue)


def test_each_grey_value_of_a_soft_mask_changes_more_than_the_one_before(draw, mountains):
    """Five bands take turns with five values, so that each part of the picture gets each of them."""
    greys = (0, 32, 64, 128, 255)
    bands = [(0, SIDE * row // 5, SIDE, SIDE * (row + 1) // 5) for row in range(5)]
    totals = dict.fromkeys(greys, 0.0)
    for turn in range(5):
        values = [greys[(row + turn) % 5] for row in range(5)]
        mask = Image.new("L", (SIDE, SIDE), 0)
        for value, band in zip(values, bands, strict=True):
            mask.paste(value, band)
        drawn = draw("a desert at night with stars", Ground(image=mountains, mask=mask, soft=True), seed=2)
        for value, band in zip(values, bands, strict=True):
            totals[value] += difference(mountains.crop(band), drawn.crop(band))
    assert list(totals.values()) == sorted(totals.values())
    assert totals[0] < totals[255] / 3
