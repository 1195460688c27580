"""Reads and writes the text of `presets/*.toml`, policy and styles apart. Each fault of a file is one sentence; a file with
one is left out and never stands in the way of the others.

title = "Evening sail"           # the words under the picture; the only key that must be there
group = "Concept"                # cards stand together by group
version = 1                      # goes up with each change
description = "…"                # shown when the mouse rests on the card
author = "anna"                  # who saved it here
task = "text-to-image"           # the form it belongs to; without it all forms offer it
prompt = "…"
negative_prompt = "…"
styles = ["Golden hour"]         # names in styles.toml
model = "local:starter"          # id of a model; without it the form's model stays
size = "160x96"
strength = 0.6                   # of an edit
steps = 20
guidance_scale = 3.5
seed = 7                         # locks the seed
sampler = "Euler"
picture = "evening-sail.png"     # a file in the same folder
[options]                        # what only this model has
[hires]                          # scale, upscaler, strength, steps
[[adapters]]                     # kind, name, weight
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from studio.core.adapt import MAX_GUIDANCE, MAX_PROMPT, MAX_STEPS
from studio.core.adapters import PICTURED, RANGES
from studio.core.errors import InvalidRequest
from studio.core.preset import MAX_TITLE, Preset
from studio.core.request import ADAPTERS, MAX_SEED, TASKS, Adapter, Hires, Sampling, Size
from studio.core.rules import FILE as POLICY_FILE
from studio.wording import STYLES as STYLES_FILE

LENGTHS = {
    "title": MAX_TITLE, "group": 40, "description": 500, "author": 100, "task": 40, "prompt": MAX_PROMPT,
    "negative_prompt": MAX_PROMPT, "model": 300, "size": 40, "sampler": 100, "picture": 120,
}  # fmt: skip
NUMBERS: dict[str, tuple[type, float, float]] = {
    "version": (int, 1, 10**6),
    "strength": (float, 0, 1),
    "steps": (int, 1, MAX_STEPS),
    "guidance_scale": (float, 0, MAX_GUIDANCE),
    "seed": (int, 0, MAX_SEED),
}
HIRES: dict[str, tuple[type, float, float]] = {
    "scale": (float, 1.01, 4),
    "strength": (float, 0, 1),
    "steps": (int, 1, MAX_STEPS),
}
SAMPLING = ("steps", "guidance_scale", "seed", "sampler")
ORDER = (
    "title", "group", "version", "description", "author", "task", "prompt", "negative_prompt", "styles", "model", "size",
    "strength", "steps", "guidance_scale", "seed", "sampler", "picture", "options", "hires", "adapters",
)  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
MAX_FILE = 200_000
"""Bytes of a preset's text."""
Faults = Iterator[str]


def preset_files(folder: Path) -> list[Path]:
    """The files of a folder that are presets, by name."""
    return sorted(path for path in folder.glob("*.toml") if path.name not in (POLICY_FILE, STYLES_FILE))


def load_presets(folder: Path) -> tuple[list[Preset], list[str]]:
    """The presets of a folder by group and title, and a sentence for each fault."""
    presets: list[Preset] = []
    faults: list[str] = []
    for path in preset_files(folder):
        preset, found = read_preset(path)
        presets += [preset] if preset else []
        faults += found
    return sorted(presets, key=lambda preset: (preset.group.casefold(), preset.title.casefold())), faults


def read_preset(path: Path) -> tuple[Preset | None, list[str]]:
    """The preset of a file; None with what is wrong, each a sentence with the file, the key and what to do."""
    try:
        data = path.read_bytes()
    except OSError as error:
        return None, [f"Preset {path.name} cannot be opened ({error.strerror}), so check the file's permissions."]
    return parse_preset(data, path)


def parse_preset(data: bytes, path: Path) -> tuple[Preset | None, list[str]]:
    """The same for bytes that would stand at `path`."""
    try:
        values = tomllib.loads(data[: MAX_FILE + 1].decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        return None, [f"Preset {path.name} is not valid TOML ({error}), so mend the line it names."]
    faults = [f"Preset {path.name}: {fault}" for fault in _faults(path, data, values)]
    return (None, faults) if faults else (_preset(path, values), [])


def preset_text(preset: Preset) -> str:
    """The preset as the text of a file; what is left open is left out."""
    sampling = {name: getattr(preset.sampling, name) for name in SAMPLING}
    told: dict[str, Any] = {
        **{name: getattr(preset, name) for name in ORDER if hasattr(preset, name)},
        **sampling,
        "size": str(preset.size) if preset.size else None,
        "styles": list(preset.styles),
        "picture": preset.picture.name if preset.picture else None,
    }
    lines = [f"{name} = {_written(told[name])}" for name in ORDER[:-3] if told[name] not in (None, "", [])]
    hires = preset.hires
    tables = {
        "options": dict(preset.options),
        "hires": {name: getattr(hires, name) for name in ("upscaler", *HIRES)} if hires else {},
    }
    for name, table in tables.items():
        told_table = [f"{_written(key)} = {_written(value)}" for key, value in table.items() if value is not None]
        lines += [f"\n[{name}]", *told_table] if told_table else []
    for each in preset.adapters:
        lines += ["\n[[adapters]]", *(f"{key} = {_written(getattr(each, key))}" for key in ("kind", "name", "weight"))]
    return "\n".join(lines) + "\n"


def _preset(path: Path, values: Mapping[str, Any]) -> Preset:
    rest = {name: value for name, value in values.items() if name not in SAMPLING}
    return Preset(
        **{
            **rest,
            "name": path.stem,
            "size": Size.parse(rest["size"]) if "size" in rest else None,
            "styles": tuple(rest.get("styles", ())),
            "sampling": Sampling(**{name: values[name] for name in SAMPLING if name in values}),
            "adapters": tuple(Adapter(**each) for each in rest.get("adapters", ())),
            "hires": Hires(**rest["hires"]) if "hires" in rest else None,
            "picture": path.parent / rest["picture"] if "picture" in rest else None,
        }
    )


def _faults(path: Path, data: bytes, values: Mapping[str, Any]) -> Faults:
    if len(data) > MAX_FILE:
        yield f"it is larger than {MAX_FILE // 1000} KB, so shorten it."
    if not NAME.fullmatch(path.stem):
        yield "its name may hold only letters, digits, “-”, “_” and “.”, so rename the file."
    unknown = sorted(set(values) - set(ORDER))
    if unknown:
        yield f"it has unknown keys ({', '.join(unknown)}), so delete or rename them."
    for name, value in values.items():
        yield from _value_faults(name, value)
    if not values.get("title"):
        yield 'it has no title, so add a line such as title = "Evening sail".'


def _value_faults(name: str, value: Any) -> Faults:
    if name in NUMBERS:
        yield from _number_faults(name, value, NUMBERS[name])
    elif name in LENGTHS:
        yield from _text_faults(name, value)
    elif name in TABLES:
        yield from TABLES[name](value)


def _text_faults(name: str, value: Any) -> Faults:
    if not isinstance(value, str):
        yield f"{name} must be text, so put it in quotation marks."
    elif len(value) > LENGTHS[name]:
        yield f"{name} has {len(value)} characters and at most {LENGTHS[name]} are allowed, so shorten it."
    elif name in WORDS and (told := WORDS[name](value)):
        yield told


def _size_fault(value: str) -> str:
    try:
        Size.parse(value)
    except InvalidRequest:
        return f"size is “{value}”, which is not a size, so write it as 512x512."
    return ""


def _picture_fault(value: str) -> str:
    if Path(value).name != value or "\\" in value or not value.lower().endswith(PICTURES):
        return "picture must be a PNG, JPEG or WebP in the same folder, so write only that file's name."
    return ""


WORDS: dict[str, Callable[[str], str]] = {
    "title": lambda value: (
        "" if value.strip() or not value else 'it has no title, so add a line such as title = "Evening sail".'
    ),
    "size": _size_fault,
    "picture": _picture_fault,
    "task": lambda value: "" if not value or value in TASKS else f"task is “{value}”, so write one of {', '.join(TASKS)}.",
}


def _number_faults(name: str, value: Any, limits: tuple[type, float, float]) -> Faults:
    kind, low, high = limits
    if isinstance(value, bool) or not isinstance(value, int if kind is int else int | float):
        yield f"{name} must be a {'whole ' if kind is int else ''}number, so write it without quotation marks or letters."
    elif not low <= value <= high:
        yield f"{name} is {value:g}, so choose a number between {low:g} and {high:g}."


def _style_faults(value: Any) -> Faults:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value) or len(value) > 20:
        yield 'styles must be a list of names, so write it as ["Golden hour"].'


def _option_faults(value: Any) -> Faults:
    if not isinstance(value, dict) or len(value) > 40:
        yield "options must be a table, so put them under a line [options]."
        return
    for name, each in value.items():
        is_number = isinstance(each, int | float) and math.isfinite(each)
        if not is_number and not (isinstance(each, str) and len(each) <= 2000):
            yield f"options.{name} must be a short text, a number, true or false, so write one of these."


def _hires_faults(value: Any) -> Faults:
    if not isinstance(value, dict) or set(value) - {"upscaler", *HIRES}:
        yield f"hires must be a table of upscaler, {', '.join(HIRES)}, so put these under a line [hires]."
        return
    if not isinstance(value.get("upscaler", ""), str):
        yield "hires.upscaler must be text, so put it in quotation marks."
    for name in (name for name in HIRES if name in value):
        yield from _number_faults(f"hires.{name}", value[name], HIRES[name])


def _adapter_faults(value: Any) -> Faults:
    kinds = [kind for kind in ADAPTERS if kind not in PICTURED]
    keys = {"kind", "name", "weight"}
    if not isinstance(value, list) or not all(isinstance(each, dict) and set(each) <= keys for each in value):
        yield "adapters must be tables of kind, name and weight, so put each under a line [[adapters]]."
        return
    for number, each in enumerate(value, start=1):
        if each.get("kind") not in kinds or not str(each.get("name") or "").strip():
            yield f"adapters {number} needs a name and a kind, so write one of {', '.join(kinds)} as its kind."
            continue
        low, high = RANGES.get(each["kind"], (-100.0, 100.0))
        yield from _number_faults(f"adapters {number} weight", each.get("weight", 1), (float, low, high))


TABLES: dict[str, Callable[[Any], Faults]] = {
    "styles": _style_faults, "options": _option_faults, "hires": _hires_faults, "adapters": _adapter_faults,
}  # fmt: skip


def _written(value: Any) -> str:
    """A value in TOML; JSON's text, lists and switches are TOML's too, the delete character apart."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
