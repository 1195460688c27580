"""`python studio.py report`: a contact sheet with all that is known of the pictures, as one HTML or PDF file."""

from __future__ import annotations

import argparse
from pathlib import Path

from studio.core.errors import InvalidRequest
from studio.core.result import Record
from studio.engine.reports import MOST, Format
from studio.engine.studio import Studio


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("records", nargs="*", metavar="RECORD", help="ids of pictures (default: the newest ones)")
    parser.add_argument("--last", type=int, default=20, metavar="NUMBER", help="how many of the newest (default: 20)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="a .pdf or .html file")
    parser.add_argument("--title", default="Pictures", help="the words at the top")


def report(studio: Studio, arguments: argparse.Namespace) -> int:
    """Write the report; exit code 0."""
    format: Format | None = {".pdf": "pdf", ".html": "html", ".htm": "html"}.get(arguments.out.suffix.lower())  # type: ignore[assignment]
    if format is None:
        raise InvalidRequest(
            f"A report is an HTML or a PDF file. Name it {arguments.out.stem}.pdf or {arguments.out.stem}.html."
        )
    records = _records(studio, arguments)
    data = studio.reports.make(records, arguments.title, format)
    try:
        arguments.out.write_bytes(data)
    except OSError as error:
        raise InvalidRequest(f"{arguments.out} cannot be written ({error.strerror}). Choose another place.") from error
    print(f"{arguments.out}: {len(records)} pictures, {-(-len(data) // 1024)} KB")
    return 0


def _records(studio: Studio, arguments: argparse.Namespace) -> list[Record]:
    if not arguments.records:
        return studio.recent(max(1, min(arguments.last, MOST)))
    found = {id: studio.record(id) for id in arguments.records}
    missing = [id for id, record in found.items() if record is None]
    if missing:
        raise InvalidRequest(f"The library has no picture {missing[0]}. `generate --json` and the page tell the ids.")
    return [record for record in found.values() if record]
