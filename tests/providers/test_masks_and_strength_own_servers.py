"""Masks and strength arrive in the server's own sense: what was sent is decoded, and what was drawn is looked at."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import at_automatic1111
import at_comfyui
import pytest
from case import PHOTO, Case, draw
from loopback import opened
from PIL import Image, ImageChops

from studio.core.canvas import Ground

STRENGTH = 0.25
LEFT, RIGHT = (0, 0, 48, 64), (48, 0, 96, 64)


@dataclass(frozen=True)
class Sense:
    """How one server is told: its picture, its mask (white = edit, however it is sent) and its number for the strength."""

    case: Case
    model: str
    picture: Callable[[Any], Image.Image]
    mask: Callable[[Any], Image.Image]
    strength: Callable[[Any], float]


def _sent(server: Any) -> Any:
    return next(asked for asked in server.asked if asked.path.endswith("img2img")).json


def _graph(server: Any) -> Any:
    return next(asked for asked in server.asked if asked.path == "/prompt").json["prompt"]


def _of_kind(server: Any, kind: str) -> Any:
    return next(node["inputs"] for node in _graph(server).values() if node["class_type"] == kind)


def _base64(text: str) -> Image.Image:
    return opened(base64.b64decode(text, validate=True))


SENSES = {
    "automatic1111": Sense(
        at_automatic1111.CASE,
        "current",
        lambda server: _base64(_sent(server)["init_images"][0]),
        lambda server: _base64(_sent(server)["mask"]),
        lambda server: _sent(server)["denoising_strength"],
    ),
    **{
        f"comfyui, {name}": Sense(
            at_comfyui.CASE,
            model,
            lambda server: server.uploads[_of_kind(server, "LoadImage")["image"]],
            lambda server: server.uploads[_of_kind(server, "LoadImageMask")["image"]].getchannel(0),
            lambda server: _of_kind(server, "KSampler")["denoise"],
        )
        for name, model in (("a checkpoint", "base.safetensors"), ("a graph of the user's", "masked"))
    },
}


@pytest.mark.parametrize("name", SENSES)
def test_the_left_half_is_edited_a_quarter(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sense = SENSES[name]
    mask = Image.new("L", PHOTO.size, 0)
    mask.paste(255, LEFT)
    monkeypatch.setattr("case.a_ground", lambda *_, **__: Ground(image=PHOTO, mask=mask, strength=STRENGTH))
    with sense.case.server() as server:
        backend = sense.case.backend(server, tmp_path)
        (picture,) = draw(backend, sense.model, "inpaint").pictures
        sent = sense.mask(server)
        assert (sent.mode, sent.size) == ("L", PHOTO.size)
        assert sent.crop(LEFT).getextrema() == (255, 255)
        assert sent.crop(RIGHT).getextrema() == (0, 0)
        assert sense.strength(server) == STRENGTH
        assert sense.picture(server).tobytes() == PHOTO.tobytes()
    changed = ImageChops.difference(picture.image, PHOTO)
    assert picture.image.size == PHOTO.size  # nothing was cropped there
    assert changed.crop(RIGHT).getbbox() is None
    assert changed.crop(LEFT).getbbox() is not None


@pytest.mark.parametrize("name", SENSES)
def test_without_a_mask_the_strength_is_told_and_no_mask_is(name: str, tmp_path: Path) -> None:
    sense = SENSES[name]
    model = "photo" if sense.model == "masked" else sense.model
    with sense.case.server() as server:
        draw(sense.case.backend(server, tmp_path), model, "image-to-image")
        assert sense.strength(server) == STRENGTH
        assert sense.picture(server).tobytes() == PHOTO.tobytes()
        with pytest.raises((KeyError, StopIteration)):
            sense.mask(server)


def test_comfyui_mixes_as_much_of_the_drawing_in_as_the_strength_says(tmp_path: Path) -> None:
    """The server's own arithmetic: 0 is the old picture, 1 the drawing."""
    with at_comfyui.CASE.server() as server:
        (picture,) = draw(at_comfyui.CASE.backend(server, tmp_path), "base.safetensors", "image-to-image").pictures
        given = server.seen[0]
        assert (given["denoise"], given["seed"], given["steps"]) == (STRENGTH, 1234, 25)
    drawn = opened(at_comfyui.picture(PHOTO.size, seed=1234))
    assert picture.image.tobytes() == Image.blend(PHOTO, drawn, STRENGTH).tobytes()
