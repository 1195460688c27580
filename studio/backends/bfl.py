"""Black Forest Labs (https://docs.bfl.ai, https://api.bfl.ai/openapi.json): submit, then look at the address that is given.

Masks: white is edit, and removed by erase. No endpoint has a strength: FLUX.2 and Kontext follow the words, and what ultra
calls `image_prompt_strength` is a style's weight, so it is left out. No endpoint takes a negative prompt, and one picture
comes per request. Moderation arrives with status 200 as `Request Moderated` or `Content Moderated`, reasons in `details`;
whether that is billed is unknown, so the cost that was told at the submit is kept.
Traps: the address to look at may be another region's, so its host must be *.bfl.ai; a result lives ten minutes and is
fetched without the key; 403 is a refused key; outpainting-v1 refuses fields that it does not know.
Unchecked: `Retry-After`, the price of flux-dev, fill, expand and the tools, and the cap on safety_tolerance with a picture.
The region (url), hosts and further endpoints can be set in `<data>/providers/bfl.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.failures import key_refused, words_of
from studio.backends._hosted.models import TAKEN, describe, nearest, shapes
from studio.backends._hosted.options import YES_NO, as_json
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.polled import failed, json_object, number_of, same_host
from studio.backends._hosted.provider import About, Call, Made, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, Rejected, StudioError
from studio.core.hosting import Limit
from studio.core.model import EVERY, Model, Option
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "BFL_API_KEY"
REGIONS = "*.bfl.ai"
ABOUT = About(
    name="bfl",
    title="Black Forest Labs",
    site="https://bfl.ai",
    url="https://api.bfl.ai",
    keys=(KEY,),
    evidence="official",
    hosts=(REGIONS,),
    limit=Limit(at_once=24, per_minute=240),  # documented: 24 tasks at once; the rate is not
    poll_seconds=0.7,
)
CREDIT = 0.01
PRICED = "2026-11-23"
MOST_PIXELS = 2048 * 2048
MOST_MARGIN = 2048
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
RATIOS = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16", "9:21")
CANNOT = {
    T2I: "this service changes a picture; choose a FLUX model that draws from words",
    I2I: "it takes a picture as a style only; choose FLUX.2 or Kontext",
    INPAINT: "this model takes no mask; choose Fill or Erase",
    OUTPAINT: "this model does not extend pictures; choose Expand, Outpainting or Fill",
}
FILL, EXPAND, OUTPAINTING, ERASE = (
    "flux-pro-1.0-fill",
    "flux-pro-1.0-expand",
    "flux-tools/outpainting-v1",
    "flux-tools/erase-v1",
)
SHAPED = ("flux-pro-1.1-ultra", "flux-kontext-pro", "flux-kontext-max")
"""Models that take a shape instead of a size."""
UPSAMPLING = Option(name="prompt_upsampling", title="Prompt upsampling", choices=YES_NO)
RAW = Option(name="raw", title="Raw, less processed", choices=YES_NO)
DILATE = Option(name="dilate_pixels", title="Grow mask, pixels", kind="number", default=10, high=25)
MODE = Option(name="mode", title="Mode", choices=("high", "fast"))


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Bfl, ABOUT)


def _tolerance(most: int) -> Option:
    return Option(name="safety_tolerance", title="Safety tolerance, 0 is strictest", kind="number", high=most)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...] = ("seed",), **more: Any) -> Model:
    own: dict[str, Any] = {
        "cannot": {task: why for task, why in CANNOT.items() if task not in tasks},
        "options": (_tolerance(6), UPSAMPLING),
    }
    return describe("bfl", name, title, tasks, takes, **{**own, **more})


def _price(first: float, more: float = 0.0, date: str = PRICED, *, varies: bool = False) -> Price:
    """In credits; FLUX.2 bills input pictures too."""
    source = "docs.bfl.ai" if date else "docs.bfl.ai, not checked"
    return Price(picture=first * CREDIT, megapixel=more * CREDIT, date=date, source=source, varies=varies or not date)


def _flux_2(name: str, title: str, first: float, more: float, takes: tuple[str, ...] = ("seed",), **rest: Any) -> Model:
    own: dict[str, Any] = {"min_side": 64, "max_side": 4096, "options": (_tolerance(5),)}
    price = _price(first, more, varies=True)
    return _model(name, title, (T2I, I2I), takes, price=price, **{**own, **rest})


GUIDED = ("seed", "steps", "guidance_scale")
FLUX_1: dict[str, Any] = {"min_side": 256, "max_side": 1440, "multiple_of": 32}
FILLING: dict[str, Any] = {"default_steps": 50, "default_guidance_scale": 60.0, "needs_prompt": ()}
MODELS = (
    _flux_2("flux-2-pro", "FLUX.2 pro", 3, 1.5),
    _flux_2("flux-2-pro-preview", "FLUX.2 pro preview", 3, 1.5),
    _flux_2("flux-2-max", "FLUX.2 max", 7, 3),
    _flux_2("flux-2-flex", "FLUX.2 flex", 5, 5, GUIDED, default_steps=50, default_guidance_scale=5.0,
            options=(_tolerance(5), UPSAMPLING)),
    _flux_2("flux-2-klein-4b", "FLUX.2 klein 4B", 1.4, 0.1),
    _flux_2("flux-2-klein-9b", "FLUX.2 klein 9B", 1.5, 0.2),
    _flux_2("flux-2-klein-9b-preview", "FLUX.2 klein 9B preview", 1.5, 0.2),
    _model("flux-pro-1.1", "FLUX 1.1 pro", (T2I,), price=_price(4), **FLUX_1),
    _model("flux-pro-1.1-ultra", "FLUX 1.1 pro ultra", (T2I,), price=_price(6), sizes=shapes(RATIOS, 4.0), max_side=3072,
           options=(_tolerance(6), UPSAMPLING, RAW)),
    _model("flux-dev", "FLUX.1 dev", (T2I,), GUIDED, default_steps=28, default_guidance_scale=3.0, **FLUX_1),
    _model("flux-kontext-pro", "FLUX.1 Kontext pro", (T2I, I2I), price=_price(4), sizes=shapes(RATIOS)),
    _model("flux-kontext-max", "FLUX.1 Kontext max", (T2I, I2I), price=_price(8), sizes=shapes(RATIOS)),
    _model(FILL, "FLUX.1 Fill pro", (INPAINT, OUTPAINT), GUIDED, price=_price(5, date=""), **FILLING),
    _model(EXPAND, "FLUX.1 Expand pro", (OUTPAINT,), GUIDED, native=(OUTPAINT,), price=_price(5, date=""), **FILLING),
    _model(OUTPAINTING, "FLUX Outpainting", (OUTPAINT,), native=(OUTPAINT,), needs_prompt=(), options=(MODE,)),
    _model(ERASE, "FLUX Erase", (INPAINT,), (), needs_prompt=(), min_side=256, options=(DILATE,),
           ignores={EVERY: (*TAKEN, "prompt")}),
)  # fmt: skip


class Bfl(Provider):
    """All endpoints of v1 that make or change a picture; an unknown one of the user's is asked as FLUX.2 is."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        if wish.size and wish.image is None and wish.size.width * wish.size.height > MOST_PIXELS:
            raise InvalidRequest("Black Forest Labs draws at most 4 megapixels. Choose a smaller size.", "size")
        if wish.margins and wish.name == EXPAND and max(wish.margins) > MOST_MARGIN:
            raise InvalidRequest(f"FLUX Expand extends by at most {MOST_MARGIN} pixels a side. Extend it less.", "margins")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        values = {
            "prompt": wish.prompt or None,
            "seed": wish.seed,
            "steps": wish.steps,
            "guidance": wish.guidance_scale,
            "output_format": None if wish.name in (OUTPAINTING, ERASE) else "png",
        }
        body = {name: value for name, value in values.items() if value is not None}
        body |= as_json(wish.options) | _shape(wish) | _pictures(wish)
        return Call(url=f"{self.about.url}/v1/{wish.name}", headers=self._headers(), json=body)

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        values = json_object(answer)
        credits = number_of(values, "cost")
        return Ticket(
            id=str(values["id"]),
            values={"url": same_host(str(values["polling_url"]), self.about.url, REGIONS)},
            cost=None if credits is None else round(credits * CREDIT, 6),
            cost_source=self.about.title if credits is not None else "",
        )

    def look(self, ticket: Ticket) -> Call:
        return Call(method="GET", url=str(ticket.values["url"]), headers=self._headers())

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        values = json_object(answer)
        match status := str(values["status"]):
            case "Ready":
                return _reply(ticket, status, (_made(values["result"]),))
            case "Request Moderated" | "Content Moderated":
                return _reply(ticket, status, (), reason=_reasons(values.get("details")) or status)
            case "Error":
                raise failed(self.about.title, words_of(values.get("details"))[0])
            case "Task not found":
                raise Rejected("Black Forest Labs does not know the picture any more. Retry orders a new one.")
            case _:
                return Ticket(
                    id=ticket.id,
                    values=ticket.values,
                    progress=_progress(values),
                    cost=ticket.cost,
                    cost_source=ticket.cost_source,
                )

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/v1/credits", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        credits = float(json_object(answer)["credits"])
        return f"The key is good: {credits:.1f} credits (${credits * CREDIT:.2f})."

    def failure(self, answer: Answer) -> StudioError | None:
        return key_refused(self.about.title, 403) if answer.status == 403 else None

    @property
    def field_names(self) -> Mapping[str, str]:
        return dict.fromkeys(("top", "bottom", "left", "right"), "margins")

    def _headers(self) -> dict[str, str]:
        return {"x-key": f"${KEY}"}


def _shape(wish: Wish) -> dict[str, Any]:
    """The size or shape, where the endpoint takes one."""
    if wish.size is None or wish.mask is not None or wish.margins:
        return {}
    if wish.name in SHAPED:
        return {"aspect_ratio": nearest(RATIOS, wish.size)}
    return {"width": wish.size.width, "height": wish.size.height}


def _pictures(wish: Wish) -> dict[str, Any]:
    """The picture, and what is to change or to be added."""
    if wish.image is None:
        return {}
    word = "image" if wish.name in (FILL, EXPAND, ERASE) else "input_image"
    body: dict[str, Any] = {word: attached(wish.image, "base64")}
    if wish.margins:
        left, right, up, down = wish.margins
        if wish.name == EXPAND:
            return body | {"left": left, "right": right, "top": up, "bottom": down}
        width, height = wish.image.width + left + right, wish.image.height + up + down
        return body | {"width": width, "height": height, "reference_offset_x": left, "reference_offset_y": up}
    if wish.mask is not None:
        body["mask"] = white_is_edit(wish.mask, "base64")
    return body


def _reply(ticket: Ticket, status: str, made: tuple[Made, ...], reason: str = "") -> Reply:
    return Reply(
        made=made,
        request_id=ticket.id,
        finish_reason=status,
        moderation="ok" if made else "blocked_by_provider",
        reason=reason,
        cost=ticket.cost,
        cost_source=ticket.cost_source,
    )


def _made(result: Mapping[str, Any]) -> Made:
    seed = result.get("seed")
    return Made(data=str(result["sample"]), seed=seed if isinstance(seed, int) else None, moderation="ok")


def _reasons(details: Any) -> str:
    """`{"Moderation Reasons": ["Safety Filter"]}`, or whatever else it is."""
    found = list(details.values()) if isinstance(details, Mapping) else [details] if details else []
    flat = [text for each in found for text in (each if isinstance(each, list) else [each])]
    return ", ".join(str(text) for text in flat)[:300]


def _progress(values: Mapping[str, Any]) -> float | None:
    progress = number_of(values, "progress")
    return progress if progress is not None and 0 <= progress <= 1 else None
