"""Providers that run on a server of the user's own: where it is, its checkpoints as models, samplers by creators' names.

`<data>/providers/<name>.toml` switches such a provider on; without it the backend only says which file to write:

url = "http://127.0.0.1:7860"             # plain http within the home network, else https
[[models]]
name = "sd_xl_base_1.0.safetensors"       # a checkpoint as the server lists it; all words of models.py may follow

A checkpoint that is listed does all tasks and takes all fields unless its entry says less.
"""

from __future__ import annotations

import ipaddress
import json
import uuid
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast
from urllib.parse import urlsplit

from studio.backends._hosted.backend import HostedBackend, create_hosted
from studio.backends._hosted.calls import json_of
from studio.backends._hosted.models import TAKEN, describe, own_models
from studio.backends._hosted.provider import About, Provider
from studio.core.errors import InvalidRequest, NotConfigured, Rejected, StudioError
from studio.core.model import Model
from studio.core.request import TASKS, TextToImage
from studio.settings import Settings
from studio.web import Answer

HOME_NAMES = (".local", ".lan", ".home", ".internal", ".home.arpa", ".localhost")
MEASURES: Mapping[str, Any] = {"multiple_of": 8, "max_count": 16, "default_steps": 25, "default_guidance_scale": 7.0}
"""What a checkpoint that is only named is drawn with."""
SCHEDULES = ("Karras", "Exponential", "SGM Uniform", "Simple", "Beta")
SAMPLERS = (
    "Euler", "Euler Simple", "Euler SGM Uniform", "Euler Beta", "Euler a", "Heun", "LMS", "LMS Karras", "DPM2",
    "DPM2 Karras", "DPM2 a", "DPM2 a Karras", "DPM++ 2S a", "DPM++ 2S a Karras", "DPM++ 2M", "DPM++ 2M Karras",
    "DPM++ 2M SGM Uniform", "DPM++ SDE", "DPM++ SDE Karras", "DPM++ 2M SDE", "DPM++ 2M SDE Karras",
    "DPM++ 2M SDE Exponential", "DPM++ 3M SDE", "DPM++ 3M SDE Karras", "DPM++ 3M SDE Exponential", "DDIM", "UniPC", "LCM",
)  # fmt: skip
MOST_LISTED = 8


class OwnServer(Provider):
    """A provider without models of its own: it offers what the user's file lists, else `unlisted`."""

    def __init__(self, about: About, own: Mapping[str, Any] | None = None, *, is_there: bool = True) -> None:
        rest = dict(own or {})
        super().__init__(about, rest)
        self.is_there = is_there
        self.listed: tuple[Model, ...] = ()
        with suppress(InvalidRequest):  # the backend reads a faulty list again and tells the fault
            self.listed = tuple(self.described(entry) for entry in _entries(rest))
            rest.pop("models", None)

    def described(self, entry: Mapping[str, Any]) -> Model:
        """One entry of the user's list as a model. Raises `InvalidRequest`."""
        usual = {"tasks": list(TASKS), "takes": list(TAKEN), **MEASURES}
        (model,) = own_models(self.about, {"models": [{**usual, **entry}]})
        return replace(model, samplers=SAMPLERS, needs_prompt=(TextToImage.kind,))

    def models(self) -> Sequence[Model]:
        return self.listed or (self.unlisted(),)

    @abstractmethod
    def unlisted(self) -> Model:
        """The only model where the user has listed none."""

    def all_round(self, name: str, title: str, **more: Any) -> Model:
        """A model that does everything."""
        own = {**MEASURES, "samplers": SAMPLERS, "needs_prompt": (TextToImage.kind,), **more}
        return describe(self.about.name, name, title, tuple(TASKS), TAKEN, **own)

    @property
    def file(self) -> str:
        return f"providers/{self.about.name}.toml in the studio's data folder"

    @property
    def unready(self) -> str:
        """A sentence while nobody has said where the server is, or in a way that cannot be used."""
        about = self.about
        if not self.is_there:
            return (
                f"Nobody has said where your {about.title} is. Start it, write its address as url = "
                f'"{about.url}" into {self.file}, and start the studio again.'
            )
        parts = urlsplit(about.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            return f"The url in {self.file} is no address. Write it as http://127.0.0.1:1234 and start the studio again."
        if parts.scheme == "http" and not is_at_home(parts.hostname):
            return f"The url in {self.file} leads out of the home network. Write it with https:// and start again."
        return ""

    def failure(self, answer: Answer) -> StudioError | None:
        title = self.about.title
        if 300 <= answer.status < 400:
            return NotConfigured(
                f"{title} says that it is elsewhere ({answer.status}). Write that address as url into {self.file}."
            )
        return None

    def values_of(self, answer: Answer) -> dict[str, Any]:
        """The answer's JSON object. Raises `Rejected` if it is none: then something else listens at this address."""
        values = json_of(answer)
        if not isinstance(values, dict):
            raise Rejected(f"What answers at {self.about.url} is no {self.about.title}. Look at the url in {self.file}.")
        return values


class OwnServerBackend(HostedBackend):
    """A hosted backend that is not ready until the user says where the server is."""

    def __init__(self, provider: OwnServer, settings: Settings, fault: str = "") -> None:
        super().__init__(provider, settings, fault)
        self._server = provider

    def unready(self) -> str:
        missing = "" if self.problems() else self._server.unready
        return missing or super().unready()

    def models(self) -> Sequence[Model]:
        """What keeps the whole server from use is said before what keeps one model."""
        found = super().models()
        missing = self.unready()
        return [replace(model, unready=missing or model.unready) for model in found]


def create_own(settings: Settings, provider: Callable[..., OwnServer], about: About) -> OwnServerBackend:
    """The backend of a server of the user's own."""
    is_there = (settings.data / "providers" / f"{about.name}.toml").is_file()
    plain = create_hosted(settings, lambda read, own: provider(read, own, is_there=is_there), about)
    return OwnServerBackend(cast(OwnServer, plain.provider), settings, "".join(plain.problems()))


def is_at_home(host: str) -> bool:
    """Whether a host is in the home network, by its name or literal address: there plain http is nobody else's affair."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith(HOME_NAMES)


def split_sampler(name: str) -> tuple[str, str]:
    """`DPM++ 2M Karras` → `DPM++ 2M` and `Karras`; no schedule is empty."""
    schedule = next((schedule for schedule in SCHEDULES if name.endswith(f" {schedule}")), "")
    return name.removesuffix(f" {schedule}"), schedule


def stable_id(values: Any) -> str:
    """A UUID that is the same for the same values."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(values, sort_keys=True)))


def some_of(names: Sequence[str]) -> str:
    """The first few of a list, for a sentence."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return (", ".join(names[:MOST_LISTED]) + more) if names else "none"


def _entries(own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    entries = own.get("models", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InvalidRequest("models is a list of tables: [[models]]")
    return entries
