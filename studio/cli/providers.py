"""`python studio.py providers`: hosted providers, what they can do, where their keys are and what was tried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from studio.core.hosting import KeyState, ProviderStatus

SHORT = {"text-to-image": "t2i", "image-to-image": "i2i", "inpaint": "inpaint", "outpaint": "outpaint"}
HEAD = ("provider", "tasks", "models", "key", "limit", "prices", "facts", "live call", "state")


def providers(statuses: Sequence[ProviderStatus], *, as_json: bool) -> int:
    """Print the table, or JSON; a key is told by its place and its last two characters only."""
    if as_json:
        print(json.dumps([asdict(status) for status in statuses], indent=2))
        return 0
    rows = [HEAD, *(_row(status) for status in statuses)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print("\nfacts: what the interface was built on. live call: when one last gave a good answer on this computer.")
    return 0


def key_words(key: KeyState) -> str:
    """“set in the keyring, ends in …3f”."""
    if not key.place:
        return f"{key.name}: not set"
    where = "in the environment" if key.place == "environment" else "in the keyring"
    return f"{key.name}: set {where}, ends in …{key.ending}"


def _row(status: ProviderStatus) -> tuple[str, ...]:
    tasks = " ".join(SHORT[kind] for kind in status.tasks)
    keys = "; ".join(key_words(key) for key in status.keys) or "none needed"
    limit = f"{status.limit.at_once} at once, {status.limit.per_minute:g}/min"
    live = status.verified[:10] or "never"
    state = "ready" if not status.unready else "not ready"
    return (
        status.name,
        tasks,
        str(status.models),
        keys,
        limit,
        status.price_date or "–",
        status.evidence,
        live,
        state,
    )
