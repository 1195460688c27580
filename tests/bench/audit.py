"""What 100 000 rows cost: verifying the audit log (goal: under 5 s), appending to it, counting and searching verdicts.

`python -m tests.bench.audit` (`--rows N`). The rows are chained as `append` does it, but written in one transaction, for the
time of a hundred thousand syncs is the disk's; appending itself is measured on top of them.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from common import device, row

from studio.core.audit import FIRST, AuditRow, digest_of, hash_of
from studio.core.request import ImageRequest, request_to_json
from studio.library import Library, open_library

REASONS = ("prompt.violence", "prompt.nudity", "output.nsfw", "file.blocked", "likeness.public")
DAYS = 31
SAME = {"width": 1, "height": 1, "seed": 1, "created": "", "user": "ann", "facts": "{}", "notes": "[]", "stamps": "[]"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    asked = parser.parse_args()
    print(f"{device()}; {asked.rows} rows of each table")
    with tempfile.TemporaryDirectory() as folder, open_library(Path(folder) / "data", Path(folder) / "outputs") as library:
        fill_audit(library, asked.rows)
        fill_screened(library, asked.rows)
        for name, work, times in measured(library, Path(folder)):
            told = [seconds(work) for _ in range(times)]
            print(row(name, [wall for wall, _ in told]), f"  CPU {min(cpu for _, cpu in told):7.3f} s", flush=True)


def measured(library: Library, folder: Path) -> Iterator[tuple[str, Callable[[], object], int]]:
    audit, statistics = library.audit, library.statistics
    yield "append a row", lambda: audit.append("picture.kept", person="ann", subject="job-0", model="toy:one"), 50
    yield "verify all rows", lambda: verified(audit.verify()), 5
    yield "the newest 50 rows", lambda: audit.rows(newest=True, limit=50), 5
    yield "one person's newest 50 rows", lambda: audit.rows(person="person 7", newest=True, limit=50), 5
    yield "export as JSON Lines", lambda: (folder / "audit.jsonl").write_text("".join(audit.lines())), 3
    yield "export as CSV", lambda: (folder / "audit.csv").write_text("".join(audit.lines(as_csv=True))), 3
    yield f"counts of {DAYS} days", lambda: statistics.tallies(DAYS), 5
    yield "newest 60 of everything", statistics.search, 5
    yield "newest 60 by a reason", lambda: statistics.search(reason_code=REASONS[0]), 5
    yield "newest 60 flagged", lambda: statistics.search(outcome="flag"), 5
    yield "newest 60 rejected", lambda: statistics.search(review_status="rejected"), 5
    yield "by a reason nobody was given", lambda: statistics.search(reason_code="none"), 5
    yield "the review queue", library.reviews.waiting, 5
    yield "how many wait", library.reviews.count, 5


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall clock and processor time."""
    began, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - spent


def verified(found: tuple[int, int | None, str]) -> None:
    if found[1] is not None:
        raise SystemExit(found[2])


def fill_audit(library: Library, count: int) -> None:
    """As `append` does it, without its syncs."""
    rows, previous, began = [], FIRST, time.time() - count
    for seq in range(1, count + 1):
        person, subject, salt = f"person {seq % 50}", f"01kb2v8x3m{seq:05}-0", f"{seq:032x}"
        detail = {
            "job": f"01kb2v8x3m{seq:05}",
            "model": "local:starter",
            "sha256": f"{seq:064x}",
            "review_status": "pending",
        }
        made = AuditRow(seq=seq, time=began + seq, action="picture.kept", person=person, subject=subject, detail=detail,
                        salt=salt, digest=digest_of(person, subject, detail, salt), previous=previous)  # fmt: skip
        rows.append(replace(made, hash=hash_of(made)))
        previous = rows[-1].hash
    insert(library, "audit", [{**asdict(each), "detail": json.dumps(each.detail)} for each in rows],
           "seq time action person subject detail salt digest previous hash")  # fmt: skip
    library.database.path.with_name("audit.head").write_text(json.dumps({"seq": count, "hash": previous}))


def fill_screened(library: Library, count: int) -> None:
    """Nine in ten are kept pictures with three verdicts each, one in ten is flagged and reviewed, one in ten was refused."""
    request = json.dumps(request_to_json(ImageRequest(model="local:starter", prompt="a house by the sea", user="ann")))
    statuses = ("approved", "rejected", "escalated", "pending")
    records, jobs, screening, reviews = [], [], [], []
    for number in range(count):
        when, job, reason = time.time() - DAYS * 86400 * number / count, f"job{number:06}", REASONS[number % len(REASONS)]
        backend = ("local", "stability", "openai")[number % 3]
        refused, flagged = number % 10 == 0, number % 10 == 1
        outcome = "block" if refused else "flag" if flagged else "allow"
        verdicts = [verdict(name, "allow", "") for name in ("words", "file hash")] + [verdict("nsfw", outcome, reason)]
        told = json.dumps(verdicts)
        if refused:
            jobs.append({"id": job, "request": request, "backend": backend, "state": "blocked", "lane": "batch",
                         "place": number, "created": when, "changed": when, "ended": when, "blocked_by": "policy",
                         "reason_code": reason, "verdicts": told})  # fmt: skip
        else:
            status = statuses[number // 10 % 4] if flagged else "not_needed"
            records.append({**SAME, "id": f"{job}-0", "job": job, "path": f"{job}.png", "name": f"{job}.png", "time": when,
                            "sha256": f"{number:064x}", "request": request, "verdicts": told, "backend": backend,
                            "review_status": status})  # fmt: skip
            if flagged and status != "pending":
                reviews.append(
                    {"record": f"{job}-0", "status": status, "before": "pending", "reviewer": "bob", "time": when}
                )
        screening += [
            {"job": job, "record": "" if refused else f"{job}-0", "time": when, "stage": "output", "name": each["check"],
             "outcome": each["outcome"], "reason_code": each["reason_code"], "version": ""}
            for each in verdicts
        ]  # fmt: skip
    for table, rows in (("job", jobs), ("record", records), ("screening", screening), ("review", reviews)):
        insert(library, table, rows, " ".join(rows[0]))


def verdict(check: str, outcome: str, reason: str) -> dict[str, Any]:
    return {"check": check, "outcome": outcome, "reason_code": reason if outcome != "allow" else "", "message": "",
            "score": 0.5, "version": "1", "stage": "output"}  # fmt: skip


def insert(library: Library, table: str, rows: list[dict[str, Any]], columns: str) -> None:
    names = columns.split()
    marks = ", ".join(f":{name}" for name in names)
    with library.database.transaction() as connection:
        connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)  # noqa: S608  our own words


if __name__ == "__main__":
    main()
