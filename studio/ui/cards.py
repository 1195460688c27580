"""The presets as picture cards, the same list for all forms; a form shows those that belong to it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from studio.core.preset import GROUPS, Preset
from studio.ui.pictures import url


def frame(presets: Sequence[Preset], faults: Sequence[str], tab: str, *, opened: bool) -> str:
    """A form's presets: cards, and what can be done with them. Its script fills `said`, and draws the cards anew."""
    id = f"presets-title-{tab}"
    return (
        f'<details class="presets" data-form="{tab}"{" open" if opened else ""}>'
        f'<summary><h2 id="{id}">Presets</h2></summary>'
        f'<div class="list" role="group" aria-labelledby="{id}">{cards(presets, faults)}</div>'
        '<footer><button type="button" data-preset="new">Save as preset …</button>'
        '<button type="button" data-preset="take">Add a file …</button>'
        '<span class="own" hidden><b></b><button type="button" data-preset="share">Share</button>'
        '<button type="button" data-preset="remove">Delete</button></span></footer>'
        '<p class="said" role="status"></p></details>'
    )


def cards(presets: Sequence[Preset], faults: Sequence[str]) -> str:
    """Groups to choose from, small picture cards, and what is wrong with files. A card without picture has a tile."""
    groups = dict.fromkeys(preset.group for preset in presets)
    known = sorted(groups, key=lambda group: (GROUPS.index(group) if group in GROUPS else len(GROUPS), group))
    chips = "".join(
        f'<button type="button" class="chip" data-group="{escape(group)}">{escape(group)}</button>' for group in known
    )
    every = '<button type="button" class="chip" data-group="" data-on>All</button>' if len(known) > 1 else ""
    told = "".join(f"<li>{escape(fault)}</li>" for fault in faults[:5])
    wrong = f'<ul class="faults" role="status">{told}</ul>' if told else ""
    ordered = sorted(presets, key=lambda preset: known.index(preset.group))
    chosen = f'<div class="groups">{every}{chips if every else ""}</div>'
    return f'{chosen}<div class="cards">{"".join(map(_card, ordered))}</div>{wrong}'


def _card(preset: Preset) -> str:
    title, name = escape(preset.title), escape(preset.name)
    picture = preset.picture if preset.picture and preset.picture.is_file() else None
    image = f'<img src="{escape(url(picture))}" alt="" loading="lazy">' if picture else f"<i>{escape(preset.title[:1])}</i>"
    hint = f"{preset.title}, version {preset.version}" + (f": {preset.description}" if preset.description else "")
    return (
        f'<button type="button" class="card" data-choose="preset" data-id="{name}" data-title="{title}" '
        f'data-task="{preset.task}" data-in="{escape(preset.group)}" data-version="{preset.version}" '
        f'title="{escape(hint)}" aria-pressed="false">'
        f'{image}<span>{title}</span><small aria-label="version {preset.version}">v{preset.version}</small></button>'
    )
