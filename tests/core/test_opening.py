"""Files that somebody else made, of every kind, become upright pictures and masks, or a sentence."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image, ImageDraw, PngImagePlugin

from studio.core.errors import InvalidRequest
from studio.core.opening import header, open_picture, read_editor, read_mask
from studio.core.request import Size


def file(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def turned(kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return file(Image.new("RGB", (40, 20), "red"), kind, exif=exif)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_turned_photograph_stands_upright_with_its_metadata_gone(kind: str) -> None:
    image = open_picture(turned(kind))
    assert (image.mode, image.size, image.info) == ("RGB", (20, 40), {})
    assert header(turned(kind)) == (kind, Size(20, 40))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixel_becomes_eight_bit_colours(mode: str) -> None:
    grey = Image.linear_gradient("L").resize((64, 32))
    if mode == "I;16":
        wide = Image.new("I;16", (64, 32))
        wide.putdata([value * 257 for value in grey.tobytes()])
        data = file(wide)
    else:
        data = file(grey.convert(mode) if mode in ("1", "L", "LA", "P") else grey.convert("RGB").convert(mode))
    image = open_picture(data)
    assert (image.mode, image.size) == ("RGB", (64, 32))
    if mode != "1":
        assert abs(image.convert("L").getpixel((3, 16)) - grey.getpixel((3, 16))) <= 3


def test_print_colours_and_moving_pictures_are_read_too() -> None:
    assert open_picture(file(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG")).getpixel((4, 4))[0] > 200
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    moving = file(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_picture(moving).getpixel((4, 4)) == (255, 0, 0)


def test_transparency_is_kept_where_something_is_see_through_and_only_there() -> None:
    glass = Image.new("RGBA", (8, 8), (9, 9, 9, 255))
    assert open_picture(file(glass)).mode == "RGB"
    glass.putpixel((0, 0), (9, 9, 9, 100))
    assert open_picture(file(glass)).mode == "RGBA"
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([0, 0, 0, 255, 255, 255])
    palette.putpixel((0, 0), 0)
    assert open_picture(file(palette, transparency=0)).getpixel((0, 0))[3] == 0


def test_text_of_a_png_does_not_come_along() -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "secret")
    assert open_picture(file(Image.new("RGB", (4, 4)), pnginfo=text)).info == {}


def test_a_picture_of_96_million_pixels_is_opened() -> None:
    large = file(Image.new("1", (12_000, 8_000)))
    assert header(large)[1] == Size(12_000, 8_000)
    assert open_picture(large).size == (12_000, 8_000)


def test_one_pixel_is_a_picture() -> None:
    assert open_picture(file(Image.new("RGB", (1, 1), "red"))).size == (1, 1)


@pytest.mark.parametrize("side", [10_100, 20_000])
def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(side: int) -> None:
    cut = file(Image.new("1", (side, side)))[:200]  # were it decoded, it would be called damaged
    for opener in (open_picture, header):
        with pytest.raises(InvalidRequest, match=rf"{side} × {side} pixels; at most 100 million"):
            opener(cut)


@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7"])
def test_a_file_that_is_no_picture_is_named_as_such(content: bytes) -> None:
    for opener in (open_picture, header):
        with pytest.raises(InvalidRequest, match=r"notes\.png is not a picture that can be read"):
            opener(content, "notes.png")


def test_a_cut_off_picture_is_called_damaged() -> None:
    with pytest.raises(InvalidRequest, match="damaged"):
        open_picture(file(Image.effect_noise((64, 64), 90))[:800])


def test_a_mask_is_transparency_where_there_is_some_and_brightness_elsewhere_in_the_size_asked_for() -> None:
    painted = Image.new("RGBA", (20, 10), (90, 100, 240, 0))
    painted.paste((90, 100, 240, 255), (0, 0, 10, 10))
    mask = read_mask(file(painted), Size(40, 20))
    assert (mask.mode, mask.size, mask.getpixel((5, 10)), mask.getpixel((35, 10))) == ("L", (40, 20), 255, 0)
    white = Image.new("L", (20, 10), 0)
    white.paste(255, (0, 0, 10, 10))
    assert read_mask(file(white), Size(20, 10)).tobytes() == white.tobytes()


def test_an_editor_without_layers_holds_an_empty_mask_and_several_layers_are_their_maximum() -> None:
    picture = file(Image.new("RGB", (30, 20), "red"))
    image, mask = read_editor(picture, [])
    assert (image.size, mask.size, mask.getbbox()) == ((30, 20), (30, 20), None)
    assert read_editor(picture, [None])[1].getbbox() is None
    one, other = Image.new("L", (30, 20), 0), Image.new("RGBA", (60, 40), (0, 0, 0, 0))
    one.paste(100, (0, 0, 10, 20))
    ImageDraw.Draw(other).rectangle((40, 0, 59, 39), fill=(1, 2, 3, 200))
    mask = read_editor(picture, [one, file(other)])[1]
    assert (mask.getpixel((5, 10)), mask.getpixel((15, 10)), mask.getpixel((25, 10))) == (100, 0, 200)


def test_a_mask_follows_the_upright_picture() -> None:
    full = Image.new("L", (20, 40), 255)
    image, mask = read_editor(turned(), [full])
    assert image.size == mask.size == (20, 40)
    assert mask.getextrema() == (255, 255)
