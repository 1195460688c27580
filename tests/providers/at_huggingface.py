"""The Hugging Face router on loopback, with the four providers behind it in their own shapes."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, opened, picture

from studio.backends import huggingface

PARAMETERS = {"seed", "num_inference_steps", "guidance_scale", "negative_prompt", "width", "height", "scheduler"}
TOGETHER = {"prompt", "model", "steps", "width", "height", "n", "seed", "negative_prompt", "guidance_scale",
            "response_format", "image_url", "reference_images"}  # fmt: skip


class RouterServer(Loopback):
    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 1
        self.looks: dict[str, int] = {}
        self.inputs: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "authorization" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])))
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Said({"error": "Invalid username or password."}, 401)
        if asked.path == "/api/whoami-v2":
            return Said({"type": "user", "name": "alice"})
        match asked.path.strip("/").partition("/"):
            case "hf-inference", _, rest if rest.startswith("models/"):
                return self.own(asked.json)
            case "fal-ai", _, rest:
                return self.fal(asked, rest)
            case "replicate", _, rest:
                return self.replicate(asked, rest)
            case "together", _, "v1/images/generations":
                return self.together(asked.json)
        return Said({"error": "Not Found"}, 404)

    def own(self, values: dict[str, Any]) -> Said:
        parameters, inputs = values.get("parameters", {}), values.get("inputs")
        allowed = {*PARAMETERS, "prompt", "target_size"} - {"width", "height"} if "target_size" in parameters else PARAMETERS
        if unknown := set(parameters) - allowed:
            return Said({"error": [f"unknown parameters: {unknown}"]}, 400)
        if not inputs:
            return Said({"error": ["inputs: required"]}, 422)
        if "target_size" in parameters:
            opened(base64.b64decode(inputs, validate=True))
        self.count_made()
        return Said(picture(seed=parameters.get("seed", 7)), 200, {"Content-Type": "image/jpeg", "x-request-id": "Root=1"})

    def fal(self, asked: Asked, rest: str) -> Said:
        assert asked.query == {"_subdomain": "queue"}
        if found := matched("fal-ai/flux/requests/([^/]+)(/status|/cancel)?", rest):
            return self.queued(asked, found[1], found[2] or "")
        id = f"r{self.count_made()}"
        self.inputs[id] = asked.json
        urls = {f"{name}_url": f"https://queue.fal.run/fal-ai/flux/requests/{id}{end}"
                for name, end in (("response", ""), ("status", "/status"), ("cancel", "/cancel"))}  # fmt: skip
        return Said({"request_id": id, "status": "IN_QUEUE", **urls})

    def queued(self, asked: Asked, id: str, what: str) -> Said:
        if what == "/cancel":
            return Said({"status": "CANCELLATION_REQUESTED"}, 202 if asked.method == "PUT" else 405)
        self.looks[id] = self.looks.get(id, 0) + (what == "/status")
        done = self.looks[id] > self.looks_needed
        if what == "/status":
            return Said({"status": "COMPLETED" if done else "IN_PROGRESS"}, 200 if done else 202)
        seed = self.inputs[id]["seed"]
        return Said({"images": [{"url": f"{self.url}/files/{id}-{seed}"}], "seed": seed, "has_nsfw_concepts": [False]})

    def replicate(self, asked: Asked, rest: str) -> Said:
        if found := matched("v1/predictions/([^/]+)(/cancel)?", rest):
            return self.prediction(found[1])
        assert asked.headers["prefer"] == "wait"
        if not asked.json["input"].get("prompt"):
            return Said({"detail": "- input.prompt: required"}, 422)
        id = f"p{self.count_made()}"
        self.inputs[id] = asked.json["input"]
        return self.prediction(id, 201)

    def prediction(self, id: str, status: int = 200) -> Said:
        self.looks[id] = self.looks.get(id, 0) + 1
        values = {"id": id, "urls": {"get": f"https://api.replicate.com/v1/predictions/{id}"}, "version": "hidden"}
        if self.looks[id] <= self.looks_needed:
            return Said({**values, "status": "processing", "output": None}, status)
        output = [f"{self.url}/files/{id}-{self.inputs[id]['seed']}"]
        return Said({**values, "status": "succeeded", "output": output}, status)

    def together(self, values: dict[str, Any]) -> Said:
        if unknown := set(values) - TOGETHER:
            return Said({"error": {"message": f"unknown {unknown}", "param": sorted(unknown)[0]}}, 400)
        assert values["response_format"] == "base64"
        self.count_made()
        image = base64.b64encode(picture(seed=values.get("seed", 7))).decode()
        return Said({"id": "t1", "object": "list", "data": [{"index": 0, "type": "b64_json", "b64_json": image}]})


SUBMIT = "/hf-inference/models/"
CASE = Case(
    name="huggingface",
    create=huggingface.create,
    server=RouterServer,
    keys=("HF_TOKEN",),
    models={
        "text-to-image": "hf-inference/black-forest-labs/FLUX.1-schnell",
        "image-to-image": "hf-inference/stabilityai/stable-diffusion-xl-refiner-1.0",
    },
    submit=SUBMIT,
    wrong={
        "key": says(401, {"error": "Invalid username or password."}, SUBMIT),
        "credit": says(402, {"error": "You have exceeded your monthly included credits for Inference Providers."}, SUBMIT),
        "forbidden": says(403, {"error": "This token has no permission to call Inference Providers"}, SUBMIT),
        "invalid": says(422, {"error": [{"loc": ["parameters", "width"], "msg": "too large", "type": "less_than"}]}, SUBMIT),
        "busy": says(429, {"error": "Too many requests"}, SUBMIT),
    },
    invalid_field="size",
)
