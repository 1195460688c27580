"""AI/ML API (https://docs.aimlapi.com; their OpenAPI file of each model): one address, and every upstream's own words.

`DIALECTS` says what a model calls our fields: how many, the size, the picture it starts from, its seeds. Strength has our
sense: 0 is the picture, 1 ignores it. Masks are for GPT Image alone, sent as JSON to another address: a PNG that is
transparent where it may change. Answers come in three shapes. Status 403 means no credit as often as no permission. What a
picture cost stands in `x-aimlapi-usd-spent` or in `meta.usage`. Filters are the upstreams': an error in words, or a black
picture.

Unverified: hosts of results other than cdn.aimlapi.com, how large pictures may be, and whether pictures may be data URIs
everywhere; `hosts` and `models` in `<data>/providers/aimlapi.toml` correct it. Models added there are spoken to as FLUX is
(`image_size`, `image_url`), or as GPT Image if their name begins with `openai/`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from PIL import Image

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import words_of
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.openai_style import reply_of_data
from studio.backends._hosted.pictures import attached, clear_is_edit, laid
from studio.backends._hosted.polled import json_object, number_of, sounds_like_moderation
from studio.backends._hosted.provider import About, Call, Provider, Reply, Wish
from studio.core.errors import InvalidRequest, Moderated, Rejected, StudioError
from studio.core.model import Model, Option
from studio.core.request import MAX_SEED, ImageToImage, Inpaint, Outpaint, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "AIMLAPI_API_KEY"
ABOUT = About(
    name="aimlapi",
    title="AI/ML API",
    site="https://aimlapi.com",
    url="https://api.aimlapi.com",
    keys=(KEY,),
    evidence="official",
    hosts=("cdn.aimlapi.com", "*.aimlapi.com", "*.fal.media"),
    read_seconds=240,
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
EVERYTHING = (T2I, I2I, INPAINT, OUTPAINT)
NO_MASK = "this model takes no mask; choose GPT Image"
FROM_WORDS = "this model draws from words alone; choose one that edits"
FROM_PICTURE = "this model needs a picture to start from"
FIVE = ("1:1", "16:9", "9:16", "4:3", "3:4")
NINE = ("1:1", "21:9", "16:9", "4:3", "3:2", "2:3", "3:4", "9:16", "9:21")
THREE = (Size(1024, 1024), Size(1536, 1024), Size(1024, 1536))
MOST_INT = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a model calls our fields; empty where it has none. `most` pictures a call; `fixed` goes with every call."""

    count: str = "num_images"
    size: str = "image_size"
    picture: str = ""
    ratios: tuple[str, ...] = ()
    seeds: tuple[int, int] = (1, MAX_SEED)
    most: int = 1
    fixed: Mapping[str, Any] = field(default_factory=dict)


PNG, BASE64 = {"output_format": "png"}, {"response_format": "b64_json"}
FLUX = Dialect(fixed=PNG)
FLUX_URL, FLUX_URLS = replace(FLUX, picture="image_url"), replace(FLUX, picture="image_urls")
KONTEXT = replace(FLUX, size="aspect_ratio", ratios=NINE)
QWEN = replace(FLUX, seeds=(0, MOST_INT))
GOOGLE = Dialect(size="aspect_ratio", ratios=FIVE, seeds=(0, MAX_SEED), most=4)
GPT = Dialect(size="size", picture="image", fixed=PNG | BASE64)
SEEDREAM = Dialect(picture="image_urls", seeds=(0, MOST_INT), fixed=BASE64)
GROK = Dialect(count="n", size="aspect_ratio", ratios=FIVE, most=10, fixed=BASE64)
SHARPNESS = Option(name="resolution", title="Resolution", choices=("1K", "2K", "4K"))
GPT_OPTIONS = (
    Option(name="quality", title="Quality", choices=("low", "medium", "high")),
    Option(name="background", title="Background", choices=("opaque", "auto"), default="opaque"),
    Option(name="moderation", title="Moderation", choices=("auto", "low"), tasks=(T2I,)),
)
SEED, GUIDED, FREE_HAND = ("seed",), ("seed", "guidance_scale"), ("seed", "steps", "guidance_scale")
NEGATIVE = (*FREE_HAND, "negative_prompt")
Row = tuple[str, str, tuple[str, ...], tuple[str, ...], Dialect, dict[str, Any]]
TABLE: tuple[Row, ...] = (
    ("blackforestlabs/flux-2", "FLUX.2 dev", (T2I,), FREE_HAND, FLUX, {"default_steps": 28, "default_guidance_scale": 2.5}),
    ("blackforestlabs/flux-2-edit", "FLUX.2 dev, edit", (I2I,), FREE_HAND, FLUX_URLS,
     {"default_steps": 28, "default_guidance_scale": 2.5}),
    ("blackforestlabs/flux-2-pro", "FLUX.2 pro", (T2I,), SEED, FLUX, {}),
    ("blackforestlabs/flux-2-pro-edit", "FLUX.2 pro, edit", (I2I,), SEED, FLUX_URLS, {}),
    ("blackforestlabs/flux-2-max", "FLUX.2 max", (T2I,), SEED, FLUX, {}),
    ("flux/kontext-max/text-to-image", "FLUX.1 Kontext max", (T2I,), GUIDED, KONTEXT, {"default_guidance_scale": 3.5}),
    ("flux/kontext-max/image-to-image", "FLUX.1 Kontext max, edit", (I2I,), GUIDED, replace(KONTEXT, picture="image_url"),
     {"default_guidance_scale": 3.5}),
    ("flux/dev/image-to-image", "FLUX.1 dev, from a picture", (I2I,), ("guidance_scale", "strength"),
     replace(FLUX_URL, fixed={}), {"default_guidance_scale": 3.5, "max_side": 1536}),
    ("flux/srpo", "FLUX.1 SRPO", (T2I,), FREE_HAND, FLUX,
     {"default_steps": 28, "default_guidance_scale": 4.5, "max_side": 1536}),
    ("flux/srpo/image-to-image", "FLUX.1 SRPO, from a picture", (I2I,), (*FREE_HAND, "strength"),
     replace(FLUX_URL, size=""), {"default_steps": 40, "default_guidance_scale": 4.5, "max_side": 1536}),
    ("alibaba/qwen-image-3", "Qwen Image 3", (T2I,), ("seed", "negative_prompt"), QWEN, {}),
    ("alibaba/qwen-image-3-edit", "Qwen Image 3, edit", (I2I,), ("seed", "negative_prompt"),
     replace(QWEN, picture="image_urls"), {}),
    ("alibaba/z-image-turbo", "Z-Image turbo", (T2I,), ("seed", "steps"), FLUX, {"default_steps": 8}),
    ("bytedance/seedream-4-5", "Seedream 4.5", (T2I, I2I), SEED, SEEDREAM,
     {"default_size": Size(2048, 2048), "max_side": 4096}),
    ("stable-diffusion-v35-large", "Stable Diffusion 3.5 Large", (T2I,), NEGATIVE, FLUX,
     {"default_steps": 50, "default_guidance_scale": 4.5, "max_side": 1536}),
    ("hunyuan/hunyuan-image-v3-text-to-image", "Hunyuan Image 3", (T2I,), NEGATIVE, FLUX,
     {"default_steps": 28, "default_guidance_scale": 7.5}),
    ("google/imagen-4.0-generate-001", "Imagen 4", (T2I,), SEED, GOOGLE, {}),
    ("google/nano-banana-pro", "Nano Banana Pro", (T2I,), (), GOOGLE, {"options": (SHARPNESS,)}),
    ("google/gemini-3-pro-image-edit", "Gemini 3 Pro Image, edit", (I2I,), (), replace(GOOGLE, picture="image_urls"),
     {"options": (SHARPNESS,)}),
    ("x-ai/grok-imagine-image", "Grok Imagine", (T2I,), (), GROK, {}),
    ("openai/gpt-image-2", "GPT Image 2", EVERYTHING, (), GPT, {"sizes": THREE, "max_side": 1536, "options": GPT_OPTIONS}),
)  # fmt: skip
"""Name, title, tasks, what it takes, its dialect, and what else differs."""
DIALECTS = {name: dialect for name, _, _, _, dialect, _ in TABLE}
MOST_STEPS = {"alibaba/z-image-turbo": 8}


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, AimlApi, ABOUT)


def _model(row: Row) -> Model:
    name, title, tasks, takes, dialect, more = row
    reasons = {T2I: FROM_PICTURE, I2I: FROM_WORDS, INPAINT: NO_MASK, OUTPAINT: NO_MASK}
    cannot = {kind: reason for kind, reason in reasons.items() if kind not in tasks}
    sizes = shapes(dialect.ratios)
    return describe("aimlapi", name, title, tasks, takes, **{"cannot": cannot, "sizes": sizes, **more})


MODELS = tuple(map(_model, TABLE))


class AimlApi(Provider):
    """A choice of their models; the user's own list extends it."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def most_at_once(self, model: Model) -> int:
        return _dialect(model.id.partition(":")[2]).most

    def check(self, wish: Wish) -> None:
        dialect = _dialect(wish.name)
        if wish.mask is not None and dialect.picture != "image":
            raise InvalidRequest("This model of AI/ML API takes no mask. Choose GPT Image.", "model")
        low, high = dialect.seeds
        if wish.seed is not None and not low <= wish.seed <= high:
            raise InvalidRequest(f"This model takes seeds from {low} to {high}. Choose another seed.", "seed")
        most = MOST_STEPS.get(wish.name, 50)
        if wish.steps is not None and wish.steps > most:
            raise InvalidRequest(f"This model takes at most {most} steps. Lower them.", "steps")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        dialect = _dialect(wish.name)
        said = {
            "negative_prompt": wish.negative_prompt or None,
            "seed": wish.seed,
            "num_inference_steps": wish.steps,
            "guidance_scale": wish.guidance_scale,
            "strength": wish.strength,
            dialect.count: wish.count if wish.count > 1 else None,
        }
        body = {"model": wish.name, "prompt": wish.prompt, **dialect.fixed, **wish.options, **_size(wish, dialect)}
        body |= {name: value for name, value in said.items() if value is not None}
        edits = wish.image is not None and dialect.picture == "image"
        return Call(
            url=f"{self.about.url}/v1/images/{'edits' if edits else 'generations'}",
            headers=self._headers() | {"x-client-request-id": uuid.uuid4().hex},
            json=body | (_pictures(wish, wish.image, dialect) if wish.image is not None else {}),
        )

    def read(self, answer: Answer, wish: Wish) -> Reply:
        reply = replace(reply_of_data(answer), request_id=answer.headers.get("x-inference-id", ""))
        return replace(reply, cost=_cost(answer), cost_source="provider")

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/v2/billing", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        return f"The key is good: ${float(json_object(answer)['current_balance']):.2f} left."

    def failure(self, answer: Answer) -> StudioError | None:
        if answer.status < 400:
            return None
        if answer.status in (400, 403, 422) and sounds_like_moderation(words_of(json_of(answer))[0]):
            return Moderated("AI/ML API's filter refused the request. Change the prompt or the picture it starts from.")
        if answer.status == 403:
            return Rejected(
                "AI/ML API refused the request (403): your account has no credit left, or your plan does not allow this. "
                "Add credit there, or choose another model."
            )
        return None

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}


def _cost(answer: Answer) -> float | None:
    """Dollars, by the header or the body; an odd figure is no figure."""
    try:
        return float(answer.headers["x-aimlapi-usd-spent"])
    except (KeyError, ValueError):
        meta = json_object(answer).get("meta")
        usage = meta.get("usage") if isinstance(meta, Mapping) else None
        return number_of(usage, "usd_spent") if isinstance(usage, Mapping) else None


def _dialect(name: str) -> Dialect:
    return DIALECTS.get(name) or (GPT if name.startswith("openai/") else FLUX_URL)


def _canvas(wish: Wish) -> Size | None:
    return wish.model.size_of_shape(wish.size) if wish.size and wish.model.sizes else wish.size


def _size(wish: Wish, dialect: Dialect) -> dict[str, Any]:
    size = _canvas(wish)
    if size is None or not dialect.size:
        return {}
    if dialect.ratios:
        return {dialect.size: nearest(dialect.ratios, size)}
    return {dialect.size: str(size) if dialect.size == "size" else {"width": size.width, "height": size.height}}


def _pictures(wish: Wish, image: Image.Image, dialect: Dialect) -> dict[str, Any]:
    """The picture by the model's name of it, and the mask of its size."""
    mask, canvas = wish.mask, _canvas(wish)
    if mask is None or canvas is None:
        picture = attached(image)
        return {dialect.picture: [picture] if dialect.picture == "image_urls" else picture}
    if canvas != Size(*image.size):
        image, mask = laid(image, mask, canvas)
    hard = mask.point(lambda value: 255 if value else 0)  # half see-through is said to be nothing
    return {"image": attached(image), "mask": clear_is_edit(hard, Image.new("RGB", hard.size))}
