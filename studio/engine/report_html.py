"""A report as one HTML file: pictures inside, no script, nothing from elsewhere; it prints well."""

from __future__ import annotations

import base64
from html import escape

from studio.engine.reports import Entry, Report

STYLE = """
:root { color-scheme: light; --text: #1c1c1f; --soft: #5f5f5b; --line: #e2e2dd; --good: #1a7446; --warn: #8a5800; --bad: #b3261e }
* { box-sizing: border-box } body { margin: 0; background: #f5f5f2; color: var(--text);
  font: 14px/1.5 "Segoe UI", system-ui, -apple-system, Roboto, "Noto Sans", "PingFang SC", "Microsoft YaHei", sans-serif }
main { max-width: 1040px; margin: 0 auto; padding: 48px 40px 64px; background: #fff; min-height: 100vh }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -.01em; margin: 0 0 4px; overflow-wrap: anywhere } .made { color: var(--soft); margin: 0 0 28px }
dl { margin: 0; display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 3px 16px } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
.note { margin: 24px 0 0; padding: 12px 16px; border-left: 3px solid #4453db; background: #eceefc; font-size: 13px }
h2 { font-size: 17px; margin: 44px 0 14px } ol { list-style: none; margin: 0; padding: 0 }
.sheet { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 14px }
.sheet a { display: block; color: inherit; text-decoration: none } .sheet span { display: block; font-size: 12px; color: var(--soft); margin-top: 5px }
.sheet .thumb { position: relative; aspect-ratio: 1; display: grid; place-items: center; background: #f5f5f2 }
.thumb img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain } .gone { color: var(--soft); font-size: 12px }
.entry { display: grid; grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); gap: 28px; padding: 26px 0; border-top: 1px solid var(--line); break-inside: avoid }
.entry figure { margin: 0 } .entry figure img { width: 100%; height: auto; max-height: 460px; object-fit: contain; object-position: left top; display: block }
.entry figure.gone { display: grid; place-items: center; aspect-ratio: 4/3; background: #f5f5f2 }
.entry h3 { margin: 0 0 4px; font-size: 12px; font-weight: 600; color: var(--soft) } .prompt { font-size: 17px; line-height: 1.4; margin: 0 0 4px; overflow-wrap: anywhere; white-space: pre-line }
.negative { color: var(--soft); margin: 0 0 6px; font-size: 13px; overflow-wrap: anywhere } .entry dl { font-size: 13px; margin-top: 14px }
ul { list-style: none; margin: 12px 0 0; padding: 0; font-size: 13px } li[data-tone]::before { content: "●"; font-size: 9px; vertical-align: 2px; margin-right: 7px; color: var(--tone, var(--soft)) }
[data-tone=good] { --tone: var(--good) } [data-tone=warn] { --tone: var(--warn) } [data-tone=bad] { --tone: var(--bad) } .review { font-weight: 600 }
@media (max-width: 700px) { main { padding: 28px 18px } .entry { grid-template-columns: minmax(0, 1fr) } .sheet { grid-template-columns: repeat(2, minmax(0, 1fr)) } }
@media print { body { background: #fff } main { padding: 0; max-width: none } @page { margin: 16mm } }
"""  # noqa: E501
SEAL = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def to_html(report: Report) -> str:
    """The whole file."""
    title, several = escape(report.title), len(report.entries) > 1
    summary = _list(report.summary)
    sheet = f'<h2>Contact sheet</h2><ol class="sheet">{"".join(map(_thumb, report.entries))}</ol>' if several else ""
    heading = "Each picture" if several else "The picture"
    head = (
        f'<meta charset="utf-8"><meta http-equiv="content-security-policy" content="{SEAL}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>{STYLE}</style>'
    )
    body = (
        f'<h1>{title}</h1><p class="made">{escape(report.made)}</p>{summary}<p class="note">{escape(report.note)}</p>'
        f"{sheet}<h2>{heading}</h2>{''.join(map(_entry, report.entries))}"
    )
    return f'<!doctype html><html lang="en"><head>{head}</head><body><main>{body}</main></body></html>'


def _list(rows: tuple[tuple[str, str], ...]) -> str:
    return f"<dl>{''.join(f'<dt>{escape(name)}</dt><dd>{escape(value)}</dd>' for name, value in rows)}</dl>"


def _image(picture: bytes, words: str) -> str:
    data = base64.b64encode(picture).decode()
    return f'<img src="data:image/jpeg;base64,{data}" alt="{escape(words[:300], quote=True)}">'


def _thumb(entry: Entry) -> str:
    """A small picture that leads to the large one."""
    shown = _image(entry.thumb, entry.prompt) if entry.thumb else '<span class="gone">the file is gone</span>'
    words = f"<span>{entry.number} · {escape(entry.review)}</span>"
    return f'<li><a href="#p{entry.number}"><div class="thumb">{shown}</div>{words}</a></li>'


def _entry(entry: Entry) -> str:
    figure = (
        f"<figure>{_image(entry.picture, entry.prompt)}</figure>"
        if entry.picture
        else '<figure class="gone">the file is gone</figure>'
    )
    negative = f'<p class="negative">Without: {escape(entry.negative)}</p>' if entry.negative else ""
    marks = "".join(f'<li data-tone="{tone}">{escape(words)}</li>' for words, tone in entry.marks)
    words = (
        f'<h3>{entry.number}</h3><p class="prompt">{escape(entry.prompt) or "(no prompt)"}</p>{negative}'
        f'<ul><li class="review" data-tone="{entry.tone}">{escape(entry.review)}</li>{marks}</ul>{_list(entry.facts)}'
    )
    return f'<section class="entry" id="p{entry.number}">{figure}<div>{words}</div></section>'
