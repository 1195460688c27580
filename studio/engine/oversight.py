"""What those who answer for a studio may do: review, delete, erase, count, and read the audit log. All of it is logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeVar

from studio.core.audit import AuditRow
from studio.core.errors import InvalidRequest
from studio.core.people import Erased
from studio.core.result import Record
from studio.core.review import DECISIONS, ReviewEntry, ReviewStatus
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.statistics import DayReport, Screened, day_reports
from studio.core.verdict import Outcome
from studio.engine.logbook import Logbook
from studio.engine.shelf import Shelf
from studio.engine.verifying import Verifying

Part = TypeVar("Part")
UNSHARED: dict[ReviewStatus, str] = {
    "pending": "This picture waits for a review. Share it once somebody has approved it.",
    "escalated": "This picture was passed on for a closer look. Share it once somebody has approved it.",
    "rejected": "This picture was rejected in review, so it is not shared. Ask the reviewer, or make another one.",
}


class Oversight:
    """`user` acts where nobody is named. What is decided here holds for the studio's page, its commands and programs."""

    def __init__(self, shelf: Shelf, verifying: Verifying, user: str = "") -> None:
        self._shelf, self._verifying, self._user = shelf, verifying, user
        self.log = Logbook(shelf.audit)

    def person(self, name: str) -> str:
        return name or self._user

    def share(self, id: str, options: ShareOptions, person: str = "") -> SharedCopy:
        """No copy goes out unlogged. Raises `InvalidRequest` for what waits for a review or was rejected."""
        record = self._shelf.records.record(id)
        if record is not None and record.review_status in UNSHARED:
            raise InvalidRequest(UNSHARED[record.review_status])
        copy = self._verifying.share(record, options)
        if record is not None:
            self.log.shared(record, options, copy, self.person(person))
        return copy

    def delete(self, record: str, person: str = "") -> Record:
        """Move a picture's file to the trash; its record and its rows in the log stay. Raises a `StudioError`."""
        deleted = _there(self._shelf.trash).delete(record)
        self.log.deleted(record, self.person(person))
        return deleted

    def restore(self, record: str, person: str = "") -> Record:
        """Take a picture out of the trash. Raises `InvalidRequest` if it is not there any more."""
        restored = _there(self._shelf.trash).restore(record)
        self.log.restored(record, self.person(person))
        return restored

    def empty_trash(self, person: str = "") -> int:
        """Remove deleted files for good; returns how many pictures that were."""
        pictures = _there(self._shelf.trash).empty()
        if pictures:
            self.log.emptied(pictures, self.person(person))
        return pictures

    def extent(self, name: str) -> Erased:
        """What `erase_person` would erase."""
        return _there(self._shelf.erasure).extent(name)

    def erase_person(self, name: str, person: str = "") -> Erased:
        """Erase what is known of `name`; `person` is who does. Raises a `StudioError`, and can be called again."""
        return _there(self._shelf.erasure).erase(name, self.person(person))

    def review_queue(self, limit: int = 60, before: str | None = None) -> list[Record]:
        """Pending pictures oldest first, then escalated ones."""
        return _there(self._shelf.reviews).waiting(limit, before)

    def review_count(self) -> int:
        return self._shelf.reviews.count() if self._shelf.reviews else 0

    def review_claim(self, record: str, person: str = "", seconds: float = 120) -> str:
        """Take or renew; the name of somebody else who holds it, else empty."""
        own = self.person(person)
        holder = _there(self._shelf.reviews).claim(record, own, seconds)
        return holder if holder != own else ""

    def review_decide(self, record: str, decision: str, note: str = "", person: str = "") -> ReviewEntry:
        """Raises `InvalidRequest` if somebody else holds it or has decided meanwhile, or for another word."""
        known = next((each for each in DECISIONS if each == decision), None)
        if known is None:
            raise InvalidRequest(f"“{decision}” is no decision. Choose one of: {', '.join(DECISIONS)}.")
        entry = _there(self._shelf.reviews).decide(record, known, self.person(person), note)
        self.log.decided(entry)
        return entry

    def review_undo(self, person: str = "") -> ReviewEntry | None:
        """Take back one's own last decision; None if that cannot be."""
        entry = _there(self._shelf.reviews).undo(self.person(person))
        if entry is not None:
            self.log.undone(entry)
        return entry

    def review_history(self, record: str) -> list[ReviewEntry]:
        return _there(self._shelf.reviews).history(record)

    def audit_rows(
        self,
        *,
        after: int = 0,
        limit: int = 1000,
        person: str = "",
        action: str = "",
        subject: str = "",
        newest: bool = False,
    ) -> list[AuditRow]:
        """In order, from the one behind `after`; with `newest` the last `limit` of them."""
        return self._shelf.audit.rows(after=after, limit=limit, person=person, action=action, subject=subject, newest=newest)

    def audit_verify(self) -> tuple[int, int | None, str]:
        """How many rows there are, the first broken one (None if all fit), and what is wrong with it."""
        return self._shelf.audit.verify()

    def audit_export(self, *, as_csv: bool = False, person: str = "") -> Iterator[str]:
        """The whole log, line by line; the last line tells of this export."""
        self.log.exported(self.person(person), "csv" if as_csv else "jsonl")
        return self._shelf.audit.lines(as_csv=as_csv)

    def statistics(self, days: int = 14) -> list[DayReport]:
        """What was made, refused, flagged and reviewed on the last days, the oldest first, each present."""
        return day_reports(_there(self._shelf.statistics).tallies(days), date.today(), days)

    def screened(
        self,
        *,
        reason_code: str = "",
        outcome: Outcome | None = None,
        review_status: ReviewStatus | None = None,
        limit: int = 60,
        before: str = "",
    ) -> list[Screened]:
        """Refused requests and kept pictures, newest first; `before` is the `id` of the last one on the page before."""
        return _there(self._shelf.statistics).search(
            reason_code=reason_code, outcome=outcome, review_status=review_status, limit=limit, before=before
        )  # fmt: skip


def _there(part: Part | None) -> Part:
    if part is None:
        raise InvalidRequest("This studio was opened without its library's overseeing parts. Start it with studio.py.")
    return part
