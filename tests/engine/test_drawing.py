"""Edits by way of a canvas: what the backend gets, what comes of its drawing, and what never changes."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from memory_receipts import MemoryReceipts
from memory_sources import MemorySources
from PIL import Image, ImageChops, ImageDraw
from toy_backend import MODEL, ToyBackend

from studio.core.adapt import adapt
from studio.core.errors import InvalidRequest, Moderated
from studio.core.model import Model
from studio.core.request import ImageRequest, ImageToImage, Inpaint, Outpaint, Sampling, Size, Task
from studio.core.result import ImageResult, Picture
from studio.engine.drawing import draw, require_sources

PHOTO = Image.effect_noise((96, 80), 60).convert("RGB")
SOURCES = MemorySources()
SOURCE = SOURCES.add_image(PHOTO)


class Steps:
    """A watch that remembers."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []
        self.previews: list[Image.Image] = []
        self.lane, self.receipts = "interactive", MemoryReceipts()

    def delay(self, until: float, why: str) -> None: ...

    def say(self, text: str) -> None: ...

    def check(self) -> None: ...

    def phase(self, phase: object) -> None: ...

    def step(self, done: int, total: int, preview: Any = None) -> None:
        self.seen.append((done, total))
        if preview:
            self.previews.append(preview())


def a_mask(*box: int) -> Image.Image:
    mask = Image.new("L", PHOTO.size, 0)
    ImageDraw.Draw(mask).rectangle(box, fill=255)
    return mask


def asked(task: Task, **fields: Any) -> ImageRequest:
    request = ImageRequest(model=MODEL.id, prompt="a fox", task=task, sampling=Sampling(seed=5), **fields)
    return adapt(request, MODEL)[0]


def drawn(task: Task, watch: Steps | None = None, backend: ToyBackend | None = None, **fields: Any) -> ImageResult:
    return draw(asked(task, **fields), MODEL, backend or ToyBackend(), SOURCES, watch or Steps())


def changed(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.difference(before, after).getbbox()


def test_nothing_outside_a_hard_mask_changes_and_the_result_says_so() -> None:
    mask = a_mask(30, 20, 59, 49)
    result = drawn(Inpaint(image=SOURCE, mask=SOURCES.add_image(mask), feather=0), count=2)
    for picture in result.pictures:
        left, top, right, bottom = changed(PHOTO, picture.image) or (0, 0, 0, 0)
        assert (left, top) >= (30, 20)
        assert (right, bottom) <= (60, 50)
        facts = picture.facts["canvas"]
        assert (facts["outside_changed"], facts["outside_pixels"]) == (0, 96 * 80 - 30 * 30)
        assert 0 < facts["edited_pixels"] <= 900
    assert [picture.seed for picture in result.pictures] == [5, 6]
    assert changed(result.pictures[0].image, result.pictures[1].image)


class Seeded(ToyBackend):
    """Draws noise that depends on the seed and the ground alone."""

    def generate(self, request: ImageRequest, model: Model, watch: Any, ground: Any = None) -> ImageResult:
        seed, size = request.sampling.seed or 0, ground.image.size
        noise = Image.frombytes("RGB", size, random.Random(seed).randbytes(size[0] * size[1] * 3))
        return ImageResult(pictures=(Picture(image=Image.blend(noise, ground.image, 0.3), seed=seed),))


def test_a_picture_of_a_batch_is_the_one_its_seed_gives_alone() -> None:
    task = Inpaint(image=SOURCE, mask=SOURCES.add_image(a_mask(10, 10, 40, 40)), fill="noise")
    together = drawn(task, backend=Seeded(), count=2).pictures[1]
    request = asked(task)
    alone = draw(replace(request, sampling=replace(request.sampling, seed=6)), MODEL, Seeded(), SOURCES, Steps())
    assert alone.pictures[0].image.tobytes() == together.image.tobytes()


def test_a_wide_canvas_is_drawn_in_passes_with_one_count_of_steps_and_previews_of_the_whole() -> None:
    watch, backend = Steps(), ToyBackend()
    result = drawn(Outpaint(image=SOURCE, left=90, right=90), watch, backend)
    picture = result.pictures[0]
    passes = picture.facts["canvas"]["passes"]
    assert passes > 2
    assert picture.image.size == (276, 80)
    assert len(backend.grounds) == passes
    assert watch.seen[-1] == (2 * passes, 2 * passes)
    assert [done for done, _ in watch.seen] == list(range(1, 2 * passes + 1))
    assert {preview.size for preview in watch.previews} == {(256, 74)}
    assert len({request.sampling.seed for request in backend.asked}) == passes
    kept = picture.image.crop((90 + 16, 0, 90 + 96 - 16, 80))
    assert kept.tobytes() == PHOTO.crop((16, 0, 80, 80)).tobytes()


def test_image_to_image_gets_the_picture_in_its_size_with_the_sketch_on_it() -> None:
    backend, sketch = ToyBackend(), Image.new("RGBA", (48, 40), (0, 0, 0, 0))
    ImageDraw.Draw(sketch).rectangle((0, 0, 23, 39), fill=(255, 0, 0, 255))
    task = ImageToImage(image=SOURCE, strength=0.4, size=Size(64, 64), sketch=SOURCES.add_image(sketch))
    result = drawn(task, backend=backend)
    (ground,) = backend.grounds
    assert (ground.image.size, ground.mask, ground.strength) == ((64, 64), None, 0.4)
    assert ground.image.getpixel((4, 32)) == (255, 0, 0)
    assert ground.image.getpixel((60, 32)) != (255, 0, 0)
    assert result.pictures[0].image.size == (64, 64)


def test_without_a_size_image_to_image_keeps_the_proportions() -> None:
    backend = ToyBackend()
    drawn(ImageToImage(image=SOURCE), backend=backend)
    width, height = backend.grounds[0].image.size
    assert width / height == pytest.approx(96 / 80, abs=0.12)


def test_a_see_through_picture_stays_see_through_outside_the_mask() -> None:
    glass = PHOTO.convert("RGBA")
    glass.putalpha(Image.linear_gradient("L").resize(PHOTO.size))
    source = SOURCES.add_image(glass)
    result = drawn(Inpaint(image=source, mask=SOURCES.add_image(a_mask(0, 0, 20, 20)), feather=3))
    image = result.pictures[0].image
    assert image.mode == "RGBA"
    assert image.crop((30, 30, 96, 80)).tobytes() == glass.crop((30, 30, 96, 80)).tobytes()


def test_a_source_that_is_gone_and_an_empty_mask_are_said_before_anything_is_queued() -> None:
    gone = replace(SOURCE, sha256="0" * 64, name="holiday.png")
    with pytest.raises(InvalidRequest, match=r"holiday\.png is gone"):
        require_sources(asked(ImageToImage(image=gone)), SOURCES)
    empty = SOURCES.add_image(Image.new("L", PHOTO.size))
    with pytest.raises(InvalidRequest, match="Nothing is painted") as caught:
        require_sources(asked(Inpaint(image=SOURCE, mask=empty)), SOURCES)
    assert caught.value.field == "mask"


class Prudish(ToyBackend):
    """Withholds the picture with seed 5."""

    def generate(self, request: ImageRequest, *args: Any) -> ImageResult:
        if request.sampling.seed == 5:
            raise Moderated("Withheld. Change the prompt.")
        return super().generate(request, *args)


def test_a_withheld_picture_is_noted_and_the_others_come() -> None:
    task = Inpaint(image=SOURCE, mask=SOURCES.add_image(a_mask(0, 0, 9, 9)))
    result = drawn(task, backend=Prudish(), count=2)
    assert [picture.seed for picture in result.pictures] == [6]
    assert "picture 1 was withheld by the model's safety checker" in result.notes
    with pytest.raises(Moderated):
        drawn(task, backend=Prudish())
