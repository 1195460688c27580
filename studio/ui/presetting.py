"""Presets on the page: what a form's values make of one, what one makes of a form, and the buttons beside the cards."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Container, Mapping
from dataclasses import replace
from typing import Any

from studio.core.errors import InvalidRequest, StudioError
from studio.core.model import Model
from studio.core.preset import Preset, Saved, of_request
from studio.core.request import Size, TextToImage
from studio.engine.presets import About
from studio.ui import enlarging, options, values, who
from studio.ui.ports import Studio
from studio.ui.values import Values

DIALOG = """
<dialog id="preset" aria-labelledby="preset-heading"><form method="dialog">
  <h2 id="preset-heading">Save as preset</h2>
  <label>Title<input name="title" maxlength="80" required autocomplete="off"></label>
  <label>Group<input name="group" maxlength="40" list="preset-groups" placeholder="General" autocomplete="off"></label>
  <datalist id="preset-groups"></datalist>
  <label>Description<input name="description" maxlength="500" autocomplete="off" placeholder="One sentence"></label>
  <label>Picture<select name="picture"></select></label>
  <label class="switch"><input type="checkbox" name="seed">Keep its seed</label>
  <p class="quiet" role="status"></p>
  <div class="end"><button type="button" data-close>Close</button><button class="save" type="submit">Save</button></div>
</form><input type="file" accept=".zip,.toml" hidden aria-label="A preset's file"></dialog>
"""


def of_form(read: Values, model: Model, tab: str) -> Preset:
    """A form's values as a preset, still without a title. Raises `InvalidRequest`."""
    width, height = values.whole(read.get("width")), values.whole(read.get("height"))
    size = Size(width, height) if tab == TextToImage.kind and width and height else None
    request = values.to_request(read, model, TextToImage(size), options.read(read, model, tab))
    request = enlarging.asked(request, read, model) if tab == TextToImage.kind else request
    strength = read.get("strength")
    preset = of_request(request, typed=True, seed=request.sampling.seed)
    return replace(preset, task=tab, strength=float(strength) if isinstance(strength, int | float) else None)


def own_values(preset: Preset, model: Model, fields: Container[str], tab: str) -> Values:
    """What a preset changes in the fields that only some models or tasks have."""
    changed = options.shown(preset.options, model, tab) if preset.options else {}
    changed |= enlarging.shown(preset.hires, tab) if preset.hires else {}
    changed |= {"strength": preset.strength} if preset.strength is not None else {}
    return {name: value for name, value in changed.items() if name in fields}


def said_of(preset: Preset, model: Model) -> dict[str, Any]:
    """What to tell of a preset whose model is not here."""
    if not preset.model or preset.model == model.id:
        return {}
    return {
        "field": "model",
        "message": f"The preset’s model “{preset.model}” is not here, so {model.title} stands in for it.",
    }


def about(asked: Mapping[str, Any]) -> About:
    """What the dialog says."""
    return About(**{name: str(asked.get(name) or "")[:600] for name in About.__dataclass_fields__})


def saved(told: Saved) -> dict[str, str]:
    """The answer beside the cards."""
    version = f" as version {told.preset.version}" if told.preset.version > 1 else ""
    return {"said": f"“{told.preset.title}” is saved{version}.", "undo": told.undo, "name": told.preset.name}


def functions(studio: Studio) -> list[Callable[[Any], Any]]:
    """What the page's script calls."""

    def preset_act(asked: dict[str, Any]) -> dict[str, str]:
        return act(studio, asked)

    def preset_of(form: str) -> str:
        return chosen(studio, str(form))

    return [preset_act, preset_of]


def act(studio: Studio, asked: Mapping[str, Any]) -> dict[str, str]:
    """What a button says: a sentence under `said` or `problem`; with `undo` the way back, with `data` a file to save."""
    try:
        return _act(studio, str(asked.get("do")), str(asked.get("id") or ""), asked)
    except StudioError as error:
        return {"problem": str(error)}


def _act(studio: Studio, do: str, id: str, asked: Mapping[str, Any]) -> dict[str, str]:
    person, presets = who.current(), studio.presets
    match do:
        case "picture":
            return saved(presets.save_picture(id, about(asked), person, seed=bool(asked.get("seed"))))
        case "remove":
            gone = presets.remove(id, person)
            return {"said": f"“{gone.preset.title}” is deleted.", "undo": gone.undo}
        case "restore":
            back = presets.restore(id, person)
            return {"said": f"“{back.title}” is back in version {back.version}.", "name": back.name}
        case "share":
            name, data = presets.packed(id)
            return {"said": f"{name} goes to your downloads.", "file": name, "data": base64.b64encode(data).decode()}
        case "take":
            return saved(presets.take_in(_bytes(asked.get("data")), id[:200] or "The file", person))
        case _:
            raise InvalidRequest("This page is older than the studio. Reload it.")


def chosen(studio: Studio, form: str) -> str:
    """The preset that a form stands on."""
    return str(studio.load_draft(form).get("preset") or "")


def _bytes(data: Any) -> bytes:
    try:
        return base64.b64decode(str(data or ""), validate=True)
    except binascii.Error:
        raise InvalidRequest("The file did not arrive whole. Add it again.") from None
