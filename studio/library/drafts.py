"""Unsent form fields, kept on the studio's side so that a reload or a restart loses nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from studio.core.errors import InvalidRequest
from studio.library.database import Database

MAX_BYTES = 24 * 1024 * 1024
"""A painted mask of a large picture is a few hundred kB, a rich sketch some MB."""


class SqliteDrafts:
    """`studio.core.ports.Drafts`: the last values of each form, as JSON of at most 24 MB."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, form: str, values: Mapping[str, Any]) -> None:
        """Replace the form's draft. Raises `InvalidRequest` when it is too large to keep."""
        content = json.dumps(dict(values))
        if len(content) > MAX_BYTES:
            raise InvalidRequest(
                f"The form holds {len(content) >> 20} MB; up to {MAX_BYTES >> 20} MB are kept. Paint or write less."
            )
        self._database.change("INSERT OR REPLACE INTO draft VALUES (?, ?, ?)", (form, content, time.time()))

    def load(self, form: str) -> dict[str, Any]:
        """The form's last draft, empty if there is none."""
        rows = self._database.rows("SELECT content FROM draft WHERE form = ?", (form,))
        values: dict[str, Any] = json.loads(rows[0]["content"]) if rows else {}
        return values
