"""OpenAI images (their SDK and OpenAPI file): pictures from words by JSON, changes to a picture by a form; always base64.

A mask is a PNG of the picture's size, transparent (alpha 0) where it may change, at most 4 MB: it goes without the picture's
colours. No seed, steps, guidance, strength or negative prompt. The GPT Image 2 family takes any size in sixteens, the
others three sizes: there a picture is laid inside one, and its part is cut out of the answer. Ten pictures a call. A refusal
is status 400 with the code `moderation_blocked`; no credit is 429 with `insufficient_quota`, which no waiting mends.
Pictures are billed by tokens, so prices are guesses; `usage` is kept with each. A see-through background is not offered:
the studio's pictures have none.

Unverified: the sizes of 2.6 (as 2) and of chatgpt-image-latest (as 1.5), prices, and `billing_hard_limit_reached`; `models`
in `<data>/providers/openai.toml` adds others, where `sizes` makes a model one of few sizes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from PIL import Image

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import no_credit
from studio.backends._hosted.models import describe
from studio.backends._hosted.openai_style import reply_of_data
from studio.backends._hosted.pictures import attached, clear_is_edit, laid
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.provider import About, Call, Provider, Reply, Wish
from studio.core.errors import InvalidRequest, Moderated, StudioError
from studio.core.hosting import Limit
from studio.core.model import Model, Option
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "OPENAI_API_KEY"
ABOUT = About(
    name="openai",
    title="OpenAI",
    site="https://platform.openai.com",
    url="https://api.openai.com/v1",
    keys=(KEY,),
    evidence="official",
    limit=Limit(at_once=4, per_minute=60),
    read_seconds=300,
    whole_seconds=600,
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
TASKS = (T2I, I2I, INPAINT, OUTPAINT)
THREE = (Size(1024, 1024), Size(1536, 1024), Size(1024, 1536))
MOST_PIXELS = 3840 * 2160
MOST_RATIO = 3.0
MOST_AT_ONCE = 10
MEGABYTE = 1_000_000
MOST_PICTURE = 49 * MEGABYTE
NO_CREDIT = ("insufficient_quota", "billing_hard_limit_reached")


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, OpenAI, ABOUT)


QUALITIES = ("auto", "low", "medium", "high")
FORMAT = Option(name="output_format", title="File format", choices=("png", "jpeg", "webp"), default="png")
BACKGROUND = Option(name="background", title="Background", choices=("opaque", "auto"), default="opaque")
MODERATION = Option(name="moderation", title="Moderation", choices=("auto", "low"), tasks=(T2I,))
FIDELITY = Option(
    name="input_fidelity", title="Keep to the picture", choices=("low", "high"), tasks=(I2I, INPAINT, OUTPAINT)
)


def _model(name: str, title: str, qualities: tuple[str, ...] = QUALITIES, *more: Option, **values: Any) -> Model:
    quality = Option(name="quality", title="Quality", choices=qualities)
    options = (quality, BACKGROUND, MODERATION, FORMAT, *more)
    own: dict[str, Any] = {"max_side": 3840, "max_count": MOST_AT_ONCE, "options": options}
    return describe("openai", name, title, TASKS, (), **{**own, **values})


def _price(picture: float) -> Price:
    return Price(picture=picture, source="openai.com/api/pricing for medium quality, not checked", varies=True)


FINER = (*QUALITIES, "xhigh", "max")
FEW: dict[str, Any] = {"sizes": THREE, "max_side": 1536}
MODELS = (
    _model("gpt-image-2.6-sunburst", "GPT Image 2.6 Sunburst"),
    _model("gpt-image-2.6-flare", "GPT Image 2.6 Flare"),
    _model("gpt-image-2.5-sunburst", "GPT Image 2.5 Sunburst", FINER),
    _model("gpt-image-2.5-flare", "GPT Image 2.5 Flare", FINER),
    _model("gpt-image-2", "GPT Image 2"),
    _model("gpt-image-1.5", "GPT Image 1.5", QUALITIES, FIDELITY, price=_price(0.034), **FEW),
    _model("gpt-image-1-mini", "GPT Image 1 mini", price=_price(0.011), **FEW),
    _model("chatgpt-image-latest", "ChatGPT Image", **FEW),
)


class OpenAI(Provider):
    """The models that are alive; DALL·E and GPT Image 1 are retired."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def most_at_once(self, model: Model) -> int:
        return MOST_AT_ONCE

    def check(self, wish: Wish) -> None:
        if wish.size is None or wish.model.sizes:
            return
        width, height = wish.size.width, wish.size.height
        if max(width, height) > MOST_RATIO * min(width, height):
            raise InvalidRequest("OpenAI draws shapes from 1:3 to 3:1. Choose another size, or crop the picture.", "size")
        if width * height > MOST_PIXELS:
            raise InvalidRequest("OpenAI draws at most as many pixels as 3840x2160 has. Choose a smaller size.", "size")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        headers = {"authorization": f"Bearer ${KEY}"}
        said = {"model": wish.name, "prompt": wish.prompt, "n": wish.count, **_size(wish), **wish.options}
        if wish.image is None:
            return Call(url=f"{self.about.url}/images/generations", headers=headers, json=said)
        return Call(url=f"{self.about.url}/images/edits", headers=headers, form=said | _pictures(wish, wish.image))

    def read(self, answer: Answer, wish: Wish) -> Reply:
        values = json_object(answer)
        told = {name: values[name] for name in ("usage", "quality", "size") if values.get(name)}
        words = [entry["revised_prompt"] for entry in values["data"] if entry.get("revised_prompt")]
        return replace(reply_of_data(answer), told=told | ({"revised_prompt": words[0]} if words else {}))

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/models", headers={"authorization": f"Bearer ${KEY}"})

    def read_test(self, answer: Answer) -> str:
        names = [str(entry.get("id")) for entry in json_object(answer).get("data", [])]
        return f"The key is good: {sum('image' in name for name in names)} image models. OpenAI tells no balance."

    def failure(self, answer: Answer) -> StudioError | None:
        code = _code(answer) if answer.status >= 400 else ""
        if code in NO_CREDIT:
            return no_credit(self.about.title)
        if code == "moderation_blocked":
            return Moderated("OpenAI's filter refused the request. Change the prompt or the picture it starts from.")
        return None


def _code(answer: Answer) -> str:
    body = json_of(answer)
    error = body.get("error") if isinstance(body, Mapping) else None
    return str(error.get("code") or error.get("type") or "") if isinstance(error, Mapping) else ""


def _canvas(wish: Wish) -> Size | None:
    """The size to ask for: one of the model's, or the wish's own."""
    return wish.model.size_of_shape(wish.size) if wish.size and wish.model.sizes else wish.size


def _size(wish: Wish) -> dict[str, str]:
    size = _canvas(wish)
    return {"size": str(size)} if size else {}


def _pictures(wish: Wish, image: Image.Image) -> dict[str, Any]:
    """The picture, and the mask of its size; both in the size that is asked for."""
    canvas, mask = _canvas(wish), wish.mask
    if mask is None or canvas is None:
        return {"image": attached(image, "file", most=MOST_PICTURE)}
    if canvas != Size(*image.size):
        image, mask = laid(image, mask, canvas)
    hard = mask.point(lambda value: 255 if value else 0)  # half see-through is said to be nothing
    return {
        "image": attached(image, "file", most=MOST_PICTURE),
        "mask": clear_is_edit(hard, Image.new("RGB", hard.size), "file"),
    }
