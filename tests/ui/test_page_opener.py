"""Opening pictures that somebody else made."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from studio.core.errors import InvalidRequest
from studio.ui.opener import open_picture


def test_a_picture_comes_upright_and_without_its_metadata(tmp_path: Path) -> None:
    path, exif = tmp_path / "turned.jpg", Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 20), "red").save(path, exif=exif)
    image = open_picture(path)
    assert image.size == (20, 40)
    assert not image.info


def test_text_of_a_png_does_not_come_along(tmp_path: Path) -> None:
    path, text = tmp_path / "a.png", PngImagePlugin.PngInfo()
    text.add_text("parameters", "secret")
    Image.new("RGB", (4, 4)).save(path, pnginfo=text)
    assert open_picture(path).info == {}


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (9000, 9000)).save(path)
    path.write_bytes(path.read_bytes()[:200])  # the header is enough: were it decoded, it would be called damaged
    with pytest.raises(InvalidRequest, match=r"9000 × 9000 pixels; at most 64 million"):
        open_picture(path)


def test_a_picture_beyond_pillows_own_limit_is_refused_with_the_same_sentence(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)
    with pytest.raises(InvalidRequest, match=r"\.$"):
        open_picture(path)


@pytest.mark.parametrize("content", [b"", b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%PDF-1.7"])
def test_a_file_that_is_no_picture_is_named_as_such(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InvalidRequest, match="not a picture that can be read"):
        open_picture(path)


def test_a_cut_off_picture_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.effect_noise((64, 64), 90).save(path)
    path.write_bytes(path.read_bytes()[:800])
    with pytest.raises(InvalidRequest, match="damaged"):
        open_picture(path)


def test_a_missing_picture_is_called_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="not there any more"):
        open_picture(tmp_path / "gone.png")
