"""Stability AI, v2beta (https://platform.stability.ai/docs/api-reference): multipart in, the picture itself out.

Masks: white is edit, grey partly. `strength` is ours: 0 = the picture, 1 = ignored. A filtered picture comes blurred with
status 200. A failed generation is not charged, so a status 500 can be tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.direct import reply_of_bytes
from studio.backends._hosted.models import describe, nearest, shapes
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.provider import About, Call, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, Moderated, RateLimited, StudioError
from studio.core.hosting import Limit
from studio.core.model import Model, Option
from studio.core.price import Price
from studio.core.request import ImageToImage, Inpaint, Outpaint, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "STABILITY_API_KEY"
ABOUT = About(
    name="stability",
    title="Stability AI",
    site="https://platform.stability.ai",
    url="https://api.stability.ai",
    keys=(KEY,),
    evidence="official",
    limit=Limit(at_once=8, per_minute=600),  # documented: 150 in 10 seconds, then shut out for a minute
    safe=frozenset({500, 503}),
    read_seconds=180,
    poll_seconds=10,
)
LOCK_OUT = 60.0
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
RATIOS = ("1:1", "3:2", "2:3", "16:9", "9:16", "5:4", "4:5", "21:9", "9:21")
STYLES = ("enhance", "anime", "photographic", "digital-art", "comic-book", "fantasy-art", "line-art", "analog-film",
          "neon-punk", "isometric", "low-poly", "origami", "modeling-compound", "cinematic", "3d-model", "pixel-art",
          "tile-texture")  # fmt: skip
STYLE = Option(name="style_preset", title="Style preset", choices=STYLES)
CREDIT = 0.01
PRICED = "2026-11-23"
MOST_MARGIN = 2000
PROMPTED = (T2I, I2I, INPAINT)


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Stability, ABOUT)


def _model(name: str, title: str, credits: float, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    price = Price(picture=credits * CREDIT, date=PRICED, source="platform.stability.ai/pricing")
    own: dict[str, Any] = {"multiple_of": 1, "max_side": 3072, "price": price, "options": (STYLE,), "needs_prompt": PROMPTED}
    return describe("stability", name, title, tasks, takes, **{**own, **more})


WORDS = ("seed", "negative_prompt")
CONTROL = (*WORDS, "strength")
MODELS = (
    _model("core", "Stable Image Core", 3, (T2I,), WORDS, sizes=shapes(RATIOS, 1.5),
           cannot={I2I: "Core takes no picture to start from"}),
    _model("ultra", "Stable Image Ultra", 8, (T2I, I2I), CONTROL, sizes=shapes(RATIOS)),
    *(_model(name, title, credits, (T2I, I2I), (*CONTROL, "guidance_scale"), sizes=shapes(RATIOS),
             default_guidance_scale=guidance)
      for name, title, credits, guidance in (("sd3.5-large", "Stable Diffusion 3.5 Large", 6.5, 4.0),
                                             ("sd3.5-large-turbo", "Stable Diffusion 3.5 Large Turbo", 4, 1.0),
                                             ("sd3.5-medium", "Stable Diffusion 3.5 Medium", 3.5, 4.0))),
    _model("inpaint", "Inpaint", 5, (INPAINT,), WORDS, soft_masks=True,
           options=(STYLE, Option(name="grow_mask", title="Grow mask, pixels", kind="number", high=100))),
    _model("erase", "Erase", 5, (INPAINT,), ("seed",), soft_masks=True, needs_prompt=(),
           options=(Option(name="grow_mask", title="Grow mask, pixels", kind="number", high=20),)),
    _model("outpaint", "Outpaint", 4, (OUTPAINT,), ("seed", "strength"), native=(OUTPAINT,), needs_prompt=()),
    _model("search-and-replace", "Search and replace", 5, (I2I,), WORDS, options=(
        Option(name="search_prompt", title="What to replace"), STYLE)),
    _model("control-structure", "Control: structure", 5, (I2I,), CONTROL),
    _model("control-sketch", "Control: sketch", 5, (I2I,), CONTROL),
    _model("control-style", "Control: style", 5, (I2I,), CONTROL, sizes=shapes(RATIOS)),
    _model("upscale-fast", "Upscale 4×, fast", 2, (I2I,), (), needs_prompt=(), options=(), max_side=1536, max_count=1,
           default_size=Size(1000, 1000)),
    _model("upscale-conservative", "Upscale to 4 MP, conservative", 40, (I2I,), CONTROL, options=(), max_count=1),
    _model("upscale-creative", "Upscale to 4 MP, creative", 60, (I2I,), CONTROL, max_count=1),
)  # fmt: skip
PATHS = {
    "core": "generate/core", "ultra": "generate/ultra", "inpaint": "edit/inpaint", "erase": "edit/erase",
    "outpaint": "edit/outpaint", "search-and-replace": "edit/search-and-replace", "control-structure": "control/structure",
    "control-sketch": "control/sketch", "control-style": "control/style", "upscale-fast": "upscale/fast",
    "upscale-conservative": "upscale/conservative", "upscale-creative": "upscale/creative",
}  # fmt: skip
CREATIVITY = {"upscale-conservative": (0.2, 0.5), "upscale-creative": (0.1, 0.5)}
"""The range that our strength is laid over."""


class Stability(Provider):
    """All services of v2beta that make or change a picture."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        if wish.name == "search-and-replace" and not wish.options.get("search_prompt"):
            raise InvalidRequest("Say what is to be replaced.", "search_prompt")
        if wish.image is not None and min(wish.image.size) < 64:
            raise InvalidRequest("Stability AI takes pictures of at least 64 pixels a side. Use a larger one.", "image")
        if wish.margins and max(wish.margins) > MOST_MARGIN:
            raise InvalidRequest(f"Stability AI extends by at most {MOST_MARGIN} pixels a side. Extend it less.", "margins")
        if wish.image is not None and wish.name.startswith(("outpaint", "search", "control")):
            ratio = wish.image.width / wish.image.height
            if not 0.4 <= ratio <= 2.5:
                raise InvalidRequest("Stability AI takes shapes from 1:2.5 to 2.5:1 here. Crop the picture.", "image")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        form: dict[str, Any] = {"output_format": "png"}
        for name, value in (("prompt", wish.prompt), ("negative_prompt", wish.negative_prompt), ("seed", wish.seed)):
            if value not in ("", None):
                form[name] = value
        form |= {name: f"{value:g}" if isinstance(value, float) else value for name, value in wish.options.items()}
        form |= self._sized(wish) | self._pictured(wish)
        path = PATHS.get(wish.name, "generate/sd3")
        if path == "generate/sd3":
            form |= {"model": wish.name, "mode": T2I if wish.image is None else I2I, "cfg_scale": wish.guidance_scale}
        return Call(
            url=f"{self.about.url}/v2beta/stable-image/{path}",
            headers={"authorization": f"Bearer ${KEY}", "accept": "image/*", "stability-client-id": "studio"},
            form=form,
        )

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        if wish.name == "upscale-creative":
            return Ticket(id=str(json_object(answer)["id"]), values={"id": json_object(answer)["id"]})
        return reply_of_bytes(answer)

    def look(self, ticket: Ticket) -> Call:
        headers = {"authorization": f"Bearer ${KEY}", "accept": "*/*"}
        return Call(method="GET", url=f"{self.about.url}/v2beta/results/{ticket.id}", headers=headers)

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        return ticket if answer.status == 202 else reply_of_bytes(answer)

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/v1/user/balance", headers={"authorization": f"Bearer ${KEY}"})

    def read_test(self, answer: Answer) -> str:
        credits = float(json_object(answer)["credits"])
        return f"The key is good: {credits:.1f} credits (${credits * CREDIT:.2f})."

    def failure(self, answer: Answer) -> StudioError | None:
        if answer.status == 403 and b"content_moderation" in answer.body:
            return Moderated(
                "Stability AI's filter refused the request; nothing was charged. Change the prompt or the picture."
            )
        if answer.status == 422 and b"public_figure" in answer.body:
            return Moderated("Stability AI makes no pictures of public figures. Change the prompt.")
        if answer.status == 429:
            return RateLimited("Stability AI has had too many requests and shuts the studio out for a minute.")
        return None

    def pause(self, answer: Answer) -> float | None:
        return LOCK_OUT if answer.status == 429 and not answer.headers.get("retry-after") else None

    def _sized(self, wish: Wish) -> dict[str, Any]:
        """The shape, where the service takes one."""
        if not wish.model.sizes or wish.size is None or (wish.image is not None and wish.name != "control-style"):
            return {}
        return {"aspect_ratio": nearest(RATIOS, wish.size)}

    def _pictured(self, wish: Wish) -> dict[str, Any]:
        """The picture it starts from, and how far it may be left."""
        if wish.image is None:
            return {}
        form: dict[str, Any] = {"image": attached(wish.image, "file", most=9_500_000)}
        if wish.mask is not None:
            form["mask"] = white_is_edit(wish.mask, "file")
        if wish.margins:
            form |= dict(zip(("left", "right", "up", "down"), wish.margins, strict=True))
        return form | _freedom(wish)


def _freedom(wish: Wish) -> dict[str, str]:
    """Our strength, 0 = unchanged and 1 = free, in the service's own word and sense."""
    strength = wish.strength
    if strength is None:
        return {}
    if wish.name in CREATIVITY:
        low, high = CREATIVITY[wish.name]
        return {"creativity": f"{low + (high - low) * strength:.3g}"}
    if wish.name.startswith("control-"):
        return {"fidelity" if wish.name == "control-style" else "control_strength": f"{1 - strength:.3g}"}
    return {"creativity" if wish.name == "outpaint" else "strength": f"{strength:.3g}"}
