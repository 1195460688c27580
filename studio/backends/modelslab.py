"""ModelsLab, formerly stablediffusionapi.com (https://docs.modelslab.com, v6): JSON with the key in its body.

Masks: white is edit. `strength` is ours. Pictures go as base64 with `base64`, which also asks for base64 in return.
Moderation: `nsfw_content_detected` beside a picture that the checker has replaced; a refused prompt is an error in words.
Traps: errors come with status 200 as often as not, also for a bad key or an empty account, so their words decide; the
documentation's types contradict each other (booleans are texts in some endpoints); steps above 20 are cut silently;
`enhance_prompt` rewrites the prompt unless it is switched off; a 429 tells its pause in the body. Outpaint takes a canvas
only and lays the picture in its middle, so one that is to lie elsewhere is cut: what is cut off is drawn, and thrown away.
Unchecked: that middle, the words of errors, the hosts of results and which model ids are served. Address, hosts and models
can be set in `<data>/providers/modelslab.toml`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import OUR_FIELDS, busy, key_refused, no_credit, words_of
from studio.backends._hosted.models import describe
from studio.backends._hosted.options import YES_NO
from studio.backends._hosted.pictures import attached, white_is_edit
from studio.backends._hosted.polled import failed, json_object, number_of, sounds_like_moderation
from studio.backends._hosted.provider import About, Call, Made, Moderation, Provider, Reply, Ticket, Wish
from studio.core.errors import InvalidRequest, Moderated, Rejected, StudioError
from studio.core.hosting import Limit
from studio.core.model import Model, Option
from studio.core.request import ImageToImage, Inpaint, Outpaint, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "MODELSLAB_API_KEY"
ABOUT = About(
    name="modelslab",
    title="ModelsLab",
    site="https://modelslab.com",
    url="https://modelslab.com/api",
    keys=(KEY,),
    evidence="official",
    hosts=("modelslab.com", "*.modelslab.com", "*.stablediffusionapi.com", "pub-3626123a908346a7a8be8d9295f44e26.r2.dev"),
    limit=Limit(at_once=5, per_minute=60),  # documented: 5, 10 or 15 queued, by plan
    poll_seconds=2.0,
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
CANNOT = {
    T2I: "this service extends pictures only; choose another model",
    I2I: "this model takes no picture to start from; choose SDXL",
    INPAINT: "this model takes no mask; choose SDXL",
    OUTPAINT: "this model takes no mask; choose SDXL or Outpaint",
}
NATIVE = "outpaint"
MOST_STEPS, MOST_OUTPAINT_STEPS = 20, 30
SMALLEST = 64
SAFETY = Option(name="safety_checker", title="Safety checker", choices=YES_NO, default="yes")
ENDPOINTS = {T2I: "text2img", I2I: "img2img", INPAINT: "inpaint", OUTPAINT: "inpaint"}
FAULTY = ("error", "failed")
BUSY_WORDS = ("rate limit", "too many", "concurren", "queue is full")
CREDIT_WORDS = ("credit", "balance", "wallet", "recharge", "subscri", "monthly limit", "quota", "payment")
KEY_WORDS = ("api key", "api_key", "apikey", "invalid key", "unauthor", "authenticat")
FILTER_WORDS = ("banned", "not allowed word", "inappropriate")


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, ModelsLab, ABOUT)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    own: dict[str, Any] = {
        "multiple_of": 8,
        "max_side": 1024,
        "options": (SAFETY,),
        "cannot": {task: why for task, why in CANNOT.items() if task not in tasks},
        "default_steps": MOST_STEPS,
        "default_guidance_scale": 7.5,
    }
    return describe("modelslab", name, title, tasks, takes, **{**own, **more})


DRAWING = ("seed", "steps", "guidance_scale", "negative_prompt")
MODELS = (
    _model("flux", "FLUX", (T2I,), DRAWING),
    _model("stable-diffusion-xl-base-1.0", "SDXL", (T2I, I2I, INPAINT, OUTPAINT), (*DRAWING, "strength")),
    _model(NATIVE, "Outpaint", (OUTPAINT,), DRAWING, native=(OUTPAINT,), needs_prompt=(), options=(), max_side=1440,
           default_steps=10, default_guidance_scale=8.0),
)  # fmt: skip


class ModelsLab(Provider):
    """Any model id of theirs; the user's own list extends ours."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        most = MOST_OUTPAINT_STEPS if wish.name == NATIVE else MOST_STEPS
        if wish.steps is not None and wish.steps > most:
            raise InvalidRequest(
                f"ModelsLab takes at most {most} steps here and would cut the rest. Lower the steps.", "steps"
            )
        if wish.margins and wish.image is not None:
            _centred(wish.image, wish.margins)

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        values = {
            "key": f"${KEY}",
            "prompt": wish.prompt or None,
            "negative_prompt": wish.negative_prompt or None,
            "seed": wish.seed,
            "num_inference_steps": wish.steps,
            "guidance_scale": wish.guidance_scale,
            "strength": wish.strength,
        }
        body = {name: value for name, value in values.items() if value is not None}
        native = wish.name == NATIVE
        body |= _extending(wish) if native else _drawing(wish)
        path = "v6/image_editing/outpaint" if native else f"v6/images/{ENDPOINTS[wish.task]}"
        return self._post(path, body)

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        return self._read(json_object(answer), wish)

    def look(self, ticket: Ticket) -> Call:
        if ticket.values["editing"]:
            return self._post(f"v6/image_editing/fetch/{ticket.id}", {"key": f"${KEY}"})
        return self._post("v6/images/fetch", {"key": f"${KEY}", "request_id": ticket.id})

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        found = self._read({"id": ticket.id, **json_object(answer)}, wish)
        return found if isinstance(found, Reply) else ticket

    def test(self) -> Call:
        return self._post("wallet_balance", {"key": f"${KEY}"})

    def read_test(self, answer: Answer) -> str:
        values = json_object(answer)
        told = next((values[name] for name in ("wallet_balance", "balance", "credits") if name in values), None)
        return "The key is good." if told is None else f"The key is good: ${told} in the wallet."

    def failure(self, answer: Answer) -> StudioError | None:
        """Errors with status 200 or 400, by their words; other statuses mean what they mean everywhere."""
        values = json_of(answer)
        if not isinstance(values, Mapping) or answer.status not in (200, 400) or values.get("status") != "error":
            return None
        return self._of_words(*_words(values))

    def pause(self, answer: Answer) -> float | None:
        values = json_of(answer)
        return number_of(values, "retry_after") if isinstance(values, Mapping) else None

    def _post(self, path: str, body: Mapping[str, Any]) -> Call:
        return Call(url=f"{self.about.url}/{path}", json=body, key_fields=("key",))

    def _read(self, values: Mapping[str, Any], wish: Wish) -> Reply | Ticket:
        status = values["status"]
        if status in FAULTY:
            raise failed(self.about.title, _words(values)[0])
        if status == "success":
            return _reply(values, wish)
        return Ticket(id=str(values["id"]), values={"editing": wish.name == NATIVE})

    def _of_words(self, words: str, name: str) -> StudioError:
        title, lower = self.about.title, words.lower()
        said = f" It says: {words.rstrip('.')}." if words else ""
        if any(word in lower for word in BUSY_WORDS):
            return busy(title)
        if any(word in lower for word in KEY_WORDS):
            return key_refused(title, 200, said)
        if any(word in lower for word in CREDIT_WORDS):
            return no_credit(title, said)
        if sounds_like_moderation(lower) or any(word in lower for word in FILTER_WORDS):
            return Moderated(f"{title}'s filter refused the request.{said} Change the prompt or the picture.")
        field = {**OUR_FIELDS, "model_id": "model"}.get(name, "")
        return Rejected(f"{title} refused the request.{said} Change it and try again.", field)


def _drawing(wish: Wish) -> dict[str, Any]:
    """v6/images: booleans are booleans, the size is the picture's own."""
    body: dict[str, Any] = {"model_id": wish.name, "samples": wish.count}
    body |= {"enhance_prompt": False, "safety_checker": _is_checked(wish)}
    if wish.size:
        body |= {"width": wish.size.width, "height": wish.size.height}
    if wish.image is not None:
        body |= {"init_image": attached(wish.image, "base64"), "base64": True}
    if wish.mask is not None:
        body["mask_image"] = white_is_edit(wish.mask, "base64")
    return body


def _extending(wish: Wish) -> dict[str, Any]:
    """v6/image_editing/outpaint: a target canvas, and `base64` as a text."""
    if wish.image is None or not wish.margins:
        return {}
    canvas = _canvas(wish.image, wish.margins)
    centred = _centred(wish.image, wish.margins)
    return {"image": attached(centred, "base64"), "base64": "true", "width": canvas.width, "height": canvas.height}


def _canvas(image: Image.Image, margins: tuple[int, int, int, int]) -> Size:
    left, right, up, down = margins
    return Size(image.width + left + right, image.height + up + down)


def _centred(image: Image.Image, margins: tuple[int, int, int, int]) -> Image.Image:
    """The part of the picture that lies in the middle of the canvas, with the canvas' new parts where they belong."""
    left, right, up, down = margins
    across, along = max(left, right), max(up, down)
    box = (across - left, along - up, image.width - (across - right), image.height - (along - down))
    if min(box[2] - box[0], box[3] - box[1]) < min(SMALLEST, *image.size) // 2:
        raise InvalidRequest(
            "ModelsLab extends opposite sides alike, and this would cut the picture away. Extend one side less, or choose a "
            "model that fills.", "margins",
        )  # fmt: skip
    return image.crop(box)


def _reply(values: Mapping[str, Any], wish: Wish) -> Reply:
    meta = values.get("meta")
    seed = meta.get("seed") if isinstance(meta, Mapping) else None
    output = values["output"] if isinstance(values["output"], list) else [values["output"]]
    flagged = str(values.get("nsfw_content_detected") or "").lower() in ("true", "yes", "1")
    checked = _is_checked(wish)
    moderation: Moderation = "blurred" if flagged and checked else "flagged" if flagged else "ok" if checked else "unknown"
    made = tuple(Made(data=str(text), seed=seed if isinstance(seed, int) else None) for text in output if text)
    return Reply(
        made=made,
        request_id=str(values.get("id") or ""),
        finish_reason="success",
        moderation=moderation if made else "blocked_by_provider",
        reason="nsfw_content_detected" if flagged else "" if made else "it sent an empty list of pictures",
        told={"provider_seconds": values["generationTime"]} if values.get("generationTime") else {},
    )


def _is_checked(wish: Wish) -> bool:
    return wish.name != NATIVE and wish.options.get("safety_checker", SAFETY.default) == "yes"


def _words(values: Mapping[str, Any]) -> tuple[str, str]:
    """Its words, and the field at fault where it tells `{field: [words]}`."""
    message = values.get("message") or values.get("messege") or ""
    if isinstance(message, Mapping):
        name = next(iter(message), "")
        return words_of([text for each in message.values() for text in (each if isinstance(each, list) else [each])])[
            0
        ], name
    return words_of(message)
