"""The reviewing side of the small studio: two pictures wait, decisions are kept in a list."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from studio.core.errors import InvalidRequest
from studio.core.result import Record
from studio.core.review import UNDECIDED, ReviewEntry
from studio.core.statistics import DayReport
from studio.core.verdict import Verdict

FLAGGED = Verdict(check="nsfw", outcome="flag", reason_code="picture.nudity", message="The picture may show nudity.",
                  score=0.82, version="falconsai 1", stage="output")  # fmt: skip
WORDS = Verdict(check="prompt_rules", outcome="flag", reason_code="prompt.gore", message="The prompt asks for gore.",
                version="rules 3f2a", stage="request")  # fmt: skip


class Reviewed:
    """The doors of `studio.ui.ports.Studio` that concern reviews. `held` are pictures that somebody else looks at."""

    record: Callable[[str], Record | None]
    change_record: Callable[..., None]

    def __init__(self) -> None:
        self.entries: list[ReviewEntry] = []
        self.held: dict[str, str] = {}

    def flag(self, id: str, *verdicts: Verdict) -> None:
        """Only here: send a kept picture to review."""
        self.change_record(id, review_status="pending", verdicts=verdicts)

    def review_queue(self, limit: int = 60) -> list[Record]:
        waiting = [record for record in self.recent(1000) if record.review_status in UNDECIDED]  # type: ignore[attr-defined]
        waiting.reverse()
        return sorted(waiting, key=lambda record: record.review_status == "escalated")[:limit]

    def review_count(self) -> int:
        return len(self.review_queue(1000))

    def review_claim(self, record: str) -> str:
        return self.held.get(record, "")

    def review_decide(self, record: str, decision: str, note: str = "") -> ReviewEntry:
        found = self.record(record)
        if found is None or found.review_status not in UNDECIDED:
            raise InvalidRequest("Somebody has decided on this picture meanwhile. Look at the next one.")
        if holder := self.held.get(record):
            raise InvalidRequest(f"{holder} is looking at this picture. Take the next one.")
        entry = ReviewEntry(seq=len(self.entries) + 1, record=record, status=decision, before=found.review_status,
                            reviewer="alice", note=note, time=time.time())  # fmt: skip
        self.entries.append(entry)
        self.change_record(record, review_status=decision)
        return entry

    def review_undo(self) -> ReviewEntry | None:
        entry = next((each for each in reversed(self.entries) if not each.undone), None)
        if entry:
            self.entries[entry.seq - 1] = replace(entry, undone=True)
            self.change_record(entry.record, review_status=entry.before)
        return entry

    def review_history(self, record: str) -> list[ReviewEntry]:
        return [entry for entry in self.entries if entry.record == record]

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
