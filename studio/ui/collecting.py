"""HTML of the models page: rows by id, so that the page replaces only what changed. All texts are escaped here."""

from __future__ import annotations

import time
from collections.abc import Collection as Many
from collections.abc import Iterable
from datetime import datetime
from html import escape
from itertools import groupby
from typing import Any

from studio.core.collection import Download, Entry, Removed, Starter
from studio.core.worker import WorkerStatus
from studio.ui.words import span

TASKS = {"text-to-image": "words", "image-to-image": "pictures", "inpaint": "inpaint", "outpaint": "outpaint"}
STATES = {"queued": "Waiting", "running": "Downloading", "paused": "Paused", "failed": "Stopped", "done": "Done"}
DAY = 24 * 3600.0


def row(entry: Entry, thumb: str, now: float) -> dict[str, Any]:
    """One model: its line, and behind it what more is known. `thumb` is the address of its newest picture, or empty."""
    model = entry.model
    last = entry.use.last if entry.use else 0.0
    image = f'<img src="{escape(thumb)}" loading="lazy" alt="">' if thumb else f"<i>{escape(model.title[:1].upper())}</i>"
    cells = (
        ("family", model.family),
        ("size", size(model.size_bytes) if model.size_bytes else ""),
        ("precision", model.precision),
        ("licence", entry.licence),
        ("used", ago(last, now) if last else "never"),
    )
    shown = "".join(f'<span class="{name}">{escape(value) or "–"}</span>' for name, value in cells)
    name = model.id.partition(":")[2]
    html = (
        f'<summary class="cells"><span class="thumb">{image}</span><span class="name"><b>{escape(model.title)}</b>'
        f"<small>{escape(name)}</small></span>{shown}</summary>"
        f'<div class="more"><dl>{_facts(entry)}</dl>{_remove(entry)}</div>'
    )
    find = " ".join((model.title, name, model.family, entry.licence, model.precision)).lower()
    return {
        "id": model.id, "html": html, "find": find, "family": model.family, "name": model.title.lower(),
        "size": model.size_bytes, "used": last, "hash": bool(entry.sha256),
    }  # fmt: skip


def _facts(entry: Entry) -> str:
    model = entry.model
    side = model.default_size
    rows = (
        ("Source", escape(_source(model.id, model.source))),
        ("Hash", f"<span data-hash>{escape(entry.sha256) or 'computing …'}</span>"),
        ("Licence", escape(entry.licence) or "unknown: look at the page it came from"),
        ("Draws from", ", ".join(TASKS.get(task, task) for task in model.tasks)),
        ("Best size", f"{side.width} × {side.height}, {model.default_steps} steps"),
        ("Id", f"<code>{escape(model.id)}</code>"),
    )
    return "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)


def _source(id: str, source: str) -> str:
    name = id.partition(":")[2]
    return f"huggingface.co/{name} · {source}" if "/" in name else source


def _remove(entry: Entry) -> str:
    if entry.stays:
        return f'<p class="quiet">{escape(entry.stays)}</p>'
    id = escape(entry.model.id, quote=True)
    return f'<button type="button" class="small" data-manage data-models="remove" data-id="{id}">Move to trash</button>'


def download(each: Download) -> dict[str, str]:
    """One download with its bar, speed, time left and buttons."""
    share = each.done / each.total if each.total else 0.0
    told = [STATES[each.state]]
    if each.total:
        told.append(f"{size(each.done)} of {size(each.total)}" if each.state != "done" else size(each.total))
    if each.speed:
        told.append(f"{size(int(each.speed))}/s")
    if each.eta is not None and each.state == "running":
        told.append(f"{span(each.eta)} left")
    message = f'<p class="message">{escape(each.message)}{_link(each.link)}</p>' if each.message else ""
    what = f"{escape(each.file)}" if each.file else ""
    known = "" if each.total or each.state != "running" else " data-unknown"
    html = (
        f'<div class="line"><b>{escape(each.what)}</b><span class="acts" data-manage>{_acts(each)}</span></div>'
        f'<div class="bar" role="progressbar" aria-label="{escape(each.what, quote=True)}" aria-valuemin="0" '
        f'aria-valuemax="100" aria-valuenow="{share * 100:.0f}"{known}><i style="transform:scaleX({share:.4f})"></i></div>'
        f'<div class="line"><small>{" · ".join(told)}</small><small class="file">{what}</small></div>{message}'
    )
    return {"id": each.id, "html": html, "state": each.state}


def _link(link: str) -> str:
    return f' <a href="{escape(link, quote=True)}" target="_blank" rel="noreferrer">Open it</a>' if link else ""


def _acts(each: Download) -> str:
    acts = {
        "queued": (("pause", "Pause"), ("cancel", "Cancel")), "running": (("pause", "Pause"), ("cancel", "Cancel")),
        "paused": (("resume", "Resume"), ("cancel", "Cancel")), "failed": (("resume", "Resume"), ("cancel", "Cancel")),
        "done": (("cancel", "Dismiss"),),
    }[each.state]  # fmt: skip
    what = escape(each.what, quote=True)
    return "".join(
        f'<button type="button" class="small" data-models="{do}" data-id="{escape(each.id)}" aria-label="{word} {what}">'
        f"{word}</button>"
        for do, word in acts
    )


def starters(known: Iterable[Starter], here: Many[str], coming: Many[str]) -> str:
    """What is good to begin with, by the memory that it takes."""
    parts = []
    for vram, group in groupby(sorted(known, key=lambda each: each.vram), key=lambda each: each.vram):
        rows = "".join(_starter(each, here, coming) for each in group)
        parts.append(f"<h3>From {vram} GB of GPU memory</h3><ul>{rows}</ul>")
    return "".join(parts)


def _starter(each: Starter, here: Many[str], coming: Many[str]) -> str:
    repository = escape(each.repository, quote=True)
    if each.repository in here or each.repository in coming:
        act = f'<span class="state">{"Here" if each.repository in here else "On its way"}</span>'
    else:
        act = (
            f'<button type="button" class="small" data-manage data-models="add" data-text="{repository}" '
            f'aria-label="Download {escape(each.title, quote=True)}">Download</button>'
        )
    about = "" if each.sure else "about "
    gate = " · licence to accept first" if each.gated else ""
    return (
        f"<li><span><b>{escape(each.title)}</b><small>{escape(each.why)}</small>"
        f"<small>{about}{size(each.size_bytes)} · {escape(each.licence)}{gate}</small></span>{act}</li>"
    )


def folders(own: str, linked: Iterable[str]) -> str:
    """Where models are looked for."""
    rows = "".join(
        f'<li><code>{escape(folder)}</code><button type="button" class="small" data-manage data-models="unlink" '
        f'data-id="{escape(folder, quote=True)}" aria-label="Unlink {escape(folder, quote=True)}">Unlink</button></li>'
        for folder in linked
    )
    copy = f'<button type="button" class="small" data-copy="{escape(own, quote=True)}">Copy</button>'
    return f'<p class="path"><code>{escape(own)}</code>{copy}</p>{f"<ul>{rows}</ul>" if rows else ""}'


def problems(sentences: Iterable[str]) -> str:
    """What looks like a model and cannot be used."""
    rows = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<h2>Cannot be used</h2><ul>{rows}</ul>" if rows else ""


def trash(removed: Iterable[Removed], now: float) -> str:
    """What was removed and can come back."""
    rows = "".join(
        f"<li><span><b>{escape(each.name)}</b><small>{size(each.size_bytes)} · removed {ago(each.when, now)}</small></span>"
        f'<button type="button" class="small" data-manage data-models="restore" data-id="{escape(each.id)}" '
        f'aria-label="Restore {escape(each.name, quote=True)}">Restore</button></li>'
        for each in removed
    )
    if not rows:
        return ""
    empty = '<button type="button" class="small" data-manage data-models="empty">Empty the trash</button>'
    return f'<div class="line"><h2>Trash</h2>{empty}</div><ul>{rows}</ul>'


def trouble(status: WorkerStatus, waiting: bool) -> str:
    """A sentence while nobody carries the downloads on."""
    return f'<p class="bad" role="alert">{escape(status.message)}</p>' if waiting and status.state == "down" else ""


def size(count: int) -> str:
    """Bytes as one says them."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= least:
            value = count / least
            return f"{value:.1f} {unit}" if value < 100 else f"{value:.0f} {unit}"
    return f"{count} bytes"


def ago(moment: float, now: float | None = None) -> str:
    """A moment as a reader says it, to the day."""
    now = time.time() if now is None else now
    then, today = datetime.fromtimestamp(moment), datetime.fromtimestamp(now)
    days = (today.date() - then.date()).days
    if days <= 1:
        return "today" if days <= 0 else "yesterday"
    return f"{days} days ago" if days < 30 else f"{then:%d %b %Y}"
