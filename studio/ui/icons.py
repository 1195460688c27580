"""The page's few icons as inline SVG, drawn for a 16 pixel square."""

from __future__ import annotations


def _icon(path: str) -> str:
    return (
        '<svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" stroke-width="1.5" '
        f'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{path}</svg>'
    )


UP = _icon('<path d="M8 12.5v-9M4 7.5l4-4 4 4"/>')
DOWN = _icon('<path d="M8 3.5v9M4 8.5l4 4 4-4"/>')
FIRST = _icon('<path d="M8 13.5v-7M4.5 9.5 8 6l3.5 3.5M3.5 2.75h9"/>')
CROSS = _icon('<path d="m4 4 8 8M12 4l-8 8"/>')
RETRY = _icon('<path d="M13 8a5 5 0 1 1-1.5-3.5M13 2.5V5h-2.5"/>')
SMALLER = _icon('<path d="M2.5 9.5h4v4M13.5 6.5h-4v-4M6.5 9.5 2.5 13.5M9.5 6.5l4-4"/>')
SAVE = _icon('<path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M3 13.25h10"/>')
GONE = _icon('<path d="M2.5 13.5v-11h11v11zM2.5 13.5l11-11"/>')
SEAL = _icon('<path d="M8 1.75 13 3.5v4c0 3.2-2.1 5.6-5 6.75C5.1 13.1 3 10.7 3 7.5v-4zM5.6 7.9l1.7 1.7 3.1-3.4"/>')
SPARK = _icon('<path d="M8 2v3M8 11v3M2 8h3M11 8h3M4 4l1.6 1.6M10.4 10.4 12 12M12 4l-1.6 1.6M5.6 10.4 4 12"/>')
QUESTION = _icon(
    '<path d="M6 6a2 2 0 1 1 2.8 1.9c-.6.3-.8.7-.8 1.4M8 11.6v.1M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5"/>'
)
LEAF = _icon('<path d="M3 13c0-6 3.5-9.5 10-10 .3 6.5-2.5 9.5-7.5 9.5M3 13.5c1.2-3.2 3-5 5.5-6.3"/>')
BIN = _icon('<path d="M2.75 4.25h10.5M6 4V2.5h4V4M4.25 4.5l.6 9h6.3l.6-9M6.75 7v4M9.25 7v4"/>')
SHARE = _icon('<path d="M8 9.5V2.5M5 5l3-3 3 3M3.5 8v5.5h9V8"/>')
HILLS = "M5 25 12.6 13.4a1.3 1.3 0 0 1 2.2 0L19 19.8l1.7-2.3a1.3 1.3 0 0 1 2.1 0L28 25z"
MARK = (
    '<svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">'
    '<rect width="32" height="32" rx="9" fill="currentColor"/><circle cx="21.5" cy="11" r="3.6" class="sun"/>'
    f'<path class="hill" d="{HILLS}"/></svg>'
)
"""The studio's sign: a sun over hills."""
