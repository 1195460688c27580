"""A report as an A4 PDF by reportlab: a first page with the numbers, a contact sheet, and each picture with its facts.

Latin, Greek and Cyrillic are set in a font that comes along; Chinese, Japanese and Korean in Adobe's standard fonts, which a
reader has and the file does not; a sign that none of them has becomes a small square.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    Image,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from studio.engine.reports import Entry, Report, Tone

FONTS = Path(__file__).parent / "fonts"
TEXT, BOLD = "StudioText", "StudioBold"
HAN, KANA, HANGUL = "STSong-Light", "HeiseiKakuGo-W5", "HYGothic-Medium"
MARGIN, COLUMNS = 18 * mm, 4
WIDTH = A4[0] - 2 * MARGIN
INK, SOFT, LINE, GROUND = HexColor("#1c1c1f"), HexColor("#5f5f5b"), HexColor("#dcdcd8"), HexColor("#f5f5f2")
WASH, ACCENT = HexColor("#eceefc"), HexColor("#4453db")
TONES: dict[Tone, str] = {"good": "#1a7446", "warn": "#8a5800", "bad": "#b3261e", "plain": "#70706b"}
MOST_WORDS, LONG, MOST_NEGATIVE, MOST_FACT = 560, 260, 160, 110
"""Characters that a page shows of each; a long prompt is set smaller. So every picture fits on a page with its words."""


def to_pdf(report: Report) -> bytes:
    """The whole file."""
    _fonts()
    out = io.BytesIO()
    frame = Frame(
        MARGIN, 20 * mm, WIDTH, A4[1] - MARGIN - 20 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0
    )
    document = BaseDocTemplate(out, pagesize=A4, title=report.title, author="Studio", subject="Contact sheet", lang="en")
    story: list[Any] = [*_opening(report), *(_sheet(report) if len(report.entries) > 1 else [])]
    for entry in report.entries:
        story += _entry(entry)

    document.addPageTemplates(PageTemplate(frames=[frame], onPage=partial(_footer, report)))
    document.build(story)
    return out.getvalue()


def _footer(report: Report, canvas: Any, page: Any) -> None:
    canvas.setFont(TEXT, 8)
    canvas.setFillColor(SOFT)
    canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(page.page))
    foot = Paragraph(_set(f"{report.title[:90]} · {report.made}"), _style(8, SOFT, leading=10))
    _, height = foot.wrap(WIDTH - 20 * mm, 20)
    foot.drawOn(canvas, MARGIN, 10 * mm + 8 - height)


def _opening(report: Report) -> Iterator[Any]:
    yield Paragraph(_set(report.title), _style(24, bold=True, leading=29))
    yield Paragraph(_set(report.made), _style(10, SOFT, after=16))
    yield _facts(report.summary, 10, WIDTH)
    yield Spacer(0, 12)
    note = Table([[Paragraph(_set(report.note), _style(9))]], colWidths=[WIDTH])
    ground, bar = ("BACKGROUND", (0, 0), (-1, -1), WASH), ("LINEBEFORE", (0, 0), (0, -1), 2, ACCENT)
    note.setStyle(TableStyle([ground, bar, *_padding(10, 8)]))
    yield note


def _sheet(report: Report) -> Iterator[Any]:
    """All pictures small, with number and review state."""
    yield Paragraph("Contact sheet", _style(14, bold=True, before=22, after=8))
    side = WIDTH / COLUMNS - 8
    cells = [
        [_picture(entry.thumb, entry, side, side), Paragraph(_set(f"{entry.number} · {entry.review}"), _style(8, SOFT))]
        for entry in report.entries
    ]
    rows = [cells[at : at + COLUMNS] for at in range(0, len(cells), COLUMNS)]
    rows[-1] += [[Spacer(0, 0)]] * (COLUMNS - len(rows[-1]))
    grid = Table(rows, colWidths=[WIDTH / COLUMNS] * COLUMNS)
    grid.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(0, 5), ("RIGHTPADDING", (0, 0), (-1, -1), 8)]))
    yield grid
    yield PageBreak()


def _entry(entry: Entry) -> Iterator[Any]:
    """Picture on the left, words on the right; together on one page."""
    left, right = WIDTH * 0.44, WIDTH * 0.56
    prompt, negative = _short(entry.prompt, MOST_WORDS), _short(entry.negative, MOST_NEGATIVE)
    size = 9 if len(prompt) > LONG else 11
    words: list[Any] = [
        Paragraph(str(entry.number), _style(9, SOFT)),
        Paragraph(_set(prompt or "(no prompt)"), _style(size, after=3)),
    ]
    if negative:
        words.append(Paragraph(_set(f"Without: {negative}"), _style(8.5, SOFT, after=3)))
    words += [_mark(entry.review, entry.tone, bold=True), *(_mark(told, tone) for told, tone in entry.marks), Spacer(0, 5)]
    words.append(_facts(entry.facts, 8.5, right - 12))
    table = Table([[_picture(entry.picture, entry, left - 12, 95 * mm), words]], colWidths=[left, right])
    table.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEABOVE", (0, 0), (-1, 0), 0.5, LINE), *_padding(0, 8)])
    )
    yield KeepTogether([table])


def _mark(words: str, tone: Tone, *, bold: bool = False) -> Any:
    return Paragraph(
        f'<font color="{TONES[tone]}">●</font>&nbsp;&nbsp;{_set(_short(words, 2 * MOST_FACT))}',
        _style(8.5, bold=bold, leading=11.4, hang=13),
    )


def _picture(data: bytes, entry: Entry, width: float, height: float) -> Any:
    if not data:
        return Paragraph("the file is gone", _style(9, SOFT))
    scale = min(width / entry.width, height / entry.height)
    image = Image(io.BytesIO(data), width=entry.width * scale, height=entry.height * scale)
    image.hAlign = "LEFT"
    return image


def _facts(rows: tuple[tuple[str, str], ...], size: float, width: float) -> Any:
    names, values = _style(size, SOFT, leading=size * 1.25), _style(size, leading=size * 1.25)
    table = Table(
        [[Paragraph(_set(name), names), Paragraph(_set(_short(value, MOST_FACT)), values)] for name, value in rows],
        colWidths=[82, width - 82],
    )
    table.setStyle(TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), *_padding(0, 0.8)]))
    table.hAlign = "LEFT"
    return table


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _padding(side: float, ends: float) -> list[tuple[Any, ...]]:
    whole = (0, 0), (-1, -1)
    return [
        ("LEFTPADDING", *whole, side),
        ("RIGHTPADDING", *whole, side),
        ("TOPPADDING", *whole, ends),
        ("BOTTOMPADDING", *whole, ends),
    ]


@cache
def _style(
    size: float,
    colour: Any = INK,
    *,
    bold: bool = False,
    leading: float = 0,
    before: float = 0,
    after: float = 0,
    hang: float = 0,
) -> ParagraphStyle:
    return ParagraphStyle(
        "words", fontName=BOLD if bold else TEXT, fontSize=size, leading=leading or size * 1.38, textColor=colour,
        spaceBefore=before, spaceAfter=after, leftIndent=hang, firstLineIndent=-hang, splitLongWords=True,
    )  # fmt: skip


@cache
def _fonts() -> frozenset[int]:
    """Make the fonts known; the characters of ours."""
    ours = TTFont(TEXT, str(FONTS / "DejaVuSansCondensed.ttf"))
    pdfmetrics.registerFont(ours)
    pdfmetrics.registerFont(TTFont(BOLD, str(FONTS / "DejaVuSansCondensed-Bold.ttf")))
    pdfmetrics.registerFontFamily(TEXT, normal=TEXT, bold=BOLD, italic=TEXT, boldItalic=BOLD)
    for name in (HAN, KANA, HANGUL):
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    return frozenset(ours.face.charToGlyph)


def _set(text: str) -> str:
    """Text for a paragraph: escaped, each run in a font that has it."""
    parts = []
    for font, letters in groupby(text, key=_font_of):
        run = "".join(letters)
        if font == "":
            parts.append("□" * len(run))
        elif font == TEXT:
            parts.append(escape(run))
        else:
            parts.append(f'<font name="{font}">{escape(run)}</font>')
    return "".join(parts)


def _font_of(letter: str) -> str:
    """The font that has a letter; empty where none has."""
    code = ord(letter)
    if code in _fonts():
        return TEXT
    for first, last, font in RANGES:
        if first <= code <= last:
            return font
    return ""


RANGES = (
    (0x1100, 0x11FF, HANGUL), (0x3000, 0x303F, HAN), (0x3040, 0x30FF, KANA), (0x3130, 0x318F, HANGUL), (0x3400, 0x9FFF, HAN),
    (0xAC00, 0xD7A3, HANGUL), (0xF900, 0xFAFF, HAN), (0xFF00, 0xFFEF, HAN),
)  # fmt: skip
"""The scripts of the fonts that a reader has."""
