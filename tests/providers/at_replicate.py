"""Replicate's predictions on loopback."""

from __future__ import annotations

from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, picture

from studio.backends import replicate

INPUTS = {"prompt", "seed", "image", "mask", "num_inference_steps", "guidance", "negative_prompt", "guidance_scale",
          "prompt_strength", "aspect_ratio", "num_outputs", "width", "height"}  # fmt: skip


class ReplicateServer(Loopback):
    BASE = "/v1"

    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.predictions: dict[str, dict[str, Any]] = {}
        self.lost: set[str] = set()

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "authorization" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/webp"})
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Said({"title": "Unauthenticated", "detail": "You did not pass a valid token", "status": 401}, 401)
        if asked.path == "/v1/account":
            return Said({"type": "user", "username": "alice"})
        if matched("/v1/models/[^/]+/[^/]+", asked.path) and asked.method == "GET":
            return self.model(asked.path.removeprefix("/v1/models/"))
        if asked.path.endswith("/predictions"):
            return self.create(asked)
        if found := matched("/v1/predictions/([^/]+)/cancel", asked.path):
            self.predictions[found[1]]["status"] = "canceled"
            return Said(self.predictions[found[1]])
        if found := matched("/v1/predictions/([^/]+)", asked.path):
            return self.look(found[1])
        return Said({"detail": "Not found", "status": 404}, 404)

    def model(self, name: str) -> Said:
        wide = "sdxl" in name
        names = INPUTS - ({"aspect_ratio", "guidance"} if wide else {"width", "height", "negative_prompt", "guidance_scale"})
        properties: dict[str, Any] = {each: {"type": "string"} for each in names}
        if not wide:
            properties["aspect_ratio"] = {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}]}
        schemas = {"Input": {"properties": properties}, "aspect_ratio": {"enum": ["1:1", "16:9", "3:2", "2:3", "custom"]}}
        version = {"id": "f" * 64, "openapi_schema": {"components": {"schemas": schemas}}}
        return Said({"owner": name.partition("/")[0], "is_official": not wide, "latest_version": version})

    def create(self, asked: Asked) -> Said:
        values = asked.json["input"]
        if not values.get("prompt"):
            fields = [{"type": "required", "field": "prompt", "description": "prompt is required"}]
            return Said({"title": "Input validation failed", "detail": "- input.prompt: required", "status": 422,
                         "invalid_fields": fields}, 422)  # fmt: skip
        id = f"p{self.count_made()}"
        urls = {"get": f"{self.url}/v1/predictions/{id}", "cancel": f"{self.url}/v1/predictions/{id}/cancel"}
        self.predictions[id] = {
            "id": id,
            "status": "starting",
            "input": values,
            "urls": urls,
            "version": "hidden",
            "looks": 0,
        }
        return Said(self.predictions[id], 201)

    def look(self, id: str) -> Said:
        if id in self.lost or id not in self.predictions:
            return Said({"detail": "Not found", "status": 404}, 404)
        prediction = self.predictions[id]
        prediction["looks"] += 1
        if prediction["looks"] > self.looks_needed and prediction["status"] != "canceled":
            prediction |= {"status": "succeeded", "output": [f"{self.url}/files/{id}-{prediction['input'].get('seed', 1)}"],
                           "metrics": {"predict_time": 1.5}}  # fmt: skip
        elif prediction["status"] == "starting":
            prediction["status"] = "processing"
        return Said(prediction)


SUBMIT = "/predictions"
CASE = Case(
    name="replicate",
    create=replicate.create,
    server=ReplicateServer,
    keys=("REPLICATE_API_TOKEN",),
    models={
        "text-to-image": "black-forest-labs/flux-schnell", "image-to-image": "stability-ai/sdxl",
        "inpaint": "black-forest-labs/flux-fill-dev", "outpaint": "black-forest-labs/flux-fill-dev",
    },
    submit="/predictions",
    wrong={
        "key": says(401, {"title": "Unauthenticated", "detail": "bad token"}, SUBMIT),
        "credit": says(402, {"title": "Insufficient credit", "detail": "Add credit"}, SUBMIT),
        "forbidden": says(403, {"detail": "not yours"}, SUBMIT),
        "invalid": says(422, {"detail": "- input.seed: too large", "invalid_fields": [
            {"type": "number", "field": "seed", "description": "seed is too large"}]}, SUBMIT),
        "busy": says(429, {"detail": "Request was throttled. Your rate limit resets in ~2s."}, SUBMIT),
        "moderated": says(201, {"id": "p9", "status": "failed", "error": "NSFW content detected. Try again."}, SUBMIT),
    },
    invalid_field="seed",
    polled=True,
    cancels=True,
)  # fmt: skip
