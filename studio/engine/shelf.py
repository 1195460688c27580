"""Where the studio keeps things, as the engine gets it from the composition root."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from studio.core.errors import KeepError
from studio.core.gallery import Archive
from studio.core.grid import GridStore
from studio.core.ports import (
    AuditLog,
    Drafts,
    Erasure,
    JobStore,
    Keeper,
    ReceiptBook,
    Records,
    Reviews,
    Sources,
    Statistics,
    Trash,
)
from studio.core.preset import PresetFolder
from studio.engine.logbook import SilentAudit
from studio.engine.press import KeepSheet

LEAST_ROOM = 20_000_000
"""Bytes that must be free before a job is taken."""


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """Queue rows, records, drafts of forms, sources, receipts, presets; and what those who answer for them need.

    A studio without the latter (None) refuses with a sentence what it would be needed for, and logs nothing.
    """

    jobs: JobStore
    records: Records
    drafts: Drafts
    sources: Sources
    receipts: ReceiptBook
    presets: PresetFolder | None = None
    audit: AuditLog = field(default_factory=SilentAudit)
    reviews: Reviews | None = None
    statistics: Statistics | None = None
    trash: Trash | None = None
    erasure: Erasure | None = None
    grids: GridStore | None = None
    keep_sheet: KeepSheet | None = None
    gallery: Archive | None = None
    keeper: Keeper | None = None
    outputs: Path = Path()


def check_room(outputs: Path) -> None:
    """Raises `KeepError` where no picture would fit any more."""
    with suppress(OSError):
        if shutil.disk_usage(outputs).free < LEAST_ROOM:
            raise KeepError(f"The disk of {outputs} is full. Make space there, then generate again.")
