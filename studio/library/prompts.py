"""The prompts that were used, with full-text search."""

from __future__ import annotations

import re
import sqlite3
import time

from studio.core.history import UsedPrompt
from studio.library.database import Database

MOST = 5000
"""Prompts kept for a person; older ones go."""


class SqlitePrompts:
    """`studio.core.history.PromptHistory`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, person: str, text: str, negative: str = "") -> None:
        """Nothing is kept of an empty prompt."""
        if not text.strip():
            return
        with self._database.transaction(durable=False) as connection:
            connection.execute(
                """INSERT INTO prompt (person, text, negative, last) VALUES (?, ?, ?, ?)
                   ON CONFLICT (person, text, negative) DO UPDATE SET used = used + 1, last = excluded.last""",
                (person, text, negative, time.time()),
            )
            connection.execute(
                """DELETE FROM prompt WHERE person = ?1 AND last < (
                       SELECT last FROM prompt WHERE person = ?1 ORDER BY last DESC LIMIT 1 OFFSET ?2)""",
                (person, MOST - 1),
            )

    def find(self, person: str, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        """All of the words must be there, in any order; the last may still be in the typing, so beginnings count."""
        parts = re.findall(r"\w+", words)
        if words.strip() and not parts:
            return []
        asked = " ".join(f'"{part}"*' for part in parts)
        sql = "SELECT seq, text, negative, used, last FROM prompt WHERE person = ?"
        if parts:
            sql += " AND seq IN (SELECT rowid FROM prompt_words WHERE prompt_words MATCH ?)"
        values = (person, asked, limit) if parts else (person, limit)
        return [
            UsedPrompt(id=row["seq"], text=row["text"], negative=row["negative"], used=row["used"], last=row["last"])
            for row in self._database.rows(f"{sql} ORDER BY last DESC, seq DESC LIMIT ?", values)
        ]

    def remove(self, person: str, id: int) -> None:
        self._database.change("DELETE FROM prompt WHERE person = ? AND seq = ?", (person, id), durable=False)


def erase_prompts(connection: sqlite3.Connection, person: str) -> None:
    """Within a transaction. The index is built anew, because a deletion leaves its words in it for a while."""
    connection.execute("DELETE FROM prompt WHERE person = ?", (person,))
    connection.execute("INSERT INTO prompt_words (prompt_words) VALUES ('rebuild')")
