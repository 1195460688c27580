"""What those who answer for a studio may do: review, delete, erase, count, and read the audit log. All of it is logged."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeVar, Unpack

from studio.core.errors import InvalidRequest
from studio.core.people import Erased, Person
from studio.core.result import Record
from studio.core.review import DECISIONS, ReviewEntry, ReviewStatus
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.statistics import DayReport, Screened, Sought, day_reports
from studio.engine.logbook import Logbook
from studio.engine.rights import require
from studio.engine.shelf import Shelf
from studio.engine.verifying import Verifying

Part = TypeVar("Part")
UNSHARED: dict[ReviewStatus, str] = {
    "pending": "This picture waits for a review. Share it once somebody has approved it.",
    "escalated": "This picture was passed on for a closer look. Share it once somebody has approved it.",
    "rejected": "This picture was rejected in review, so it is not shared. Ask the reviewer, or make another one.",
}


class Oversight:
    """What is decided here holds for the studio's page, its commands and programs. Methods with a person raise `NotAllowed`
    if that person's role does not reach so far.
    """

    def __init__(self, shelf: Shelf, verifying: Verifying) -> None:
        self._shelf, self._verifying = shelf, verifying
        self.log = Logbook(shelf.audit)

    def share(self, id: str, options: ShareOptions, person: Person) -> SharedCopy:
        """A stamped and signed copy of a kept picture for others; none goes out unlogged.

        Raises `InvalidRequest` for what waits for a review or was rejected, or `StampFailed`.
        """
        require(person, "create")
        record = self._shelf.records.record(id)
        if record is not None and record.review_status in UNSHARED:
            raise InvalidRequest(UNSHARED[record.review_status])
        copy = self._verifying.share(record, options)
        if record is not None:
            self.log.shared(record, options, copy, person.name)
        return copy

    def delete(self, record: str, person: Person) -> Record:
        """Move a picture's file to the trash; its record and its rows in the log stay. Raises a `StudioError`."""
        self._require_own(record, person)
        deleted = _there(self._shelf.trash).delete(record)
        self.log.deleted(record, person.name)
        return deleted

    def restore(self, record: str, person: Person) -> Record:
        """Take a picture out of the trash. Raises `InvalidRequest` if it is not there any more."""
        self._require_own(record, person)
        restored = _there(self._shelf.trash).restore(record)
        self.log.restored(record, person.name)
        return restored

    def empty_trash(self, person: Person, before: float | None = None) -> int:
        """Remove deleted files for good, or those deleted earlier than that; returns how many pictures that were."""
        require(person, "manage")
        pictures = _there(self._shelf.trash).empty(before)
        if pictures:
            self.log.emptied(pictures, person.name)
        return pictures

    def extent(self, name: str, person: Person) -> Erased:
        """What `erase` would erase."""
        require(person, "manage")
        return _there(self._shelf.erasure).extent(name)

    def erase(self, name: str, person: Person) -> Erased:
        """Erase what is known of `name`; `person` is who does. Raises a `StudioError`, and can be called again."""
        require(person, "manage")
        return _there(self._shelf.erasure).erase(name, person.name)

    def waiting(self, person: Person, limit: int = 60, before: str | None = None) -> list[Record]:
        """Pictures that wait for a decision: pending ones oldest first, then escalated ones."""
        require(person, "review")
        return _there(self._shelf.reviews).waiting(limit, before)

    def count(self) -> int:
        """How many pictures wait for a decision."""
        return self._shelf.reviews.count() if self._shelf.reviews else 0

    def claim(self, record: str, person: Person, seconds: float = 120) -> str:
        """Take a picture or hold it for longer; the name of somebody else who holds it, else empty."""
        require(person, "review")
        holder = _there(self._shelf.reviews).claim(record, person.name, seconds)
        return holder if holder != person.name else ""

    def decide(self, record: str, decision: str, note: str, person: Person) -> ReviewEntry:
        """Raises `InvalidRequest` if somebody else holds it or has decided meanwhile, or for another word."""
        require(person, "review")
        known = next((each for each in DECISIONS if each == decision), None)
        if known is None:
            raise InvalidRequest(f"“{decision}” is no decision. Choose one of: {', '.join(DECISIONS)}.")
        entry = _there(self._shelf.reviews).decide(record, known, person.name, note)
        self.log.decided(entry)
        return entry

    def undo(self, person: Person) -> ReviewEntry | None:
        """Take back one's own last decision; None if that cannot be."""
        require(person, "review")
        entry = _there(self._shelf.reviews).undo(person.name)
        if entry is not None:
            self.log.undone(entry)
        return entry

    def history(self, record: str) -> list[ReviewEntry]:
        """What was decided on a picture, the oldest first."""
        return _there(self._shelf.reviews).history(record)

    def audit_verify(self) -> tuple[int, int | None, str]:
        """How many rows there are, the first broken one (None if all fit), and what is wrong with it."""
        return self._shelf.audit.verify()

    def audit_export(self, person: Person, *, as_csv: bool = False) -> Iterator[str]:
        """The whole log, line by line; the last line tells of this export."""
        require(person, "manage")
        self.log.exported(person.name, "csv" if as_csv else "jsonl")
        return self._shelf.audit.lines(as_csv=as_csv)

    def statistics(self, days: int = 14) -> list[DayReport]:
        """What was made, refused, flagged and reviewed on the last days, the oldest first, each present."""
        return day_reports(_there(self._shelf.statistics).tallies(days), date.today(), days)

    def screened(self, **sought: Unpack[Sought]) -> list[Screened]:
        """Refused requests and kept pictures, newest first."""
        return _there(self._shelf.statistics).search(**sought)

    def _require_own(self, record: str, person: Person) -> None:
        """One's own pictures, or the right to decide on those of others."""
        found = self._shelf.records.record(record)
        is_own = found is None or found.request.user == person.name
        require(person, "create" if is_own else "review")


def _there(part: Part | None) -> Part:
    if part is None:
        raise InvalidRequest("This studio was opened without its library's overseeing parts. Start it with studio.py.")
    return part
