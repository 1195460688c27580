"""A mask whose left half is to be edited, a strength of a quarter and margins arrive as each polled provider means them."""

from __future__ import annotations

import base64
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from case import PHOTO, Case, draw
from loopback import Asked, opened
from PIL import Image

from studio.core.request import ImageToImage, Inpaint, Outpaint

PROVIDERS = ("fal", "bfl", "modelslab", "aime", "huggingface", "hotpot")
I2I, INPAINT, OUTPAINT = ImageToImage.kind, Inpaint.kind, Outpaint.kind
SDXL = "stable-diffusion-xl-base-1.0"
WHITE_IS_EDIT = [
    ("fal", "fal-ai/flux-lora/inpainting", "mask_url", "image_url"),
    ("fal", "fal-ai/flux-krea-lora/inpainting", "mask_url", "image_url"),
    ("fal", "fal-ai/flux-pro/v1/fill", "mask_url", "image_url"),
    ("fal", "fal-ai/fast-sdxl/inpainting", "mask_url", "image_url"),
    ("fal", "fal-ai/inpaint", "mask_url", "image_url"),
    ("fal", "fal-ai/z-image/turbo/inpaint", "mask_image_url", "image_url"),
    ("bfl", "flux-pro-1.0-fill", "mask", "image"),
    ("bfl", "flux-tools/erase-v1", "mask", "image"),
    ("modelslab", SDXL, "mask_image", "init_image"),
]
"""Provider, model, and its names of mask and picture."""
ONE_IS_FREE = [
    ("fal", "fal-ai/flux/dev", I2I, "strength"),
    ("fal", "fal-ai/flux-lora", I2I, "strength"),
    ("fal", "fal-ai/flux-lora/inpainting", INPAINT, "strength"),
    ("fal", "fal-ai/flux-krea-lora/inpainting", INPAINT, "strength"),
    ("fal", "fal-ai/fast-sdxl/inpainting", INPAINT, "strength"),
    ("fal", "fal-ai/z-image/turbo/inpaint", INPAINT, "strength"),
    ("modelslab", SDXL, I2I, "strength"),
    ("modelslab", SDXL, INPAINT, "strength"),
    ("aime", "flux-dev", I2I, "image2image_strength"),
    ("aime", "stable_diffusion_3_5", I2I, "denoise"),
    ("aime", "stable_diffusion_xl_img2img", I2I, "strength"),
    ("huggingface", "fal-ai/fal-ai/flux/dev/image-to-image", I2I, "strength"),
]
"""Everywhere here 0 is the picture and 1 ignores it, as with us: provider, model, task, its name of the strength."""


def case_of(provider: str) -> Case:
    case: Case = importlib.import_module(f"at_{provider}").CASE
    return case


@contextmanager
def drawn(provider: str, model: str, kind: str, data: Path) -> Iterator[Asked]:
    """The paid request of one picture."""
    case = case_of(provider)
    with case.server() as server:
        draw(case.backend(server, data), model, kind)
        yield next(asked for asked in server.asked if asked.method == "POST")


def decoded(text: str) -> Image.Image:
    return opened(base64.b64decode(text.partition(",")[2] or text, validate=True))


def numbers(body: Any, *names: str) -> dict[str, Any]:
    return {name: body.get(name) for name in names}


@pytest.mark.parametrize("kind", [INPAINT, OUTPAINT])
@pytest.mark.parametrize("row", WHITE_IS_EDIT, ids=":".join)
def test_a_mask_arrives_white_where_the_picture_may_change(row: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    provider, model, mask, image = row
    if kind == OUTPAINT and model == "flux-tools/erase-v1":
        pytest.skip("it erases only")
    with drawn(provider, model, kind, tmp_path) as asked:
        painted, photo = decoded(asked.json[mask]), decoded(asked.json[image])
    assert (painted.mode, painted.size) == ("L", PHOTO.size)
    assert painted.crop((0, 0, 48, 64)).getextrema() == (255, 255)
    assert painted.crop((48, 0, 96, 64)).getextrema() == (0, 0)
    assert photo.convert("RGB").tobytes() == PHOTO.tobytes()


@pytest.mark.parametrize(("provider", "model", "kind", "name"), ONE_IS_FREE)
def test_a_strength_arrives_in_the_providers_sense(provider: str, model: str, kind: str, name: str, tmp_path: Path) -> None:
    with drawn(provider, model, kind, tmp_path) as asked:
        assert asked.json[name] == (0.25 if kind == I2I else 0.9)
        if kind == I2I and model in ("fal-ai/flux/dev", "fal-ai/flux-lora"):
            assert asked.path == f"/{model}/image-to-image"


def test_expand_gets_pixels_for_each_side_and_the_picture_alone(tmp_path: Path) -> None:
    with drawn("bfl", "flux-pro-1.0-expand", OUTPAINT, tmp_path) as asked:
        assert numbers(asked.json, "left", "right", "top", "bottom") == {"left": 16, "right": 0, "top": 0, "bottom": 8}
        assert decoded(asked.json["image"]).tobytes() == PHOTO.tobytes()
        assert "mask" not in asked.json


def test_outpainting_gets_a_canvas_and_where_the_picture_lies_on_it(tmp_path: Path) -> None:
    with drawn("bfl", "flux-tools/outpainting-v1", OUTPAINT, tmp_path) as asked:
        assert numbers(asked.json, "width", "height") == {"width": 112, "height": 72}
        assert numbers(asked.json, "reference_offset_x", "reference_offset_y") == {
            "reference_offset_x": 16,
            "reference_offset_y": 0,
        }
        assert decoded(asked.json["input_image"]).tobytes() == PHOTO.tobytes()


def test_modelslab_gets_a_canvas_and_the_part_of_the_picture_that_is_its_middle(tmp_path: Path) -> None:
    with drawn("modelslab", "outpaint", OUTPAINT, tmp_path) as asked:
        assert asked.path == "/api/v6/image_editing/outpaint"
        assert numbers(asked.json, "width", "height", "base64") == {"width": 112, "height": 72, "base64": "true"}
        middle = decoded(asked.json["image"])
    left, top = (112 - middle.width) // 2, (72 - middle.height) // 2
    canvas = Image.new("RGB", (112, 72))
    canvas.paste(PHOTO, (16, 0))
    assert middle.tobytes() == canvas.crop((left, top, left + middle.width, top + middle.height)).tobytes()


def test_the_tables_name_every_model_that_takes_a_mask_or_a_strength(tmp_path: Path) -> None:
    masked, free = {row[:2] for row in WHITE_IS_EDIT}, {row[:3] for row in ONE_IS_FREE}
    for provider in PROVIDERS:
        case = case_of(provider)
        with case.server() as server:
            models = case.backend(server, tmp_path).models()
        for model in models:
            name = model.id.partition(":")[2]
            assert (INPAINT in model.tasks) == ((provider, name) in masked), name
            for kind in (I2I, INPAINT):
                takes = kind in model.tasks and model.takes("strength", kind)
                assert takes == ((provider, name, kind) in free), (name, kind)
