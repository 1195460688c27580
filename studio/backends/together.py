"""Together AI (https://docs.together.ai/reference/post-images-generations; their OpenAPI file and SDK): JSON in, base64 out.

No masks and no strength: a picture is only a reference, so changing one means describing the change. A picture comes as
base64, asked for as `base64` and answered as `b64_json`; their picture host refuses readers without a name. No answer
tells the seed or a filter: a refusal that sounds like one counts as one. schnell and Kontext take an aspect ratio, the
others pixels. Unverified: which aspect ratios they take, whether the pro models heed the seed, and the hosts of results;
`hosts` and `models` in `<data>/providers/together.toml` correct it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import words_of
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.openai_style import reply_of_data
from studio.backends._hosted.pictures import attached
from studio.backends._hosted.polled import sounds_like_moderation
from studio.backends._hosted.provider import About, Call, Provider, Reply, Wish
from studio.core.errors import InvalidRequest, Moderated, StudioError
from studio.core.model import Model
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "TOGETHER_API_KEY"
ABOUT = About(
    name="together",
    title="Together AI",
    site="https://api.together.ai",
    url="https://api.together.ai/v1",
    keys=(KEY,),
    evidence="official",
    hosts=("api.together.ai", "*.together.ai", "*.together.xyz"),
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
NO_MASK = "Together AI takes no masks; choose another provider"
NO_REFERENCE = "this model takes no picture; choose a Kontext or FLUX.2 model"
MOST_AT_ONCE = 4
LONGEST_PAUSE = 3600.0


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Together, ABOUT)


def _model(name: str, title: str, takes: tuple[str, ...], *, picture: bool = False, **more: Any) -> Model:
    cannot = {INPAINT: NO_MASK, OUTPAINT: NO_MASK} | ({} if picture else {I2I: NO_REFERENCE})
    own: dict[str, Any] = {"multiple_of": 8, "max_side": 1440, "cannot": cannot}
    tasks = (T2I, I2I) if picture else (T2I,)
    return describe("together", f"black-forest-labs/{name}", title, tasks, takes, **{**own, **more})


def _price(picture: float, megapixel: float = 0.0) -> Price:
    return Price(picture=picture, megapixel=megapixel, source="together.ai/pricing, not checked", varies=True)


FREE_HAND = ("seed", "steps", "guidance_scale")
MODELS = (
    _model("FLUX.1-schnell", "FLUX.1 schnell", ("seed", "steps"), sizes=shapes(RATIOS), default_steps=4,
           price=_price(0.0027)),
    _model("FLUX.1.1-pro", "FLUX 1.1 pro", ("seed",), price=_price(0.04, 0.04)),
    _model("FLUX.1-kontext-pro", "FLUX.1 Kontext pro", ("seed",), picture=True, sizes=shapes(RATIOS), price=_price(0.04)),
    _model("FLUX.1-kontext-max", "FLUX.1 Kontext max", ("seed",), picture=True, sizes=shapes(RATIOS), price=_price(0.08)),
    _model("FLUX.2-pro", "FLUX.2 pro", ("seed",), picture=True),
    _model("FLUX.2-dev", "FLUX.2 dev", FREE_HAND, picture=True, default_steps=28, default_guidance_scale=3.5),
    _model("FLUX.2-flex", "FLUX.2 flex", FREE_HAND, picture=True, default_steps=28, default_guidance_scale=3.5),
    _model("FLUX.2-max", "FLUX.2 max", ("seed",)),
)  # fmt: skip
SHAPED = ("FLUX.1-schnell", "FLUX.1-kontext-")
"""Models that take an aspect ratio in place of pixels."""
LISTED = ("FLUX.2-dev",)
"""Models that take their picture as `reference_images` alone."""


class Together(Provider):
    """Their serverless image models; the user's own list extends ours."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def most_at_once(self, model: Model) -> int:
        return MOST_AT_ONCE

    def check(self, wish: Wish) -> None:
        if wish.mask is not None:
            raise InvalidRequest("Together AI takes no masks. Choose another provider's model.", "model")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        said = {
            "model": wish.name,
            "prompt": wish.prompt,
            "negative_prompt": wish.negative_prompt or None,
            "seed": wish.seed,
            "steps": wish.steps,
            "guidance_scale": wish.guidance_scale,
            "n": wish.count,
            "response_format": "base64",
            "output_format": "png",
        }
        body = {name: value for name, value in said.items() if value is not None}
        return Call(
            url=f"{self.about.url}/images/generations", headers=self._headers(), json=body | _size(wish) | _picture(wish)
        )

    def read(self, answer: Answer, wish: Wish) -> Reply:
        return reply_of_data(answer)

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/models", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        entries = json_of(answer)
        pictures = [entry for entry in entries if entry.get("type") == "image"] if isinstance(entries, list) else []
        return f"The key is good: {len(pictures)} image models. Together AI tells no balance."

    def failure(self, answer: Answer) -> StudioError | None:
        words, _ = words_of(json_of(answer))
        if answer.status in (400, 422) and sounds_like_moderation(words):
            return Moderated("Together AI's filter refused the request. Change the prompt or the picture it starts from.")
        return None

    def pause(self, answer: Answer) -> float | None:
        """`x-ratelimit-reset` is the pause that they suggest, in seconds."""
        told = answer.headers.get("x-ratelimit-reset", "")
        if answer.headers.get("retry-after") or not told.replace(".", "", 1).isdigit():
            return None
        return float(told) if float(told) <= LONGEST_PAUSE else None

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}


def _size(wish: Wish) -> dict[str, Any]:
    if wish.size is None:
        return {}
    if wish.name.rpartition("/")[2].startswith(SHAPED):
        return {"aspect_ratio": nearest(RATIOS, wish.size)}
    return {"width": wish.size.width, "height": wish.size.height}


def _picture(wish: Wish) -> dict[str, Any]:
    if wish.image is None:
        return {}
    picture = attached(wish.image)
    return {"reference_images": [picture]} if wish.name.endswith(LISTED) else {"image_url": picture}
