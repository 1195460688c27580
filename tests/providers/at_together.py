"""Together AI's images on loopback."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, picture

from studio.backends import together

FIELDS = {"model", "prompt", "steps", "width", "height", "aspect_ratio", "n", "seed", "negative_prompt", "guidance_scale",
          "response_format", "output_format", "image_url", "reference_images", "image_loras",
          "disable_safety_checker"}  # fmt: skip
SUBMIT = "/v1/images/generations"


class TogetherServer(Loopback):
    BASE = "/v1"

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            return self.file(asked)
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "Invalid API key provided", "invalid_request_error", code="invalid_api_key")
        if asked.path == "/v1/models":
            return Said([{"id": "a", "type": "image"}, {"id": "b", "type": "chat"}, {"id": "c", "type": "image"}])
        if asked.path != SUBMIT:
            return wrong(404, "no such address", "not_found")
        if fault := self.fault_of(asked.json):
            return wrong(400, fault[1], "invalid_request_error", param=fault[0])
        self.count_made()
        return Said({"id": "oa-1", "model": asked.json["model"], "object": "list", "data": self.data(asked.json)})

    def file(self, asked: Asked) -> Said:
        """Their picture host answers 403 to an empty User-Agent, and no key belongs there."""
        assert "authorization" not in asked.headers
        return Said(picture(), 200) if asked.headers.get("user-agent") else Said(status=403)

    def fault_of(self, body: dict[str, Any]) -> tuple[str, str] | None:
        """The field at fault and why."""
        name = body.get("model", "")
        shaped = "schnell" in name or "kontext" in name
        referenced = "image_url" in body
        rules = (
            (unknown := next(iter(set(body) - FIELDS), ""), unknown, "unknown field"),
            (not body.get("prompt"), "prompt", "prompt is required"),
            (not name, "model", "model is required"),
            (not 1 <= body.get("n", 1) <= 4, "n", "n must be 1 to 4"),
            (not 1 <= body.get("steps", 20) <= 50, "steps", "steps must be 1 to 50"),
            (shaped and ("width" in body or "aspect_ratio" not in body), "aspect_ratio", "this model takes aspect_ratio"),
            (not shaped and body.get("width", 0) % 8 > 0, "width", "width must be a multiple of 8"),
            (body.get("response_format") not in ("base64", "url"), "response_format", "base64 or url"),
            (body.get("output_format", "jpeg") not in ("jpeg", "png"), "output_format", "jpeg or png"),
            (referenced and not ("kontext" in name or name.endswith(("FLUX.2-pro", "FLUX.2-flex"))), "image_url",
             "this model takes no image_url"),
            (referenced and not body["image_url"].startswith("data:image/"), "image_url", "not a picture"),
            (body.get("reference_images") and "FLUX.2" not in name, "reference_images", "no references here"),
        )  # fmt: skip
        return next(((name, why) for broken, name, why in rules if broken), None)

    def data(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        many = range(body.get("n", 1))
        if body.get("response_format") == "url":
            return [{"index": number, "type": "url", "url": f"{self.url}/files/{number}"} for number in many]
        return [
            {
                "index": number,
                "type": "b64_json",
                "b64_json": base64.b64encode(picture(seed=body.get("seed", 7) + number)).decode(),
            }
            for number in many
        ]


def wrong(status: int, message: str, type_: str, param: str | None = None, code: str | None = None) -> Said:
    return Said({"error": {"message": message, "type": type_, "param": param, "code": code}}, status)


def _says(status: int, message: str, param: str | None = None, **headers: str) -> Any:
    return says(status, wrong(status, message, "invalid_request_error", param).body, SUBMIT, **headers)


CASE = Case(
    name="together",
    create=together.create,
    server=TogetherServer,
    keys=("TOGETHER_API_KEY",),
    models={
        "text-to-image": "black-forest-labs/FLUX.1-schnell",
        "image-to-image": "black-forest-labs/FLUX.1-kontext-pro",
    },
    submit=SUBMIT,
    wrong={
        "key": _says(401, "Invalid API key provided"),
        "credit": _says(402, "Credit limit exceeded"),
        "forbidden": _says(403, "not for you"),
        "invalid": _says(400, "steps must be between 1 and 50", "steps"),
        "busy": says(
            429, {"error": {"message": "slow down"}, "error_type": "dynamic_request_limited"}, SUBMIT, x_ratelimit_reset="3"
        ),
        "moderated": _says(422, "NSFW content detected in the prompt"),
    },
    invalid_field="steps",
)
