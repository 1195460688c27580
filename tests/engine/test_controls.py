"""Control pictures: made without a model, in their place, kept, and given to the backend."""

from __future__ import annotations

from typing import Any

import pytest
from memory_receipts import MemoryReceipts
from memory_sources import MemorySources
from PIL import Image, ImageDraw
from toy_backend import MODEL, ToyBackend

from studio.core.adapters import Offer
from studio.core.errors import InvalidRequest, Unsupported
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.request import Adapter, ImageRequest, ImageToImage, Inpaint, Outpaint, Sampling, Size, TextToImage
from studio.engine.controls import control_sources
from studio.engine.drawing import draw, require_sources
from studio.engine.edges import canny, lineart

SOURCES = MemorySources()
PHOTO = Image.effect_noise((96, 80), 60).convert("RGB")
SOURCE = SOURCES.add_image(PHOTO)


def a_square(size=(80, 60)) -> Image.Image:
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((20, 15, 59, 44), fill="black")
    return image


class Looking(ToyBackend):
    """Remembers what its adapters were shown."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[dict[int, Image.Image]] = []

    def adapters(self) -> list[Offer]:
        return []

    def adapter_named(self, kind: str, hash: str) -> str:
        return ""

    def prepare(self, picture: Image.Image, preprocessor: str) -> Image.Image:
        return Image.new("RGB", picture.size, "green")

    def generate(self, request: ImageRequest, model: Model, watch: Any, ground: Any = None, pictures: Any = None) -> Any:
        self.shown.append(dict(pictures or {}))
        return super().generate(request, model, watch, ground)


class Watch:
    lane, receipts = "interactive", MemoryReceipts()

    def check(self) -> None: ...
    def phase(self, phase: object) -> None: ...
    def step(self, done: int, total: int, preview: Any = None) -> None: ...


def net(preprocessor: str = "canny", picture: Image.Image | None = None, kind: Any = "controlnet") -> Adapter:
    return Adapter(kind=kind, name="n", image=SOURCES.add_image(picture or a_square()), preprocessor=preprocessor)


def drawn(task: Any, *adapters: Adapter) -> tuple[Looking, Any]:
    backend = Looking()
    request = ImageRequest(model=MODEL.id, prompt="a fox", task=task, sampling=Sampling(seed=5, steps=2), adapters=adapters)
    return backend, draw(request, MODEL, backend, SOURCES, Watch())  # type: ignore[arg-type]


def test_canny_draws_a_closed_line_one_pixel_wide_where_the_edge_is() -> None:
    edges = canny(a_square()).convert("L")
    assert set(edges.tobytes()) == {0, 255}
    left, top, right, bottom = edges.getbbox() or (0, 0, 0, 0)
    assert (abs(left - 20), abs(top - 15), abs(right - 60), abs(bottom - 45)) <= (1, 1, 1, 1)
    row = edges.crop((0, 30, 80, 31)).tobytes()
    assert row.count(255) == 2
    assert edges.getpixel((40, 30)) == 0
    assert canny(Image.new("RGB", (30, 30), "grey")).getbbox() is None


def test_weak_edges_stay_only_where_they_hang_on_strong_ones() -> None:
    image = Image.new("L", (120, 40), 0)
    for x in range(120):
        ImageDraw.Draw(image).line((x, 20, x, 39), fill=min(70, 24 + x // 2))
    fading = canny(image.convert("RGB"))
    whole = fading.getbbox()
    faint = Image.new("L", (120, 40), 0)
    ImageDraw.Draw(faint).rectangle((0, 20, 119, 39), fill=40)
    assert whole
    assert whole[0] < 40, "the weak end hangs on the strong one"
    assert canny(faint.convert("RGB")).getbbox() is None


def test_lineart_is_bright_where_the_picture_is_darker_than_its_surroundings() -> None:
    page = Image.new("RGB", (60, 60), "white")
    ImageDraw.Draw(page).line((10, 30, 50, 30), fill="black", width=2)
    made = lineart(page).convert("L")
    assert made.getpixel((30, 30)) > 150
    assert made.getpixel((30, 5)) == 0


def test_words_alone_get_the_control_picture_in_their_size_and_it_is_kept() -> None:
    backend, result = drawn(TextToImage(Size(160, 120)), net())
    (shown,) = backend.shown
    assert shown[0].size == (160, 120)
    (fact,) = result.pictures[0].facts["controls"]
    assert fact["preprocessor"] == "canny"
    (kept,) = control_sources(result.pictures[0].facts)
    assert open_picture(SOURCES.read(kept), "kept").convert("RGB").tobytes() == canny(a_square()).tobytes()


def test_without_a_preprocessor_the_picture_goes_as_it_is_and_nothing_is_made() -> None:
    backend, result = drawn(TextToImage(Size(80, 60)), net(""))
    assert backend.shown[0][0].tobytes() == a_square().tobytes()
    assert "controls" not in result.pictures[0].facts


def test_what_needs_a_model_is_asked_of_the_backend() -> None:
    backend, _ = drawn(TextToImage(Size(80, 60)), net("depth"))
    assert backend.shown[0][0].getpixel((5, 5)) == (0, 128, 0)


def test_an_ip_adapters_picture_is_never_cut() -> None:
    backend, _ = drawn(TextToImage(Size(160, 160)), net("", kind="ip-adapter"))
    assert backend.shown[0][0].size == (80, 60)


def test_image_to_image_gets_it_in_the_size_that_is_drawn() -> None:
    backend, _ = drawn(ImageToImage(image=SOURCE, size=Size(64, 64)), net())
    assert backend.shown[0][0].size == (64, 64)


def test_a_part_of_a_picture_gets_its_part_of_the_control_picture() -> None:
    mask = Image.new("L", PHOTO.size)
    ImageDraw.Draw(mask).rectangle((70, 50, 90, 70), fill=255)
    half = Image.new("RGB", PHOTO.size, "black")
    half.paste("white", (48, 0, 96, 80))
    task = Inpaint(image=SOURCE, mask=SOURCES.add_image(mask), padding=4, feather=0)
    backend, _ = drawn(task, net("", half))
    (shown,) = backend.shown
    assert shown[0].convert("L").getextrema() == (255, 255)


def test_the_old_part_of_an_extended_picture_keeps_its_place() -> None:
    backend, _ = drawn(Outpaint(image=SOURCE, left=32), net("", Image.new("RGB", PHOTO.size, "white")))
    left = backend.shown[0][0].convert("L")
    assert left.getpixel((2, left.height // 2)) == 0
    assert left.getpixel((left.width - 2, left.height // 2)) == 255


def test_a_backend_that_takes_no_pictures_says_so() -> None:
    request = ImageRequest(model=MODEL.id, prompt="a fox", sampling=Sampling(seed=5, steps=2), adapters=(net(),))
    with pytest.raises(Unsupported, match="takes no pictures for adapters"):
        draw(request, MODEL, ToyBackend(), SOURCES, Watch())  # type: ignore[arg-type]


def test_a_picture_that_is_gone_is_said_at_the_adapters() -> None:
    gone = Adapter(kind="controlnet", name="n", image=MemorySources().add_image(Image.new("RGB", (9, 9), "red")))
    request = ImageRequest(model=MODEL.id, prompt="a fox", adapters=(gone,))
    with pytest.raises(InvalidRequest, match="is gone") as caught:
        require_sources(request, SOURCES)
    assert caught.value.field == "adapters"
