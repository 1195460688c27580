"""The reviewing side of the small studio: two pictures wait, decisions are kept in a list."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.people import Person
from studio.core.result import Record
from studio.core.review import UNDECIDED, ReviewEntry
from studio.core.sharing import SharedCopy, ShareOptions
from studio.core.statistics import DayReport, Screened
from studio.core.verdict import Verdict
from studio.engine.logbook import Logbook, SilentAudit
from studio.engine.oversight import UNSHARED
from studio.engine.rights import require

FLAGGED = Verdict(check="nsfw", outcome="flag", reason_code="picture.nudity", message="The picture may show nudity.",
                  score=0.82, version="falconsai 1", stage="output")  # fmt: skip
WORDS = Verdict(check="prompt_rules", outcome="flag", reason_code="prompt.gore", message="The prompt asks for gore.",
                version="rules 3f2a", stage="request")  # fmt: skip
REFUSED = replace(WORDS, outcome="block", message="The rule “gore” does not allow this prompt. Change it, or ask an admin.")


class Overseen:
    """`studio.ui.ports.Oversight` of the small studio. `held` are pictures that somebody else looks at."""

    def __init__(self, studio: Any) -> None:
        self._studio = studio
        self.entries: list[ReviewEntry] = []
        self.held: dict[str, str] = {}
        self.broken: int | None = None
        self.log = Logbook(SilentAudit())

    def share(self, id: str, options: ShareOptions, person: Person) -> SharedCopy:
        require(person, "create")
        found = self._studio.record(id)
        if found is not None and found.review_status in UNSHARED:
            raise InvalidRequest(UNSHARED[found.review_status])
        return self._studio.copy(id, options)  # type: ignore[no-any-return]

    def delete(self, record: str, person: Person) -> Record:
        return self._moved(record, person, ".deleted", "deleted")

    def restore(self, record: str, person: Person) -> Record:
        return self._moved(record, person, "", "kept")

    def empty_trash(self, person: Person, before: float | None = None) -> int:
        require(person, "manage")
        return self._studio.library.trash.empty(before)  # type: ignore[no-any-return]

    def waiting(self, person: Person, limit: int = 60, before: str | None = None) -> list[Record]:
        require(person, "review")
        return self._waiting()[:limit]

    def count(self) -> int:
        return len(self._waiting())

    def claim(self, record: str, person: Person, seconds: float = 120) -> str:
        require(person, "review")
        return self.held.get(record, "")

    def decide(self, record: str, decision: str, note: str, person: Person) -> ReviewEntry:
        require(person, "review")
        found = self._studio.record(record)
        if found is None or found.review_status not in UNDECIDED:
            raise InvalidRequest("Somebody has decided on this picture meanwhile. Look at the next one.")
        if holder := self.held.get(record):
            raise InvalidRequest(f"{holder} is looking at this picture. Take the next one.")
        entry = ReviewEntry(seq=len(self.entries) + 1, record=record, status=decision, before=found.review_status,
                            reviewer=person.name or "alice", note=note, time=time.time())  # fmt: skip
        self.entries.append(entry)
        self._studio.change_record(record, review_status=decision)
        return entry

    def undo(self, person: Person) -> ReviewEntry | None:
        require(person, "review")
        entry = next((each for each in reversed(self.entries) if not each.undone), None)
        if entry:
            self.entries[entry.seq - 1] = replace(entry, undone=True)
            self._studio.change_record(entry.record, review_status=entry.before)
        return entry

    def history(self, record: str) -> list[ReviewEntry]:
        return [entry for entry in self.entries if entry.record == record]

    def screened(
        self,
        *,
        reason_code: str = "",
        outcome: str | None = None,
        review_status: str | None = None,
        limit: int = 60,
        before: str = "",
    ) -> list[Screened]:
        """Of kept pictures only."""
        rows = [
            Screened(job=record.job, record=record.id, time=time.time(), provider="local", outcome="flag", person="ann",
                     reason_codes=tuple(verdict.reason_code for verdict in record.verdicts),
                     review_status=record.review_status)
            for record in self._studio.recent(1000) if record.verdicts
        ]  # fmt: skip
        fits = [row for row in rows if outcome in (None, row.outcome) and review_status in (None, row.review_status)
                and (not reason_code or reason_code in row.reason_codes)]  # fmt: skip
        ids = [row.id for row in fits]
        return fits[ids.index(before) + 1 if before in ids else 0 :][:limit]

    def audit_verify(self) -> tuple[int, int | None, str]:
        return 12, self.broken, "Its content was changed." if self.broken else ""

    def audit_export(self, person: Person, *, as_csv: bool = False) -> Iterator[str]:
        require(person, "manage")
        return iter(("seq,action\n", "1,key.set\n") if as_csv else ('{"seq": 1}\n',))

    def _waiting(self) -> list[Record]:
        waiting = [record for record in self._studio.recent(1000) if record.review_status in UNDECIDED]
        waiting.reverse()
        return sorted(waiting, key=lambda record: record.review_status == "escalated")

    def _moved(self, id: str, person: Person, suffix: str, state: str) -> Record:
        record: Record | None = self._studio.record(id)
        if record is None:
            raise InvalidRequest("The library has no such picture. Reload the page.")
        require(person, "create" if record.request.user == person.name else "review")
        if "library" in vars(self._studio) and self._studio.library.records.record(id):
            trash = self._studio.library.trash
            moved: Record = trash.delete(id) if suffix else trash.restore(id)
            if id in self._studio._records:
                self._studio.change_record(id, path=moved.path, state=moved.state)
            return moved
        kept = self._studio.outputs / record.created[:10] / record.name
        gone = kept.with_name(f".{kept.name}.deleted")
        (kept.rename(gone) if suffix else gone.rename(kept))
        self._studio.change_record(id, path=None if suffix else kept, state=state)
        return self._studio.record(id)  # type: ignore[no-any-return]

    def statistics(self, days: int = 14) -> list[DayReport]:
        """Made up, and the same every time."""
        today = date(2026, 11, 26)
        return [
            DayReport(day=(today - timedelta(days=days - 1 - n)).isoformat(), generated=12 + n * 3 % 17, flagged=n % 4,
                      blocked_by_policy=n % 3, blocked_by_provider=n % 2, approved=n % 3, rejected=n % 2,
                      by_provider={"local": 8 + n % 5, "stability": n % 4, "bfl": n % 3},
                      by_reason={"prompt.gore": n % 3, "picture.nudity": n % 2, "provider.filter": n % 2})
            for n in range(days)
        ]  # fmt: skip
