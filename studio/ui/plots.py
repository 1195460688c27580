"""Small plots in HTML, drawn here: no script, no font, no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

Series = Sequence[tuple[str, str, Sequence[int]]]
"""Name, colour (a CSS variable of the style sheet) and one number a column."""


def stacked(columns: Sequence[str], series: Series, title: str) -> str:
    """Columns of stacked bars, the first series at the bottom."""
    top = _round_up(max((sum(numbers) for numbers in zip(*(each for _, _, each in series), strict=True)), default=0))
    bars = "".join(_column(name, place, series, top) for place, name in enumerate(columns))
    scale = f"<span>{top}</span><span>{top // 2}</span><span>0</span>"
    legend = "".join(f'<li><i style="background:var(--{colour})"></i>{escape(name)}</li>' for name, colour, _ in series)
    return (
        f'<figure class="plot" aria-label="{escape(title)}"><figcaption>{escape(title)}</figcaption>'
        f'<div class="columns"><div class="scale" aria-hidden="true">{scale}</div><ol>{bars}</ol></div>'
        f'<ul class="legend">{legend}</ul></figure>'
    )


def ranked(counts: Mapping[str, int], title: str, colour: str = "accent", most: int = 10) -> str:
    """Horizontal bars, the largest first; the rest in one."""
    order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(order) > most:
        order = [*order[: most - 1], ("all others", sum(number for _, number in order[most - 1 :]))]
    top = max((number for _, number in order), default=0) or 1
    rows = "".join(
        f'<li><span>{escape(name)}</span><b style="width:{number / top * 100:.1f}%;background:var(--{colour})"></b>'
        f"<em>{number}</em></li>"
        for name, number in order
    )
    body = f'<ol class="ranked">{rows}</ol>' if rows else '<p class="quiet">Nothing.</p>'
    return f'<figure class="plot"><figcaption>{escape(title)}</figcaption>{body}</figure>'


def _column(name: str, place: int, series: Series, top: int) -> str:
    """One bar of parts, and its name: every second has one, every fourth on a narrow page."""
    parts = [(label, colour, numbers[place]) for label, colour, numbers in series if numbers[place]]
    told = f"{name}: {', '.join(f'{number} {label}' for label, _, number in parts) or 'nothing'}"
    bars = "".join(f'<i style="height:{n / top * 100:.2f}%;background:var(--{colour})"></i>' for _, colour, n in parts)
    few = ' class="few"' if place % 4 else ""
    below = f"<small{few}>{escape(name)}</small>" if place % 2 == 0 else ""
    return f'<li title="{escape(told)}"><div class="bar" role="img" aria-label="{escape(told)}">{bars}</div>{below}</li>'


def _round_up(number: int) -> int:
    """To a number that halves well."""
    for step in (2, 4, 6, 8, 10, 20, 40, 60, 80, 100):
        if number <= step:
            return step
    size = int("1" + "0" * (len(str(number)) - 1))
    return -(-number // size) * size
