"""fal's queue on loopback."""

from __future__ import annotations

from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, picture

from studio.backends import fal

COMMON = {"prompt", "seed", "num_inference_steps", "guidance_scale", "num_images", "enable_safety_checker", "image_size"}
PICTURED = COMMON | {"image_url", "strength", "negative_prompt"}
FIELDS = {
    "fal-ai/flux/dev": COMMON,
    "fal-ai/flux/schnell": COMMON - {"guidance_scale"},
    "fal-ai/flux/dev/image-to-image": PICTURED - {"image_size", "negative_prompt"},
    "fal-ai/flux-lora": COMMON,
    "fal-ai/flux-lora/image-to-image": PICTURED - {"negative_prompt"},
    "fal-ai/flux-lora/inpainting": PICTURED | {"mask_url"},
    "fal-ai/flux-krea-lora/inpainting": PICTURED | {"mask_url"},
    "fal-ai/fast-sdxl/inpainting": PICTURED | {"mask_url"},
    "fal-ai/flux-pro/v1/fill": {"prompt", "seed", "image_url", "mask_url"},
    "fal-ai/inpaint": {*PICTURED, "mask_url", "model_name"} - {"image_size", "strength", "enable_safety_checker"},
    "fal-ai/z-image/turbo/inpaint": (PICTURED | {"mask_image_url"}) - {"image_size", "guidance_scale"},
}


def wrong(kind: str, field: str, words: str) -> dict[str, Any]:
    return {"detail": [{"loc": ["body", field], "msg": words, "type": kind, "url": "https://docs.fal.ai/errors"}]}


class FalServer(Loopback):
    """The queue takes everything; what a model refuses comes as completed, and as an error at the result's address."""

    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.flagged: list[bool] | None = None
        self.inputs: dict[str, dict[str, Any]] = {}
        self.looks: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.broken: dict[str, Any] = {}

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "authorization" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/jpeg"})
        if asked.headers.get("authorization") != f"Key {KEY}":
            return Said({"detail": "Cannot access application. Authentication is required."}, 401)
        if asked.path == "/v1/models/pricing":
            return Said({"prices": [{"endpoint_id": "fal-ai/flux/dev", "unit_price": 0.025, "unit": "megapixels"}]})
        if found := matched("/[^/]+/[^/]+/requests/([^/]+)(/status|/cancel)?", asked.path):
            return self.request(asked, found[1], found[2] or "")
        if asked.method == "POST" and asked.path.strip("/") in FIELDS:
            return self.submit(asked, asked.path.strip("/"))
        return Said({"detail": "Not found"}, 404)

    def submit(self, asked: Asked, endpoint: str) -> Said:
        id = f"r{self.count_made()}"
        self.inputs[id] = {"endpoint": endpoint, **asked.json}
        base = f"{self.url}/{'/'.join(endpoint.split('/')[:2])}/requests/{id}"  # without the sub-path, as documented
        urls = {"response_url": base, "status_url": f"{base}/status", "cancel_url": f"{base}/cancel"}
        return Said({"request_id": id, "status": "IN_QUEUE", "queue_position": 0, **urls})

    def request(self, asked: Asked, id: str, what: str) -> Said:
        if id not in self.inputs:
            return Said({"detail": "Request not found"}, 404)
        if what == "/cancel":
            assert asked.method == "PUT"
            self.cancelled.add(id)
            return Said({"status": "CANCELLATION_REQUESTED"}, 202)
        self.looks[id] = self.looks.get(id, 0) + (what == "/status")
        done = self.looks[id] > self.looks_needed
        if what == "/status":
            status = {"status": "COMPLETED", **self.broken} if done else {"status": "IN_PROGRESS", "logs": None}
            return Said(status, 200 if done else 202)
        return self.result(id) if done else Said({"detail": "Request is still in progress"}, 400)

    def result(self, id: str) -> Said:
        values = self.inputs[id]
        endpoint = values["endpoint"]
        if unknown := set(values) - FIELDS[endpoint] - {"endpoint"}:
            return Said(wrong("extra_forbidden", sorted(unknown)[0], "Extra inputs are not permitted"), 422)
        needed = {"prompt"} | {word for word in ("image_url", "mask_url", "mask_image_url", "model_name")
                               if word in FIELDS[endpoint]}  # fmt: skip
        for word in sorted(needed):
            if not values.get(word):
                return Said(wrong("missing", word, "Field required"), 422)
            if word.endswith("_url") and not values[word].startswith("data:image/"):
                return Said(wrong("file_download_error", word, "Not a file"), 422)
        if not 0.01 <= values.get("strength", 1) <= 1:
            return Said(wrong("greater_than_equal", "strength", "Input should be at least 0.01"), 422)
        image = {"url": f"{self.url}/files/{id}-{values['seed']}", "width": 64, "height": 64, "content_type": "image/jpeg"}
        flags = {} if self.flagged is None else {"has_nsfw_concepts": self.flagged}
        pictures = {"image": image} if endpoint == "fal-ai/inpaint" else {"images": [image]}
        return Said({**pictures, "seed": values["seed"], "timings": {"inference": 1.5}, "prompt": values["prompt"], **flags})


SUBMIT = "fal-ai/flux/dev"
CASE = Case(
    name="fal",
    create=fal.create,
    server=FalServer,
    keys=("FAL_KEY",),
    models={
        "text-to-image": "fal-ai/flux/dev", "image-to-image": "fal-ai/flux-lora",
        "inpaint": "fal-ai/flux-lora/inpainting", "outpaint": "fal-ai/z-image/turbo/inpaint",
    },
    submit=SUBMIT,
    wrong={
        "key": says(401, {"detail": "Authentication is required to access this application."}, SUBMIT),
        "credit": says(402, {"detail": "Exhausted balance"}, SUBMIT),
        "forbidden": says(403, {"detail": "Application is private"}, SUBMIT),
        "invalid": says(422, wrong("less_than_equal", "num_inference_steps", "Input should be at most 50"), "requests/r1"),
        "busy": says(429, {"detail": "Too many requests"}, SUBMIT, Retry_After="1"),
        "moderated": says(422, wrong("content_policy_violation", "prompt", "flagged by a content checker"), "requests/r1"),
    },
    invalid_field="steps",
    polled=True,
    cancels=True,
)  # fmt: skip
