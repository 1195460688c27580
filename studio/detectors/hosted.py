"""Hosted detectors: the picture leaves this computer, so each one is off until it is asked for by name.

Every service is a few lines of TOML: those known stand in `_hosted.toml`, the user's own in `<data>/detectors/*.toml` (one
service each, the same words without the table's head). The number becomes log-odds; without the user's own
calibration the verdict stays *uncertain*.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from studio.core.calibration import Calibration
from studio.core.errors import InvalidRequest, Unavailable
from studio.core.hosting import KeyState
from studio.core.request import Size
from studio.core.score import Raw
from studio.keys import Keys
from studio.preferences import PreferenceFile
from studio.settings import Settings
from studio.web import Door, Upload, is_loopback, send

KNOWN = Path(__file__).parent / "_hosted.toml"
JPEG_QUALITY = 95
SLOW = 3.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """`scale` is what the service's surest yes is (1 or 100); `says` is whether the number stands for AI or for real.

    `key_headers` and `key_fields` name environment variables: the last word of each value.
    """

    title: str
    url: str
    score: tuple[str, ...]
    field: str = "image"
    fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key_headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key_fields: Mapping[str, str] = dataclasses.field(default_factory=dict)
    verdict: tuple[str, ...] = ()
    scale: float = 1.0
    says: str = "ai"
    max_megabytes: float = 20.0

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(value.split()[-1] for value in (*self.key_headers.values(), *self.key_fields.values()))


def create(settings: Settings) -> list[HostedDetector]:
    """The known services and the user's own. A faulty file is a detector that says what is wrong with it."""
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    keys, offline = Keys(settings.data), PreferenceFile(settings).offline
    made = [HostedDetector(name, service_of(values, name), keys, offline) for name, values in known.items()]
    for path in sorted((settings.data / "detectors").glob("*.toml")):
        try:
            service, fault = service_of(tomllib.loads(path.read_text("utf-8")), path.name), ""
        except (InvalidRequest, tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            service, fault = Service(title=path.stem, url="", score=()), f"{path.name}: {error}"
        made.append(HostedDetector(path.stem, service, keys, offline, fault))
    return made


def service_of(values: Mapping[str, Any], name: str) -> Service:
    """Raises `InvalidRequest` for words that are not known, missing, or of another kind."""
    unknown = sorted(set(values) - {each.name for each in dataclasses.fields(Service)})
    try:
        service = Service(**{**values, "score": tuple(values["score"]), "verdict": tuple(values.get("verdict", ()))})
    except (KeyError, TypeError):
        detail = f"unknown words {', '.join(unknown)}" if unknown else "title, url and score are needed"
        raise InvalidRequest(f"The detector {name} is not described rightly: {detail}. Mend the file.") from None
    if (
        not (service.url.startswith("https://") or is_loopback(service.url))
        or service.says not in ("ai", "real")
        or not service.scale > 0
    ):
        raise InvalidRequest(f"The detector {name} needs an https address, says = ai or real, and a scale above 0.")
    return service


class HostedDetector:
    """`studio.core.score.Detector` around one service."""

    hosted, opt_in = True, True

    def __init__(
        self, name: str, service: Service, keys: Keys, offline: Callable[[], bool] = lambda: False, fault: str = ""
    ) -> None:
        self.name, self.title = f"hosted-{name}", service.title
        self._service, self._keys, self._offline, self._fault = service, keys, offline, fault
        told = json.dumps([service.url, service.score, service.verdict, service.scale, service.says])
        self.revision = f"1-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    @property
    def destination(self) -> str:
        """The host that a picture is sent to."""
        return urlsplit(self._service.url).hostname or ""

    def keys(self) -> tuple[KeyState, ...]:
        return tuple(self._keys.state(name) for name in self._service.keys)

    def unready(self) -> str:
        if self._fault or self._offline():
            return self._fault or "The studio is offline."
        missing = [key.name for key in self.keys() if not key.place]
        return f"{self.title} needs {' and '.join(missing)}: set it in Settings or in the environment." if missing else ""

    def calibration(self) -> Calibration | None:
        return None

    def forecast(self, size: Size) -> float:
        return SLOW

    def score(self, image: Image.Image) -> Raw:
        """Send the picture as PNG (or JPEG, if that is too large) without any metadata. Raises a `BackendError`."""
        if missing := self.unready():
            raise Unavailable(missing)
        began, service = perf_counter(), self._service
        data, mime = _file(image, service.max_megabytes)
        answer = send(
            Upload(
                url=service.url,
                field=service.field,
                data=data,
                name=f"picture.{mime.rpartition('/')[2]}",
                mime=mime,
                headers=self._with_keys(service.key_headers),
                fields={**service.fields, **self._with_keys(service.key_fields)},
                secrets=[self._keys.get(name) for name in service.keys],
            ),
            self.title,
            Door(self._offline),
        )
        chance = _chance(answer, service)
        return Raw(
            value=round(math.log(chance / (1 - chance)), 4), device="hosted", seconds=round(perf_counter() - began, 3)
        )

    def _with_keys(self, values: Mapping[str, str]) -> dict[str, str]:
        """The variable's name at a value's end gives way to the key."""
        return {name: " ".join([*text.split()[:-1], self._keys.get(text.split()[-1])]) for name, text in values.items()}


def _file(image: Image.Image, megabytes: float) -> tuple[bytes, str]:
    rgb = Image.frombytes("RGB", image.size, image.convert("RGB").tobytes())
    for kind, options in (("PNG", {}), ("JPEG", {"quality": JPEG_QUALITY})):
        file = io.BytesIO()
        rgb.save(file, kind, **options)
        if len(file.getvalue()) <= megabytes * 1_000_000:
            return file.getvalue(), f"image/{kind.lower()}"
    raise InvalidRequest(f"The picture is larger than {megabytes:g} MB even as JPEG. Make it smaller.")


def _chance(answer: Any, service: Service) -> float:
    """The chance of AI, kept a little away from 0 and 1. Raises `Unavailable` if the number is not where it should be."""
    number = _walk(answer, service.score)
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        raise Unavailable(f"{service.title} answered without a score. Its interface may have changed.")
    chance = float(number) / service.scale
    says_ai = service.says == "ai"
    if service.verdict:
        says_ai = _walk(answer, service.verdict) is True
    return min(max(chance if says_ai else 1 - chance, 1e-4), 1 - 1e-4)


def _walk(values: Any, path: Sequence[str]) -> Any:
    """A name of an object, a place in a list, or `name=value`: the list's first object that says so."""
    for step in path:
        name, equals, wanted = step.partition("=")
        if isinstance(values, list) and equals:
            values = next((each for each in values if isinstance(each, dict) and str(each.get(name)) == wanted), None)
        elif isinstance(values, list) and step.isdigit() and int(step) < len(values):
            values = values[int(step)]
        elif isinstance(values, dict):
            values = values.get(step)
        else:
            return None
    return values
