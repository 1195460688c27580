"""AIME (https://github.com/aime-team/aime-api-server): submit with the key in the JSON, then ask for the job's progress.

No masks. `strength` is ours under three names. Each endpoint has names of its own for everything, and refuses those it does
not know. Pictures come back as JPEG in data URIs. Nothing is moderated.
Traps: 402 means that the key may not use the model, or that the job is unknown, and never money; a full queue is a 400; a
key test that failed has status 200; a server without an admin backend can test none. No way to cancel.
Unchecked: which endpoints the public host serves (`GET /api/endpoints` tells), its prices, whether it takes a picture larger
than 1024 pixels. The address, such as that of a server of one's own, and models can be set in `<data>/providers/aime.toml`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.failures import OUR_FIELDS, busy, key_refused, words_of
from studio.backends._hosted.models import describe
from studio.backends._hosted.pictures import attached
from studio.backends._hosted.polled import failed, json_object, number_of
from studio.backends._hosted.provider import About, Call, Made, Provider, Reply, Ticket, Wish
from studio.core.canvas import fit
from studio.core.errors import InvalidRequest, Rejected, StudioError
from studio.core.model import Model
from studio.core.request import ImageToImage, Inpaint, Outpaint, Size, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "AIME_API_KEY"
ABOUT = About(
    name="aime",
    title="AIME",
    site="https://www.aime.info/api",
    url="https://api.aime.info",
    keys=(KEY,),
    evidence="official",
    poll_seconds=0.4,  # official clients look every 0.3 seconds
)
T2I, I2I, INPAINT, OUTPAINT = TextToImage.kind, ImageToImage.kind, Inpaint.kind, Outpaint.kind
NO_MASK = "AIME takes no masks; choose another provider's model that fills"
NO_START = "this endpoint takes no picture to start from; choose SDXL from a picture"
NO_WORDS = "this endpoint needs a picture to start from; choose SDXL"
SAMPLERS = ("EulerEDMSampler", "HeunEDMSampler", "EulerAncestralSampler", "DPMPP2SAncestralSampler", "DPMPP2MSampler",
            "LinearMultistepSampler")  # fmt: skip
FLUX, SD35, SDXL, SDXL_I2I = "flux-dev", "stable_diffusion_3_5", "stable_diffusion_xl_txt2img", "stable_diffusion_xl_img2img"
COMMON = {"prompt": "prompt", "negative_prompt": "negative_prompt", "seed": "seed"}
SD_WORDS = {**COMMON, "steps": "steps", "guidance_scale": "cfg_scale", "strength": "denoise", "count": "num_samples"}
WORDS = {
    FLUX: {"prompt": "prompt", "seed": "seed", "steps": "steps", "guidance_scale": "guidance",
           "strength": "image2image_strength"},
    SDXL: {**COMMON, "steps": "base_steps", "guidance_scale": "scale", "sampler": "base_sampler", "count": "num_samples"},
    SDXL_I2I: {"prompt": "text", "steps": "ddim_steps", "guidance_scale": "scale", "strength": "strength",
               "count": "n_samples"},
}  # fmt: skip
"""Our fields and each endpoint's names of them; one that is not here speaks as Stable Diffusion 3 does."""
THEIRS = {theirs: ours for words in (SD_WORDS, *WORDS.values()) for ours, theirs in words.items()}
MOST_PICTURE_SIDE = 1024
MOST_AT_ONCE = 8
ENDED_BADLY = ("canceled", "lapsed")


def create(settings: Settings) -> HostedBackend:
    return create_hosted(settings, Aime, ABOUT)


def _model(name: str, title: str, tasks: tuple[str, ...], takes: tuple[str, ...], **more: Any) -> Model:
    cannot = {T2I: NO_WORDS, I2I: NO_START, INPAINT: NO_MASK, OUTPAINT: NO_MASK}
    return describe("aime", name, title, tasks, takes,
                    cannot={task: why for task, why in cannot.items() if task not in tasks}, **more)  # fmt: skip


DRAWING = ("seed", "steps", "guidance_scale")
MODELS = (
    _model(FLUX, "FLUX.1 dev", (T2I, I2I), (*DRAWING, "strength"), min_side=128, multiple_of=32, default_steps=40,
           default_guidance_scale=3.5),
    _model(SD35, "Stable Diffusion 3.5", (T2I, I2I), (*DRAWING, "negative_prompt", "strength"), default_steps=28,
           default_guidance_scale=5.0),
    _model(SDXL, "SDXL", (T2I,), (*DRAWING, "negative_prompt", "sampler"), min_side=512, multiple_of=64, default_steps=40,
           default_guidance_scale=6.0, samplers=SAMPLERS, default_sampler=SAMPLERS[0]),
    _model(SDXL_I2I, "SDXL from a picture", (I2I,), ("steps", "guidance_scale", "strength"), min_side=512, max_side=1024,
           multiple_of=32, default_steps=50, default_guidance_scale=7.5),
)  # fmt: skip


class Aime(Provider):
    """An AIME API Server, theirs or one's own."""

    def models(self) -> Sequence[Model]:
        return MODELS

    def check(self, wish: Wish) -> None:
        if wish.name == SDXL_I2I and wish.size and not 0.5 <= wish.size.width / wish.size.height <= 1.5:
            raise InvalidRequest("AIME's SDXL takes shapes from 1:2 to 3:2. Crop the picture.", "image")

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        said = {
            "prompt": wish.prompt,
            "negative_prompt": wish.negative_prompt or None,
            "seed": wish.seed,
            "steps": wish.steps,
            "guidance_scale": wish.guidance_scale,
            "sampler": wish.sampler,
            "strength": wish.strength,
            "count": wish.count if wish.count > 1 else None,
        }
        words = WORDS.get(wish.name, SD_WORDS)
        body = {words[ours]: value for ours, value in said.items() if value is not None and ours in words}
        return self._post(wish.name, body | _pictured(wish) | {"wait_for_result": False})

    def most_at_once(self, model: Model) -> int:
        return MOST_AT_ONCE if "count" in WORDS.get(model.id.partition(":")[2], SD_WORDS) else 1

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        return Ticket(id=str(json_object(answer)["job_id"]), values={"endpoint": wish.name})

    def look(self, ticket: Ticket) -> Call:
        return self._post(f"{ticket.values['endpoint']}/progress", {"job_id": ticket.id})

    def read_look(self, answer: Answer, ticket: Ticket, wish: Wish) -> Reply | Ticket:
        values = json_object(answer)
        if isinstance(result := values.get("job_result"), Mapping):
            return self._reply(result, ticket)
        state = str(values["job_state"])
        if state in ENDED_BADLY:
            raise failed(self.about.title, f"the job was {state}")
        progress = values.get("progress")
        part = number_of(progress, "progress") if isinstance(progress, Mapping) else None
        return Ticket(id=ticket.id, values=ticket.values, progress=None if part is None else min(1.0, max(0.0, part / 100)))

    def test(self) -> Call:
        """Their server reads the key from the query here, whatever the method."""
        return Call(method="GET", url=f"{self.about.url}/api/validate_key?key=${KEY}")

    def failure(self, answer: Answer) -> StudioError | None:
        title, values = self.about.title, json_of(answer)
        words, _ = words_of(values)
        said = f" It says: {words.rstrip('.')}." if words else ""
        if answer.status == 402:
            why = "does not let your key use this model, or does not know the job any more (402)"
            return Rejected(f"{title} {why}.{said} Choose another model, or try again.", "model")
        if answer.status == 200 and isinstance(values, Mapping) and values.get("success") is False:
            untested = Rejected("This AIME server cannot test keys. Make a picture to see whether it takes yours.")
            return untested if "admin backend" in words.lower() else key_refused(title, 200, said)
        return _of_400(title, words, said) if answer.status == 400 else None

    def _post(self, path: str, body: Mapping[str, Any]) -> Call:
        return Call(url=f"{self.about.url}/{path}", json={**body, "key": f"${KEY}"}, key_fields=("key",))

    def _reply(self, result: Mapping[str, Any], ticket: Ticket) -> Reply:
        images = result.get("images") or []
        if error := result.get("error"):
            raise failed(self.about.title, str(error))
        seed, texts = result.get("seed"), [images] if isinstance(images, str) else list(images)
        return Reply(
            made=tuple(Made(data=str(text), seed=seed if isinstance(seed, int) else None) for text in texts),
            request_id=ticket.id,
            version=str(result.get("model_name") or result.get("ep_version") or ""),
            finish_reason="done",
            moderation="unknown" if texts else "blocked_by_provider",
            reason="" if texts else "it sent no picture",
            told={"provider_seconds": result["compute_duration"]} if result.get("compute_duration") else {},
        )


def _pictured(wish: Wish) -> dict[str, Any]:
    """The size, and the picture in a size that the endpoint takes."""
    if wish.size is None:
        return {}
    size = wish.size if wish.image is None else wish.model.size_near(wish.size)
    body: dict[str, Any] = {} if wish.name == SDXL_I2I else {"width": size.width, "height": size.height}
    if wish.image is not None:
        body["image"] = attached(_within(fit(wish.image, size, "stretch"), MOST_PICTURE_SIDE))
    return body


def _within(image: Image.Image, side: int) -> Image.Image:
    scale = side / max(image.size)
    return image if scale >= 1 else fit(image, Size(*(round(length * scale) for length in image.size)), "stretch")


def _of_400(title: str, words: str, said: str) -> StudioError:
    """A full queue, a model that is switched off, or what is wrong with the request."""
    if "max length" in words.lower():
        return busy(title)
    if "disabled" in words.lower():
        return Rejected(f"{title} has switched this model off. Choose another model.", "model")
    return Rejected(f"{title} refused the request (400).{said} Change it and try again.", _field_in(words))


def _field_in(words: str) -> str:
    """Our name of the first field that an error speaks of."""
    names = {**OUR_FIELDS, **THEIRS}
    return next((names[word] for word in re.findall(r"\w+", words) if word in names), "")
