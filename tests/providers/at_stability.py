"""Stability AI's v2beta on loopback."""

from __future__ import annotations

from case import Case, says
from loopback import KEY, Asked, Fault, Loopback, Said, picture

from studio.backends import stability

PROMPTED = (
    "core",
    "ultra",
    "sd3",
    "inpaint",
    "search-and-replace",
    "structure",
    "sketch",
    "style",
    "conservative",
    "creative",
)
PICTURED = (
    "inpaint",
    "erase",
    "outpaint",
    "search-and-replace",
    "structure",
    "sketch",
    "style",
    "fast",
    "conservative",
    "creative",
)
FIELDS = {"prompt", "negative_prompt", "seed", "output_format", "aspect_ratio", "style_preset", "image", "strength", "mode",
          "model", "cfg_scale", "mask", "grow_mask", "left", "right", "up", "down", "creativity", "search_prompt",
          "control_strength", "fidelity"}  # fmt: skip


class StabilityServer(Loopback):
    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.filtered = False
        self.size = (64, 64)

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return self.wrong(401, "unauthorized", "invalid or missing authorization header")
        if asked.path == "/v1/user/balance":
            return Said({"credits": 123.5})
        if asked.path.startswith("/v2beta/results/"):
            return self.result(asked)
        service = asked.path.removeprefix("/v2beta/stable-image/").rpartition("/")[2]
        form = asked.form
        if unknown := set(form) - FIELDS:
            return self.wrong(400, "bad_request", f"unknown fields {unknown}")
        if service in PROMPTED and not form.get("prompt"):
            return self.wrong(400, "bad_request", "prompt: cannot be blank")
        if service in PICTURED and not isinstance(form.get("image"), bytes):
            return self.wrong(400, "bad_request", "image: is required")
        if service == "outpaint" and not any(int(form.get(side, 0)) for side in ("left", "right", "up", "down")):
            return self.wrong(400, "bad_request", "at least one side")
        if service == "sd3" and form["mode"] == "image-to-image" and ("aspect_ratio" in form or "strength" not in form):
            return self.wrong(400, "bad_request", "strength is needed and aspect_ratio not allowed with image-to-image")
        self.count_made()
        if service == "creative":
            return Said({"id": "job-1"})
        return self.made_picture(asked, int(form.get("seed", 7)))

    def made_picture(self, asked: Asked, seed: int) -> Said:
        if not asked.headers.get("accept", "").startswith(("image/*", "*/*")):
            return self.wrong(400, "bad_request", "accept")
        reason = "CONTENT_FILTERED" if self.filtered else "SUCCESS"
        told = {"Content-Type": "image/png", "seed": str(seed), "finish-reason": reason, "x-request-id": "req-stability"}
        return Said(picture(self.size, seed=seed), 200, told)

    def result(self, asked: Asked) -> Said:
        self.looks += 1
        return self.made_picture(asked, 7) if self.looks > 2 else Said({"id": "job-1", "status": "in-progress"}, 202)

    def wrong(self, status: int, name: str, *errors: str) -> Said:
        return Said({"id": "e1", "name": name, "errors": list(errors)}, status)


def _wrong(status: int, name: str, *errors: str, **headers: str) -> Fault:
    return says(status, {"id": "e1", "name": name, "errors": list(errors)}, "stable-image", **headers)


CASE = Case(
    name="stability",
    create=stability.create,
    server=StabilityServer,
    keys=("STABILITY_API_KEY",),
    models={
        "text-to-image": "core", "image-to-image": "sd3.5-large", "inpaint": "inpaint", "outpaint": "outpaint",
    },
    submit="/v2beta/stable-image/",
    wrong={
        "key": _wrong(401, "unauthorized", "bad key"),
        "credit": _wrong(402, "payment_required", "You lack sufficient credits."),
        "forbidden": _wrong(403, "forbidden", "no permission"),
        "invalid": _wrong(400, "bad_request", "prompt: cannot be longer than 10000"),
        "busy": _wrong(429, "rate_limit_exceeded", "slow down"),
        "moderated": _wrong(403, "content_moderation", "flagged"),
    },
    invalid_field="prompt",
)  # fmt: skip
