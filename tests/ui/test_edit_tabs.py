"""From the fields of the editing tabs to tasks, and back from kept pictures."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import STARTER, FakeStudio
from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.request import ImageRequest, ImageToImage, Inpaint, Outpaint, Size, Source
from studio.core.result import Record
from studio.ui.easel import Easel
from studio.ui.sizes import ANCHORS, TARGETS, margins, target_of
from studio.ui.source import mask_layer
from studio.ui.tabs.image_to_image import Redraw
from studio.ui.tabs.inpaint import Repaint
from studio.ui.tabs.outpaint import Extend


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture
def studio(tmp_path: Path) -> Any:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    studio = FakeStudio(outputs)
    yield studio
    studio.close()


@pytest.fixture
def photo(studio: FakeStudio) -> Source:
    return studio.add_source(png(Image.effect_noise((160, 96), 50).convert("RGB")), "photo.png")


def kept(studio: FakeStudio, task: Any) -> Record:
    """A kept picture that this task made."""
    path = studio.outputs / "made.png"
    Image.new("RGB", (160, 96), "blue").save(path)
    return Record(id="r1", job="j", path=path, name=path.name, sha256="", width=160, height=96, seed=1, created="",
                  request=ImageRequest(model=STARTER.id, prompt="p", task=task))  # fmt: skip


def a_layer(alpha: int = 255) -> bytes:
    layer = Image.new("RGBA", (160, 96), (0, 0, 0, 0))
    layer.paste((90, 100, 240, alpha), (0, 0, 80, 96))
    return png(layer)


def test_without_a_picture_every_tab_says_where_to_get_one(studio: FakeStudio) -> None:
    for part in (
        Redraw(studio, Easel(studio, "image-to-image", "sketch")),
        Repaint(studio, Easel(studio, "inpaint", "mask")),
        Extend(studio, Easel(studio, "outpaint", "frame")),
    ):
        with pytest.raises(InvalidRequest, match="There is no picture yet"):
            part.tasks(part.defaults(STARTER))


def test_an_inpaint_carries_the_painted_mask_whatever_its_colour(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "inpaint", "mask")
    part = Repaint(studio, easel)
    easel.put(photo)
    with pytest.raises(InvalidRequest, match="Nothing is painted"):
        part.tasks(part.defaults(STARTER))
    easel.put(photo, a_layer(alpha=140))
    (task,) = part.tasks({**part.defaults(STARTER), "feather": 9})
    assert isinstance(task, Inpaint)
    assert (task.image, task.feather) == (photo, 9)
    with Image.open(io.BytesIO(studio.read_source(task.mask))) as mask:
        assert (mask.mode, mask.size, mask.getpixel((10, 10)), mask.getpixel((150, 10))) == ("L", (160, 96), 140, 0)


def test_reusing_an_inpaint_brings_back_the_picture_the_mask_and_the_settings(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "inpaint", "mask")
    part = Repaint(studio, easel)
    easel.put(photo, a_layer())
    (task,) = part.tasks({**part.defaults(STARTER), "strength": 0.7, "area": "whole", "grow": 3})
    easel.put(None)
    own, _ = part.take(kept(studio, task), STARTER, whole=True)
    assert (own["strength"], own["area"], own["grow"]) == (0.7, "whole", 3)
    assert part.tasks({**part.defaults(STARTER), **own}) == [task]
    assert isinstance(task, Inpaint)
    assert easel.layer() == mask_layer(studio, task.mask)


def test_sending_a_picture_keeps_its_resolution_and_its_name(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "image-to-image", "sketch")
    part = Redraw(studio, easel)
    own, _ = part.take(kept(studio, Outpaint(image=photo, left=8)), STARTER, whole=False)
    image = easel.image()
    assert image is not None
    assert (image.width, image.height, image.record, image.name) == (160, 96, "r1", "made.png")
    assert own == {"width": 160, "height": 96}


def test_a_picture_whose_file_is_gone_cannot_be_sent(studio: FakeStudio, photo: Source) -> None:
    part = Redraw(studio, Easel(studio, "image-to-image", "sketch"))
    gone = replace(kept(studio, ImageToImage(image=photo)), path=None)
    with pytest.raises(InvalidRequest, match="The file of this picture is gone"):
        part.take(gone, STARTER, whole=False)


def test_a_folder_becomes_one_task_each_in_its_own_proportions(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "image-to-image", "sketch")
    part = Redraw(studio, easel)
    other = studio.add_source(png(Image.new("RGB", (64, 128))), "other.png")
    easel._keep([photo, other], None)
    tasks = part.tasks({**part.defaults(STARTER), "strength": 0.4, "width": 128, "height": 128})
    assert tasks == [ImageToImage(image=source, strength=0.4) for source in (photo, other)]


def test_half_a_size_is_named(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "image-to-image", "sketch")
    part = Redraw(studio, easel)
    easel.put(photo)
    with pytest.raises(InvalidRequest) as caught:
        part.tasks({**part.defaults(STARTER), "width": None, "height": 96})
    assert caught.value.field == "size"


def test_an_outpaint_is_what_the_numbers_say(studio: FakeStudio, photo: Source) -> None:
    easel = Easel(studio, "outpaint", "frame")
    part = Extend(studio, easel)
    easel.put(photo)
    (task,) = part.tasks({**part.defaults(STARTER), "left": 40, "down": None, "overlap": 8})
    assert task == Outpaint(image=photo, left=40, overlap=8)
    own, _ = part.take(kept(studio, task), STARTER, whole=True)
    assert (own["left"], own["overlap"], own["target"]) == (40, 8, None)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("anchor", ANCHORS)
@pytest.mark.parametrize("size", [Size(128, 128), Size(1600, 400), Size(333, 1000), Size(1, 1)])
def test_a_target_shape_is_the_smallest_canvas_that_holds_the_picture(target: str, anchor: str, size: Size) -> None:
    added = margins(size, target, anchor)
    assert min(added.values()) >= 0
    width, height = size.width + added["left"] + added["right"], size.height + added["up"] + added["down"]
    across, down = TARGETS[target]
    assert abs(width * down - height * across) <= max(across, down)
    assert size.width == width or size.height == height
    if any(added.values()):
        assert added == margins(size, target_of(size, added, anchor) or "", anchor)
    if anchor == "Start":
        assert (added["left"], added["up"]) == (0, 0)
