"""HTML of the kept pictures and of the queue. Everything that came from a user or a file is escaped here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from studio.core.job import Job
from studio.core.model import Model
from studio.core.request import ImageToImage, Inpaint, Outpaint, TextToImage
from studio.core.result import Record
from studio.core.score import told_scores
from studio.core.variation import say_variations, variations_of
from studio.ui import adapter_facts, again, desktop, enlarging, exploring, hosted_facts, icons, policy_facts, wording
from studio.ui.thumbs import Thumbs
from studio.ui.words import span


def url(path: Path) -> str:
    """Where the page finds a file: the kept bytes, nothing re-encoded."""
    return f"/gradio_api/file={quote(path.as_posix())}"


def picture(record: Record, before: Path | None = None) -> dict[str, Any]:
    """What the stage needs to show a kept picture; `src` is empty once the file is gone.

    `before` is the file it was made from; its place is told in fractions of the picture.
    """
    src = url(record.path) if record.path else ""
    return {
        "before": {"src": url(before), **_place(record)} if before and src else None,
        "id": record.id,
        "src": src,
        "width": record.width,
        "height": record.height,
        "alt": record.request.prompt,
        "name": record.name,
    }


def _place(record: Record) -> dict[str, float]:
    """Where the source lies in the picture: all over it, or in the old part of an extended one."""
    task = record.request.task
    if not isinstance(task, Outpaint):
        return {"left": 0, "top": 0, "width": 1, "height": 1}
    width, height = task.size.width, task.size.height
    return {
        "left": task.left / width,
        "top": task.up / height,
        "width": task.image.width / width,
        "height": task.image.height / height,
    }


Before = Callable[[Record], Path | None]
"""Finds the file that a picture was made from."""


def strip(records: Iterable[Record], thumbs: Thumbs, before: Before) -> str:
    """The row of recent pictures as buttons, newest first."""
    return "".join(tile(record, thumbs, before) for record in records) or '<p class="quiet">Your pictures appear here.</p>'


def tile(record: Record, thumbs: Thumbs, before: Before) -> str:
    """A small picture as a button that shows the large one."""
    entry = picture(record, before(record))
    label = escape(record.request.prompt[:200] or record.name, quote=True)
    compared = f"data-before='{escape(json.dumps(entry['before']), quote=True)}' " if entry["before"] else ""
    data = f'data-picture="{escape(record.id)}" data-width="{record.width}" data-height="{record.height}"'
    if not entry["src"]:
        gone = f'aria-label="{label} (the file is gone)" title="The file is gone"'
        return f'<button class="tile gone" {data} {gone}>{icons.GONE}</button>'
    thumb = thumbs.of(record)
    image = f'<img src="{escape(url(thumb))}" loading="lazy" alt="">' if thumb else ""
    return (
        f'<button class="tile" {data} data-src="{escape(entry["src"])}" data-name="{escape(record.name)}" '
        f'{compared}aria-label="{label}" title="{label}">{image}</button>'
    )


def queue(active: list[Job], failed: list[Job], *, paused: bool, warm: Sequence[str] = ()) -> str:
    """The queue: what runs, what waits and in which order, what failed lately, and which models are in memory."""
    waiting = Counter(job.backend for job in active if job.state == "queued")
    rows = [_row(job, waiting[job.backend]) for job in (*active, *failed)]
    toggle = ("resume", "Resume") if paused else ("pause", "Pause")
    badge = f'<span class="badge">{len(active)}</span>' if active else ""
    button = f'<button class="small" data-do="{toggle[0]}">{toggle[1]}</button>'
    body = (f"<ol>{''.join(rows)}</ol>" if rows else '<p class="quiet">Nothing is waiting.</p>') + _warm(warm)
    return (
        f"<header><h2>Queue {badge}</h2>{button}</header>{'<p class=quiet>The queue is paused.</p>' if paused else ''}{body}"
    )


def _warm(titles: Sequence[str]) -> str:
    """Models that answer at once, the last used first."""
    return f'<p class="quiet warm">In memory: {escape(", ".join(titles))}</p>' if titles else ""


def _row(job: Job, waiting: int) -> str:
    request, place = job.request, job.position or 0
    size = f"{request.task.size.width} × {request.task.size.height}" if request.task.size else ""
    count = f"{request.count} pictures" if request.count > 1 else ""
    kind = "" if isinstance(request.task, TextToImage) else request.task.kind.replace("-", " ")
    lane, where = "batch" if job.lane == "batch" else "", "" if job.backend == "local" else job.backend
    told = job.state in ("failed", "blocked", "needs_review", "delayed")
    facts = job.message if told else " · ".join(filter(None, (where, kind, size, count, lane)))
    state = str(place) if job.state == "queued" else {"running": "Now", "delayed": "Held"}.get(job.state, "!")
    return (
        f'<li data-job="{escape(job.id)}" data-state="{job.state}"><span class="place">{state}</span>'
        f'<span class="what"><b>{escape(request.prompt[:160] or "(no prompt)")}</b><small>{escape(facts)}</small></span>'
        f'<span class="acts">{_buttons(job, place, waiting)}</span></li>'
    )


def _buttons(job: Job, place: int, waiting: int) -> str:
    if job.is_over:
        again = _act(job, "retry", "Try again", icons.RETRY) if job.can_retry else ""
        return again + (_act(job, "retry-smaller", job.smaller[0], icons.SMALLER) if job.smaller else "")
    moves = ""
    if job.state == "queued" and waiting > 1:
        moves += _act(job, "move", "To the front", icons.FIRST, place=1, off=place == 1)
        moves += _act(job, "move", "Up", icons.UP, place=place - 1, off=place == 1)
        moves += _act(job, "move", "Down", icons.DOWN, place=place + 1, off=place == waiting)
    return moves + _act(job, "cancel", "Cancel", icons.CROSS)


def _act(job: Job, do: str, label: str, icon: str, *, place: int = 0, off: bool = False) -> str:
    where = f' data-place="{place}"' if place else ""
    said = escape(label)
    return (
        f'<button class="icon" data-do="{do}" data-id="{escape(job.id)}"{where} aria-label="{said}" title="{said}"'
        f"{' disabled' if off else ''}>{icon}</button>"
    )


def details(record: Record, about: About) -> str:
    """A kept picture's metadata for a reader, with what one can do with it and its relatives."""
    request, used = record.request, record.facts.get("used") or {}
    title = next((model.title for model in about.models if model.id == request.model), request.model)
    rows = (
        ("Negative", request.negative_prompt),
        ("Model", title),
        *hosted_facts.rows(record),
        *wording.rows(request),
        *_preset_rows(record),
        *enlarging.rows(record),
        *_edit_rows(record),
        *adapter_facts.rows(record),
        ("Seed", "none taken" if _seedless(record) else record.seed),
        ("Variation", say_variations(variations_of(request, record.facts))),
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
        ("Watermark", _watermark(record)),
        ("Detector", detector_words(record)),
        *policy_facts.rows(record),
    )
    listed = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value not in (None, ""))
    prompt = escape(request.prompt) or '<span class="quiet">(no prompt)</span>'
    return (
        f'<p class="prompt">{prompt}</p>{_tools(record, about)}{hosted_facts.tools(record)}{about.family}'
        f"<dl>{listed}{_file(record, about.outputs)}</dl>"
    )


def _preset_rows(record: Record) -> tuple[tuple[str, str], ...]:
    request = record.request
    version = f", version {request.preset_version}" if request.preset_version else ""
    return (
        ("Preset", f"{request.preset}{version}" if request.preset else ""),
        ("Prompt", f"version {request.prompt_version}" if request.prompt_version else ""),
    )


def _seedless(record: Record) -> bool:
    told = hosted_facts.facts_of(record)
    return bool(told) and told.get("seed_asked") is None and told.get("seed_returned") is None


def _watermark(record: Record) -> str:
    """Whether the mark is there, and what it cost."""
    marked = record.facts.get("watermark")
    if not isinstance(marked, dict):
        return ""
    if not marked.get("present"):
        return f"none: {marked.get('reason', 'unknown')}"
    return f"{marked.get('payload')}, {marked.get('psnr')} dB"


def detector_words(record: Record) -> str:
    """What the detectors said of the saved pixels: a signal, never proof."""
    return told_scores(record.facts.get("detector"))


@dataclass(frozen=True, kw_only=True)
class About:
    """What the details need besides the record: `takers` are the tabs (name, title) it can be sent to, `family` is HTML.
    `at_home`: the reader sits at the computer that has the files.
    """

    outputs: Path
    models: list[Model]
    takers: tuple[tuple[str, str], ...] = ()
    family: str = ""
    at_home: bool = False


def family(source: str, children: list[str]) -> str:
    """What a picture was made from, and what was made from it; the parts are HTML."""
    made = f"<h3>Made from</h3><div>{source}</div>" if source else ""
    more = f"<h3>Made from this one</h3><div>{''.join(children)}</div>" if children else ""
    return f'<section class="family">{made}{more}</section>' if made or more else ""


def _edit_rows(record: Record) -> list[tuple[str, object]]:
    """What an edit did."""
    task, used = record.request.task, record.facts.get("used") or {}
    match task:
        case TextToImage():
            return []
        case ImageToImage():
            own: list[tuple[str, object]] = [("Sketch", "yes" if task.sketch else "")]
        case Inpaint():
            area = f"only masked, {task.padding} px around" if task.area == "masked" else "whole picture"
            own = [("Worked on", area), ("Start from", task.fill), ("Soft edge", f"{task.feather} px")]
        case Outpaint():
            sides = {"left": task.left, "right": task.right, "up": task.up, "down": task.down}
            added = ", ".join(f"{side} {pixels}" for side, pixels in sides.items() if pixels)
            own = [("Extended", added), ("Overlap", f"{task.overlap} px"), ("Start from", task.fill)]
    name = task.kind.replace("-", " ").capitalize()
    return [
        ("Task", name),
        ("Strength", f"{task.strength:g}" if task.strength else ""),
        *own,
        ("Inpainting", used.get("inpainting")),
        *_proof(record),
    ]


def _proof(record: Record) -> list[tuple[str, object]]:
    words = proof(record)
    passes = (record.facts.get("canvas") or {}).get("passes", 1)
    return [("Passes", passes if isinstance(passes, int) and passes > 1 else ""), ("Outside", words)]


def proof(record: Record) -> str:
    """What was counted outside the mask; empty where there is no mask."""
    counted = record.facts.get("canvas") or {}
    try:
        changed, outside = int(counted["outside_changed"]), int(counted["outside_pixels"])
    except (KeyError, TypeError, ValueError):
        return ""
    counted_before = " (before the watermark)" if (record.facts.get("watermark") or {}).get("present") else ""
    return f"{changed:,} of {outside:,} pixels outside the mask changed".replace(",", "\u202f") + counted_before


def _tools(record: Record, about: About) -> str:
    id = escape(record.id)
    download = send = ""
    if record.path:
        where = f'href="{escape(url(record.path))}" download="{escape(record.name)}"'
        download = f'<a class="button" id="download" {where}>{icons.SAVE}Download</a>'
        download += f'<button data-share="{id}">{icons.SHARE}Share copy …</button>'
        download += desktop.tools(record) if about.at_home else ""
        to = "".join(
            f'<button data-choose="send" data-id="{id}" data-to="{escape(name)}">{escape(title)}</button>'
            for name, title in about.takers
        )
        send = f'<div class="send" role="group" aria-label="Send to">Send to {to}</div>' if to else ""
    return (
        f'<div class="tools">{download}<button data-choose="reuse" data-id="{id}" data-to="{record.request.task.kind}">'
        f'Reuse all</button>{wording.tools(record)}<button data-choose="seed" data-id="{id}">Reuse seed</button>'
        f'<button data-copy="{escape(record.request.prompt, quote=True)}">Copy prompt</button>'
        f'<button data-preset-of="{id}">Save as preset …</button>'
        f"{again.tools(record)}{exploring.tools(record, about.models)}{policy_facts.tools(record)}</div>"
        f"{exploring.one_thing(record, about.models)}{send}"
    )


def _file(record: Record, outputs: Path) -> str:
    gone = "It is in the trash" if record.state == "deleted" else "The file is gone"
    where = f"{gone}; what is known of it stays here." if record.path is None else str(record.path)
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
