"""OpenAI's images on loopback: generations by JSON, edits by a form, with the rules of each family of models."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, opened, picture

from studio.backends import openai

ALIVE = ("gpt-image-1-mini", "gpt-image-1.5", "gpt-image-2", "gpt-image-2.5-sunburst", "gpt-image-2.5-flare",
         "gpt-image-2.6-sunburst", "gpt-image-2.6-flare", "chatgpt-image-latest")  # fmt: skip
THREE = ("auto", "1024x1024", "1536x1024", "1024x1536")
COMMON = {"model", "prompt", "n", "size", "quality", "background", "output_format", "output_compression"}
FIELDS = {
    "/v1/images/generations": COMMON | {"moderation"},
    "/v1/images/edits": COMMON | {"image", "mask", "input_fidelity"},
}


class OpenAIServer(Loopback):
    BASE = "/v1"

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "Incorrect API key provided.", code="invalid_api_key")
        if asked.path == "/v1/models":
            return Said({"object": "list", "data": [{"id": "gpt-image-2"}, {"id": "gpt-6"}]})
        if asked.path not in FIELDS:
            return wrong(404, "Invalid URL")
        edits = asked.path.endswith("edits")
        body = asked.form if edits else asked.json
        if fault := fault_of(body, FIELDS[asked.path]) or (edits and picture_fault(body)):
            return wrong(400, fault[1], param=fault[0])
        self.count_made()
        return self.made_pictures(body)

    def made_pictures(self, body: dict[str, Any]) -> Said:
        size = opened(body["image"]).size if "image" in body else (64, 64)
        entries = [
            {"b64_json": base64.b64encode(picture(size, seed=number)).decode(), "revised_prompt": "a fox, red"}
            for number in range(int(body.get("n", 1)))
        ]
        usage = {"input_tokens": 10, "output_tokens": 1056, "total_tokens": 1066}
        values = {"created": 1, "data": entries, "background": "opaque", "size": body["size"], "usage": usage}
        return Said(values, 200, {"x-request-id": "req_openai"})


def fault_of(body: dict[str, Any], fields: set[str]) -> tuple[str, str] | None:
    """The field at fault and why."""
    unknown = sorted(set(body) - fields)
    if unknown:
        return unknown[0], f"Unknown parameter: '{unknown[0]}'."
    name, few = body.get("model"), body.get("model") in ("gpt-image-1-mini", "gpt-image-1.5", "chatgpt-image-latest")
    qualities = ("low", "medium", "high", "auto", *(("xhigh", "max") if "2.5" in str(name) else ()))
    rules = (
        (name not in ALIVE, "model", "The model does not exist."),
        (not body.get("prompt"), "prompt", "Missing prompt."),
        (not 1 <= int(body.get("n", 1)) <= 10, "n", "n must be 1 to 10."),
        (body.get("size") not in THREE if few else not is_size(str(body.get("size", "auto"))), "size", "Invalid size."),
        (body.get("quality", "auto") not in qualities, "quality", "Invalid quality."),
        (body.get("moderation", "auto") not in ("auto", "low"), "moderation", "Invalid moderation."),
        ("input_fidelity" in body and name != "gpt-image-1.5", "input_fidelity", "Not with this model."),
        (body.get("background") == "transparent" and body.get("output_format") == "jpeg", "background", "Needs png."),
    )
    return next(((name, why) for broken, name, why in rules if broken), None)


def is_size(text: str) -> bool:
    if text == "auto":
        return True
    width, height = map(int, text.split("x"))
    good = width % 16 == height % 16 == 0 and width * height <= 3840 * 2160
    return good and max(width, height) <= min(3840, 3 * min(width, height))


def picture_fault(form: dict[str, Any]) -> tuple[str, str] | None:
    if not isinstance(form.get("image"), bytes):
        return "image", "Missing image."
    if "mask" not in form:
        return None
    mask = opened(form["mask"])
    if mask.format != "PNG" or mask.mode != "RGBA" or len(form["mask"]) > 4_000_000:
        return "mask", "The mask must be a PNG with an alpha channel of less than 4MB."
    if mask.size != opened(form["image"]).size:
        return "mask", "The mask must have the size of the image."
    return None


def wrong(status: int, message: str, type_: str = "invalid_request_error", **more: Any) -> Said:
    return Said({"error": {"message": message, "type": type_, "param": None, "code": None, **more}}, status)


def _says(status: int, message: str, type_: str = "invalid_request_error", **more: Any) -> Any:
    return says(status, wrong(status, message, type_, **more).body, SUBMIT)


SUBMIT = "/v1/images/"
BUSY = wrong(429, "Rate limit reached", "requests", code="rate_limit_exceeded").body
CASE = Case(
    name="openai",
    create=openai.create,
    server=OpenAIServer,
    keys=("OPENAI_API_KEY",),
    models={
        "text-to-image": "gpt-image-2", "image-to-image": "gpt-image-2",
        "inpaint": "gpt-image-1.5", "outpaint": "gpt-image-2",
    },
    submit=SUBMIT,
    wrong={
        "key": _says(401, "Incorrect API key provided.", code="invalid_api_key"),
        "credit": _says(429, "You exceeded your current quota.", "insufficient_quota", code="insufficient_quota"),
        "forbidden": _says(403, "Your organization must be verified to use this model."),
        "invalid": _says(400, "Invalid size.", param="size"),
        "busy": says(429, BUSY, SUBMIT, retry_after_ms="1500"),
        "moderated": _says(400, "Rejected by the safety system.", "image_generation_user_error", code="moderation_blocked"),
    },
    invalid_field="size",
    seeds=False,
)  # fmt: skip
