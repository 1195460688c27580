"""`python studio.py verify FILE…`: what each file tells of its making. The exit code is the verdict's.

| exit code | of the file, or the most telling of several |
|---|---|
| 0 | likely not AI-generated |
| 10 | uncertain |
| 11 | likely AI-generated |
| 12 | likely AI-generated (declared) |
| 2 | a file could not be examined |
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidRequest
from studio.core.evidence import Band, Examination
from studio.core.publishing import Ruling
from studio.core.score import Score
from studio.engine.examine import MAX_BYTES
from studio.engine.scoring import Scoring
from studio.engine.verifying import Verifying

EXIT_CODES: Mapping[Band, int] = {"not-ai": 0, "uncertain": 10, "ai": 11, "declared": 12}
UNREADABLE = 2
Rule = Callable[[Examination, bytes], Ruling | None]
"""What the publishing policy says of a file; None while it is switched off."""


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--detectors", help="names with commas, or “none” (default: those that run on every picture)")
    parser.add_argument("--json", action="store_true", help="print JSON, one list entry per file")


def verify(verifying: Verifying, scoring: Scoring, rule: Rule, arguments: argparse.Namespace) -> int:
    """Examine the files one by one; a file that is no picture does not stop the rest."""
    names = _names(arguments.detectors, scoring)
    told: list[dict[str, Any]] = []
    codes: list[int] = []
    for path in arguments.files:
        try:
            data = _read(path)
            found = verifying.examine_here(data, path.name, lambda image: scoring.score(image, names))
            ruling = rule(found, data)
        except (InvalidRequest, OSError) as error:
            codes.append(UNREADABLE)
            told.append({"name": path.name, "error": str(error)})
            if not arguments.json:
                print(f"{path}\n  {error}\n", file=sys.stderr)
            continue
        codes.append(EXIT_CODES[found.judgement.band])
        told.append({**asdict(found), "verdict": found.judgement.words, "publishing": asdict(ruling) if ruling else None})
        if not arguments.json:
            print(as_text(path, found, ruling))
    if arguments.json:
        print(json.dumps(told, indent=1, ensure_ascii=False))
    return UNREADABLE if UNREADABLE in codes else max(codes)


def _names(asked: str | None, scoring: Scoring) -> tuple[str, ...] | None:
    if asked is None:
        return None
    names = tuple(name.strip() for name in asked.split(",") if name.strip() not in ("", "none"))
    known = [detector.name for detector in scoring.detectors]
    if unknown := sorted(set(names) - set(known)):
        raise InvalidRequest(f"There is no detector {', '.join(unknown)}. There are: {', '.join(known)}.")
    return names


def _read(path: Path) -> bytes:
    if path.stat().st_size > MAX_BYTES:
        raise InvalidRequest(f"{path.name} is larger than {MAX_BYTES // 1024**2} MB. Choose a smaller file.")
    return path.read_bytes()


def as_text(path: Path, found: Examination, ruling: Ruling | None = None) -> str:
    """The verdict, why, and every row."""
    lines = [f"{path}", f"  {found.judgement.words}", *(f"    because: {reason}" for reason in found.judgement.reasons)]
    for row in found.evidence:
        lines.append(f"  {row.kind:<10} {row.strength:<7} {row.finding}")
        if row.faked_by:
            lines.append(f"  {'':<18} could be faked by: {row.faked_by}")
    lines += [f"  {'detector':<10} {'':<7} {_score(score)}" for score in found.scores]
    if found.reading:
        lines.append(
            f"  {'settings':<10} {'':<7} {found.reading.dialect}: {found.reading.prompt[:200]!r}, seed {found.reading.seed}"
        )
    if found.record:
        lines.append(f"  {'record':<10} {'':<7} {found.record}")
    if ruling:
        lines.append(f"  {'policy':<10} {ruling.action:<7} {ruling.sentence}")
    return _plain("\n".join([*lines, "  A signal, never proof.", ""]))


def _plain(text: str) -> str:
    """Without the control characters that a stranger's file could steer a terminal with."""
    return "".join(c if c == "\n" or c.isprintable() else " " for c in text)


def _score(score: Score) -> str:
    if score.raw is None:
        return f"{score.title}: {score.note}"
    if score.probability is None:
        return f"{score.title}: {score.raw:.3g} raw, {score.note}"
    return f"{score.title}: {score.probability:.0%} likely AI at even odds, {score.verdict} ({score.calibration})"
