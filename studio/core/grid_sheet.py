"""The sheet of a grid: all its pictures on one, with the axes' values beside them; what is missing is said in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from studio.core.request import Size

MOST_SIDE, LARGEST_CELL, SMALLEST_CELL = 4096, 768, 64
PAPER, INK, SOFT, EMPTY = "#ffffff", "#1c1c1f", "#5f5f5b", "#eceae5"
GAP = 8

Place = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a sheet shows: the axes' titles and labels, pictures by place, and a sentence for every place without one."""

    titles: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    pictures: Mapping[Place, Image.Image]
    missing: Mapping[Place, str]
    heading: str = ""


def draw_sheet(sheet: Sheet) -> Image.Image:
    """The first axis runs to the right, the second down; the third has a block of its own for each value."""
    columns, rows, blocks = (*(len(names) for names in sheet.labels), 1, 1)[:3]
    cell = _cell(sheet, columns, rows * blocks)
    lines = _Lines(max(12, min(cell.width // 16, 40)))
    left = lines.width(sheet.labels[1], most=cell.width) + 2 * GAP if len(sheet.labels) > 1 else GAP
    heads = [lines.wrapped(text, cell.width - GAP) for text in sheet.labels[0]]
    head = max(map(len, heads)) * lines.height + 2 * GAP
    titles = lines.wrapped(_title(sheet), left + columns * (cell.width + GAP) - 2 * GAP)
    top = len(titles) * lines.height + 2 * GAP
    named = lines.height + 2 * GAP if len(sheet.labels) > 2 else 0
    block = named + head + rows * (cell.height + GAP)
    paper = Image.new("RGB", (left + columns * (cell.width + GAP), top + blocks * block), PAPER)
    board = _Board(paper, ImageDraw.Draw(paper), lines, cell)
    board.write((GAP, GAP), titles)
    for number in range(blocks):
        down = top + number * block
        if named:
            told = f"{sheet.titles[2]}: {sheet.labels[2][number]}"
            board.write((GAP, down + GAP), lines.wrapped(told, paper.width)[:1])
        for column, words in enumerate(heads):
            board.write((left + column * (cell.width + GAP), down + named + GAP), words)
        for row in range(rows):
            line = down + named + head + row * (cell.height + GAP)
            if len(sheet.labels) > 1:
                board.write((GAP, line + GAP), lines.wrapped(sheet.labels[1][row], left - 2 * GAP))
            for column in range(columns):
                place = (column, row, number)[: len(sheet.labels)]
                at = (left + column * (cell.width + GAP), line)
                board.put(at, sheet.pictures.get(place), sheet.missing.get(place, "missing"))
    return paper


def _title(sheet: Sheet) -> str:
    ways = ("across", "down", "block by block")
    told = ", ".join(f"{title} {way}" for title, way in zip(sheet.titles, ways, strict=False))
    return f"{sheet.heading} · {told}" if sheet.heading else told


@dataclass(frozen=True)
class _Board:
    """The paper that is drawn on, with the size of a cell."""

    paper: Image.Image
    pen: ImageDraw.ImageDraw
    lines: _Lines
    cell: Size

    def put(self, at: tuple[int, int], picture: Image.Image | None, missing: str) -> None:
        """A picture in the middle of its cell, or the words for why there is none."""
        (left, top), cell = at, self.cell
        if picture is None:
            self.pen.rectangle((left, top, left + cell.width - 1, top + cell.height - 1), fill=EMPTY)
            told = self.lines.wrapped(missing, cell.width - 2 * GAP)
            self.write((left + GAP, top + GAP), told[: max(1, cell.height // self.lines.height - 1)], SOFT)
            return
        scale = min(cell.width / picture.width, cell.height / picture.height)
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        shown = picture.convert("RGB")
        shown = shown if shown.size == size else shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        self.paper.paste(shown, (left + (cell.width - size[0]) // 2, top + (cell.height - size[1]) // 2))

    def write(self, at: tuple[int, int], lines: Sequence[str], colour: str = INK) -> None:
        for number, line in enumerate(lines):
            self.pen.text((at[0], at[1] + number * self.lines.height), line, fill=colour, font=self.lines.font)


def _cell(sheet: Sheet, columns: int, rows: int) -> Size:
    """As large as the largest picture, and so small that the sheet stays within its side."""
    sizes = [picture.size for picture in sheet.pictures.values()] or [(256, 256)]
    width, height = max(size[0] for size in sizes), max(size[1] for size in sizes)
    room = min(MOST_SIDE * 0.85 / (columns * width), MOST_SIDE * 0.85 / (rows * height))
    scale = min(1.0, LARGEST_CELL / max(width, height), room)
    return Size(*(max(SMALLEST_CELL, round(side * scale)) for side in (width, height)))


class _Lines:
    """Text of one size, broken into lines that fit."""

    def __init__(self, size: int) -> None:
        self.font = ImageFont.load_default(size)
        self.height = round(size * 1.35)

    def width(self, texts: Sequence[str], most: int) -> int:
        """Of the column that holds them, broken where they are long."""
        return min(most, max((round(self.font.getlength(text)) for text in texts), default=0) + 1)

    def wrapped(self, text: str, width: int) -> list[str]:
        lines: list[str] = []
        for word in text[:400].split() or [""]:
            joined = f"{lines[-1]} {word}" if lines else word
            if lines and self.font.getlength(joined) <= width:
                lines[-1] = joined
            else:
                lines += self._broken(word, width)
        return lines[:8]

    def _broken(self, word: str, width: int) -> list[str]:
        """A word that is wider than the line, in pieces."""
        pieces, start = [], 0
        for end in range(1, len(word) + 1):
            if self.font.getlength(word[start:end]) > width and end - 1 > start:
                pieces.append(word[start : end - 1])
                start = end - 1
        return [*pieces, word[start:]]
