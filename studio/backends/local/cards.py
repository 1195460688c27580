"""The licence that a model's card (README.md) names in its front matter. No YAML library: two plain keys are read."""

from __future__ import annotations

import re
from pathlib import Path

_FRONT = re.compile(r"\A---\s*\n(.*?)\n---\s*$", re.DOTALL | re.MULTILINE)
_MAX = 64_000


def licence(folder: Path) -> str:
    """Such as "openrail++"; the name given to a licence of one's own; "" where the card says nothing."""
    try:
        with (folder / "README.md").open(encoding="utf-8", errors="replace") as card:
            front = _FRONT.match(card.read(_MAX))
    except OSError:
        return ""
    if not front:
        return ""
    found = {key: _value(front.group(1), key) for key in ("license", "license_name")}
    return found["license_name"] if found["license"] in ("", "other") and found["license_name"] else found["license"]


def _value(front: str, key: str) -> str:
    line = re.search(rf"^{key}:[ \t]*([^\n#]*)", front, re.MULTILINE)
    return line.group(1).strip().strip("\"'")[:80] if line else ""
