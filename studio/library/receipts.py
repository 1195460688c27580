"""What was sent for a job, what came back and what it cost: notes on the disk, and the ledger of hosted calls."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from datetime import datetime
from pathlib import Path

from studio.core.errors import KeepError, OverBudget
from studio.core.hosting import Spent
from studio.core.price import dollars
from studio.library.database import Database
from studio.library.files import sync_folder

SENDING = "sending"
"""The note that stands while a paid call is under way: after a crash nobody knows what came of it."""
CALL = "call"
"""The note that names the call's row in the ledger."""


class ReceiptFiles:
    """All jobs' receipts: `<data>/receipts/<job>/`, and the `ledger` table."""

    def __init__(self, data: Path, database: Database) -> None:
        self._folder, self._database = data / "receipts", database

    def of(self, job: str) -> JobReceipts:
        return JobReceipts(self._folder / job, self._database, job)

    def forget(self, job: str) -> None:
        """The job has ended and nothing of it will be looked for again; its ledger stays."""
        shutil.rmtree(self._folder / job, ignore_errors=True)

    def remove(self, job: str) -> None:
        """The same, and sure of it. Raises `KeepError`."""
        try:
            shutil.rmtree(self._folder / job)
        except FileNotFoundError:
            return
        except OSError as error:
            raise KeepError(
                f"Receipts in {self._folder} cannot be removed ({error.strerror}). Allow writing to it, then try again."
            ) from error

    def forgive(self, job: str) -> None:
        """A person decided that calls of unknown end may be made again."""
        for note in (self._folder / job).rglob(SENDING):
            note.with_name(CALL).unlink(missing_ok=True)
            note.unlink(missing_ok=True)

    def spent(self, days: int = 31) -> list[Spent]:
        """By day (local time) and provider, the newest day first."""
        since = time.time() - days * 86400
        rows = self._database.rows(
            """SELECT day, provider, SUM(COALESCE(amount, 0)) AS amount, COUNT(*) AS calls,
                      SUM(source = 'reserved') AS uncertain, SUM(amount IS NULL) AS unpriced
               FROM ledger WHERE time >= ? GROUP BY day, provider ORDER BY day DESC, provider""",
            (since,),
        )
        return [Spent(**{name: row[name] for name in Spent.__dataclass_fields__}) for row in rows]


class JobReceipts:
    """`studio.core.ports.Receipts` of one job, or of a part of one."""

    def __init__(self, folder: Path, database: Database, job: str) -> None:
        self._folder, self._database, self._job = folder, database, job

    def read(self, name: str) -> bytes | None:
        path = self._folder / _safe(name)
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> None:
        """Whole or not at all, and on the disk on return."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target, part = self._folder / _safe(name), self._folder / f".{_safe(name)}.part"
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(self._folder)

    def remove(self, name: str) -> None:
        (self._folder / _safe(name)).unlink(missing_ok=True)

    def within(self, part: str) -> JobReceipts:
        return JobReceipts(self._folder / _safe(part), self._database, self._job)

    def clear(self) -> None:
        """Forget the notes of this part; a next call is a new one in the ledger."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def reserve(self, provider: str, amount: float | None, budget: float | None) -> None:
        """Raises `OverBudget`. A call that was set aside before a crash is not set aside again."""
        if not self.read(CALL):
            self.write(CALL, secrets.token_hex(16).encode())
        now = time.time()
        day = datetime.fromtimestamp(now).astimezone().date().isoformat()
        with self._database.transaction() as connection:
            if connection.execute("SELECT 1 FROM ledger WHERE id = ?", (self._call,)).fetchone():
                return
            spent = connection.execute("SELECT COALESCE(SUM(amount), 0) FROM ledger WHERE day = ?", (day,)).fetchone()[0]
            if budget is not None and amount and spent + amount > budget + 1e-9:
                raise OverBudget(
                    f"Today's budget of {dollars(budget)} would be overrun: {dollars(spent)} is spent and this costs about "
                    f"{dollars(amount)}. Raise the budget in Settings, or go on tomorrow."
                )
            connection.execute(
                "INSERT INTO ledger (id, job, provider, day, time, amount, source) VALUES (?, ?, ?, ?, ?, ?, 'reserved')",
                (self._call, self._job, provider, day, now, amount),
            )

    def settle(self, amount: float | None, source: str) -> None:
        self._database.change("UPDATE ledger SET amount = ?, source = ? WHERE id = ?", (amount, source, self._call))

    def release(self) -> None:
        self._database.change("DELETE FROM ledger WHERE id = ? AND source = 'reserved'", (self._call,))

    @property
    def _call(self) -> str:
        return (self.read(CALL) or b"").decode()


def _safe(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}", name):
        raise ValueError(f"{name!r} is no name for a note")
    return name
