"""A mask whose left half may change, and a strength of 0.25, as they arrive at each provider of this family."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import at_aimlapi
import at_fireworks
import at_generic
import at_openai
import at_openai_compatible
import pytest
from case import Case, HostedWatch, draw
from loopback import Asked, Said, opened
from PIL import Image, ImageChops, ImageDraw, ImageStat

from studio.core.adapt import adapt
from studio.core.canvas import Ground
from studio.core.request import ImageRequest, Inpaint, Source

MaskRow = tuple[Case, str, Callable[[Asked], bytes], tuple[str, int, int]]
StrengthRow = tuple[Case, str, Callable[[Asked], Any], float]
CLEAR, BLACK = ("A", 0, 255), ("L", 0, 255)
"""The channel that tells, its value where the picture may change, and where it may not."""


def in_form(asked: Asked) -> bytes:
    return asked.form["mask"]


def in_json(asked: Asked) -> bytes:
    return base64.b64decode(asked.json["mask"].partition(",")[2])


def in_body(asked: Asked) -> bytes:
    return base64.b64decode(asked.json["input"]["mask"])


@pytest.mark.parametrize("kind", ["inpaint", "outpaint"])
@pytest.mark.parametrize(
    "row",
    [
        (at_openai.CASE, "gpt-image-2", in_form, CLEAR),
        (at_openai.CASE, "gpt-image-1.5", in_form, CLEAR),
        (at_openai.CASE, "gpt-image-1-mini", in_form, CLEAR),
        (at_aimlapi.CASE, "openai/gpt-image-2", in_json, CLEAR),
        (at_openai_compatible.CASE, "flux-dev", in_form, CLEAR),
        (at_generic.CASE, "painters/one", in_body, BLACK),
    ],
    ids=lambda row: f"{row[0].name}-{row[1]}",
)
def test_the_left_half_may_change(row: MaskRow, kind: str, tmp_path: Path) -> None:
    case, model, mask_of, (channel, edit, keep) = row
    with case.server() as server:
        draw(case.backend(server, tmp_path), model, kind)
        mask = opened(mask_of(next(each for each in server.asked if case.submit in each.path)))
    told, middle, pixel = mask.getchannel(channel), mask.width // 2, mask.width // 48
    assert told.getpixel((0, 0)) == told.getpixel((middle - 1, mask.height - 1)) == edit
    assert told.getpixel((mask.width - 1, 0)) == told.getpixel((middle + pixel, mask.height - 1)) == keep
    assert sum(told.histogram()[1:255]) == 0, "half see-through is neither"


@pytest.mark.parametrize(
    "row",
    [
        (at_fireworks.CASE, "stable-diffusion-xl-1024-v1-0", lambda asked: asked.form["image_strength"], 0.75),
        (at_aimlapi.CASE, "flux/srpo/image-to-image", lambda asked: asked.json["strength"], 0.25),
        (at_aimlapi.CASE, "flux/dev/image-to-image", lambda asked: asked.json["strength"], 0.25),
        (at_generic.CASE, "painters/one", lambda asked: asked.json["input"]["keep"], 0.75),
    ],
    ids=lambda row: f"{row[0].name}-{row[1]}",
)
def test_a_quarter_of_strength(row: StrengthRow, tmp_path: Path) -> None:
    case, model, number_of, told = row
    with case.server() as server:
        draw(case.backend(server, tmp_path), model, "image-to-image")
        asked = next(each for each in server.asked if case.submit in each.path)
    assert float(number_of(asked)) == pytest.approx(told)


class Echo(at_openai.OpenAIServer):
    """Gives the picture back as it came."""

    def made_pictures(self, body: dict[str, Any]) -> Said:
        return Said({"data": [{"b64_json": base64.b64encode(body["image"]).decode()}]})


@pytest.mark.parametrize("shape", [(192, 96), (96, 64), (97, 64), (64, 160), (100, 100)])
def test_a_picture_in_one_of_three_sizes_comes_back_where_it_was(shape: tuple[int, int], tmp_path: Path) -> None:
    photo = Image.radial_gradient("L").resize(shape).convert("RGB")
    mask = Image.new("L", shape, 0)
    ImageDraw.Draw(mask).rectangle((0, 0, shape[0] // 2 - 1, shape[1]), fill=255)
    with Echo() as server:
        backend = at_openai.CASE.backend(server, tmp_path)
        model = next(each for each in backend.models() if each.id.endswith("1.5"))
        source = Source(sha256="0" * 64, width=shape[0], height=shape[1])
        request, _ = adapt(ImageRequest(model=model.id, prompt="a fox", task=Inpaint(image=source, mask=source)), model)
        ground = Ground(image=photo, mask=mask, strength=0.9)
        (picture,) = backend.generate(request, model, HostedWatch(), ground).pictures
        sent = opened(server.asked[0].form["image"]).size
    assert sent in ((1024, 1024), (1536, 1024), (1024, 1536))
    back = picture.image.resize(shape)
    assert max(ImageStat.Stat(ImageChops.difference(back, photo)).mean) < 3
