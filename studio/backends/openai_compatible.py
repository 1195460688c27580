"""Any server that speaks as OpenAI's images do (LocalAI, vLLM, nscale, DeepInfra …), there once the user says where:

<data>/providers/openai-compatible.toml

url = "https://images.example.com/v1"     # or http:// on this computer; other plain addresses are refused
title = "Our image server"
hosts = ["cdn.example.com"]               # where its pictures may lie; its own host if not said

[[models]]                                # as in _hosted/models.py
name = "flux-dev"
tasks = ["text-to-image"]
takes = []                                # only what the server really takes

Such servers copy prompt, model, n, size and response_format, so nothing else is sent; n is
always 1, since some ignore it. What a model is said to take (seed,
steps, guidance_scale, negative_prompt, strength) goes under that name as well. Tasks with a picture go to OpenAI's edits, as
a form, with a mask that is transparent where it may change. Filters are unknown; an empty list counts as one. The key is
optional. A server that refuses response_format, or wants other words, is one for generic.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.openai_style import reply_of_data
from studio.backends._hosted.pictures import attached, clear_is_edit
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.provider import About, Call, Provider, Reply, Wish
from studio.core.model import Model
from studio.settings import Settings
from studio.web import Answer

KEY = "OPENAI_COMPATIBLE_API_KEY"
ABOUT = About(
    name="openai-compatible",
    title="OpenAI-compatible server",
    site="",
    url="",
    keys=(KEY,),
    key_optional=True,
    evidence="documented",
    read_seconds=300,
    whole_seconds=600,
)


def create(settings: Settings) -> list[HostedBackend]:
    """Nothing until the user's file is there."""
    there = (settings.data / "providers" / f"{ABOUT.name}.toml").is_file()
    return [create_hosted(settings, OpenAICompatible, ABOUT)] if there else []


class OpenAICompatible(Provider):
    """The user's server and the user's list of its models."""

    def __init__(self, about: About, own: Mapping[str, Any] | None = None) -> None:
        super().__init__(replace(about, hosts=about.hosts or (urlsplit(about.url).hostname or "",)), own)

    def models(self) -> Sequence[Model]:
        return []

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        said = {
            "model": wish.name,
            "prompt": wish.prompt,
            "n": wish.count,
            "size": str(wish.size) if wish.size else None,
            "response_format": "b64_json",
            "negative_prompt": wish.negative_prompt or None,
            "seed": wish.seed,
            "steps": wish.steps,
            "guidance_scale": wish.guidance_scale,
            "strength": wish.strength,
        }
        body = {name: value for name, value in said.items() if value is not None}
        if wish.image is None:
            return Call(url=f"{self.about.url}/images/generations", headers=self._headers(), json=body)
        form = body | {"image": attached(wish.image, "file")}
        if wish.mask is not None:
            form["mask"] = clear_is_edit(wish.mask, Image.new("RGB", wish.mask.size), "file")
        return Call(url=f"{self.about.url}/images/edits", headers=self._headers(), form=form)

    def read(self, answer: Answer, wish: Wish) -> Reply:
        return reply_of_data(answer)

    def test(self) -> Call:
        return Call(method="GET", url=f"{self.about.url}/models", headers=self._headers())

    def read_test(self, answer: Answer) -> str:
        return f"The server answers: {len(json_object(answer).get('data') or ())} models."

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer ${KEY}"}
