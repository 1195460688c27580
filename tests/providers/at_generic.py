"""A provider of the user's own, on loopback: JSON with a key in a header of its own, answered by addresses."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, opened, picture

from studio.backends import generic
from studio.backends._hosted.backend import HostedBackend
from studio.settings import Settings

FILE = """
kind = "generic"
title = "My provider"
path = "/v1/run/{model}"
key = "OPENAI_COMPATIBLE_API_KEY"
key_header = "X-Api-Key: Token"
pictures = ["output", "pictures", "*", "url"]
seed_path = ["output", "pictures", "*", "seed"]
mask = "black"
test_path = "/v1/account"

[body]
priority = 3

[body.input]
text = "{prompt}"
not_this = "{negative_prompt}"
size = ["{width}", "{height}"]
seed = "{seed}"
steps = "{steps}"
guidance = "{guidance_scale}"
keep = "{image_strength}"
picture = "{image}"
mask = "{mask_base64}"
quality = "{fine}"

[[models]]
name = "painters/one"
title = "Painter"
tasks = ["text-to-image", "image-to-image", "inpaint", "outpaint"]
takes = ["seed", "steps", "guidance_scale", "negative_prompt", "strength"]
price = 0.02
price_date = "2026-11-01"
"""
SUBMIT = "/v1/run/"


class GenericServer(Loopback):
    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "x-api-key" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/png"})
        if asked.headers.get("x-api-key") != f"Token {KEY}":
            return Said({"detail": "bad key"}, 401)
        if asked.path == "/v1/account":
            return Said({"name": "alice"})
        if asked.path != SUBMIT + "painters/one":
            return Said({"detail": "Not found"}, 404)
        values = asked.json["input"]
        if why := fault_of(asked.json):
            return Said({"detail": [{"loc": ["body", why], "msg": "is wrong", "type": "value_error"}]}, 422)
        number, seed = self.count_made(), values["seed"]
        return Said({"output": {"pictures": [{"url": f"{self.url}/files/{number}-{seed}", "seed": seed}]}})


def fault_of(body: dict[str, Any]) -> str:
    """The field that is wrong, nothing if all are right."""
    values = body["input"]
    rules = (
        ("priority", body.get("priority") != 3 or values.get("quality") != "{fine}"),
        ("text", not values.get("text")),
        ("not_this", values.get("not_this", "x") in ("", None)),
        ("size", [type(side) for side in values.get("size", ())] != [int, int]),
        ("seed", not isinstance(values.get("seed"), int)),
        ("steps", not isinstance(values.get("steps"), int)),
        ("picture", "picture" in values and not values["picture"].startswith("data:image/png;base64,")),
        ("keep", ("picture" in values) != ("keep" in values)),
        ("mask", "mask" in values and opened(base64.b64decode(values["mask"])).mode != "L"),
    )
    return next((name for name, broken in rules if broken), "")


def create(settings: Settings) -> list[HostedBackend]:
    """With what a user writes into the file."""
    path: Path = settings.data / "providers" / "generic.toml"
    path.write_text(path.read_text(encoding="utf-8") + FILE, encoding="utf-8")
    return generic.create(settings)


def _says(status: int, detail: Any) -> Any:
    return says(status, {"detail": detail}, SUBMIT)


CASE = Case(
    name="generic",
    create=create,
    server=GenericServer,
    keys=("OPENAI_COMPATIBLE_API_KEY",),
    models=dict.fromkeys(("text-to-image", "image-to-image", "inpaint", "outpaint"), "painters/one"),
    submit=SUBMIT,
    wrong={
        "key": _says(401, "bad key"),
        "credit": _says(402, "pay first"),
        "forbidden": _says(403, "not yours"),
        "invalid": _says(422, [{"loc": ["body", "input", "seed"], "msg": "is too large", "type": "value_error"}]),
        "busy": _says(429, "slow down"),
        "moderated": says(200, {"output": {"pictures": []}}, SUBMIT),
    },
    invalid_field="seed",
)
