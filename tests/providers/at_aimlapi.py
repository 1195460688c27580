"""AI/ML API on loopback: the parameters of each model as their files say, and three shapes of answers."""

from __future__ import annotations

import base64
import re
from typing import Any

from case import Case, says
from loopback import KEY, Asked, Loopback, Said, opened, picture

from studio.backends import aimlapi

FLUX_2 = "image_size seed num_images guidance_scale num_inference_steps output_format enable_safety_checker acceleration"
KONTEXT = "num_images seed guidance_scale safety_tolerance output_format aspect_ratio"
SRPO = "num_images seed num_inference_steps guidance_scale sync_mode enable_safety_checker output_format acceleration"
SD = "num_images seed image_size negative_prompt guidance_scale num_inference_steps enable_safety_checker output_format"
QWEN = "image_size negative_prompt num_images output_format seed enable_prompt_expansion enable_safety_checker"
PRO = "image_size output_format seed enable_safety_checker safety_tolerance"
GPT = "size quality output_format background n output_compression response_format"
GOOGLE = "num_images aspect_ratio resolution provider"
TAKEN = {
    "blackforestlabs/flux-2": FLUX_2,
    "blackforestlabs/flux-2-edit": FLUX_2 + " image_urls*",
    "blackforestlabs/flux-2-pro": PRO,
    "blackforestlabs/flux-2-pro-edit": PRO + " image_urls*",
    "blackforestlabs/flux-2-max": PRO,
    "flux/kontext-max/text-to-image": KONTEXT,
    "flux/kontext-max/image-to-image": KONTEXT + " image_url*",
    "flux/dev/image-to-image": "image_url* strength guidance_scale num_images enable_safety_checker image_size sync_mode",
    "flux/srpo": SRPO + " image_size",
    "flux/srpo/image-to-image": SRPO + " image_url* strength",
    "alibaba/qwen-image-3": QWEN,
    "alibaba/qwen-image-3-edit": QWEN + " image_urls*",
    "alibaba/z-image-turbo": "image_size output_format num_inference_steps seed num_images enable_safety_checker",
    "bytedance/seedream-4-5": "image_urls image_size response_format seed watermark",
    "stable-diffusion-v35-large": SD,
    "hunyuan/hunyuan-image-v3-text-to-image": SD + " sync_mode enable_prompt_expansion",
    "google/imagen-4.0-generate-001": "num_images seed enhance_prompt aspect_ratio person_generation safety_setting",
    "google/nano-banana-pro": GOOGLE,
    "google/gemini-3-pro-image-edit": GOOGLE + " image_urls",
    "x-ai/grok-imagine-image": "n response_format aspect_ratio resolution",
    "openai/gpt-image-2": GPT + " moderation",
}
"""Of the generations; a star marks what a call needs."""
OLDEST_SEED = {"alibaba/qwen-image-3": 0, "alibaba/qwen-image-3-edit": 0, "bytedance/seedream-4-5": 0}
SHAPES = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21")
THREE = ("1024x1024", "1024x1536", "1536x1024")
SUBMIT = "/v1/images/"


class AimlApiServer(Loopback):
    def answer(self, asked: Asked) -> Said:
        if asked.path.startswith("/files/"):
            assert "authorization" not in asked.headers
            return Said(picture(seed=int(asked.path.rpartition("-")[2])), 200, {"Content-Type": "image/png"})
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return wrong(401, "Unauthorized")
        if asked.path == "/v2/billing":
            return Said({"current_balance": 12.5, "currency": "USD"})
        if asked.path not in (SUBMIT + "generations", SUBMIT + "edits"):
            return wrong(404, "Not Found")
        if not re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", asked.headers.get("x-client-request-id", "")):
            return wrong(400, "this test wants a request id")
        edits = asked.path.endswith("edits")
        if why := edit_fault(asked.json) if edits else fault_of(asked.json):
            return wrong(400, f"Body validation error: {why}")
        number = self.count_made()
        spent = {"x-inference-id": f"inf-{number}", "x-client-request-id": asked.headers["x-client-request-id"]}
        if not edits:
            spent["x-aimlapi-usd-spent"] = "0.0123"
        return Said(self.shaped(asked.json, edits=edits), 201 if "dev" in asked.json["model"] else 200, spent)

    def shaped(self, body: dict[str, Any], *, edits: bool) -> dict[str, Any]:
        """One of the three shapes that their models answer in."""
        name, seed = body["model"], body.get("seed", 7)
        many = range(body.get("num_images") or body.get("n") or 1)
        meta = {"usage": {"credits_used": 61_500, "usd_spent": 0.0123}}
        size = opened(base64.b64decode(body["image"].partition(",")[2])).size if edits else (64, 64)
        texts = [base64.b64encode(picture(size, seed=seed + number)).decode() for number in many]
        if name.startswith("hunyuan"):
            return {"output": {"choices": [{"image_base64": text} for text in texts]}}
        if body.get("response_format") == "b64_json":
            return {"data": [{"url": None, "b64_json": text} for text in texts], "meta": meta}
        urls = [{"url": f"{self.url}/files/x-{seed + number}"} for number in many]
        return {"images": urls} if name.startswith("alibaba") else {"data": urls, "meta": meta}


def fault_of(body: dict[str, Any]) -> str:
    """What is wrong with a generation, nothing if it is right."""
    name = body.get("model", "")
    known = TAKEN.get(name, "").split()
    taken = {word.rstrip("*") for word in known} | {"model", "prompt"}
    missing = [word[:-1] for word in known if word.endswith("*") and word[:-1] not in body]
    steps = 8 if name == "alibaba/z-image-turbo" else 50
    rules = (
        (not known, f"unknown model {name}"),
        (unknown := sorted(set(body) - taken), f"unexpected {unknown}"),
        (missing, f"required {missing}"),
        (not body.get("prompt"), "prompt is required"),
        (body.get("seed", 1) < OLDEST_SEED.get(name, 0 if name.startswith("google") else 1), "seed is too small"),
        (not 1 <= body.get("num_inference_steps", 1) <= steps, "num_inference_steps is out of range"),
        (not 1 <= body.get("num_images", 1) <= 4, "num_images is out of range"),
        (not 0 <= body.get("strength", 0.5) <= 1, "strength is out of range"),
        (body.get("n", 1) != 1 and name.startswith("openai"), "n must be 1"),
        (body.get("aspect_ratio", "1:1") not in SHAPES[: 5 if name.startswith("google") else 9], "aspect_ratio"),
        (body.get("size", THREE[0]) not in THREE, "size"),
        (not is_pixels(body.get("image_size")), "image_size"),
        (not all(url.startswith("data:image/") for url in body.get("image_urls", ())), "image_urls"),
        (not body.get("image_url", "data:image/").startswith("data:image/"), "image_url"),
    )
    return next((why for broken, why in rules if broken), "")


def is_pixels(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and set(value) == {"width", "height"})


def edit_fault(body: dict[str, Any]) -> str:
    if unknown := sorted(set(body) - {*GPT.split(), "model", "prompt", "image", "mask"}):
        return f"unexpected {unknown}"
    if body.get("size") not in THREE or not body.get("image"):
        return "size or image"
    pictures = [opened(base64.b64decode(body[name].partition(",")[2])) for name in ("image", "mask") if name in body]
    if len({each.size for each in pictures}) > 1 or ("mask" in body and pictures[1].mode != "RGBA"):
        return "mask must have the size of image, and an alpha channel"
    return ""


def wrong(status: int, message: str) -> Said:
    return Said({"message": message, "path": "/v1/images/generations", "requestId": "r-1", "statusCode": status,
                 "timestamp": "2026-11-23T00:00:00Z"}, status)  # fmt: skip


def _says(status: int, message: str, **headers: str) -> Any:
    return says(status, wrong(status, message).body, SUBMIT, **headers)


CASE = Case(
    name="aimlapi",
    create=aimlapi.create,
    server=AimlApiServer,
    keys=("AIMLAPI_API_KEY",),
    models={
        "text-to-image": "blackforestlabs/flux-2", "image-to-image": "flux/srpo/image-to-image",
        "inpaint": "openai/gpt-image-2", "outpaint": "openai/gpt-image-2",
    },
    submit=SUBMIT,
    wrong={
        "key": _says(401, "Unauthorized"),
        "credit": _says(403, "You have run out of credits."),
        "forbidden": _says(403, "Forbidden"),
        "invalid": _says(400, "Body validation error: seed must be a number"),
        "busy": _says(429, "Too Many Requests", retry_after="2"),
        "moderated": _says(400, "The request was rejected: NSFW content."),
    },
)  # fmt: skip
