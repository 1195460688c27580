"""Hugging Face Inference Providers (https://huggingface.co/docs/inference-providers, source of huggingface_hub 2.4).

One router, one token, several providers: a model's name begins with the provider's, such as `fal-ai/fal-ai/flux/dev`. The
router passes each provider's own shape through under an address of its own, so these are the shared shapes:

hf-inference   JSON in, the picture's bytes out; image to image has the picture in `inputs`, without a strength
fal-ai         fal's queue; addresses in its answers are fal's, where the token is worth nothing, so only their path is used
replicate      predictions, waited for a minute by `Prefer: wait`, then looked at by their id
together       the OpenAI shape with base64

No masks anywhere. `strength` is ours, and fal's endpoints alone take one. Moderation is that of each provider.
Traps: 402 comes once the month's included credits are used up; prices are those of the provider.
Unchecked: which models each provider serves today (the model's page tells), looking and cancelling by way of the router.
The address and further models can be set in `<data>/providers/huggingface.toml`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from studio.backends._hosted import fal_queue
from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.direct import reply_of_bytes
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.openai_style import reply_of_data
from studio.backends._hosted.pictures import attached
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.predictions import cancel_of, look_at, read_prediction
from studio.backends._hosted.provider import About, Call, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, StudioError
from studio.core.model import Model
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "HF_TOKEN"
ABOUT = About(
    name="huggingface",
    title="Hugging Face",
    site="https://huggingface.co/inference/models",
    url="https://router.huggingface.co",
    keys=(KEY,),
    evidence="official",
    hosts=("fal.media", "*.fal.media", "replicate.delivery", "*.replicate.delivery"),
)
HUB = ("//router.huggingface.co", "//huggingface.co")
"""The key is tested at the hub itself."""
OWN, FAL, REPLICATE, TOGETHER = ROUTES = ("hf-inference", "fal-ai", "replicate", "together")
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
NO_MASK = "Hugging Face's router takes no masks; choose another provider's model that fills"
CANNOT = {
    T2I: "this model needs a picture to start from; choose one that draws from words",
    I2I: "this model takes no picture to start from here; choose one that does",
    INPAINT: NO_MASK,
    OUTPAINT: NO_MASK,
}


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, HuggingFace, ABOUT)


def _model(name: str, title: str, task: str, takes: tuple[str, ...], **more: Any) -> Model:
    cannot = {each: why for each, why in CANNOT.items() if each != task}
    return describe("huggingface", name, f"{title} ({name.partition('/')[0]})", (task,), takes,
                    **{"max_side": 1536, "cannot": cannot, **more})  # fmt: skip


GUIDED = ("steps", "guidance_scale", "negative_prompt")
FLUX: dict[str, Any] = {"default_steps": 28, "default_guidance_scale": 3.5}
MODELS = (
    _model(f"{OWN}/black-forest-labs/FLUX.1-schnell", "FLUX.1 schnell", T2I, ("seed", "steps"), default_steps=4),
    _model(f"{OWN}/stabilityai/stable-diffusion-xl-base-1.0", "SDXL", T2I, ("seed", *GUIDED), default_steps=25,
           default_guidance_scale=7.5, multiple_of=8),
    _model(f"{OWN}/stabilityai/stable-diffusion-xl-refiner-1.0", "SDXL refiner", I2I, GUIDED, default_steps=25,
           default_guidance_scale=7.5, multiple_of=8),
    _model(f"{FAL}/fal-ai/flux/dev", "FLUX.1 dev", T2I, ("seed", "steps", "guidance_scale"), **FLUX),
    _model(f"{FAL}/fal-ai/flux/dev/image-to-image", "FLUX.1 dev from a picture", I2I,
           ("seed", "steps", "guidance_scale", "strength"), **FLUX),
    _model(f"{REPLICATE}/black-forest-labs/flux-schnell", "FLUX.1 schnell", T2I, ("seed", "steps"), default_steps=4,
           sizes=shapes(RATIOS)),
    _model(f"{TOGETHER}/black-forest-labs/FLUX.1-schnell", "FLUX.1 schnell", T2I, ("seed", "steps"), default_steps=4),
    _model(f"{TOGETHER}/black-forest-labs/FLUX.1-kontext-pro", "FLUX.1 Kontext pro", I2I, ("seed", "steps"),
           default_steps=28),
)  # fmt: skip


class HuggingFace(Provider):
    """Any model that one of the four providers serves by way of the router."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        route, _ = _parted(wish)
        if route not in ROUTES:
            raise InvalidRequest(f"A model's name here begins with one of {', '.join(ROUTES)}. Mend {wish.name}.", "model")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        route, model = _parted(wish)
        base, headers = f"{self.about.url}/{route}", self._headers()
        if route == FAL:
            body = fal_queue.input_of(wish, sized=wish.image is None)
            return Call(url=f"{base}/{model}?_subdomain=queue", headers=headers, json=body)
        if route == REPLICATE:
            headers |= {"prefer": "wait"}
            return Call(url=f"{base}/v1/models/{model}/predictions", headers=headers, json={"input": _for_replicate(wish)})
        if route == TOGETHER:
            return Call(url=f"{base}/v1/images/generations", headers=headers, json=_for_together(wish, model))
        return Call(url=f"{base}/models/{model}", headers=headers, json=_for_own(wish))

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        route, _ = _parted(wish)
        if route == FAL:
            return _with_route(fal_queue.submitted(answer, self._by_router), FAL)
        if route == REPLICATE:
            return self._prediction(answer, wish)
        return reply_of_data(answer) if route == TOGETHER else reply_of_bytes(answer)

    def look(self, ticket: Ticket) -> Call:
        if ticket.values["route"] == FAL:
            return fal_queue.look_at(ticket, self._headers())
        return look_at(ticket, f"{self.about.url}/{REPLICATE}/v1", self._headers())

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        if ticket.values["route"] == FAL:
            return fal_queue.read_look(answer, ticket, self.about.title)
        return self._prediction(answer, wish)

    def cancel(self, ticket: Ticket | None) -> Call | None:
        if ticket is None:
            return None
        if ticket.values["route"] == FAL:
            return fal_queue.cancel_of(ticket, self._headers())
        return cancel_of(ticket, f"{self.about.url}/{REPLICATE}/v1", self._headers())

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url.replace(*HUB)}/api/whoami-v2", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        return f"The token is good: account {json_object(answer).get('name', 'unnamed')}. Hugging Face tells no balance."

    def failure(self, answer: Answer) -> StudioError | None:
        return fal_queue.failure_of(answer, self.about.title)

    def _prediction(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        """Without Replicate's own addresses: they take no Hugging Face token, the router's are made from the id."""
        values = {name: value for name, value in json_object(answer).items() if name != "urls"}
        plain = replace(answer, body=json.dumps(values).encode())
        found = read_prediction(plain, self.about.title, self.about.url, wish.seed)
        return found if isinstance(found, Reply) else _with_route(found, REPLICATE)

    def _by_router(self, url: str) -> str:
        return f"{self.about.url}/{FAL}{urlsplit(url).path}?_subdomain=queue"

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}


def _parted(wish: Wish) -> tuple[str, str]:
    """The provider's name, and its own name of the model."""
    route, _, model = wish.name.partition("/")
    return route, model


def _with_route(ticket: Ticket, route: str) -> Ticket:
    return replace(ticket, values={**ticket.values, "route": route})


def _said(wish: Wish, steps: str = "num_inference_steps") -> dict[str, Any]:
    """What all four call alike, but for the steps."""
    values = {
        "seed": wish.seed,
        steps: wish.steps,
        "guidance_scale": wish.guidance_scale,
        "negative_prompt": wish.negative_prompt or None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _size(wish: Wish) -> dict[str, int]:
    return {"width": wish.size.width, "height": wish.size.height} if wish.size else {}


def _for_own(wish: Wish) -> dict[str, Any]:
    if wish.image is None:
        return {"inputs": wish.prompt, "parameters": _said(wish) | _size(wish)}
    parameters = {"prompt": wish.prompt, **_said(wish), "target_size": _size(wish)}
    return {"inputs": attached(wish.image, "base64"), "parameters": parameters}


def _for_replicate(wish: Wish) -> dict[str, Any]:
    """Models name the picture differently; like the official client, all their names are sent."""
    body = {"prompt": wish.prompt, **_said(wish)}
    if wish.image is not None:
        file = attached(wish.image)
        return body | {"image": file, "images": [file], "input_image": file, "input_images": [file]}
    return body | ({"aspect_ratio": nearest(RATIOS, wish.size)} if wish.size else {})


def _for_together(wish: Wish, model: str) -> dict[str, Any]:
    """Kontext of FLUX.1 takes `image_url`, everything else `reference_images`."""
    body = {"model": model, "prompt": wish.prompt, "response_format": "base64", **_said(wish, "steps"), **_size(wish)}
    if wish.image is None:
        return body
    kontext = "kontext" in model.lower() and "flux.1" in model.lower()
    return body | ({"image_url": attached(wish.image)} if kontext else {"reference_images": [attached(wish.image)]})
