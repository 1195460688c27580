"""Made again: exact, close or different, and what in the surroundings was not the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image, ImageEnhance

from studio.core.errors import InvalidRequest
from studio.core.evidence import Reading
from studio.core.measures import psnr
from studio.core.model import Model
from studio.core.request import Hires, ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage
from studio.core.result import Record
from studio.engine import reproduce

USED = {"model": "local:starter", "model_sha256": "a" * 64, "steps": 20, "guidance_scale": 3.5, "sampler": "Euler",
        "width": 128, "height": 96, "device": "cpu: Xeon", "dtype": "float32", "torch": "2.13.0"}  # fmt: skip
MODEL = Model(id="local:starter", title="Starter", backend="local")


@pytest.fixture
def photo() -> Image.Image:
    ramp = Image.linear_gradient("L").resize((128, 96))
    return Image.merge("RGB", (ramp, ramp.rotate(180), Image.radial_gradient("L").resize((128, 96))))


def a_record(**changes: object) -> Record:
    request = ImageRequest(model="local:starter", prompt="a red house", template="a {red|blue} house", count=4,
                           choices=("red",), sampling=Sampling(seed=5), hires=Hires())  # fmt: skip
    values = {"id": "r1", "job": "j1", "path": None, "name": "r1.png", "sha256": "b" * 64, "width": 128, "height": 96,
              "seed": 7, "created": "2026-11-26T10:00:00+00:00", "request": request,
              "facts": {"used": USED, "drawn_sha256": "c" * 64, "studio": "0.5.0"}}  # fmt: skip
    return Record(**{**values, **changes})  # type: ignore[arg-type]


def test_what_ran_is_asked_for_again_for_this_picture_alone(photo: Image.Image) -> None:
    request = reproduce.of_record(a_record(), photo).request
    assert (request.count, request.task) == (1, TextToImage(Size(128, 96)))
    assert request.sampling == Sampling(steps=20, guidance_scale=3.5, seed=7, sampler="Euler")
    assert (request.prompt, request.template, request.choices) == ("a red house", "a {red|blue} house", ("red",))
    assert request.hires == Hires()
    assert request.again == Source(sha256="b" * 64, width=128, height=96, name="r1.png", record="r1")


def test_nonsense_in_a_strangers_record_is_not_asked_for(photo: Image.Image) -> None:
    facts = {"used": {"steps": "many", "guidance_scale": True, "sampler": 7, "width": "wide", "height": 9}}
    request = reproduce.of_record(a_record(facts=facts), photo).request
    assert request.sampling == Sampling(seed=7)
    assert request.task == TextToImage()


def test_an_edit_is_repeated_on_its_own_source(photo: Image.Image) -> None:
    task = ImageToImage(image=Source(sha256="d" * 64, width=9, height=9), strength=0.5)
    request = replace(a_record().request, task=task)
    again = reproduce.of_record(a_record(request=request), photo).request
    assert again.task == replace(task, size=Size(128, 96))


def compared(photo: Image.Image, image: Image.Image, **facts: object) -> reproduce.Reproduction:
    record = a_record()
    changed = replace(record, id="r2", facts={**record.facts, "drawn_sha256": "e" * 64, **facts})
    return reproduce.compare(reproduce.of_record(record, photo), changed, image)


def test_equal_drawings_are_exact_whatever_their_watermarks(photo: Image.Image) -> None:
    found = compared(photo, ImageEnhance.Brightness(photo).enhance(1.02), drawn_sha256="c" * 64)
    assert (found.outcome, found.differences) == ("exact", ())
    assert found.sentence.startswith("Exact")


def test_a_little_noise_is_close_with_its_psnr_and_what_differs(photo: Image.Image) -> None:
    noisy = photo.point(lambda value: min(255, value + 3))
    found = compared(photo, noisy, used={**USED, "device": "cuda: H100", "torch": "2.15.0", "model_sha256": "f" * 64})
    assert found.outcome == "close"
    assert found.psnr == pytest.approx(38.6, abs=0.5)
    assert found.differences == (
        "Model file: aaaaaaaaaa → ffffffffff", "Device: cpu: Xeon → cuda: H100", "torch: 2.13.0 → 2.15.0",
    )  # fmt: skip


def test_another_picture_is_different(photo: Image.Image) -> None:
    found = compared(photo, photo.rotate(180))
    assert found.outcome == "different"
    assert found.psnr is not None
    assert found.psnr < 20
    other = compared(photo, photo.resize((64, 48)))
    assert (other.outcome, other.differences[0]) == ("different", "Size: 128 × 96 → 64 × 48")


def test_equal_pixels_of_a_foreign_file_are_exact(photo: Image.Image) -> None:
    original = reproduce.Original(request=a_record().request, facts={}, source=Source(sha256="b" * 64, width=1, height=1),
                                  image=photo)  # fmt: skip
    assert reproduce.compare(original, a_record(), photo.copy()).outcome == "exact"


def test_a_changed_model_file_is_said_before(photo: Image.Image) -> None:
    original = reproduce.of_record(a_record(), photo)
    assert "aaaaaaaaaa → bbbbbbbbbb" in reproduce.changed_model(original, "b" * 64)
    assert reproduce.changed_model(original, "a" * 64) == ""
    assert reproduce.changed_model(original, "") == ""


def test_a_foreign_files_settings_are_taken_and_what_is_missing_is_said(photo: Image.Image) -> None:
    source = Source(sha256="b" * 64, width=128, height=96, name="theirs.png")
    reading = Reading(dialect="AUTOMATIC1111", prompt="a {house}", model="starter.safetensors", steps=9, seed=4, width=64,
                      height=32, sampler="Euler")  # fmt: skip
    request = reproduce.of_file(reading, source, photo, [MODEL]).request
    assert (request.model, request.prompt, request.task) == ("local:starter", "a {house}", TextToImage(Size(64, 32)))
    assert request.sampling == Sampling(steps=9, seed=4, sampler="Euler")
    for wrong, said in (
        (None, "does not tell how it was made"),
        (replace(reading, seed=None), "no seed"),
        (replace(reading, prompt="", seed=None), "no prompt and no seed"),
        (replace(reading, model="dream"), "“dream” is not here"),
    ):
        with pytest.raises(InvalidRequest, match=said):
            reproduce.of_file(wrong, source, photo, [MODEL])


def test_psnr_is_what_its_definition_says(photo: Image.Image) -> None:
    assert psnr(photo, photo) is None
    grey = Image.new("RGB", (8, 8), (100, 100, 100))
    assert psnr(grey, Image.new("RGB", (8, 8), (110, 110, 110))) == pytest.approx(28.13, abs=0.01)
    assert psnr(Image.new("RGB", (8, 8)), Image.new("RGB", (8, 8), "white")) == pytest.approx(0.0)
