"""A draft to stamp, and PNG files put together by hand."""

import zlib
from typing import Any

from PIL import Image

from studio.core.request import ImageRequest, Sampling
from studio.core.result import Draft, Picture
from studio.stamps.text import TextStamp


def a_draft(prompt: str = "a house by the sea", negative: str = "", **values: Any) -> Draft:
    image = values.pop("image", None) or Image.linear_gradient("L").resize((48, 32)).convert("RGB")
    request = ImageRequest(
        model="local:starter", prompt=prompt, negative_prompt=negative, sampling=Sampling(), **values.pop("request", {})
    )
    used = {"model": "starter", "model_sha256": "ab12cd34ef" * 6, "steps": 20, "guidance_scale": 7.5}
    defaults = {
        "id": "job1-0",
        "job": "job1",
        "picture": Picture(image=image, seed=4294967294),
        "request": request,
        "created": "2026-11-23T02:14:00.123+00:00",
        "facts": {"used": {**used, "sampler": "DPM++ 2M Karras"}, "studio": "0.1.0"},
    }
    return Draft(**defaults | values)


def stamped(*arguments: Any, **values: Any) -> bytes:
    draft = TextStamp("0.1.0")(a_draft(*arguments, **values))
    assert draft.data is not None
    return draft.data


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, position = [], 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        found.append((data[position + 4 : position + 8], data[position + 8 : position + 8 + length]))
        position += 12 + length
    return found


def a_png(*extra: tuple[bytes, bytes]) -> bytes:
    data = stamped()
    plain = [(kind, body) for kind, body in chunks(data) if kind != b"tEXt"]
    parts = [plain[0], *extra, *plain[1:]]
    return data[:8] + b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in parts
    )
