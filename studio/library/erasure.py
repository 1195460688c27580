"""Erasing a person's data, step by step. Each step may be run again, so what a crash cut off is ended by the same call.

    pictures    files in `outputs/`, in the trash and held with a job go; rows say deleted
    receipts    what was sent to providers for that person's jobs, and what came back, goes
    sources     pictures and masks go that no other request, kept picture or unsent form names
    rows        requests, facts, notes and messages lose their content in one transaction, tags and notes on pictures go; it
                ends with the name itself, by which a second run would find them
    audit       the rows of that person, and those about their account, are blanked; the chain still fits
    log         a row says that somebody was erased and how much; it names nobody
    rewrite     the database's file is written anew: SQLite leaves what was erased between its rows

What stays: ids, times, models, seeds, sizes, file hashes, marks, money, verdicts without their words, reviewers' decisions.
What is not known, and so not erased: pictures that were uploaded and never used, unsent forms, share copies that went out,
copies of files that somebody else made, accounts (remove them in the list of people), and what providers keep.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.people import Erased
from studio.library.audit import SqliteAudit
from studio.library.database import Database
from studio.library.grids import erase_grids
from studio.library.keep import PictureKeeper
from studio.library.marks import erase_marks
from studio.library.prompts import erase_prompts
from studio.library.receipts import ReceiptFiles
from studio.library.sources import SourceFiles
from studio.library.trash import TrashFolder

ERASED = "(erased)"
KEPT_FACTS = ("used", "studio", "attempts", "watermark", "detector", "canvas", "publishing", "variations")
"""How a picture was made, which tells nothing of what it shows. Of a hosted one the provider and the cost stay."""
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Traces:
    """A person's rows, and the sources that they alone name."""

    person: str
    jobs: tuple[str, ...]
    records: tuple[str, ...]
    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class PersonErasure:
    """`studio.core.ports.Erasure`."""

    database: Database
    trash: TrashFolder
    keeper: PictureKeeper
    receipts: ReceiptFiles
    sources: SourceFiles
    audit: SqliteAudit

    def extent(self, person: str) -> Erased:
        """What there is to erase. Raises `InvalidRequest` without a name or while requests of that person are under way."""
        return self._extent(self.traces(person))

    def erase(self, person: str, by: str = "") -> Erased:
        """Do it; `by` is who does, not named if that is the same person. Raises a `StudioError`, and can be called again."""
        traces = self.traces(person)
        extent = self._extent(traces)
        for _ in self.steps(traces, extent, by):
            pass
        return extent

    def steps(self, traces: Traces, extent: Erased, by: str = "") -> Iterator[str]:
        """One step after the other, each named when it is done."""
        self._remove_pictures(traces)
        yield "pictures"
        for job in traces.jobs:
            self.receipts.remove(job)
        yield "receipts"
        for sha256 in traces.sources:
            self.sources.remove(sha256)
        yield "sources"
        self._blank_rows(traces)
        yield "rows"
        self.audit.blank(traces.person)
        yield "audit"
        self.audit.append("person.erased", "" if by == traces.person else by, **asdict(extent))
        yield "log"
        self.database.rewrite()
        yield "rewrite"

    def traces(self, person: str) -> Traces:
        """Everything that names the person. Raises `InvalidRequest`."""
        if not person.strip():
            raise InvalidRequest("Name the person whose data is to be erased.")
        jobs = self.database.rows(
            "SELECT id, is_over FROM job WHERE json_extract(request, '$.user') = ? ORDER BY seq", (person,)
        )
        if active := sum(not row["is_over"] for row in jobs):
            raise InvalidRequest(f"Requests of {person} under way: {active}. Cancel them or wait, then erase again.")
        records = self.database.rows("SELECT id FROM record WHERE user = ? ORDER BY seq", (person,))
        return Traces(
            person, tuple(row["id"] for row in jobs), tuple(row["id"] for row in records), self._sources_of(person)
        )

    def _extent(self, traces: Traces) -> Erased:
        return Erased(
            jobs=len(traces.jobs),
            pictures=len(traces.records),
            sources=len(traces.sources),
            rows=self.audit.count_of(traces.person),
        )

    def _sources_of(self, person: str) -> tuple[str, ...]:
        """Hashes that the person's rows name and nobody else's. Goes through all rows once."""
        own: set[str] = set()
        others: set[str] = set()
        for row in self.database.stream(
            """SELECT json_extract(request, '$.user') AS user, request, '' AS facts FROM job
               UNION ALL SELECT user, request, facts FROM record UNION ALL SELECT person, base, '' FROM grid
               UNION ALL SELECT NULL, content, '' FROM draft"""
        ):
            named = {*_SHA256.findall(row["request"]), *_original(row["facts"])}
            (own if row["user"] == person else others).update(named)
        return tuple(sorted(own - others))

    def _remove_pictures(self, traces: Traces) -> None:
        for job in traces.jobs:
            self.keeper.drop(job)
        for record in traces.records:
            self.trash.remove(record)

    def _blank_rows(self, traces: Traces) -> None:
        with self.database.transaction() as connection:
            for id in traces.jobs:
                _blank_job(connection, id)
            for id in traces.records:
                _blank_record(connection, id)
            connection.execute("UPDATE review SET reviewer = '', note = '' WHERE reviewer = ?", (traces.person,))
            connection.execute("DELETE FROM review_claim WHERE reviewer = ?", (traces.person,))
            erase_prompts(connection, traces.person)
            erase_grids(connection, traces.person)
            erase_marks(connection, traces.person, traces.records)


def _blank_job(connection: sqlite3.Connection, id: str) -> None:
    row = connection.execute("SELECT seq, request, verdicts FROM job WHERE id = ?", (id,)).fetchone()
    connection.execute("UPDATE job_event SET message = '' WHERE job = ?", (row["seq"],))
    connection.execute(
        "UPDATE job SET request = ?, verdicts = ?, message = '', facts = '{}' WHERE seq = ?",
        (_blank_request(row["request"]), _blank_verdicts(row["verdicts"]), row["seq"]),
    )


def _blank_record(connection: sqlite3.Connection, id: str) -> None:
    row = connection.execute("SELECT request, facts, verdicts FROM record WHERE id = ?", (id,)).fetchone()
    connection.execute("UPDATE review SET note = '' WHERE record = ?", (id,))
    connection.execute(
        """UPDATE record SET request = ?, facts = ?, verdicts = ?, notes = '[]', pixels = '', look = '', user = ''
           WHERE id = ?""",
        (_blank_request(row["request"]), _blank_facts(row["facts"]), _blank_verdicts(row["verdicts"]), id),
    )


def _blank_request(text: str) -> str:
    request = json.loads(text)
    request |= {"prompt": ERASED, "negative_prompt": "", "user": "", "options": {}}
    request |= {"template": "", "negative_template": "", "choices": [], "styles": [], "prompt_version": ""}
    for source in (*(request.get("task") or {}).values(), request.get("again"), *_pictures_of_adapters(request)):
        if isinstance(source, dict) and "name" in source:
            source["name"] = ""
    return json.dumps(request)


def _pictures_of_adapters(request: Mapping[str, Any]) -> list[Any]:
    return [each.get("image") for each in request.get("adapters") or () if isinstance(each, dict)]


def _blank_facts(text: str) -> str:
    facts: dict[str, Any] = json.loads(text)
    kept = {name: facts[name] for name in KEPT_FACTS if name in facts}
    if isinstance(facts.get("hosted"), Mapping):
        kept["hosted"] = {name: facts["hosted"][name] for name in ("provider", "cost") if name in facts["hosted"]}
    return json.dumps(kept)


def _blank_verdicts(text: str) -> str:
    """A check's words may quote the prompt."""
    verdicts: Sequence[dict[str, Any]] = json.loads(text)
    return json.dumps([{**verdict, "message": ""} for verdict in verdicts])


def _original(facts: str) -> list[str]:
    """The provider's own bytes and control pictures are kept as sources are."""
    told = json.loads(facts or "{}")
    return _SHA256.findall(json.dumps([told.get("original"), told.get("controls")]))
