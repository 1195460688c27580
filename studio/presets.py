"""Reads `presets/*.toml`, policy and styles apart. A file that is wrong is left out with a sentence; it never stands in the
way of the others.

title = "Evening sail"           # the words under the picture; the only key that must be there
group = "Sea and sky"            # cards stand together by group
version = 1
description = "…"                # shown when the mouse rests on the card
prompt = "…"
negative_prompt = "…"
model = "local:starter"          # id of a model; without it the form's model stays
size = "160x96"
steps = 20
guidance_scale = 3.5
seed = 7                         # locks the seed
sampler = "Euler"
picture = "evening-sail.png"     # a file in the same folder
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from studio.core.adapt import MAX_GUIDANCE, MAX_PROMPT, MAX_STEPS
from studio.core.errors import InvalidRequest
from studio.core.preset import Preset
from studio.core.request import MAX_SEED, Sampling, Size
from studio.core.rules import FILE as POLICY_FILE
from studio.wording import STYLES as STYLES_FILE

TEXTS = ("title", "group", "description", "prompt", "negative_prompt", "model", "size", "sampler", "picture")
NUMBERS: dict[str, tuple[type, float, float]] = {
    "version": (int, 1, 10**6),
    "steps": (int, 1, MAX_STEPS),
    "guidance_scale": (float, 0, MAX_GUIDANCE),
    "seed": (int, 0, MAX_SEED),
}
SAMPLING = ("steps", "guidance_scale", "seed", "sampler")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def load_presets(folder: Path) -> tuple[list[Preset], list[str]]:
    """The presets of a folder by group and title, and a sentence for each file that could not be used."""
    presets, faults = [], []
    for path in sorted(path for path in folder.glob("*.toml") if path.name not in (POLICY_FILE, STYLES_FILE)):
        try:
            presets.append(_read(path))
        except InvalidRequest as error:
            faults.append(f"Preset {path.name}: {error}")
    return sorted(presets, key=lambda preset: (preset.group, preset.title)), faults


def _read(path: Path) -> Preset:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidRequest(f"it is not valid TOML ({error}). Mend the line it names.") from error
    except OSError as error:
        raise InvalidRequest(f"it cannot be opened ({error.strerror}). Check the file's permissions.") from error
    _check(path, values)
    sampling = Sampling(**{name: values.pop(name) for name in SAMPLING if name in values})
    size = Size.parse(values.pop("size")) if "size" in values else None
    picture = path.parent / values.pop("picture") if "picture" in values else None
    return Preset(name=path.stem, size=size, sampling=sampling, picture=picture, **values)


def _check(path: Path, values: dict[str, Any]) -> None:
    if not NAME.fullmatch(path.stem):
        raise InvalidRequest("its name may hold only letters, digits, “-”, “_” and “.”. Rename the file.")
    unknown = sorted(set(values) - {*TEXTS, *NUMBERS})
    if unknown:
        raise InvalidRequest(f"it has unknown keys: {', '.join(unknown)}. Delete or rename them.")
    for name, value in values.items():
        _check_number(name, value) if name in NUMBERS else _check_text(name, value)
    if not values.get("title", "").strip():
        raise InvalidRequest('it has no title. Add a line such as title = "Evening sail".')
    if "picture" in values and Path(values["picture"]).name != values["picture"]:
        raise InvalidRequest("its picture must be a file in the same folder. Write only the file's name.")


def _check_text(name: str, value: Any) -> None:
    if not isinstance(value, str):
        raise InvalidRequest(f"{name} must be text in quotation marks.")
    if len(value) > MAX_PROMPT:
        raise InvalidRequest(f"{name} has {len(value)} characters; at most {MAX_PROMPT} are allowed. Shorten it.")


def _check_number(name: str, value: Any) -> None:
    kind, low, high = NUMBERS[name]
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        raise InvalidRequest(f"{name} must be a {'whole ' if kind is int else ''}number without quotation marks.")
    if not low <= value <= high:
        raise InvalidRequest(f"{name} is {value:g}; it must lie between {low:g} and {high:g}.")
