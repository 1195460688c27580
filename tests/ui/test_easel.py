"""The easel's side in the studio: whatever a page sends, pictures and paint are kept or a sentence comes back."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeStudio
from gradio.utils import get_upload_folder
from PIL import Image

from studio.ui import easel as module
from studio.ui.easel import Easel

PREFIX = "data:image/png;base64,"


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


def painted(size: tuple[int, int] = (40, 20), alpha: int = 255) -> str:
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.paste((90, 100, 240, alpha), (0, 0, size[0] // 2, size[1]))
    return PREFIX + base64.b64encode(png(layer)).decode()


def uploaded(data: bytes, name: str = "a.png") -> str:
    folder = Path(get_upload_folder()) / "easel-tests"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return str(folder / name)


@pytest.fixture
def studio(tmp_path: Path) -> Any:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    studio = FakeStudio(outputs)
    yield studio
    studio.close()


@pytest.fixture
def easel(studio: FakeStudio) -> Easel:
    return Easel(studio, "inpaint", "mask")


def load(easel: Easel, size: tuple[int, int] = (40, 20)) -> None:
    answer = easel.take([uploaded(png(Image.new("RGB", size, "red")))], ["a.png"])
    assert answer["problems"] == []


def test_an_uploaded_picture_is_kept_and_its_upload_removed(easel: Easel) -> None:
    path = uploaded(png(Image.new("RGB", (40, 20), "red")))
    answer = easel.take([path], ["../../holiday.png"])
    image = easel.image()
    assert image is not None
    assert (image.width, image.height, image.name) == (40, 20, "holiday.png")
    assert answer["pictures"][0]["src"].startswith("/gradio_api/file=")
    assert not Path(path).exists()


def test_picture_and_paint_are_there_for_another_easel_on_the_same_studio(easel: Easel, studio: FakeStudio) -> None:
    load(easel)
    assert easel.paint(painted()) == {}
    again = Easel(studio, "inpaint", "mask")
    assert again.image() == easel.image()
    assert again.layer() == easel.layer()
    assert again.shown()["layer"].startswith(PREFIX)
    assert Easel(studio, "outpaint", "frame").image() is None
    json.dumps(again.shown())


def test_files_outside_the_upload_folder_are_never_read(easel: Easel, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(Image.new("RGB", (4, 4))))
    for path in (str(secret), f"{get_upload_folder()}/../{secret.name}", "/etc/passwd", "", "no such file"):
        answer = easel.take([path], ["a.png"])
        assert answer["problems"] == ["That file did not arrive. Choose it again."]
    assert secret.exists()
    assert easel.image() is None


def test_a_bad_file_is_named_and_what_was_there_stays(easel: Easel) -> None:
    load(easel)
    before = easel.image()
    answer = easel.take([uploaded(b"notes", "notes.png")], ["notes.png"])
    assert "notes.png is not a picture that can be read" in answer["problems"][0]
    assert easel.image() == before


def test_a_folder_keeps_its_good_pictures_and_names_the_bad(easel: Easel) -> None:
    good = [uploaded(png(Image.new("RGB", (8 + n, 8))), f"{n}.png") for n in range(3)]
    answer = easel.take([*good, uploaded(b"x", "bad.png")], ["0.png", "1.png", "2.png", "bad.png"])
    assert [image.name for image in easel.images()] == ["0.png", "1.png", "2.png"]
    assert len(answer["problems"]) == 1


@pytest.mark.parametrize(
    "data",
    [
        "http://evil/", PREFIX, PREFIX + "%%%", PREFIX + base64.b64encode(b"no png").decode(),
        "data:image/svg+xml;base64,AAAA", painted((4100, 8)),
    ],
)  # fmt: skip
def test_a_hostile_layer_is_refused_and_the_old_one_stays(easel: Easel, data: str) -> None:
    load(easel)
    easel.paint(painted())
    before = easel.layer()
    assert easel.paint(data)["problem"].endswith(".")
    assert easel.layer() == before


def test_a_layer_that_is_too_large_is_refused_before_it_is_decoded(easel: Easel, monkeypatch: pytest.MonkeyPatch) -> None:
    load(easel)
    monkeypatch.setattr(module, "MAX_LAYER", 10)
    assert "too large" in easel.paint(painted())["problem"]


def test_an_erased_layer_is_no_layer(easel: Easel) -> None:
    load(easel)
    easel.paint(painted())
    easel.paint(painted(alpha=0))
    assert easel.layer() is None
    easel.paint(painted())
    easel.paint("")
    assert easel.layer() is None


def test_a_new_picture_comes_without_the_old_ones_paint(easel: Easel) -> None:
    load(easel)
    easel.paint(painted())
    load(easel, (60, 30))
    assert easel.layer() is None
    easel.clear()
    assert easel.images() == ()


@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_a_mask_from_a_file_becomes_a_layer_of_the_pictures_size(easel: Easel, mode: str) -> None:
    load(easel)
    mask = Image.new("L", (10, 5), 0)
    mask.paste(255, (0, 0, 5, 5))
    if mode == "RGBA":
        mask = Image.merge("RGBA", [*[Image.new("L", (10, 5), 30)] * 3, mask])
    layer = easel.mask_in(uploaded(png(mask), "mask.png"))["layer"]
    with Image.open(io.BytesIO(base64.b64decode(layer.removeprefix(PREFIX)))) as image:
        assert image.size == (40, 20)
        assert image.getchannel("A").getpixel((5, 10)) == 255
        assert image.getchannel("A").getpixel((35, 10)) == 0


def test_a_mask_before_its_picture_is_a_sentence(easel: Easel) -> None:
    assert "Choose the picture first" in easel.mask_in(uploaded(png(Image.new("L", (4, 4)))))["problem"]


def test_a_damaged_draft_is_an_empty_easel(easel: Easel, studio: FakeStudio) -> None:
    studio.save_draft("inpaint:easel", {"images": [{"sha256": "../x"}, 5, None], "layer": ""})
    assert easel.images() == ()
    assert easel.shown()["pictures"] == []
