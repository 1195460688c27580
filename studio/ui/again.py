"""Buttons beside a picture that make it again or larger, and what came of making it again."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from studio.core.errors import StudioError
from studio.core.people import Person
from studio.core.result import Record
from studio.ui.ports import Studio

SCALES = (2, 4)


def tools(record: Record) -> str:
    """“Run again” and “Upscale” in the row of a picture's buttons."""
    id = escape(record.id)
    hint = "Make this picture once more with the same everything, and tell whether the same comes of it"
    again = f'<button data-do="again" data-id="{id}" title="{hint}">Run again</button>'
    larger = "".join(
        f'<button data-do="upscale" data-id="{id}" data-place="{scale}">Upscale {scale}×</button>' for scale in SCALES
    )
    return again + (larger if record.path else "")


def file_tool(token: str) -> str:
    """The button at an examined file's settings."""
    data = f'data-choose="again" data-id="{escape(token)}" data-to="text-to-image"'
    return f'<button type="button" {data} title="With the same everything, to compare">Run again and compare</button>'


def act(studio: Studio, do: str, id: str, place: int, person: Person) -> str:
    """Do what a button says; a sentence if it cannot be done, or asks to be pressed again."""
    match do:
        case "upscale":
            studio.making.upscale(id, place if place in SCALES else SCALES[0], person)
            return ""
        case "vary":
            studio.making.vary(id, person)
            return ""
        case "again":
            return studio.making.again(id, person, sure=place == 1)[1]
        case _:
            return "This page is older than the studio. Reload it."


def shown(studio: Studio, record: Record, tile: Callable[[str], str]) -> str:
    """What came of a picture that was made again; empty for all others."""
    try:
        found = studio.making.reproduction(record)
    except (StudioError, OSError) as error:
        return f'<section class="again"><h3>Made again</h3><p>{escape(str(error))}</p></section>'
    if found is None:
        return ""
    source = record.request.again
    original = tile(source.record) if source and source.record else escape(source.name if source else "")
    differences = "".join(f"<li>{escape(each)}</li>" for each in found.differences)
    same = "" if found.outcome == "exact" else "<li>Nothing that the records tell of differs.</li>"
    return (
        f'<section class="again" data-outcome="{found.outcome}"><h3>Made again</h3><p><b>{escape(found.sentence)}</b></p>'
        f"<ul>{differences or same}</ul>{f'<p>{escape(found.note)}</p>' if found.note else ''}"
        f'<div class="of">{original}</div></section>'
    )
