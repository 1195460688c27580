"""Fireworks AI's workflows, Kontext and SDXL family on loopback."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, opened, picture

from studio.backends import fireworks

RATIOS = ("1:1", "21:9", "16:9", "3:2", "5:4", "4:5", "2:3", "9:16", "9:21", "4:3", "3:4")
FLUX = {"prompt", "aspect_ratio", "guidance_scale", "num_inference_steps", "seed", "safety_check"}
KONTEXT = {"prompt", "input_image", "aspect_ratio", "seed", "output_format", "safety_tolerance", "prompt_upsampling"}
XL = {"prompt", "negative_prompt", "cfg_scale", "width", "height", "sampler", "samples", "steps", "seed", "style_preset",
      "safety_check"}  # fmt: skip
FROM_PICTURE = XL - {"width", "height"} | {"init_image", "init_image_mode", "image_strength", "step_schedule_start",
                                           "step_schedule_end"}  # fmt: skip
ACCOUNT = "/inference/v1/([a-z_]+)/accounts/fireworks/models/([^/]+)(?:/([a-z_]+))?"


class FireworksServer(Loopback):
    BASE = "/inference/v1"

    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 2
        self.looks: dict[str, int] = {}
        self.seeds: dict[str, int] = {}
        self.status = "Ready"
        self.filtered = False

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/samples/"):
            assert "authorization" not in asked.headers
            return Said(picture(seed=self.seeds[asked.path.rpartition("/")[2]]), 200, {"Content-Type": "image/png"})
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "unauthorized", "The API key you provided is invalid.")
        if asked.path == "/inference/v1/models":
            return Said({"object": "list", "data": []})
        found = matched(ACCOUNT, asked.path)
        match found.groups() if found else ():
            case ("workflows", name, "get_result") if "kontext" in name:
                return self.result(asked.json["id"])
            case ("workflows", name, None) if "kontext" in name:
                return self.submitted(asked.json)
            case ("workflows", "flux-1-schnell-fp8" | "flux-1-dev-fp8", "text_to_image"):
                return self.flux(asked)
            case ("image_generation", name, None) if "flux" not in name:
                return self.drawn(asked.json, XL)
            case ("image_generation", name, "image_to_image") if "flux" not in name:
                return self.from_picture(asked.form)
        return wrong(404, "not_found", "Model not found, inaccessible, and/or not deployed")

    def flux(self, asked: Asked) -> Said:
        body = asked.json
        if fault := fault_of(body, FLUX) or shape_fault(body):
            return fault
        if asked.headers.get("accept") != "application/json":
            return wrong(400, "invalid_request_error", "this test wants JSON")
        self.count_made()
        text = base64.b64encode(picture(seed=body["seed"] or 99)).decode()
        prefix = "data:image/png;base64," if body.get("aspect_ratio") == "1:1" else ""
        return Said({"id": "flux-1", "base64": [prefix + text], "finishReason": self.reason(), "seed": body["seed"] or 99})

    def reason(self) -> str:
        return "CONTENT_FILTERED" if self.filtered else "SUCCESS"

    def drawn(self, body: dict[str, Any], fields: set[str]) -> Said:
        if fault := fault_of(body, fields):
            return fault
        self.count_made()
        seed = int(body["seed"])
        return Said([{"base64": base64.b64encode(picture(seed=seed)).decode(), "finishReason": self.reason(), "seed": seed}])

    def from_picture(self, form: dict[str, Any]) -> Said:
        if not isinstance(form.get("init_image"), bytes) or not opened(form["init_image"]).width:
            return wrong(400, "invalid_request_error", "init_image is required")
        if form.get("init_image_mode") != "IMAGE_STRENGTH" or not 0 <= float(form["image_strength"]) <= 1:
            return wrong(400, "invalid_request_error", "image_strength must be in 0..1")
        return self.drawn(form, FROM_PICTURE)

    def submitted(self, body: dict[str, Any]) -> Said:
        if fault := fault_of(body, KONTEXT) or shape_fault(body):
            return fault
        if "input_image" in body and not body["input_image"].startswith("data:image/"):
            return wrong(400, "invalid_request_error", "input_image is no picture")
        id = f"k{self.count_made()}"
        self.looks[id], self.seeds[id] = 0, body["seed"]
        return Said({"request_id": id})

    def result(self, id: str) -> Said:
        if id not in self.looks:
            return Said({"id": id, "status": "Task not found", "result": None})
        self.looks[id] += 1
        if self.looks[id] <= self.looks_needed:
            return Said({"id": id, "status": "Pending", "result": None, "progress": 0.5})
        done = self.status == "Ready"
        return Said({"id": id, "status": self.status, "result": {"sample": f"{self.url}/samples/{id}"} if done else None})


def wrong(status: int, type_: str, message: str) -> Said:
    return Said({"error": {"object": "error", "type": type_, "message": message}}, status)


def fault_of(body: dict[str, Any], fields: set[str]) -> Said | None:
    if unknown := set(body) - fields:
        return wrong(400, "invalid_request_error", f"Extra inputs are not permitted, field: {sorted(unknown)[0]}")
    if not body.get("prompt"):
        return wrong(400, "invalid_request_error", "prompt is required")
    if int(body.get("samples", 1)) != 1:
        return wrong(400, "invalid_request_error", "samples")
    return None


def shape_fault(body: dict[str, Any]) -> Said | None:
    return wrong(400, "invalid_request_error", "aspect_ratio") if body.get("aspect_ratio", "1:1") not in RATIOS else None


SUBMIT = "/models/"
CASE = Case(
    name="fireworks",
    create=fireworks.create,
    server=FireworksServer,
    keys=("FIREWORKS_API_KEY",),
    models={"text-to-image": "flux-1-schnell-fp8", "image-to-image": "stable-diffusion-xl-1024-v1-0"},
    submit=SUBMIT,
    wrong={
        "key": says(401, wrong(401, "unauthorized", "invalid key").body, SUBMIT),
        "credit": says(412, wrong(412, "billing", "Account is suspended").body, SUBMIT),
        "forbidden": says(403, wrong(403, "forbidden", "not allowed").body, SUBMIT),
        "invalid": says(400, {"error": {"type": "invalid_request_error", "message": "too long", "param": "prompt"}}, SUBMIT),
        "busy": says(429, wrong(429, "rate_limit", "slow down").body, SUBMIT),
        "moderated": says(200, {"id": "f", "base64": [""], "finishReason": "CONTENT_FILTERED", "seed": 1}, SUBMIT),
    },
    invalid_field="prompt",
)
