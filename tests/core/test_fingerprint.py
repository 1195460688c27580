"""A picture is found again by its pixels or its looks, and another one is not."""

import io
import random
from dataclasses import asdict

import pytest
from PIL import Image, ImageEnhance

from studio.core.fingerprint import Fingerprint, fingerprint, from_facts, is_alike, look, pixels_sha256


def a_picture(seed: int, size: tuple[int, int] = (96, 64)) -> Image.Image:
    """Soft blobs of random colours: as different from seed to seed as photographs are."""
    rng = random.Random(seed)
    small = Image.new("RGB", (5, 4))
    small.putdata([tuple(rng.randrange(256) for _ in range(3)) for _ in range(20)])
    return small.resize(size, Image.Resampling.BICUBIC)


def recoded(image: Image.Image, format: str, **options: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, format, **options)
    return Image.open(io.BytesIO(file.getvalue())).copy()


def test_the_pixel_hash_is_the_same_for_every_file_of_the_same_pixels() -> None:
    image = a_picture(1)
    assert pixels_sha256(recoded(image, "PNG")) == pixels_sha256(image) == pixels_sha256(image.convert("RGBA"))
    changed = image.copy()
    changed.putpixel((3, 3), (1, 2, 3))
    assert pixels_sha256(changed) != pixels_sha256(image)


@pytest.mark.parametrize("seed", range(12))
def test_a_look_survives_recoding_resizing_and_brightness(seed: int) -> None:
    image = a_picture(seed, (512, 384))
    own = look(image)
    assert is_alike(own, look(recoded(image, "JPEG", quality=40)))
    assert is_alike(own, look(image.resize((200, 150))))
    assert is_alike(own, look(ImageEnhance.Brightness(image).enhance(1.02)))


def test_looks_of_different_pictures_differ() -> None:
    looks = [look(a_picture(seed)) for seed in range(60)]
    pairs = [(one, other) for place, one in enumerate(looks) for other in looks[place + 1 :]]
    assert sum(is_alike(one, other) for one, other in pairs) == 0


def test_pictures_of_the_same_layout_in_other_colours_differ() -> None:
    image = a_picture(7)
    red, green, blue = image.split()
    swapped = Image.merge("RGB", (blue, red, green))
    assert not is_alike(look(image), look(swapped))


def test_see_through_parts_count_as_white() -> None:
    clear = Image.new("RGBA", (32, 32), (255, 0, 0, 0))
    assert is_alike(look(clear), look(Image.new("RGB", (32, 32), "white")))
    assert pixels_sha256(clear) != pixels_sha256(Image.new("RGB", (32, 32), "white"))


def test_facts_of_a_stranger_are_checked() -> None:
    good = fingerprint(a_picture(2))
    assert from_facts({"fingerprint": asdict(good)}) == good
    for bad in (
        None,
        [],
        {"pixels": good.pixels},
        {"pixels": "x' OR 1", "look": good.look},
        {"pixels": good.pixels, "look": 7},
    ):
        assert from_facts({"fingerprint": bad}) is None
    assert isinstance(good, Fingerprint)
