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
SAVE = _icon('<path d="M8 2.5v7.5M4.75 7 8 10.25 11.25 7M3 13.25h10"/>')
GONE = _icon('<path d="M2.5 13.5v-11h11v11zM2.5 13.5l11-11"/>')
HILLS = "M5 25 12.6 13.4a1.3 1.3 0 0 1 2.2 0L19 19.8l1.7-2.3a1.3 1.3 0 0 1 2.1 0L28 25z"
MARK = (
    '<svg class="mark" viewBox="0 0 32 32" width="26" height="26" aria-hidden="true">'
    '<rect width="32" height="32" rx="9" fill="currentColor"/><circle cx="21.5" cy="11" r="3.6" class="sun"/>'
    f'<path class="hill" d="{HILLS}"/></svg>'
)
"""The studio's sign: a sun over hills."""
