"""ModelsLab's v6 on loopback: almost everything comes with status 200."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, opened, picture

from studio.backends import modelslab

COMMON = {"key", "model_id", "prompt", "negative_prompt", "width", "height", "samples", "num_inference_steps",
          "safety_checker", "enhance_prompt", "seed", "guidance_scale", "base64", "scheduler"}  # fmt: skip
FIELDS = {
    "images/text2img": COMMON,
    "images/img2img": COMMON | {"init_image", "strength"},
    "images/inpaint": COMMON | {"init_image", "mask_image", "strength"},
    "image_editing/outpaint": {"key", "prompt", "negative_prompt", "image", "width", "height", "overlap_width",
                               "num_inference_steps", "guidance_scale", "seed", "temp", "base64"},
}  # fmt: skip
NEEDED = {
    "images/text2img": ("model_id", "prompt"),
    "images/img2img": ("model_id", "init_image"),
    "images/inpaint": ("model_id", "init_image", "mask_image"),
    "image_editing/outpaint": ("image",),
}


def error(message: Any, status: int = 200, **more: Any) -> Said:
    return Said({"status": "error", "message": message, **more}, status)


class ModelsLabServer(Loopback):
    BASE = "/api"

    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.nsfw = False
        self.tasks: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/png"})
        if asked.json.get("key") != KEY:
            return error("Invalid api key")
        if asked.path == "/api/wallet_balance":
            return Said({"status": "success", "wallet_balance": 12.5})
        if asked.path == "/api/v6/images/fetch":
            return self.look(str(asked.json.get("request_id")), editing=False)
        if found := matched("/api/v6/image_editing/fetch/([^/]+)", asked.path):
            return self.look(found[1], editing=True)
        name = asked.path.removeprefix("/api/v6/")
        return self.submit(name, asked.json) if name in FIELDS else error("Not found", 404)

    def submit(self, name: str, values: dict[str, Any]) -> Said:
        if unknown := set(values) - FIELDS[name]:
            return error({sorted(unknown)[0]: ["The field is not known."]})
        for field in NEEDED[name]:
            if not values.get(field):
                return error({field: [f"The {field} field is required."]})
        if fault := _of_values(name, values):
            return fault
        id = str(1000 + self.count_made())
        self.tasks[id] = {"values": values, "looks": 0, "editing": name.startswith("image_editing")}
        later = {
            "status": "processing",
            "eta": 2,
            "id": int(id),
            "output": [],
            "tip": "use webhooks",
            "fetch_result": "https://elsewhere.example/fetch",
            "future_links": ["https://elsewhere.example/1.png"],
        }
        return Said(later)  # fmt: skip

    def look(self, id: str, *, editing: bool) -> Said:
        task = self.tasks.get(id)
        if task is None or task["editing"] != editing:
            return error("Request not found")
        task["looks"] += 1
        if task["looks"] <= self.looks_needed:
            return Said({"status": "processing", "message": "Try Again", "output": ""})
        seed = task["values"]["seed"]
        if task["values"].get("base64") in (True, "true"):
            output = base64.b64encode(picture(seed=seed)).decode()
        else:
            output = f"{self.url}/files/{id}-{seed}"
        meta = {"seed": seed, "prompt": task["values"].get("prompt")}
        return Said({"status": "success", "id": int(id), "output": [output], "proxy_links": [], "generationTime": 1.5,
                     "meta": meta, "nsfw_content_detected": self.nsfw})  # fmt: skip


def _of_values(name: str, values: dict[str, Any]) -> Said | None:
    outpaint = name.startswith("image_editing")
    most = 1440 if outpaint else 1024
    for field in ("width", "height"):
        if not 1 <= values.get(field, 512) <= most:
            return error({field: [f"The {field} may not be greater than {most}."]})
    if not 1 <= values.get("num_inference_steps", 10) <= (30 if outpaint else 20):
        return error({"num_inference_steps": ["too many"]})
    for field in ("safety_checker", "enhance_prompt"):
        if not isinstance(values.get(field, False), bool):
            return error({field: [f"The {field} field must be true or false."]})
    pictures = [field for field in ("init_image", "mask_image", "image") if field in values]
    if pictures and values.get("base64") != ("true" if outpaint else True):
        return error({pictures[0]: ["The image is no valid URL."]})
    try:
        sizes = {opened(base64.b64decode(values[field], validate=True)).size for field in pictures}
    except binascii.Error:
        return error("The image is no base64")
    return error("mask and image differ in size") if len(sizes) > 1 else None


SUBMIT = "/v6/images/text2img"
CASE = Case(
    name="modelslab",
    create=modelslab.create,
    server=ModelsLabServer,
    keys=("MODELSLAB_API_KEY",),
    models={
        "text-to-image": "flux", "image-to-image": "stable-diffusion-xl-base-1.0",
        "inpaint": "stable-diffusion-xl-base-1.0", "outpaint": "outpaint",
    },
    submit=SUBMIT,
    wrong={
        "key": says(200, {"status": "error", "message": "Invalid API key, please provide a valid key"}, SUBMIT),
        "credit": says(200, {"status": "error", "messege": "You don't have enough credits. Recharge your wallet"}, SUBMIT),
        "forbidden": says(403, {"status": "error", "message": "This model is for enterprise plans"}, SUBMIT),
        "invalid": says(200, {"status": "error", "message": {"seed": ["The seed must be an integer."]}}, SUBMIT),
        "busy": says(429, {"status": "error", "message": "Rate limit exceeded", "retry_after": 3}, SUBMIT),
        "moderated": says(200, {"status": "error", "message": "NSFW content found in the prompt"}, SUBMIT),
    },
    invalid_field="seed",
    polled=True,
)  # fmt: skip
