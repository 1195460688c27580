"""Prompt tools of the page: styles, the history of prompts, and what the record tells of templates and choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

from studio.core.counting import TokenCount
from studio.core.errors import StudioError
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.core.styles import Style
from studio.core.templates import literal
from studio.ui import form, lenient, who
from studio.ui.ports import Studio
from studio.ui.values import Values

SHOWN = 60
"""Prompts that the drawer shows at once; a search finds the others."""
HISTORY = """
<dialog id="history" aria-labelledby="history-title">
  <header><h2 id="history-title">Prompts so far</h2>
    <button type="button" class="icon" data-close aria-label="Close">✕</button></header>
  <input type="search" placeholder="Search all prompts" aria-label="Search all prompts" autocomplete="off">
  <ul></ul>
  <section><h3>Wildcards</h3><p></p>
    <small><code>{red|blue}</code> chooses one, <code>{2$$a|b|c}</code> two, <code>3::word</code> three times as often;
    <code>&#92;{</code> is the brace itself. Each picture chooses by its seed.</small></section>
</dialog>
"""


def styles_field(tab: str, styles: Sequence[Style], chosen: Sequence[str]) -> Any:
    """Several can be chosen; they are laid around the prompt in that order."""
    names = [style.name for style in styles]
    return lenient.Dropdown(
        names, value=[name for name in chosen if name in names], multiselect=True, label="Styles", show_label=False,
        visible=bool(names), **form.named(tab, "styles"),
    )  # fmt: skip


def tokens(counts: Sequence[TokenCount]) -> str:
    """“42 / 75 tokens” of the encoder with the least room, and all encoders where the mouse rests on it."""
    if not counts:
        return ""
    tight = min(counts, key=lambda count: (count.chunked, count.room))
    each = " · ".join(f"{count.encoder} {count.tokens} / {count.room * count.chunks}" for count in counts)
    more = f" · encoded in {tight.chunks} chunks, nothing is cut" if tight.chunks > 1 else ""
    if tight.is_cut:
        whole = next((count for count in counts if count.encoder != tight.encoder and not count.is_cut), None)
        more = f" · {tight.encoder} reads the first {tight.room}" + (f", {whole.encoder} all" if whole else "")
    name = f" ({tight.encoder})" if len({count.encoder.split(" ")[0] for count in counts}) > 1 else ""
    words = f"{tight.tokens} / {tight.room * tight.chunks} tokens{name}{more}"
    return f'<span data-chunks="{tight.chunks}" title="{escape(each)}">{escape(words)}</span>'


def typed(request: ImageRequest, known: Sequence[str], *, words: bool) -> Values:
    """What stood in the form: the template and its styles; with `words`, or where a style is gone, what came of them."""
    if words or not request.template or not set(request.styles) <= set(known):
        return {"prompt": literal(request.prompt), "negative_prompt": request.negative_prompt, "styles": []}
    negative = request.negative_template if request.styles else request.negative_prompt
    return {"prompt": request.template, "negative_prompt": negative, "styles": list(request.styles)}


def rows(request: ImageRequest) -> tuple[tuple[str, str], ...]:
    """Of a picture's details."""
    return (
        ("Template", request.template if request.template != request.prompt else ""),
        ("Choices", " · ".join(request.choices)),
        ("Styles", ", ".join(request.styles)),
    )


def tools(record: Record) -> str:
    """The other way to reuse a picture that was made from a template: with the words that came of it."""
    if not record.request.template:
        return ""
    to, hint = record.request.task.kind, "Reuse all, with these very words instead of the template"
    return (
        f'<button data-choose="words" data-id="{escape(record.id)}" data-to="{to}" title="{hint}">Reuse these words</button>'
    )


def used_prompts(studio: Studio, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the drawer shows: prompts of the person who asks, and the names of the wildcards. `forget` takes one out."""
    try:
        person = who.current()
        if asked.get("forget"):
            studio.making.forget(person, int(asked["forget"]))
        found = studio.making.prompts(person, str(asked.get("words") or "")[:200], SHOWN)
    except (StudioError, TypeError, ValueError) as error:
        return {"problem": str(error), "prompts": [], "wildcards": []}
    told = [
        {"id": each.id, "text": each.text, "negative": each.negative, "used": each.used, "when": _when(each.last)}
        for each in found
    ]
    return {"prompts": told, "wildcards": list(studio.making.wildcards())[:200]}


def _when(last: float) -> str:
    then, now = datetime.fromtimestamp(last).astimezone(), datetime.now().astimezone()
    return then.strftime("%H:%M") if then.date() == now.date() else then.strftime("%d %b %Y")
