"""Fireworks AI (https://docs.fireworks.ai): three ways in one provider, by the model.

| models | way |
|---|---|
| flux-1-* | JSON in, JSON with base64 out; aspect ratios; seed 0 means any seed, so it is not sent |
| flux-kontext-* | submitted, then asked for by POST until it is ready, with Black Forest Labs' states and picture host |
| SDXL family | JSON in, or a form with the picture to start from; JSON with base64 out |

No masks. The SDXL family's `image_strength` is turned around: 1 is the picture, 0 ignores it; ours is 1 minus it. A filter
shows as `CONTENT_FILTERED` with status 200, or as Kontext's `Request Moderated` and `Content Moderated`. Their current SDK
has no pictures any more, so which models still answer is unverified: `models`, `hosts` and `url` in
`<data>/providers/fireworks.toml` correct it. A model of another account is named `account/model`. Also unverified: the call
that tests the key, and whether 412 means no credit.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.direct import FILTERED, reply_of_bytes
from studio.backends._hosted.failures import no_credit
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.pictures import attached
from studio.backends._hosted.polled import failed, json_object, number_of
from studio.backends._hosted.provider import About, Call, Made, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, Moderated, Rejected, StudioError
from studio.core.model import Model, Option
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "FIREWORKS_API_KEY"
ABOUT = About(
    name="fireworks",
    title="Fireworks AI",
    site="https://fireworks.ai",
    url="https://api.fireworks.ai/inference/v1",
    keys=(KEY,),
    evidence="documented",
    hosts=("*.bfl.ai", "*.fireworks.ai"),
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
RATIOS = ("1:1", "21:9", "16:9", "3:2", "5:4", "4:5", "2:3", "9:16", "9:21", "4:3", "3:4")
NO_MASK = "Fireworks AI takes no masks; choose another provider"
NO_PICTURE = "this model takes no picture; choose Kontext or an SDXL model"
CHECKED = Option(name="safety_check", title="Their safety check", choices=("on", "off"))
TOLERANT = Option(name="safety_tolerance", title="Tolerance, 0 strict to 6", kind="number", high=6)


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Fireworks, ABOUT)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    cannot = {INPAINT: NO_MASK, OUTPAINT: NO_MASK} | ({} if I2I in tasks else {I2I: NO_PICTURE})
    own: dict[str, Any] = {"cannot": cannot, "options": (CHECKED,), "sizes": shapes(RATIOS)}
    return describe("fireworks", name, title, tasks, takes, **{**own, **more})


def _price(picture: float) -> Price:
    return Price(picture=picture, source="fireworks.ai/pricing, not checked", varies=True)


FREE_HAND = ("seed", "steps", "guidance_scale")
XL = (*FREE_HAND, "negative_prompt", "strength")
MODELS = (
    _model("flux-1-schnell-fp8", "FLUX.1 schnell", (T2I,), FREE_HAND, default_steps=4, default_guidance_scale=3.5,
           price=_price(0.0014)),
    _model("flux-1-dev-fp8", "FLUX.1 dev", (T2I,), FREE_HAND, default_steps=28, default_guidance_scale=3.5,
           price=_price(0.014)),
    _model("flux-kontext-pro", "FLUX.1 Kontext pro", (T2I, I2I), ("seed",), options=(TOLERANT,), price=_price(0.04)),
    _model("flux-kontext-max", "FLUX.1 Kontext max", (T2I, I2I), ("seed",), options=(TOLERANT,), price=_price(0.08)),
    *(_model(name, title, (T2I, I2I), XL, sizes=(), multiple_of=64, max_side=1536, default_steps=30)
      for name, title in (("stable-diffusion-xl-1024-v1-0", "SDXL 1.0"), ("SSD-1B", "SSD-1B"),
                          ("playground-v2-1024px-aesthetic", "Playground v2"),
                          ("playground-v2-5-1024px-aesthetic", "Playground v2.5"),
                          ("japanese-stable-diffusion-xl", "Japanese SDXL"))),
)  # fmt: skip
SUBMITTED, RATIOED = "flux-kontext", "flux"
"""How the names of models begin that are submitted, and that take aspect ratios."""
ENDED_BADLY = ("Error", "Failed")
JSON_HEADERS = {"accept": "application/json", "json-return-image-accept": "image/png"}


class Fireworks(Provider):
    """FLUX workflows, Kontext and the older SDXL family."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        if wish.seed == 0:
            raise InvalidRequest("Fireworks AI takes seed 0 for any seed. Choose a seed from 1 on.", "seed")
        if wish.mask is not None:
            raise InvalidRequest("Fireworks AI takes no masks. Choose another provider's model.", "model")
        own_name = wish.name.rpartition("/")[2]
        if wish.image is not None and own_name.startswith(RATIOED) and not own_name.startswith(SUBMITTED):
            raise InvalidRequest("This FLUX model takes no picture. Choose Kontext or an SDXL model.", "model")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        address, name = self._address(wish.name), wish.name.rpartition("/")[2]
        if name.startswith(SUBMITTED):
            return Call(url=address, headers=self._headers(), json=_kontext(wish))
        headers = self._headers() | JSON_HEADERS
        if name.startswith(RATIOED):
            return Call(url=f"{address}/text_to_image", headers=headers, json=_flux(wish))
        if wish.image is not None:
            return Call(url=f"{address}/image_to_image", headers=headers, form=_from_picture(wish))
        return Call(url=address, headers=headers, json=_xl(wish) | _pixels(wish))

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        if answer.headers.get("content-type", "").startswith("image/"):
            return reply_of_bytes(answer)
        values = json.loads(answer.body)
        if wish.name.rpartition("/")[2].startswith(SUBMITTED):
            return Ticket(id=str(values["request_id"]), values={"url": f"{self._address(wish.name)}/get_result"})
        return _reply(values)

    def look(self, ticket: Ticket) -> Call:
        return Call(url=str(ticket.values["url"]), headers=self._headers(), json={"id": ticket.id})

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        values = json_object(answer)
        status, title = str(values.get("status", "")), self.about.title
        if status == "Request Moderated":
            raise Moderated(f"{title}'s filter refused the request. Change the prompt or the picture it starts from.")
        if status == "Content Moderated":
            return Reply(request_id=ticket.id, finish_reason=status, moderation="blocked_by_provider")
        if status == "Task not found":
            raise Rejected(f"{title} does not know the picture any more. Try again, which orders a new one.")
        if status in ENDED_BADLY:
            raise failed(title, str(values.get("details") or ""))
        if status != "Ready":
            return replace(ticket, progress=number_of(values, "progress"))
        result = values["result"]
        seed = result.get("seed")
        made = Made(data=str(result["sample"]), seed=seed if isinstance(seed, int) else None)
        return Reply(made=(made,), request_id=ticket.id, finish_reason=status)

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/models", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        return "The key is good. Fireworks AI tells no balance."

    def failure(self, answer: Answer) -> StudioError | None:
        return no_credit(self.about.title) if answer.status == 412 else None

    def _address(self, name: str) -> str:
        account, _, model = name.rpartition("/")
        family = "workflows" if model.startswith(RATIOED) else "image_generation"
        return f"{self.about.url}/{family}/accounts/{account or 'fireworks'}/models/{model}"

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}


def _reply(values: Any) -> Reply:
    """`{id, base64: [...], finishReason, seed}` of the workflows, or `[{base64, finishReason, seed}]` of the SDXL family."""
    entries = values if isinstance(values, list) else [{**values, "base64": text} for text in values["base64"]]
    reasons = [str(entry.get("finishReason") or "") for entry in entries]
    filtered = FILTERED in reasons
    return Reply(
        made=tuple(Made(data=entry["base64"], seed=_seed(entry)) for entry in entries),
        request_id="" if isinstance(values, list) else str(values.get("id") or ""),
        finish_reason=FILTERED if filtered else next(iter(reasons), ""),
        moderation="blocked_by_provider" if filtered or not entries else "ok" if all(reasons) else "unknown",
    )


def _seed(entry: dict[str, Any]) -> int | None:
    return entry["seed"] if isinstance(entry.get("seed"), int) else None


def _flux(wish: Wish) -> dict[str, Any]:
    said = {"num_inference_steps": wish.steps, "guidance_scale": wish.guidance_scale, "seed": wish.seed}
    return {"prompt": wish.prompt, **_shape(wish), **_given(said), **_checked(wish)}


def _kontext(wish: Wish) -> dict[str, Any]:
    said = {
        "seed": wish.seed,
        "input_image": attached(wish.image) if wish.image is not None else None,
        "safety_tolerance": _whole(wish.options.get("safety_tolerance")),
    }
    return {"prompt": wish.prompt, "output_format": "png", **_shape(wish), **_given(said)}


def _xl(wish: Wish) -> dict[str, Any]:
    said = {
        "negative_prompt": wish.negative_prompt or None,
        "cfg_scale": wish.guidance_scale,
        "steps": wish.steps,
        "seed": wish.seed,
    }
    return {"prompt": wish.prompt, "samples": 1, **_given(said), **_checked(wish)}


def _from_picture(wish: Wish) -> dict[str, Any]:
    """Their strength is how much of the picture stays."""
    form: dict[str, Any] = {"init_image_mode": "IMAGE_STRENGTH", "image_strength": f"{1 - (wish.strength or 0):.3g}"}
    if wish.image is not None:
        form["init_image"] = attached(wish.image, "file")
    said = _xl(wish)
    return form | {name: str(value).lower() if isinstance(value, bool) else value for name, value in said.items()}


def _pixels(wish: Wish) -> dict[str, Any]:
    return {"width": wish.size.width, "height": wish.size.height} if wish.size else {}


def _shape(wish: Wish) -> dict[str, Any]:
    return {"aspect_ratio": nearest(RATIOS, wish.size)} if wish.size else {}


def _checked(wish: Wish) -> dict[str, bool]:
    chosen = wish.options.get("safety_check")
    return {"safety_check": chosen == "on"} if chosen else {}


def _whole(value: Any) -> int | None:
    return None if value is None else round(value)


def _given(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None}
