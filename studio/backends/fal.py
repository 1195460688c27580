"""fal (https://fal.ai/docs, each model's /llms.txt): hundreds of endpoints behind one queue, see `_hosted/fal_queue.py`.

Masks: white is edit by convention, said by no specification; z-image calls the mask `mask_image_url`. `strength` is ours.
Pictures go as data URIs. Moderation: 422 with a type at the result's address, `has_nsfw_concepts`, black pictures.
Traps: a queued request that the model refuses still counts as completed. New accounts run two requests at once, further ones
wait in the queue. Unchecked: the exact types, the reply to a cancel, `models/pricing` as a test of the key, and every price
but the one with a date. The address and further endpoints can be set in `<data>/providers/fal.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.backends._hosted import fal_queue
from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.models import describe
from studio.backends._hosted.options import YES_NO
from studio.backends._hosted.polled import same_host
from studio.backends._hosted.provider import About, Call, Provider, Reply, Ticket, Wish
from studio.core.errors import StudioError
from studio.core.hosting import Limit
from studio.core.model import Model, Option
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "FAL_KEY"
ABOUT = About(
    name="fal",
    title="fal",
    site="https://fal.ai",
    url="https://queue.fal.run",
    keys=(KEY,),
    evidence="documented",
    hosts=("fal.media", "*.fal.media"),
    limit=Limit(at_once=4, per_minute=240),  # documented: two run at once on a new account, the queue holds the rest
    poll_seconds=0.7,
)
PLATFORM = ("//queue.fal.run", "//api.fal.ai")
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
FILLING = (INPAINT, OUTPAINT)
CANNOT = {
    T2I: "this endpoint fills a mask only; choose one that draws from words",
    I2I: "this endpoint takes no picture to start from; choose FLUX.1 dev",
    INPAINT: "this endpoint takes no mask; choose one that fills",
    OUTPAINT: "this endpoint takes no mask; choose one that fills",
}
SAFETY = Option(name="enable_safety_checker", title="Safety checker", choices=YES_NO)
SDXL_FILL = "diffusers/stable-diffusion-xl-1.0-inpainting-0.1"
BASE_MODEL = Option(name="model_name", title="Base model", default=SDXL_FILL)


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Fal, ABOUT)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    cannot = {task: why for task, why in CANNOT.items() if task not in tasks}
    own: dict[str, Any] = {"max_side": 1536, "cannot": cannot, "options": (SAFETY,), "needs_prompt": (T2I, I2I, INPAINT)}
    return describe("fal", name, title, tasks, takes, **{**own, **more})


def _price(picture: float, date: str = "") -> Price:
    source = "fal.ai" if date else "fal.ai, not checked"
    return Price(picture=picture, megapixel=picture, date=date, source=source, varies=not date)


DRAWING = ("seed", "steps", "guidance_scale")
CHANGING = (*DRAWING, "strength")
FLUX: dict[str, Any] = {"default_steps": 28, "default_guidance_scale": 3.5}
SDXL: dict[str, Any] = {"default_steps": 25, "default_guidance_scale": 7.5, "multiple_of": 8}
MODELS = (
    _model("fal-ai/flux/dev", "FLUX.1 dev", (T2I, I2I), CHANGING, price=_price(0.025), **FLUX),
    _model("fal-ai/flux/schnell", "FLUX.1 schnell", (T2I,), ("seed", "steps"), default_steps=4, price=_price(0.003)),
    _model("fal-ai/flux-lora", "FLUX.1 dev with LoRA", (T2I, I2I), CHANGING, price=_price(0.035), **FLUX),
    _model("fal-ai/flux-lora/inpainting", "FLUX.1 dev inpainting", FILLING, CHANGING,
           price=_price(0.035, "2026-11-23"), **FLUX),
    _model("fal-ai/flux-krea-lora/inpainting", "FLUX.1 Krea inpainting", FILLING, CHANGING, price=_price(0.035), **FLUX),
    _model("fal-ai/flux-pro/v1/fill", "FLUX.1 Fill pro", FILLING, ("seed",), price=_price(0.05), options=()),
    _model("fal-ai/fast-sdxl/inpainting", "SDXL inpainting", FILLING, (*CHANGING, "negative_prompt"), **SDXL),
    _model("fal-ai/inpaint", "Stable Diffusion inpainting", FILLING, (*DRAWING, "negative_prompt"), options=(BASE_MODEL,),
           **{**SDXL, "default_steps": 30}),
    _model("fal-ai/z-image/turbo/inpaint", "Z-Image turbo inpainting", FILLING, ("seed", "steps", "strength"),
           default_steps=8),
)  # fmt: skip
FROM_A_PICTURE = {
    "fal-ai/flux/dev": "fal-ai/flux/dev/image-to-image",
    "fal-ai/flux-lora": "fal-ai/flux-lora/image-to-image",
}
"""Models of which image to image is an endpoint of its own."""
SIZED = ("fal-ai/flux-lora/", "fal-ai/flux-krea-lora/", "fal-ai/fast-sdxl/")
"""Endpoints that take `image_size` beside a picture, and would draw another shape without it."""


class Fal(Provider):
    """Any endpoint with a prompt; the user's own list extends ours."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        endpoint = FROM_A_PICTURE.get(wish.name, wish.name) if wish.task == I2I else wish.name
        mask_word = "mask_image_url" if "z-image" in endpoint else "mask_url"
        sized = wish.image is None or endpoint.startswith(SIZED)
        body = fal_queue.input_of(wish, mask_word=mask_word, sized=sized)
        return Call(url=f"{self.about.url}/{endpoint}", headers=self._headers(), json=body)

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        return fal_queue.submitted(answer, lambda url: same_host(url, self.about.url))

    def look(self, ticket: Ticket) -> Call:
        return fal_queue.look_at(ticket, self._headers())

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        return fal_queue.read_look(answer, ticket, self.about.title)

    def cancel(self, ticket: Ticket | None) -> Call | None:
        return fal_queue.cancel_of(ticket, self._headers()) if ticket else None

    def test(self) -> Call:
        url = f"{self.about.url.replace(*PLATFORM)}/v1/models/pricing?endpoint_id={MODELS[0].id.partition(':')[2]}"
        return Call(method="GET", url=url, headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        body = json_of(answer)
        prices = body.get("prices") if isinstance(body, dict) else None
        told = prices[0] if isinstance(prices, list) and prices and isinstance(prices[0], dict) else {}
        if "unit_price" not in told:
            return "The key is good. fal tells no balance."
        return f"The key is good: {MODELS[0].title} costs ${told['unit_price']} per {told.get('unit', 'picture')}."

    def failure(self, answer: Answer) -> StudioError | None:
        return fal_queue.failure_of(answer, self.about.title)

    @property
    def field_names(self) -> Mapping[str, str]:
        return {"mask_image_url": "mask", "num_images": "count"}

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Key ${KEY}"}
