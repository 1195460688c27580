"""HTML of the kept pictures and of the queue. Everything that came from a user or a file is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.core.job import Job
from studio.core.model import Model
from studio.core.result import Record
from studio.ui import icons
from studio.ui.thumbs import Thumbs
from studio.ui.words import span


def url(path: Path) -> str:
    """Where the page finds a file: the kept bytes, nothing re-encoded."""
    return f"/gradio_api/file={quote(path.as_posix())}"


def picture(record: Record) -> dict[str, Any]:
    """What the stage needs to show a kept picture; `src` is empty once the file is gone."""
    src = url(record.path) if record.path else ""
    return {
        "id": record.id,
        "src": src,
        "width": record.width,
        "height": record.height,
        "alt": record.request.prompt,
        "name": record.name,
    }


def strip(records: Iterable[Record], thumbs: Thumbs) -> str:
    """The row of recent pictures as buttons, newest first."""
    return "".join(_tile(record, thumbs) for record in records) or '<p class="quiet">Your pictures appear here.</p>'


def _tile(record: Record, thumbs: Thumbs) -> str:
    entry = picture(record)
    label = escape(record.request.prompt[:200] or record.name, quote=True)
    data = f'data-picture="{escape(record.id)}" data-width="{record.width}" data-height="{record.height}"'
    if not entry["src"]:
        gone = f'aria-label="{label} (the file is gone)" title="The file is gone"'
        return f'<button class="tile gone" {data} {gone}>{icons.GONE}</button>'
    thumb = thumbs.of(record)
    image = f'<img src="{escape(url(thumb))}" loading="lazy" alt="">' if thumb else ""
    return (
        f'<button class="tile" {data} data-src="{escape(entry["src"])}" data-name="{escape(record.name)}" '
        f'aria-label="{label}" title="{label}">{image}</button>'
    )


def queue(active: list[Job], failed: list[Job], *, paused: bool) -> str:
    """The queue: what runs, what waits and in which order, and what failed lately."""
    waiting = [job for job in active if job.state == "queued"]
    rows = [_row(job, len(waiting)) for job in (*active, *failed)]
    toggle = ("resume", "Resume") if paused else ("pause", "Pause")
    badge = f'<span class="badge">{len(active)}</span>' if active else ""
    button = f'<button class="small" data-do="{toggle[0]}">{toggle[1]}</button>'
    body = f"<ol>{''.join(rows)}</ol>" if rows else '<p class="quiet">Nothing is waiting.</p>'
    return (
        f"<header><h2>Queue {badge}</h2>{button}</header>{'<p class=quiet>The queue is paused.</p>' if paused else ''}{body}"
    )


def _row(job: Job, waiting: int) -> str:
    request, place = job.request, job.position or 0
    size = f"{request.task.size.width} × {request.task.size.height}" if request.task.size else ""
    count = f"{request.count} pictures" if request.count > 1 else ""
    facts = job.message if job.state in ("failed", "blocked") else " · ".join(filter(None, (size, count)))
    state = str(place) if job.state == "queued" else {"running": "Now", "delayed": "Held"}.get(job.state, "!")
    return (
        f'<li data-job="{escape(job.id)}" data-state="{job.state}"><span class="place">{state}</span>'
        f'<span class="what"><b>{escape(request.prompt[:160])}</b><small>{escape(facts)}</small></span>'
        f'<span class="acts">{_buttons(job, place, waiting)}</span></li>'
    )


def _buttons(job: Job, place: int, waiting: int) -> str:
    if job.is_over:
        return _act(job, "retry", "Try again", icons.RETRY)
    moves = ""
    if job.state == "queued" and waiting > 1:
        moves += _act(job, "move", "To the front", icons.FIRST, place=1, off=place == 1)
        moves += _act(job, "move", "Up", icons.UP, place=place - 1, off=place == 1)
        moves += _act(job, "move", "Down", icons.DOWN, place=place + 1, off=place == waiting)
    return moves + _act(job, "cancel", "Cancel", icons.CROSS)


def _act(job: Job, do: str, label: str, icon: str, *, place: int = 0, off: bool = False) -> str:
    where = f' data-place="{place}"' if place else ""
    return (
        f'<button class="icon" data-do="{do}" data-id="{escape(job.id)}"{where} aria-label="{label}" title="{label}"'
        f"{' disabled' if off else ''}>{icon}</button>"
    )


def details(record: Record, outputs: Path, models: list[Model]) -> str:
    """A kept picture's metadata for a reader, with what one can do with it."""
    request, used = record.request, record.facts.get("used") or {}
    title = next((model.title for model in models if model.id == request.model), request.model)
    rows = (
        ("Negative", request.negative_prompt),
        ("Model", title),
        ("Seed", record.seed),
        ("Steps", used.get("steps", request.sampling.steps)),
        ("Guidance", used.get("guidance_scale", request.sampling.guidance_scale)),
        ("Sampler", used.get("sampler", request.sampling.sampler)),
        ("Size", f"{record.width} × {record.height}"),
        ("Made", _when(record.created)),
        ("Took", _duration(used.get("seconds"))),
        ("Device", used.get("device")),
        ("Software", " · ".join(f"{name} {used[name]}" for name in ("diffusers", "torch") if used.get(name))),
        ("Notes", "; ".join(record.notes)),
        ("Marks", ", ".join(record.stamps)),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value not in (None, ""))
    return f'<p class="prompt">{escape(request.prompt)}</p>{_tools(record)}<dl>{listed}{_file(record, outputs)}</dl>'


def _tools(record: Record) -> str:
    id = escape(record.id)
    download = ""
    if record.path:
        where = f'href="{escape(url(record.path))}" download="{escape(record.name)}"'
        download = f'<a class="button" id="download" {where}>{icons.SAVE}Download</a>'
    return (
        f'<div class="tools">{download}<button data-choose="reuse" data-id="{id}">Reuse all</button>'
        f'<button data-choose="seed" data-id="{id}">Reuse seed</button>'
        f'<button data-copy="{escape(record.request.prompt, quote=True)}">Copy prompt</button></div>'
    )


def _file(record: Record, outputs: Path) -> str:
    where = "The file is gone; what is known of it stays here." if record.path is None else str(record.path)
    if record.path and record.path.is_relative_to(outputs):
        where = f"{outputs.name}/{record.path.relative_to(outputs).as_posix()}"
    folder = f"<dt>Folder</dt><dd>{escape(str(record.path.parent))}</dd>" if record.path else ""
    return f'<dt>File</dt><dd>{escape(where)}</dd>{folder}<dt>SHA-256</dt><dd class="hash">{escape(record.sha256)}</dd>'


def _when(created: str) -> str:
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%d %B %Y, %H:%M:%S")
    except ValueError:
        return created


def _duration(seconds: Any) -> str:
    """The sum of the phases, with the phases behind it."""
    if not isinstance(seconds, dict):
        return span(float(seconds)) if isinstance(seconds, int | float) else ""
    phases = {name: value for name, value in seconds.items() if isinstance(value, int | float) and name != "total"}
    return f"{span(sum(phases.values()))} ({', '.join(f'{name} {value:.2f} s' for name, value in phases.items())})"
