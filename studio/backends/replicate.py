"""Replicate (https://replicate.com/docs/reference/http): predictions that are looked at until they are ready.

Models differ in their inputs and change them, so each call first reads the model's own schema and sends what stands in it.
Masks: white is edit. Results lie at replicate.delivery for one hour. The seed is always sent: no answer tells it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.predictions import cancel_of, look_at, read_prediction
from studio.backends._hosted.provider import About, Call, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest
from studio.core.hosting import Limit
from studio.core.model import Model
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "REPLICATE_API_TOKEN"
ABOUT = About(
    name="replicate",
    title="Replicate",
    site="https://replicate.com",
    url="https://api.replicate.com/v1",
    keys=(KEY,),
    evidence="official",
    hosts=("replicate.delivery", "*.replicate.delivery"),
    limit=Limit(at_once=8, per_minute=300),  # documented: 600 predictions a minute
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
NO_MASK = "this model takes no mask; choose one that fills"
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
PRICED = ""


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Replicate, ABOUT)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    cannot = {} if INPAINT in tasks else {INPAINT: NO_MASK, OUTPAINT: NO_MASK}
    return describe("replicate", name, title, tasks, takes, **{"max_side": 1440, "cannot": cannot, **more})


def _price(picture: float) -> Price:
    return Price(picture=picture, date=PRICED, source="replicate.com, not checked", varies=True)


MODELS = (
    _model("black-forest-labs/flux-schnell", "FLUX.1 schnell", (T2I,), ("seed", "steps"), sizes=shapes(RATIOS),
           default_steps=4, price=_price(0.003)),
    _model("black-forest-labs/flux-dev", "FLUX.1 dev", (T2I, I2I), ("seed", "steps", "guidance_scale", "strength"),
           sizes=shapes(RATIOS), default_steps=28, default_guidance_scale=3.0, price=_price(0.025)),
    _model("black-forest-labs/flux-1.1-pro", "FLUX 1.1 pro", (T2I,), ("seed",), sizes=shapes(RATIOS), price=_price(0.04)),
    _model("black-forest-labs/flux-fill-dev", "FLUX.1 Fill dev", (INPAINT, OUTPAINT), ("seed", "steps", "guidance_scale"),
           default_steps=28, default_guidance_scale=30.0, price=_price(0.04), needs_prompt=(INPAINT,)),
    _model("black-forest-labs/flux-fill-pro", "FLUX.1 Fill pro", (INPAINT, OUTPAINT), ("seed", "steps", "guidance_scale"),
           default_steps=50, default_guidance_scale=60.0, price=_price(0.05), needs_prompt=(INPAINT,)),
    _model("stability-ai/sdxl", "SDXL", (T2I, I2I, INPAINT, OUTPAINT),
           ("seed", "steps", "guidance_scale", "negative_prompt", "strength"), multiple_of=8, default_steps=25,
           default_guidance_scale=7.5, max_side=1536, price=_price(0.005)),
)  # fmt: skip
SPELLINGS = {
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "seed": ("seed",),
    "steps": ("num_inference_steps", "steps"),
    "guidance_scale": ("guidance_scale", "guidance", "cfg_scale"),
    "strength": ("prompt_strength", "strength"),
    "image": ("image", "input_image", "image_prompt"),
    "mask": ("mask",),
}
"""Our fields, and what models call them."""


class Replicate(Provider):
    """Any model of theirs whose schema has a prompt; the user's own list extends ours."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def before(self, wish: Wish) -> Sequence[Call]:
        return (Call(method="GET", url=f"{self.about.url}/models/{wish.name.partition(':')[0]}", headers=self._headers()),)

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        schema = json_object(before[0]) if before else {}
        version: Mapping[str, Any] = schema.get("latest_version") or {}
        schemas = ((version.get("openapi_schema") or {}).get("components") or {}).get("schemas") or {}
        known = (schemas.get("Input") or {}).get("properties") or {}
        body = {"input": _input(wish, known, schemas)}
        name, _, pinned = wish.name.partition(":")
        if pinned or (version.get("id") and not schema.get("is_official")):
            return Call(url=f"{self.about.url}/predictions", headers=self._headers(),
                        json={"version": pinned or version["id"], **body})  # fmt: skip
        return Call(url=f"{self.about.url}/models/{name}/predictions", headers=self._headers(), json=body)

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        return read_prediction(answer, self.about.title, self.about.url, wish.seed)

    def look(self, ticket: Ticket) -> Call:
        return look_at(ticket, self.about.url, self._headers())

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        found = read_prediction(answer, self.about.title, self.about.url, wish.seed)
        return found if isinstance(found, Reply) else ticket

    def cancel(self, ticket: Ticket | None) -> Call | None:
        return cancel_of(ticket, self.about.url, self._headers()) if ticket else None

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/account", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        return f"The key is good: account {json_object(answer).get('username', 'unnamed')}. Replicate tells no balance."

    def pause(self, answer: Answer) -> float | None:
        """“Your rate limit resets in ~30s.”"""
        text = answer.body[:1000].decode("utf-8", "replace")
        told = text.partition("resets in ~")[2].partition("s")[0]
        return float(told) if told.isdigit() else None

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}


def _input(wish: Wish, known: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    """What the wish says, in the model's own words. Raises `InvalidRequest` if the model lacks what the task needs."""
    values: dict[str, Any] = {}
    said = {
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt or None,
        "seed": wish.seed,
        "steps": wish.steps,
        "guidance_scale": wish.guidance_scale,
        "strength": wish.strength,
        "image": attached(wish.image) if wish.image is not None else None,
        "mask": white_is_edit(wish.mask) if wish.mask is not None else None,
    }
    for ours, value in said.items():
        name = next((word for word in SPELLINGS[ours] if word in known), "" if known else SPELLINGS[ours][0])
        if value is None:
            continue
        if name:
            values[name] = value
        elif ours in ("prompt", "image", "mask"):
            raise InvalidRequest(f"The model {wish.name} of Replicate takes no {ours} now. Choose another model.", "model")
    return values | _size(wish, known, schemas)


def _size(wish: Wish, known: Mapping[str, Any], schemas: Mapping[str, Any]) -> dict[str, Any]:
    if wish.size is None or wish.image is not None:
        return {}
    if "width" in known and "aspect_ratio" not in known:
        return {"width": wish.size.width, "height": wish.size.height}
    offered = [ratio for ratio in _choices(known.get("aspect_ratio"), schemas) if ratio.replace(":", "").isdigit()] or RATIOS
    return {"aspect_ratio": nearest(offered, wish.size)}


def _choices(field: Any, schemas: Mapping[str, Any]) -> list[str]:
    """The values of an enumeration, also one that stands elsewhere in the schema."""
    if not isinstance(field, Mapping):
        return []
    referred = [
        str(each.get("$ref", "")).rpartition("/")[2] for each in field.get("allOf") or () if isinstance(each, Mapping)
    ]
    found = field.get("enum") or next((schemas[name].get("enum") for name in referred if name in schemas), None)
    return [str(value) for value in found or ()]
