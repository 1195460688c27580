"""The detector report as HTML: a fragment for the page, or a page of its own. No scripts, nothing from elsewhere."""

from __future__ import annotations

from html import escape
from itertools import groupby

from studio.engine.evaluation import FEW, Line, Report

CAUTION = "A signal, never proof. Shares of few pictures vary a lot."
COLUMNS = ("Detector", "Treatment", "Pictures", "Likely AI", "Uncertain", "Likely not", "AUC", "TPR at 1 %", "Raw scores")
STYLE = """
.report-model { margin: 0 0 28px } .report-scroll { overflow-x: auto }
.report-model table { border-collapse: collapse; width: 100%; font-size: 13px; font-variant-numeric: tabular-nums }
.report-model :is(th, td) { text-align: left; padding: 7px 12px 7px 0; border: 0; white-space: nowrap }
.report-model :is(th, td) { border-top: 1px solid rgb(128 128 128 / 25%) }
.report-few { opacity: .6 } .report-plot { width: 160px; height: 36px; display: block }
.report-ai { fill: #5b6cf0 } .report-photos { fill: currentColor; opacity: .35 }
"""
PAGE_STYLE = (
    "body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 32px auto; padding: 0 16px; "
    "color-scheme: light dark }"
)


def to_html(report: Report) -> str:
    """A section for each provider and model."""
    told = f"<p>{report.pictures} pictures of this library, {report.photos or 'no'} photos. {CAUTION}</p>"
    if not report.photos:
        told += "<p>Without photos there is nothing to compare with: no AUC and no true positives.</p>"
    sections = [
        _section(f"{provider}: {model}", list(lines))
        for (provider, model), lines in groupby(report.lines, key=lambda line: (line.provider, line.model))
    ]
    faults = escape("; ".join(report.faults[:10]))
    left_out = f"<p>{len(report.faults)} files were left out: {faults}</p>" if faults else ""
    return f"<style>{STYLE}</style>{told}{''.join(sections)}{left_out}"


def to_page(report: Report) -> str:
    """The same as a file for the browser."""
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Detector report</title>'
    body = f"<h1>Detector report</h1>{to_html(report)}"
    return f'<!doctype html><html lang="en"><head>{head}<style>{PAGE_STYLE}</style></head><body>{body}</body></html>'


def _section(title: str, lines: list[Line]) -> str:
    head = "".join(f"<th>{name}</th>" for name in COLUMNS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_row, lines))}</tbody></table>"
    return f'<section class="report-model"><h3>{escape(title)}</h3><div class="report-scroll">{table}</div></section>'


def _row(line: Line) -> str:
    few = ' class="report-few" title="few pictures"' if line.pictures < FEW else ""
    scope = f" ({line.out_of_scope} out of scope)" if line.out_of_scope else ""
    area = "" if line.auc is None else f"{line.auc:.3f}"
    share = "" if line.tpr is None else f"{line.tpr:.1%}"
    verdicts = [line.called_ai, line.called_uncertain, line.called_not_ai]
    cells = [line.detector, line.treatment, f"{line.pictures}{scope}", *verdicts, area, share]
    return f"<tr{few}>{''.join(f'<td>{escape(str(cell))}</td>' for cell in cells)}<td>{_plot(line)}</td></tr>"


def _plot(line: Line) -> str:
    """Both histograms over each other, each on its own scale."""
    words = f"raw scores from {line.low:.3g} to {line.high:.3g}"
    bars = "".join(
        _bar(name, place, 34 * count / max(counts))
        for name, counts in (("photos", line.photos_raw), ("ai", line.raw))
        for place, count in enumerate(counts)
        if count
    )
    said = f'role="img" aria-label="{words}"'
    return f'<svg class="report-plot" viewBox="0 0 160 36" {said}><title>{words}</title>{bars}</svg>'


def _bar(name: str, place: int, height: float) -> str:
    return f'<rect class="report-{name}" x="{8 * place}" y="{36 - height:.1f}" width="7" height="{height:.1f}"/>'
