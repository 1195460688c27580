"""The user's own providers, for the plain pattern “POST JSON with a key, get an address, bytes or base64 of a picture”.

One file each, `<data>/providers/<name>.toml`, where <name> is any but a known provider's:

kind = "generic"                          # needed
title = "My provider"
url = "https://api.example.com/v1"        # needed; http:// on this computer only
path = "/images"                          # where the call goes, behind the url; may hold {model}
key = "MY_PROVIDER_API_KEY"               # the environment variable or keyring entry; none if there is no key
key_header = "Authorization: Bearer"      # the header that the key stands in, and the word before it
pictures = ["data", "*", "url"]           # the way to the pictures in the JSON answer; [] = the answer is the picture
seed_path = ["seed"]                      # the way to the seed
hosts = ["cdn.example.com"]               # where pictures may lie; the url's own host if not said
idempotency_header = "Idempotency-Key"    # only if a repeat with the same value is never billed twice
mask = "white"                            # what may change in a mask: "white", "black" or "alpha" (transparent)
test_path = "/account"                    # a GET that costs nothing and needs the key
at_once = 4
per_minute = 60

[body]                                    # needed: the JSON to send, to any depth
prompt = "{prompt}"
model = "{model}"
image_size = { width = "{width}", height = "{height}" }
seed = "{seed}"
quality = "high"

[[models]]                                # needed, as in _hosted/models.py
name = "painter-1"
tasks = ["text-to-image"]
takes = ["seed"]

A text of the body that is one of these words is replaced whole, by a text or a number; what the request does not have is
left out, other words stay as they are: {prompt} {negative_prompt} {model} {size} (768x512) {width} {height} {seed} {steps}
{guidance_scale} {sampler} {strength} (1 = change everything) {image_strength} (1 = keep the picture) {image} {mask} (data
URIs) {image_base64} {mask_base64} (without the prefix). In a way, `*` means each entry and a number one of a list.

What a model is said to do or take must stand in the body: a faulty file is told, and used for nothing. A picture that comes
back may be an address, base64 or bytes. Filters are unknown; an empty list counts as one. Nothing here is verified.
"""

from __future__ import annotations

import json
import pkgutil
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image

from studio.backends._hosted.backend import OWN_WORDS, HostedBackend, read_own, with_own
from studio.backends._hosted.models import own_models
from studio.backends._hosted.pictures import attached, black_is_edit, clear_is_edit, white_is_edit
from studio.backends._hosted.provider import About, Attached, Call, Made, Moderation, Provider, Reply, Wish
from studio.core.errors import InvalidRequest
from studio.core.model import EVERY, Model
from studio.core.request import Inpaint, Outpaint, TextToImage
from studio.settings import Settings
from studio.web import Answer

KIND = "generic"
KEY_HEADER = "Authorization: Bearer"
NAME = re.compile("[a-z0-9][a-z0-9_-]*")
FORMS = {
    "path": re.compile(r"/[!-~]*"),
    "test_path": re.compile(r"/[!-~]*"),
    "key": re.compile("[A-Z][A-Z0-9_]+"),
    "key_header": re.compile(r"[A-Za-z0-9-]+(: ?[!-~]*)?"),
    "idempotency_header": re.compile(r"[A-Za-z0-9-]+"),
    "mask": re.compile("white|black|alpha"),
}
LISTS = ("pictures", "seed_path", "hosts")
WORDS = (*OWN_WORDS, *FORMS, *LISTS[:2], "kind", "body")
FIELDS = ("seed", "steps", "guidance_scale", "negative_prompt", "sampler", "strength")
ANOTHER = {"image": "image_base64", "mask": "mask_base64", "strength": "image_strength"}
"""The other words for the same thing."""


def create(settings: Settings) -> list[HostedBackend]:
    """One for each file that is no known provider's: those are named like the modules beside this one."""
    here = Path(__file__)
    known = {entry.name.replace("_", "-") for entry in pkgutil.iter_modules([str(here.parent)])} - {here.stem}
    found = sorted((settings.data / "providers").glob("*.toml"))
    return [_backend(path, settings) for path in found if path.stem not in known]


def _backend(path: Path, settings: Settings) -> HostedBackend:
    about = About(name=path.stem, title=path.stem, site="", url="", keys=(), evidence="unverified")
    fault, own = "", dict[str, Any]()
    try:
        own = read_own(path, WORDS)
        about = _about(about, own)
    except InvalidRequest as error:
        fault, own = f"{path.name} cannot be used: {error}. Mend or delete it.", {}
    return HostedBackend(Generic(about, own), settings, fault)


def _about(about: About, own: Mapping[str, Any]) -> About:
    """What the file says, checked. Raises `InvalidRequest`."""
    if not NAME.fullmatch(about.name):
        raise InvalidRequest("its name may hold small letters, digits, - and _ only")
    _check_words(own)
    about = with_own(about, own)
    about = replace(
        about,
        site=about.url,
        keys=(own["key"],) if own.get("key") else (),
        hosts=about.hosts or (urlsplit(about.url).hostname or "",),
        idempotency_header=own.get("idempotency_header", ""),
    )
    _check_models(own_models(about, own), set(_texts(own["body"])))
    return about


def _check_words(own: Mapping[str, Any]) -> None:
    if own.get("kind") != KIND:
        raise InvalidRequest(f'no provider is called so, and it does not say kind = "{KIND}"')
    if not isinstance(own.get("body"), dict) or not own.get("models"):
        raise InvalidRequest("it needs a table [body] and a list [[models]]")
    for name in LISTS:
        if not _is_list(own.get(name, [])):
            raise InvalidRequest(f"{name} must be a list of texts")
    for name, form in FORMS.items():
        value = own.get(name, "")
        if not isinstance(value, str) or (value and not form.fullmatch(value)):
            raise InvalidRequest(f"{name} is not well formed")
    try:
        json.dumps(own["body"], allow_nan=False)
    except (TypeError, ValueError):
        raise InvalidRequest("its body holds something that JSON does not have, such as a date") from None


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str | int) for each in value)


def _check_models(models: Sequence[Model], said: set[str]) -> None:
    """What a model is said to do must stand in the body, or it would be ignored without a word."""
    for model in models:
        kinds = set(model.tasks)
        needed = {"image"} if kinds - {TextToImage.kind} else set()
        needed |= {"mask"} if kinds & {Inpaint.kind, Outpaint.kind} else set()
        needed |= {field for field in FIELDS if model.takes(field, EVERY)}
        missing = [f"{{{word}}}" for word in sorted(needed) if not said & {f"{{{word}}}", f"{{{ANOTHER.get(word, word)}}}"}]
        if missing:
            raise InvalidRequest(f"its body has no {' or '.join(missing)} for the model {model.title}")


class Generic(Provider):
    """One file's provider. `own` is what the file says, empty for a faulty one."""

    def models(self) -> Sequence[Model]:
        return ()

    def call(self, wish: Wish, before: Sequence[Answer] = ()) -> Call:
        path = self.own.get("path", "").replace("{model}", quote(wish.name))
        body = _filled(self.own["body"], _values(wish, self.own.get("mask", "white")))
        return Call(url=f"{self.about.url}{path}", headers=self._headers(), json=body)

    def read(self, answer: Answer, wish: Wish) -> Reply:
        way = self.own.get("pictures", [])
        if not way:
            return Reply(made=(Made(data=answer.body),))
        values = json.loads(answer.body)
        seeds = _seeds(values, self.own.get("seed_path", []))
        made = tuple(Made(data=_text(each), seed=next(seeds, None)) for each in _along(values, way))
        nothing: Moderation = "unknown" if made else "blocked_by_provider"
        return Reply(made=made, moderation=nothing, reason="" if made else "it sent an empty list of pictures")

    def test(self) -> Call | None:
        path = self.own.get("test_path")
        return Call(method="GET", url=f"{self.about.url}{path}", headers=self._headers()) if path else None

    def _headers(self) -> dict[str, str]:
        name, _, before = self.own.get("key_header", KEY_HEADER).partition(":")
        return {name.lower(): f"{before.strip()} ${key}".strip() for key in self.about.keys}


def _values(wish: Wish, sense: str) -> dict[str, Any]:
    """What each word of a body stands for; None for what the request does not have."""
    size, strength = wish.size, wish.strength
    values: dict[str, Any] = {
        "prompt": wish.prompt,
        "negative_prompt": wish.negative_prompt or None,
        "model": wish.name,
        "size": str(size) if size else None,
        "width": size.width if size else None,
        "height": size.height if size else None,
        "seed": wish.seed,
        "steps": wish.steps,
        "guidance_scale": wish.guidance_scale,
        "sampler": wish.sampler,
        "strength": strength,
        "image_strength": None if strength is None else round(1 - strength, 4),
        "image": attached(wish.image) if wish.image is not None else None,
        "mask": _mask(wish.mask, sense) if wish.mask is not None else None,
    }
    bare = {f"{name}_base64": replace(file, as_="base64") if (file := values[name]) else None for name in ("image", "mask")}
    return {f"{{{name}}}": value for name, value in (values | bare).items()}


def _mask(mask: Image.Image, sense: str) -> Attached:
    if sense == "alpha":
        return clear_is_edit(mask, Image.new("RGB", mask.size))
    return white_is_edit(mask) if sense == "white" else black_is_edit(mask)


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """A body with its words replaced; what is None is left out of tables and lists."""
    if isinstance(value, Mapping):
        filled = {name: _filled(item, values) for name, item in value.items()}
        return {name: item for name, item in filled.items() if item is not None}
    if isinstance(value, list):
        return [item for item in (_filled(each, values) for each in value) if item is not None]
    return values.get(value, value) if isinstance(value, str) else value


def _texts(value: Any) -> Iterable[str]:
    """All texts of a body."""
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(item)


def _along(value: Any, way: Sequence[Any]) -> list[Any]:
    """Everything at the end of a way. Raises `KeyError`, `IndexError` or `TypeError` where it leads nowhere."""
    if not way:
        return [value]
    if way[0] != "*":
        return _along(value[way[0]], way[1:])
    if not isinstance(value, list):
        raise TypeError("no list")
    return [found for each in value for found in _along(each, way[1:])]


def _seeds(values: Any, way: Sequence[Any]) -> Iterator[int]:
    """As many as are told; an answer without any is no fault."""
    with suppress(KeyError, IndexError, TypeError):
        yield from (seed for seed in _along(values, way) if way and isinstance(seed, int))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
