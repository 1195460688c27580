"""All settings, frozen, from `studio.toml` in the data folder and the environment; the only reader of `os.environ`.

| setting | variable | default |
|---|---|---|
| data | STUDIO_DATA | `.studio/` beside `studio.py` |
| outputs | STUDIO_OUTPUTS | `outputs/` beside `studio.py` |
| models | STUDIO_MODELS | `models/` beside `studio.py` |
| host | STUDIO_HOST | 127.0.0.1 |
| port | STUDIO_PORT | 7860, or the next free one |
| offline | STUDIO_OFFLINE, HF_HUB_OFFLINE | off |
| user | STUDIO_USER | empty: the user name of the operating system, in records and in no file |
| password | STUDIO_PASSWORD | empty; stands for one admin named as `user`, or “admin” |
| device | STUDIO_DEVICE | chosen: cuda, xpu, mps or cpu |
| threads | STUDIO_THREADS | 0 = chosen from the number of cores |
| warm_models | STUDIO_WARM_MODELS | empty: chosen; memory for models that wait, such as 12GB, or 0 |
| format | STUDIO_FORMAT | png; or jpeg, webp |
| quality | STUDIO_QUALITY | 92, for JPEG and WebP |
| watermark | STUDIO_WATERMARK | on; off leaves the pixels as they were drawn |
| detectors | STUDIO_DETECTORS | names of further detectors that score every picture, with commas |
| certificate, private_key | STUDIO_CERTIFICATE, STUDIO_PRIVATE_KEY | your own signing certificate; empty = made here |
| trust_list | STUDIO_TRUST_LIST | a file of certificates whose signatures count as trusted; empty = none |
"""

from __future__ import annotations

import getpass
import os
import re
import threading
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from studio.core.errors import InvalidRequest

ROOT = Path(__file__).resolve().parent.parent
SECRETS = ("password",)
NOT_NAMED = ("data", "presets", "hub_cache")
"""Settings without a variable of their name."""
FORMATS = ("png", "jpeg", "webp")
DETECTOR_KEYS = (
    "SIGHTENGINE_API_USER",
    "SIGHTENGINE_API_SECRET",
    "AIORNOT_API_KEY",
    "HIVE_API_KEY",
    "AIIMAGEDETECTOR_API_KEY",
    "ANYIMAGEDETECTOR_API_KEY",
)
PROVIDER_KEYS = (
    "STABILITY_API_KEY",
    "REPLICATE_API_TOKEN",
    "FIREWORKS_API_KEY",
    "TOGETHER_API_KEY",
    "AIME_API_KEY",
    "HOTPOT_API_KEY",
    "AIMLAPI_API_KEY",
    "MODELSLAB_API_KEY",
    "HF_TOKEN",
    "FAL_KEY",
    "BFL_API_KEY",
    "OPENAI_API_KEY",
    "OPENAI_COMPATIBLE_API_KEY",
    "AUTOMATIC1111_API_AUTH",
)
"""The worker of the local device does not get these."""
KEYS = (*PROVIDER_KEYS, *DETECTOR_KEYS)
PASSWORDS = ("STUDIO_PASSWORD", "STUDIO_NEW_PASSWORD")
"""No process that we start gets these."""

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DISABLE_TELEMETRY": "YES",
    "DO_NOT_TRACK": "1",
    "HF_HUB_OFFLINE": "1",
}
"""Read by libraries when they are imported: no telemetry, and no hub in the studio and its workers."""

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?) ?(mb|gb|)")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Where things are and how the studio is to run. Paths are absolute."""

    data: Path = ROOT / ".studio"
    outputs: Path = ROOT / "outputs"
    models: Path = ROOT / "models"
    presets: Path = ROOT / "presets"
    host: str = "127.0.0.1"
    port: int = 0
    offline: bool = False
    user: str = ""
    password: str = ""
    device: str = ""
    threads: int = 0
    warm_models: str = ""
    format: Literal["png", "jpeg", "webp"] = "png"
    quality: int = 92
    watermark: bool = True
    detectors: str = ""
    certificate: str = ""
    private_key: str = ""
    trust_list: str = ""
    hub_cache: Path = Path.home() / ".cache" / "huggingface" / "hub"

    @property
    def warm_bytes(self) -> int | None:
        """Bytes for models that wait in memory; None where it is to be chosen. Raises `InvalidRequest`."""
        text = self.warm_models.strip().lower()
        if text in ("", "auto"):
            return None
        if not (found := _AMOUNT.fullmatch(text)):
            raise InvalidRequest(f"The setting warm_models has the value “{text}”. Write it as 12GB, 500MB or 0.")
        return int(float(found[1]) * {"": 1, "mb": 1_000_000, "gb": 1_000_000_000}[found[2]])

    def __repr__(self) -> str:
        shown = ", ".join(f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if f.name not in SECRETS)
        return f"Settings({shown})"


def load(environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Defaults, then the file, then the environment, then `overrides` (the command line). None overrides nothing."""
    environ = os.environ if environ is None else environ
    data = Path(overrides.get("data") or environ.get("STUDIO_DATA") or ROOT / ".studio").expanduser().absolute()
    values: dict[str, Any] = {**_from_file(data / "studio.toml"), **_from_environment(environ), "data": data}
    values.update({name: value for name, value in overrides.items() if value is not None})
    settings = Settings(**{name: _typed(name, value) for name, value in values.items()})
    if settings.format not in FORMATS or not 1 <= settings.quality <= 100:
        raise InvalidRequest("Pictures are saved as png, jpeg or webp, with a quality of 1 to 100. Mend the settings.")
    return settings


def keys_present(environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names of the provider keys that are set. Values never leave the environment."""
    environ = os.environ if environ is None else environ
    return tuple(name for name in KEYS if environ.get(name))


def key(name: str, environ: Mapping[str, str] | None = None) -> str:
    """A provider's key, for the process that calls the provider and for nothing else; empty if it is not set."""
    return (os.environ if environ is None else environ).get(name, "")


def hub_endpoint(environ: Mapping[str, str] | None = None) -> str:
    """Where models are downloaded from: the Hugging Face hub, or a mirror that `HF_ENDPOINT` names."""
    return ((os.environ if environ is None else environ).get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def new_password(environ: Mapping[str, str] | None = None) -> str:
    """The password that a script gives to `people add` and `people password`; empty if it is to be asked for."""
    return (os.environ if environ is None else environ).get("STUDIO_NEW_PASSWORD", "")


def system_user() -> str:
    """The user name of the operating system; empty where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def child_environment(*, without: Collection[str] = ()) -> dict[str, str]:
    """The environment of our own processes: our package found, no telemetry, no hub access, and `without` some variables."""
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    kept = {name: value for name, value in os.environ.items() if name not in (*without, *PASSWORDS)}
    return {**kept, **QUIET, "PYTHONPATH": path}


def write_private(path: Path, text: str) -> None:
    """Replace a small file of the data folder whole, for its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    part.write_text(text, encoding="utf-8")
    part.chmod(0o600)
    part.replace(path)


def quieten(temporary: Path) -> None:
    """Set what libraries read at import: no telemetry, no hub, Gradio's files in a private folder of ours."""
    os.environ.update(QUIET)
    os.environ["GRADIO_TEMP_DIR"] = str(temporary)


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"{path.name} cannot be read: {error}. Mend or delete it.") from error
    unknown = sorted(set(values) - {field.name for field in fields(Settings)})
    if unknown:
        raise InvalidRequest(f"{path.name} has unknown settings: {', '.join(unknown)}. Delete or rename them.")
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    named = {field.name: f"STUDIO_{field.name.upper()}" for field in fields(Settings) if field.name not in NOT_NAMED}
    values: dict[str, Any] = {name: environ[variable] for name, variable in named.items() if environ.get(variable)}
    if environ.get("HF_HUB_OFFLINE", "0").lower() in ("1", "true", "yes", "on"):
        values.setdefault("offline", True)
    if cache := environ.get("HF_HUB_CACHE"):
        values["hub_cache"] = cache
    elif home := environ.get("HF_HOME"):
        values["hub_cache"] = Path(home) / "hub"
    return values


def _typed(name: str, value: Any) -> Any:
    kind = type(getattr(Settings, name))
    try:
        if isinstance(getattr(Settings, name), Path):
            return Path(value).expanduser().absolute()
        if kind is bool and isinstance(value, str):
            return value.lower() in ("1", "true", "yes", "on")
        return kind(value)
    except (TypeError, ValueError):
        raise InvalidRequest(f"The setting {name} has the value {value!r}, which is not a {kind.__name__}.") from None
