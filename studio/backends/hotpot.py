"""Hotpot.ai (https://hotpot.ai/docs/api), experimental: its documentation was seen in excerpts only.

Just the prompt and a style's number are sent, as a multipart form with the bare key; the answer is taken as a picture in
bytes, base64 or an address, whichever it is. Nothing is known of sizes, seeds, masks, strength, moderation or prices, so
nothing of them is offered; style 140 is what other people's code sends.
Traps: 403 is a bad key; 429 means too many requests or no credits, and a header tells how many are left.
Switched off until the file `<data>/providers/hotpot.toml` exists, which may be empty or set url, hosts and limits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.failures import key_refused, no_credit
from studio.backends._hosted.models import TAKEN, describe
from studio.backends._hosted.openai_style import text_of
from studio.backends._hosted.polled import json_object
from studio.backends._hosted.provider import About, Call, Made, Provider, Reply, Ticket, Wish
from studio.core.errors import NotConfigured, RateLimited, StudioError
from studio.core.model import EVERY, Model, Option
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KEY = "HOTPOT_API_KEY"
ABOUT = About(
    name="hotpot",
    title="Hotpot.ai",
    site="https://hotpot.ai",
    url="https://api.hotpot.ai",
    keys=(KEY,),
    evidence="unverified",
    hosts=("*.hotpot.ai", "hotpotmedia.s3.us-east-2.amazonaws.com"),
)
OFF = (
    "Hotpot.ai is experimental and switched off: nobody has checked how it is called. Make the file providers/hotpot.toml "
    "in the studio's data folder, empty or with settings, to switch it on."
)
LEFT = "x-api-credits-left"
UNKNOWN = "only Hotpot.ai's pictures from words are documented; choose another model"
STYLE = Option(name="styleId", title="Style number, as Hotpot.ai lists them", kind="number", default=140, low=1, high=9999)
MODEL = describe(
    "hotpot", "make-art", "Art maker (experimental)", (TextToImage.kind,), (), options=(STYLE,), max_count=4,
    ignores={EVERY: (*TAKEN, "size")}, cannot=dict.fromkeys((ImageToImage.kind, Inpaint.kind, Outpaint.kind), UNKNOWN),
)  # fmt: skip


def create(settings: Settings) -> HostedBackend:
    file = settings.data / "providers" / f"{ABOUT.name}.toml"
    return create_hosted(settings, partial(Hotpot, file=file), ABOUT)


class Hotpot(Provider):
    """`file` switches it on by being there."""

    def __init__(self, about: About, own: Mapping[str, Any] | None = None, *, file: Path) -> None:
        super().__init__(about, own)
        self._file = file

    def models(self) -> Sequence[Model]:
        return [replace(MODEL, unready=self._off())]

    def check(self, wish: Wish) -> None:
        if off := self._off():
            raise NotConfigured(off)

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        form = {"inputText": wish.prompt, "styleId": int(wish.options.get("styleId", STYLE.default))}
        return Call(url=f"{self.about.url}/{wish.name}", headers={"authorization": f"${KEY}"}, form=form)

    def read(self, answer: Answer, wish: Wish) -> Reply | Ticket:
        left = answer.headers.get(LEFT)
        return Reply(made=(Made(data=_picture(answer)),), told={"credits_left": left} if left else {})

    def failure(self, answer: Answer) -> StudioError | None:
        if answer.status == 403:
            return key_refused(self.about.title, 403)
        if answer.status == 429 and answer.headers.get(LEFT) in ("0", "0.0"):
            return no_credit(self.about.title)
        if answer.status == 429:
            return RateLimited("Hotpot.ai has had too many requests, or your credits there are used up. Try again later.")
        return None

    def _off(self) -> str:
        return "" if self._file.is_file() else OFF


def _picture(answer: Answer) -> bytes | str:
    """Bytes, or the text that stands in JSON or alone."""
    start = answer.body[:1]
    if start == b"{":
        if text := text_of(json_object(answer)):
            return text
        raise ValueError("no picture in the JSON")
    return answer.body.decode().strip().strip('"') if answer.body.isascii() and start else answer.body
