"""HTML of the review bench: the queue, and one picture with the reasons it waits for. All texts are escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from studio.core.model import Model
from studio.core.result import Record
from studio.core.review import ReviewEntry
from studio.core.verdict import Verdict
from studio.ui import hosted_facts
from studio.ui.pictures import detector_words, url
from studio.ui.policy_facts import STAGES, answer
from studio.ui.thumbs import Thumbs


def queue(records: Iterable[Record], thumbs: Thumbs) -> str:
    """The waiting pictures as buttons, hidden where they were flagged for what they show."""
    return "".join(_item(record, thumbs) for record in records)


def bench(record: Record, models: Sequence[Model], history: Sequence[ReviewEntry]) -> str:
    """One picture, what was asked, why it waits, and what was decided so far."""
    prompt = escape(record.request.prompt) or '<span class="quiet">(no prompt)</span>'
    verdicts = [verdict for verdict in record.verdicts if verdict.outcome != "allow"]
    passed = [verdict.check for verdict in record.verdicts if verdict.outcome == "allow"]
    reasons = "".join(_reason(verdict) for verdict in verdicts)
    reasons += _ruling(record)
    asked = f'<p class="prompt">{prompt}</p>'
    facts = _facts(record, models, passed)
    return (
        f'{_picture(record)}<div class="told" tabindex="0" role="region" aria-label="Why it waits and what is known">'
        f"{asked}<h3>Why it waits</h3>"
        f'<ul class="reasons">{reasons or "<li>It was sent here by hand.</li>"}</ul><h3>What is known</h3><dl>{facts}</dl>'
        f"{_history(history)}</div>"
    )


def hides(record: Record) -> bool:
    """Whether the picture is covered until somebody wants to see it: one that was flagged for itself."""
    return any(verdict.outcome in ("flag", "block") and verdict.stage != "request" for verdict in record.verdicts)


def _item(record: Record, thumbs: Thumbs) -> str:
    thumb = thumbs.of(record) if record.path else None
    image = f'<img src="{escape(url(thumb))}" loading="lazy" alt="">' if thumb else ""
    hidden = " data-hidden" if hides(record) else ""
    reason = next(
        (verdict.reason_code for verdict in record.verdicts if verdict.outcome != "allow" and verdict.reason_code), ""
    )
    state = "escalated · " if record.review_status == "escalated" else ""
    return (
        f'<li data-id="{escape(record.id)}"><button type="button" data-review="{escape(record.id)}">'
        f'<span class="thumb"{hidden}>{image}</span><span><b>{escape(record.request.prompt[:120] or record.name)}</b>'
        f"<small>{escape(state + (reason or 'to review'))}</small></span></button></li>"
    )


def _picture(record: Record) -> str:
    if record.path is None:
        return '<div class="picture-box"><p class="empty"><b>The file is gone.</b></p></div>'
    hidden = hides(record)
    cover = '<button type="button" class="cover">Show the picture</button>' if hidden else ""
    image = f'<img src="{escape(url(record.path))}" alt="{escape(record.request.prompt[:200], quote=True)}">'
    return f'<div class="picture-box"{" data-hidden" if hidden else ""}>{image}{cover}</div>'


def _reason(verdict: Verdict) -> str:
    told = f"{STAGES[verdict.stage]}: {answer(verdict)}"
    sentence = verdict.message or verdict.check
    return f'<li data-outcome="{verdict.outcome}">{escape(sentence)}<small>{escape(told)}</small></li>'


def _ruling(record: Record) -> str:
    """What the publishing policy said."""
    ruling = record.facts.get("publishing")
    if not isinstance(ruling, dict) or ruling.get("action") not in ("review", "block"):
        return ""
    rule = f"<small>publishing rule: {escape(str(ruling.get('rule', '')))}</small>"
    return f'<li data-outcome="flag">{escape(str(ruling.get("sentence", "")))}{rule}</li>'


def _facts(record: Record, models: Sequence[Model], passed: Sequence[str]) -> str:
    request = record.request
    title = next((model.title for model in models if model.id == request.model), request.model)
    rows: list[tuple[str, object]] = [
        ("Made", _when(record.created)),
        ("By", request.user),
        ("Task", request.task.kind.replace("-", " ")),
        ("Model", title),
        ("Negative", request.negative_prompt),
        ("Passed", ", ".join(dict.fromkeys(passed))),
        ("Detector", detector_words(record)),
        *((name, value) for name, value in hosted_facts.rows(record) if name in ("Provider", "Moderation", "Request")),
        ("File", record.name),
    ]
    return "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value not in ("", None))


def _history(history: Sequence[ReviewEntry]) -> str:
    if not history:
        return ""
    rows = "".join(
        f"<li>{escape(entry.status)}{' (taken back)' if entry.undone else ''} by {escape(entry.reviewer or 'somebody')}"
        f"{': ' + escape(entry.note) if entry.note else ''}"
        f"<small>{datetime.fromtimestamp(entry.time).astimezone():%d %B %Y, %H:%M}</small></li>"
        for entry in history
    )
    return f'<h3>Decided before</h3><ul class="reasons">{rows}</ul>'


def _when(created: str) -> str:
    try:
        return datetime.fromisoformat(created).astimezone().strftime("%d %B %Y, %H:%M")
    except ValueError:
        return created
