"""Black Forest Labs on loopback."""

from __future__ import annotations

import base64
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, matched, opened, picture

from studio.backends import bfl

FLUX_2 = {"prompt", "input_image", "seed", "width", "height", "safety_tolerance", "output_format"}
FLUX_1 = {"prompt", "width", "height", "prompt_upsampling", "seed", "safety_tolerance", "output_format"}
ULTRA = {"prompt", "aspect_ratio", "raw", "seed", "safety_tolerance", "output_format", "prompt_upsampling"}
FILL = {"image", "prompt", "steps", "guidance", "prompt_upsampling", "seed", "safety_tolerance", "output_format"}
FIELDS = {
    **dict.fromkeys(("flux-2-pro", "flux-2-pro-preview", "flux-2-max", "flux-2-klein-4b", "flux-2-klein-9b",
                     "flux-2-klein-9b-preview"), FLUX_2),
    "flux-2-flex": FLUX_2 | {"prompt_upsampling", "guidance", "steps"},
    "flux-pro-1.1": FLUX_1,
    "flux-pro-1.1-ultra": ULTRA,
    "flux-dev": FLUX_1 | {"steps", "guidance"},
    "flux-kontext-pro": (ULTRA - {"raw"}) | {"input_image"},
    "flux-kontext-max": (ULTRA - {"raw"}) | {"input_image"},
    "flux-pro-1.0-fill": FILL | {"mask"},
    "flux-pro-1.0-expand": FILL | {"top", "bottom", "left", "right"},
    "flux-tools/outpainting-v1": {"input_image", "width", "height", "reference_offset_x", "reference_offset_y", "auto_crop",
                                  "mode", "prompt", "disable_pup", "seed"},
    "flux-tools/erase-v1": {"image", "mask", "dilate_pixels"},
}  # fmt: skip
NEEDED = {
    "flux-pro-1.0-fill": ("image", "mask"),
    "flux-pro-1.0-expand": ("image",),
    "flux-tools/outpainting-v1": ("input_image", "width", "height"),
    "flux-tools/erase-v1": ("image", "mask"),
}


def wrong(field: str, words: str, kind: str = "value_error") -> Said:
    return Said({"detail": [{"loc": ["body", field], "msg": words, "type": kind}]}, 422)


class BflServer(Loopback):
    def __init__(self) -> None:
        super().__init__()
        self.looks_needed = 1
        self.status = "Ready"
        self.tasks: dict[str, dict[str, Any]] = {}

    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "x-key" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/png"})
        if asked.headers.get("x-key") != KEY:
            return Said({"detail": "Not authenticated - Invalid Authentication"}, 403)
        if asked.path == "/v1/credits":
            return Said({"credits": 250.0})
        if asked.path == "/v1/get_result":
            return self.look(asked.query.get("id", ""))
        if (found := matched("/v1/(.+)", asked.path)) and found[1] in FIELDS and asked.method == "POST":
            return self.submit(found[1], asked.json)
        return Said({"detail": "Not Found"}, 404)

    def submit(self, endpoint: str, values: dict[str, Any]) -> Said:
        if unknown := set(values) - FIELDS[endpoint]:
            return wrong(sorted(unknown)[0], "Extra inputs are not permitted", "extra_forbidden")
        for field in NEEDED.get(endpoint, ("prompt",)):
            if values.get(field) in (None, ""):
                return wrong(field, "Field required", "missing")
        if fault := _of_size(endpoint, values) or _of_pictures(values):
            return fault
        id = f"t{self.count_made()}"
        self.tasks[id] = {"values": values, "looks": 0}
        return Said({"id": id, "polling_url": f"{self.url}/v1/get_result?id={id}", "cost": 4.5, "output_mp": 1.0})

    def look(self, id: str) -> Said:
        if id not in self.tasks:
            return Said({"id": id, "status": "Task not found", "result": None})
        task = self.tasks[id]
        task["looks"] += 1
        if task["looks"] <= self.looks_needed:
            return Said({"id": id, "status": "Generating", "result": None, "progress": 0.5})
        seed = task["values"].get("seed", 7)
        result = {"sample": f"{self.url}/files/{id}-{seed}", "prompt": "", "seed": seed, "duration": 2.5}
        return Said({"id": id, "status": self.status, "result": result if self.status == "Ready" else None})


def _of_size(endpoint: str, values: dict[str, Any]) -> Said | None:
    multiple = {"flux-pro-1.1": 32, "flux-dev": 32}.get(endpoint, 16)
    for field in ("width", "height"):
        if "tools" not in endpoint and values.get(field, multiple) % multiple:
            return wrong(field, f"must be a multiple of {multiple}")
    for field in ("top", "bottom", "left", "right"):
        if not 0 <= values.get(field, 0) <= 2048:
            return wrong(field, "Input should be at most 2048")
    return None


def _of_pictures(values: dict[str, Any]) -> Said | None:
    sizes = {field: opened(base64.b64decode(values[field], validate=True)).size
             for field in ("image", "input_image", "mask") if field in values}  # fmt: skip
    return wrong("mask", "must have the size of the image") if len(set(sizes.values())) > 1 else None


SUBMIT = "/v1/flux"
CASE = Case(
    name="bfl",
    create=bfl.create,
    server=BflServer,
    keys=("BFL_API_KEY",),
    models={
        "text-to-image": "flux-pro-1.1", "image-to-image": "flux-2-pro", "inpaint": "flux-pro-1.0-fill",
        "outpaint": "flux-pro-1.0-expand",
    },
    submit=SUBMIT,
    wrong={
        "key": says(403, {"detail": "Not authenticated"}, SUBMIT),
        "credit": says(402, {"detail": "Insufficient credits"}, SUBMIT),
        "invalid": says(422, {"detail": [{"loc": ["body", "width"], "msg": "too wide", "type": "less_than"}]}, SUBMIT),
        "busy": says(429, {"detail": "Rate limit exceeded: 24 active tasks"}, SUBMIT),
        "moderated": says(200, {"id": "t1", "status": "Request Moderated", "result": None,
                                "details": {"Moderation Reasons": ["Safety Filter"]}}, "get_result"),
    },
    invalid_field="size",
    polled=True,
)  # fmt: skip
