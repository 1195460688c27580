"""HTML of what was found out about a file. Everything that came from it is escaped here."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from studio.core.evidence import Band, Evidence, Examination, Kind, Reading
from studio.core.publishing import Action, Ruling
from studio.core.score import SCORE_WORDS, Score
from studio.ui import again, icons

CAUTION = "A signal, never proof. The absence of marks says nothing."
LABELS: dict[Kind, str] = {
    "manifest": "Signature",
    "watermark": "Watermark",
    "metadata": "Metadata",
    "library": "Library",
    "detector": "Detector",
    "capture": "Camera",
}
ACTIONS: dict[Action, str] = {
    "allow": "Publish:",
    "label": "Publish with a label:",
    "review": "To a reviewer first:",
    "block": "Do not publish:",
}
ICONS: dict[Band, str] = {"declared": icons.SEAL, "ai": icons.SPARK, "uncertain": icons.QUESTION, "not-ai": icons.LEAF}


@dataclass(frozen=True, kw_only=True)
class Looked:
    """An examined file, or the sentence why it could not be: `src` shows it, `token` names its settings for the tabs.

    `tile` is the HTML of the library's record, `tabs` are those the settings can be used in (name, title), `ruling` is what
    the publishing policy says.
    """

    name: str
    found: Examination | None = None
    problem: str = ""
    src: str = ""
    token: str = ""
    tile: str = ""
    tabs: tuple[tuple[str, str], ...] = ()
    ruling: Ruling | None = None


def report(looked: Sequence[Looked], *, total: int = 0) -> str:
    """One file in full, or a table of many with each one's evidence to unfold."""
    waiting = total - len(looked)
    progress = f'<p class="waiting" role="status">File {len(looked) + 1} of {total} …</p>' if waiting > 0 else ""
    if len(looked) == 1 and total <= 1:
        return f'<div class="verdicts">{_single(looked[0])}</div>'
    rows = "".join(map(_row, looked))
    head = "<thead><tr><th>File</th><th>Verdict</th><th>Strongest reason</th><th>Size</th></tr></thead>"
    table = f'<div class="files"><table>{head}<tbody>{rows}</tbody></table></div>' if rows else ""
    return f'<div class="verdicts">{progress}{table}<p class="caution">{CAUTION}</p></div>'


def to_csv(looked: Sequence[Looked]) -> str:
    """One line a file. A value that a spreadsheet would take for a formula is written as text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ["file", "verdict", "reasons", "record", "format", "width", "height", "bytes", "sha256", "detectors", "policy"]
    )
    for each in looked:
        found = each.found
        if found is None:
            writer.writerow(map(_cell, [each.name, "could not be examined", each.problem]))
            continue
        scores = "; ".join(f"{score.detector} {_number(score)}" for score in found.scores)
        values = [each.name, found.judgement.words, " ".join(found.judgement.reasons), found.record, found.format]
        writer.writerow(
            map(
                _cell,
                [
                    *values,
                    found.width,
                    found.height,
                    found.size_bytes,
                    found.sha256,
                    scores,
                    each.ruling.action if each.ruling else "",
                ],
            )
        )
    return out.getvalue()


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _single(each: Looked) -> str:
    if each.found is None:
        return (
            f'<section class="verdict" data-band="none"><h2>{escape(each.name)}</h2><p>{escape(each.problem)}</p></section>'
        )
    return f"{_card(each, each.found)}{_body(each, each.found)}"


def _row(each: Looked) -> str:
    if each.found is None:
        return f"<tr><td>{escape(each.name)}</td><td>not examined</td><td>{escape(each.problem)}</td><td></td></tr>"
    found = each.found
    reason = found.judgement.reasons[0] if found.judgement.reasons else ""
    words = (
        f'<span class="band" data-band="{found.judgement.band}">{ICONS[found.judgement.band]}{found.judgement.words}</span>'
    )
    more = f"<details><summary>{escape(each.name)}</summary>{_card(each, found)}{_body(each, found)}</details>"
    return f"<tr><td>{more}</td><td>{words}</td><td>{escape(reason)}</td><td>{found.width} × {found.height}</td></tr>"


def _card(each: Looked, found: Examination) -> str:
    """The wording, large, with its reasons and the picture."""
    band = found.judgement.band
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in found.judgement.reasons)
    image = f'<img src="{escape(each.src, quote=True)}" alt="The examined picture" loading="lazy">' if each.src else ""
    return (
        f'<section class="verdict" data-band="{band}">{image}<div><p class="file">{escape(each.name)}</p>'
        f"<h2>{ICONS[band]}{_capital(found.judgement.words)}</h2><ul>{reasons}</ul>{_ruling(each.ruling)}"
        f'<p class="caution">{CAUTION}</p></div></section>'
    )


def _ruling(ruling: Ruling | None) -> str:
    if ruling is None:
        return ""
    rule = f"<small>rule: {escape(ruling.rule)}</small>" if ruling.rule else ""
    words = f"<b>{ACTIONS[ruling.action]}</b> {escape(ruling.sentence)}{rule}"
    return f'<p class="ruling" data-action="{ruling.action}">{words}</p>'


def _body(each: Looked, found: Examination) -> str:
    evidence = "".join(map(_evidence, found.evidence)) or '<li class="quiet">No mark was found.</li>'
    scores = "".join(map(_score, found.scores)) or '<li class="quiet">No detector was asked.</li>'
    return (
        f'<h3>Evidence</h3><ul class="rows">{evidence}</ul><h3>Detectors</h3><ul class="rows">{scores}</ul>'
        f"{_record(each)}{_reading(each, found.reading)}{_file(found)}"
    )


def _evidence(row: Evidence) -> str:
    faked = f"<small>Could be faked by {escape(_lower(row.faked_by))}.</small>" if row.faked_by else ""
    strength = f'<em data-strength="{row.strength}">{row.strength if row.strength != "none" else "no weight"}</em>'
    return f"<li><b>{LABELS[row.kind]}</b><span>{escape(row.finding)}{faked}</span>{strength}</li>"


def _score(score: Score) -> str:
    title = f"<b>{escape(score.title)}</b>"
    if score.probability is None:
        raw = f"raw score {score.raw:.3g}; " if score.raw is not None else ""
        return f'<li>{title}<span>{raw}{escape(score.note)}</span><em data-strength="none">uncertain</em></li>'
    percent = round(100 * score.probability)
    bar = f'<i class="meter" role="img" aria-label="{percent} % likely AI"><i style="width:{percent}%"></i></i>'
    told = f"{percent} % likely AI at even odds · raw {score.raw:.3g} · {escape(score.revision)}"
    about = f"<small>Calibrated: {escape(score.calibration)}</small>"
    return f'<li>{title}<span>{bar}{told}{about}</span><em data-strength="fair">{SCORE_WORDS[score.verdict]}</em></li>'


def _record(each: Looked) -> str:
    return f'<h3>In your library</h3><div class="found">{each.tile}</div>' if each.tile else ""


def _reading(each: Looked, reading: Reading | None) -> str:
    """The settings that the metadata tells, and where they can be used."""
    if reading is None:
        return ""
    size = f"{reading.width} × {reading.height}" if reading.width and reading.height else ""
    rows = [
        ("Prompt", reading.prompt),
        ("Negative", reading.negative_prompt),
        ("Model", reading.model),
        ("Seed", reading.seed),
        ("Steps", reading.steps),
        ("Guidance", reading.guidance_scale),
        ("Sampler", reading.sampler),
        ("Size", size),
        ("Strength", reading.strength),
    ]
    listed = "".join(f"<dt>{name}</dt><dd>{escape(str(value))}</dd>" for name, value in rows if value not in (None, ""))
    data = f'type="button" data-choose="settings" data-id="{escape(each.token)}"'
    uses = "".join(f'<button {data} data-to="{escape(name)}">{escape(title)}</button>' for name, title in each.tabs)
    use = f'<div class="uses" role="group" aria-label="Use these settings in"><span>Use these settings in</span>{uses}</div>'
    use += f'<div class="uses">{again.file_tool(each.token)}</div>'
    raw = f'<details><summary>As it stands in the file</summary><pre tabindex="0">{escape(reading.text)}</pre></details>'
    return f"<h3>Settings: {escape(reading.dialect)}</h3><dl>{listed}</dl>{use if each.token else ''}{raw}"


def _file(found: Examination) -> str:
    size = f"{found.width} × {found.height}" if found.width else "its pixels cannot be read"
    length = f"{found.size_bytes:,}".replace(",", "\u202f")
    rows = [("Format", found.format), ("Size", size), ("Bytes", length), ("SHA-256", found.sha256)]
    return f"<h3>File</h3><dl>{''.join(f'<dt>{name}</dt><dd>{escape(str(value))}</dd>' for name, value in rows)}</dl>"


def _number(score: Score) -> str:
    if score.probability is not None:
        return f"{score.probability:.2f} {score.verdict}"
    return f"{score.raw:.3g} raw" if score.raw is not None else "no score"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:] if text[1:2].islower() else text
