"""The presets as picture cards."""

from __future__ import annotations

from html import escape

from studio.core.preset import Preset
from studio.ui.pictures import url


def cards(presets: list[Preset]) -> str:
    """The presets as small picture cards; one without its picture gets a quiet tile with its initial."""
    made = []
    for preset in presets:
        title = escape(preset.title)
        there = preset.picture is not None and preset.picture.is_file()
        image = (
            f'<img src="{escape(url(preset.picture))}" alt="" loading="lazy">'
            if preset.picture and there
            else f"<i>{title[:1]}</i>"
        )
        made.append(
            f'<button class="card" data-choose="preset" data-id="{escape(preset.name)}" data-to="text-to-image" '
            f'title="{escape(preset.description, quote=True)}">{image}<span>{title}</span></button>'
        )
    group = f'<div class="cards" role="group" aria-labelledby="presets-title">{"".join(made)}</div>'
    return f'<h2 id="presets-title">Presets</h2>{group}'
