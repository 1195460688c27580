"""`python studio.py evaluate` and `calibrate`: how good the detectors are here, and how to read them here."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from studio.core.errors import InvalidRequest
from studio.core.result import Record
from studio.engine import report as pages
from studio.engine.calibrating import calibrate as run_calibration
from studio.engine.calibrating import forecast
from studio.engine.evaluation import Report, scores_csv, to_csv
from studio.engine.evaluation import evaluate as run_evaluation
from studio.engine.folders import IsOurs, photos_in
from studio.engine.scoring import Scoring


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, metavar="FOLDER", help="photographs to compare with")
    parser.add_argument("--detectors", help="names with commas (default: those that run on every picture)")
    parser.add_argument("--limit", type=int, default=500, help="newest pictures, and photos, to look at (default: 500)")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table; FILE-scores.csv gets every score")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with histograms")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_calibrate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="at least 200 photographs of your own")
    parser.add_argument("--detectors", help="names with commas (default: those that run on every picture)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def evaluate(scoring: Scoring, records: Iterable[Record], is_ours: IsOurs, arguments: argparse.Namespace) -> int:
    """Print the report, and write it where asked."""
    names = chosen(arguments.detectors, scoring)
    made = run_evaluation(scoring, records, arguments.photos, names, _progress, is_ours=is_ours, limit=arguments.limit)
    if arguments.csv:
        arguments.csv.write_text(to_csv(made), encoding="utf-8")
        arguments.csv.with_name(f"{arguments.csv.stem}-scores.csv").write_text(scores_csv(made), encoding="utf-8")
    if arguments.html:
        arguments.html.write_text(pages.to_page(made), encoding="utf-8")
    print(json.dumps([asdict(line) for line in made.lines], indent=1) if arguments.json else as_text(made))
    return 0


def calibrate(scoring: Scoring, records: Iterable[Record], is_ours: IsOurs, arguments: argparse.Namespace) -> int:
    """Calibrate the chosen detectors; exit code 1 if one of them got no calibration."""
    names = chosen(arguments.detectors, scoring)
    own = [record.path for record in records if record.path]
    seconds = forecast(scoring, names, len(photos_in(arguments.folder)) + len(own))
    print(f"This will take about {max(1, round(seconds / 60))} min.", file=sys.stderr)
    made = run_calibration(scoring, arguments.folder, own, names, _progress, is_ours=is_ours)
    if arguments.json:
        print(json.dumps([asdict(each) for each in made], indent=1))
    else:
        for each in made:
            print(f"{each.detector}: {each.calibration or each.problem}")
        for fault in made[0].faults if made else ():
            print(f"  left out: {fault}")
    return 0 if all(each.calibration for each in made) else 1


def chosen(asked: str | None, scoring: Scoring) -> tuple[str, ...]:
    """The named detectors, or those that run on every picture. Raises `InvalidRequest` for unknown ones."""
    if asked is None:
        return scoring.by_default()
    names = tuple(name.strip() for name in asked.split(",") if name.strip())
    known = [detector.name for detector in scoring.detectors]
    if unknown := sorted(set(names) - set(known)):
        raise InvalidRequest(f"There is no detector {', '.join(unknown)}. There are: {', '.join(known)}.")
    return names


def as_text(made: Report) -> str:
    """A table for the terminal."""
    head = f"{'model':<28}{'detector':<22}{'treatment':<11}{'n':>5}{'AI':>5}{'?':>5}{'not':>5}{'AUC':>8}{'TPR@1%':>8}"
    rows = [
        f"{f'{line.provider}:{line.model}'[:27]:<28}{line.detector[:21]:<22}{line.treatment:<11}{line.pictures:>5}{line.called_ai:>5}"
        f"{line.called_uncertain:>5}{line.called_not_ai:>5}{'' if line.auc is None else f'{line.auc:.3f}':>8}"
        f"{'' if line.tpr is None else f'{line.tpr:.0%}':>8}"
        for line in made.lines
    ]
    about = f"{made.pictures} pictures, {made.photos or 'no'} photos. {pages.CAUTION}"
    return "\n".join([head, *rows, about])


def _progress(done: int, total: int, message: str) -> None:
    if sys.stderr.isatty() or done == total:
        print(f"\r{message}", end="" if done < total else "\n", file=sys.stderr)
