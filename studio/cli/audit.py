"""`python studio.py audit` and `erase`: the log of what was done, whether it is whole, and erasing a person's data.

| command | exit code |
|---|---|
| `audit verify` | 0 all rows fit, 1 one does not: it is named |
| `audit show`, `audit export FILE` | 0 |
| `erase PERSON` | 2 nothing was erased: `--yes` is missing; with it 0 |
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from studio.core.audit import AuditRow
from studio.core.errors import KeepError
from studio.core.people import Erased
from studio.core.ports import AuditLog, Erasure
from studio.engine.logbook import Logbook

ELSEWHERE = "Keep that hash, or an export, on another computer: nobody can change the log then without your seeing it."


def add_audit_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="what", required=True, metavar="verify | show | export")
    actions.add_parser("verify", help="check that no row was changed, moved, added or removed")
    show = actions.add_parser("show", help="print the newest rows")
    show.add_argument("--limit", type=int, default=50, help="how many rows (default: 50)")
    show.add_argument("--person", default="", help="only what this person did")
    show.add_argument("--action", default="", help="only rows of this kind, such as picture.shared")
    export = actions.add_parser("export", help="write all rows to a file, as JSON Lines")
    export.add_argument("file", type=Path, metavar="FILE")
    export.add_argument("--csv", action="store_true", help="as CSV, for a spreadsheet")


def add_erase_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("person", metavar="PERSON", help="the name as it stands in the records")
    parser.add_argument("--yes", action="store_true", help="erase; without it only what there is to erase is told")


def audit(log: AuditLog, user: str, arguments: argparse.Namespace) -> int:
    """Verify, show or export; `user` is who does."""
    match arguments.what:
        case "verify":
            return _verify(log)
        case "show":
            _show(log.rows(limit=arguments.limit, person=arguments.person, action=arguments.action, newest=True))
        case _:
            Logbook(log).exported(user, "csv" if arguments.csv else "jsonl")
            _export(log.lines(as_csv=arguments.csv), arguments.file)
    return 0


def erase(erasure: Erasure, user: str, arguments: argparse.Namespace) -> int:
    """Tell what there is to erase, and erase it if that was said twice."""
    if not arguments.yes:
        extent = erasure.extent(arguments.person)
        print(f"There is to erase of {arguments.person}: {_words(extent)}.")
        print("Nothing was erased. It cannot be taken back: add --yes to erase it.", file=sys.stderr)
        return 2
    print(f"Erased of {arguments.person}: {_words(erasure.erase(arguments.person, user))}.")
    print("Uploads that were never used, unsent forms, shared copies and an account of that name are not erased.")
    return 0


def _verify(log: AuditLog) -> int:
    count, broken, why = log.verify()
    if broken is not None:
        print(
            f"The audit log is broken: {why}. What comes before row {broken} fits. Compare the log with an earlier export."
        )
        return 1
    newest = log.rows(limit=1, newest=True)
    print(
        f"{count} rows, all fit." + (f" The hash of row {newest[0].seq} is {newest[0].hash}. {ELSEWHERE}" if newest else "")
    )
    return 0


def _show(rows: Iterable[AuditRow]) -> None:
    for row in rows:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.time)) if row.time == row.time else "no time"
        detail = json.dumps(row.detail, ensure_ascii=False) if row.detail else ""
        content = ("(erased)",) if row.blanked else (row.person or "–", row.subject, detail)
        print(_plain("  ".join([f"{row.seq:>6}", when, f"{row.action:<18}", *content])).rstrip())


def _export(lines: Iterable[str], path: Path) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines)
    except OSError as error:
        raise KeepError(f"{path} cannot be written ({error.strerror}). Choose another place.") from error
    print(f"The audit log is in {path}.")


def _words(extent: Erased) -> str:
    counts = (
        (extent.jobs, "request"),
        (extent.pictures, "picture"),
        (extent.sources, "source file"),
        (extent.rows, "log row"),
    )
    return ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)


def _plain(text: str) -> str:
    """Without the control characters that somebody's name could steer a terminal with."""
    return "".join(c if c.isprintable() else " " for c in text)
