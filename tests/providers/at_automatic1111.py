"""AUTOMATIC1111's /sdapi/v1 on loopback: it draws inside the mask alone, and sends a control map along."""

from __future__ import annotations

import base64
import io
import json
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, opened, picture
from PIL import Image

from studio.backends import automatic1111

BOTH = {"prompt", "negative_prompt", "batch_size", "n_iter", "send_images", "save_images", "width", "height", "steps",
        "cfg_scale", "seed", "sampler_name", "scheduler", "override_settings", "override_settings_restore_afterwards",
        "force_task_id"}  # fmt: skip
FIELDS = {
    "txt2img": BOTH,
    "img2img": BOTH | {"init_images", "resize_mode", "denoising_strength", "mask", "mask_blur", "inpainting_fill",
                       "inpaint_full_res", "inpainting_mask_invert"},
}  # fmt: skip
NEW_SAMPLERS = ("DPM++ 2M", "DPM++ SDE", "DPM++ 2M SDE", "DPM++ 3M SDE", "DPM++ 2S a", "Euler a", "Euler", "LMS", "Heun",
                "DPM2", "DPM2 a", "DDIM", "UniPC", "LCM")  # fmt: skip
OLD_SAMPLERS = ("Euler a", "Euler", "DPM++ 2M", "DPM++ 2M Karras", "DDIM")
SCHEDULERS = ("Automatic", "Karras", "Exponential", "SGM Uniform", "Simple", "Beta")
CHECKPOINTS = ("sd_xl_base_1.0.safetensors [31e35c80fc]", "v1-5-pruned.safetensors [e1441589a6]")


class Automatic1111Server(Loopback):
    """`samplers`, `schedulers` and `checkpoints` are what it has; `extras` more pictures behind the wanted ones."""

    def __init__(self) -> None:
        super().__init__()
        self.samplers, self.schedulers, self.checkpoints = NEW_SAMPLERS, SCHEDULERS, CHECKPOINTS
        self.login = KEY
        self.extras = 1
        self.results: list[Image.Image] = []
        self.tasks: list[str] = []
        self.used: list[tuple[str, str]] = []

    def answer(self, asked: Asked) -> Said:
        if self.login and asked.headers.get("authorization") != f"Basic {base64.b64encode(self.login.encode()).decode()}":
            return wrapped(401, "Incorrect username or password")
        match asked.method, asked.path.removeprefix("/sdapi/v1/"):
            case "GET", "samplers":
                return Said([{"name": name, "aliases": [], "options": {}} for name in self.samplers])
            case "GET", "sd-models":
                return Said([_listed(title) for title in self.checkpoints])
            case "POST", "interrupt":
                return Said({})
            case "POST", "txt2img" | "img2img" as kind:
                return self.refusal(asked, kind) or self.drawn(asked)
        return wrapped(404, "Not Found")

    def refusal(self, asked: Asked, kind: str) -> Said | None:
        values = asked.json
        if unknown := set(values) - FIELDS[kind]:
            return Said({"detail": [{"loc": ["body", min(unknown)], "msg": "extra fields", "type": "extra"}]}, 422)
        for name, low, high in (("steps", 1, 150), ("width", 64, 2048), ("height", 64, 2048), ("batch_size", 1, 1)):
            if not low <= values[name] <= high:
                return Said({"detail": [{"loc": ["body", name], "msg": "out of range", "type": "value_error"}]}, 422)
        if values["save_images"] or not values["send_images"] or values["width"] % 8 or values["height"] % 8:
            return wrapped(422, "saves pictures, or a size that is no multiple of 8")
        if values["sampler_name"] not in self.samplers or values.get("scheduler", "Automatic") not in self.schedulers:
            return wrapped(400, "Sampler not found")
        if values.get("override_settings", {}).get("sd_model_checkpoint", CHECKPOINTS[0]) not in self.checkpoints:
            return Said(b"Internal Server Error", 500, {"Content-Type": "text/plain"})  # Forge; AUTOMATIC1111 says nothing
        return _refused_pictures(values) if kind == "img2img" else None

    def drawn(self, asked: Asked) -> Said:
        values, seed = asked.json, asked.json["seed"]
        size = (values["width"], values["height"])
        data = picture(size, seed=seed)
        if "mask" in values:
            image = _opened(values["init_images"][0]).convert("RGB")
            image.paste(opened(data).resize(image.size), mask=_opened(values["mask"]).convert("L"))
            data = _png(image)
        self.results.append(opened(data))
        self.tasks.append(values["force_task_id"])
        self.used.append((values["sampler_name"], values.get("scheduler", "")))
        self.count_made()
        checkpoint = values.get("override_settings", {}).get("sd_model_checkpoint", self.checkpoints[0])
        info = {
            "all_seeds": [seed], "seed": seed, "index_of_first_image": 0, "sampler_name": values["sampler_name"],
            "sd_model_name": checkpoint.partition(".")[0], "sd_model_hash": checkpoint[-11:-1], "version": "v1.10.1",
            "job_timestamp": "20260101120000",
        }  # fmt: skip
        images = [data, *[picture((8, 8), "red")] * self.extras]
        texts = [base64.b64encode(each).decode() for each in images]
        return Said({"images": texts, "parameters": {}, "info": json.dumps(info)})


def wrapped(status: int, detail: str, error: str = "HTTPException", errors: str = "") -> Said:
    """AUTOMATIC1111's dialect of errors."""
    return Said({"error": error, "detail": detail, "body": "", "errors": errors}, status)


def _refused_pictures(values: dict[str, Any]) -> Said | None:
    if not values.get("init_images"):
        return wrapped(404, "Init image not found")
    if not 0 <= values.get("denoising_strength", 0.75) <= 1:
        return Said({"detail": [{"loc": ["body", "denoising_strength"], "msg": "0 to 1", "type": "value_error"}]}, 422)
    try:
        image = _opened(values["init_images"][0])
        mask = _opened(values["mask"]) if "mask" in values else None
    except (ValueError, OSError):
        return wrapped(500, "Invalid encoded image")
    wrong = mask and (values["inpainting_mask_invert"], values["inpaint_full_res"], mask.size) != (0, False, image.size)
    return wrapped(422, "the mask is inverted, cropped or of another size") if wrong else None


def _opened(text: str) -> Image.Image:
    return opened(base64.b64decode(text, validate=True))


def _png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _listed(title: str) -> dict[str, Any]:
    file, _, hash = title.rstrip("]").partition(" [")
    name = file.removesuffix(".safetensors")
    return {
        "title": title,
        "model_name": name,
        "hash": hash,
        "sha256": None,
        "filename": f"C:\\models\\{file}",
        "config": None,
    }


SUBMIT = "/sdapi/v1/txt2img"
CASE = Case(
    name="automatic1111",
    create=automatic1111.create,
    server=Automatic1111Server,
    keys=("AUTOMATIC1111_API_AUTH",),
    models=dict.fromkeys(("text-to-image", "image-to-image", "inpaint", "outpaint"), automatic1111.CURRENT),
    submit=SUBMIT,
    wrong={
        "key": says(401, {"detail": "Incorrect username or password"}, SUBMIT),
        "invalid": says(422, {"detail": [{"loc": ["body", "cfg_scale"], "msg": "no float", "type": "value_error"}]}, SUBMIT),
    },
    invalid_field="guidance_scale",
    cancels=True,
    free=True,
)  # fmt: skip
