"""A server that copies a part of OpenAI's images, on loopback."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, opened, picture

from studio.backends import openai_compatible
from studio.backends._hosted.backend import HostedBackend
from studio.settings import Settings

COPIED = {"model", "prompt", "n", "size", "response_format"}
MODELS = """
[[models]]
name = "flux-dev"
title = "FLUX dev"
tasks = ["text-to-image", "image-to-image", "inpaint", "outpaint"]
"""
SUBMIT = "/v1/images/"


class CompatibleServer(Loopback):
    BASE = "/v1"

    def __init__(self) -> None:
        super().__init__()
        self.by_address = False

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/generated-images/"):
            assert "authorization" not in asked.headers
            return Said(picture(), 200, {"Content-Type": "image/png"})
        if asked.headers.get("authorization") not in (f"Bearer {KEY}", None):
            return wrong(401, "Invalid API key")
        if asked.path == "/v1/models":
            return Said({"object": "list", "data": [{"id": "flux-dev"}]})
        edits = asked.path == SUBMIT + "edits"
        if not edits and asked.path != SUBMIT + "generations":
            return wrong(404, "no such address")
        body = asked.form if edits else asked.json
        if unknown := set(body) - COPIED - ({"image", "mask"} if edits else set()):
            return wrong(400, f"unknown field {sorted(unknown)[0]}", sorted(unknown)[0])
        if body.get("model") != "flux-dev" or not body.get("prompt") or body.get("response_format") != "b64_json":
            return wrong(400, "model, prompt and response_format are needed", "prompt")
        if edits and not isinstance(body.get("image"), bytes):
            return wrong(400, "image is needed", "image")
        if "mask" in body and opened(body["mask"]).size != opened(body["image"]).size:
            return wrong(400, "mask and image differ in size", "mask")
        number = self.count_made()
        if self.by_address:
            return Said({"created": 1, "data": [{"url": f"{self.url}/generated-images/{number}"}]})
        return Said({"created": 1, "data": [{"b64_json": base64.b64encode(picture(seed=number)).decode()}]})


def wrong(status: int, message: str, param: str | None = None) -> Said:
    return Said({"error": {"message": message, "type": "invalid_request_error", "param": param, "code": None}}, status)


def create(settings: Settings) -> list[HostedBackend]:
    """With the list of models that a user writes."""
    path: Path = settings.data / "providers" / "openai-compatible.toml"
    path.write_text(path.read_text(encoding="utf-8") + MODELS, encoding="utf-8")
    return openai_compatible.create(settings)


def _says(status: int, message: str, param: str | None = None) -> Any:
    return says(status, wrong(status, message, param).body, SUBMIT)


CASE = Case(
    name="openai-compatible",
    create=create,
    server=CompatibleServer,
    keys=("OPENAI_COMPATIBLE_API_KEY",),
    models=dict.fromkeys(("text-to-image", "image-to-image", "inpaint", "outpaint"), "flux-dev"),
    submit=SUBMIT,
    wrong={
        "key": _says(401, "Invalid API key"),
        "credit": _says(402, "Pay first"),
        "forbidden": _says(403, "not yours"),
        "invalid": _says(400, "size is not supported", "size"),
        "busy": _says(429, "slow down"),
        "moderated": says(200, {"created": 1, "data": []}, SUBMIT),
    },
    invalid_field="size",
    seeds=False,
)
