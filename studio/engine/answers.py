"""What the worker answers beside its drawing: scores and checks of a file, the detectors' states, long work on detectors."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.opening import open_picture
from studio.core.ports import Records
from studio.engine.calibrating import Progress, calibrate
from studio.engine.evaluation import evaluate, to_csv
from studio.engine.folders import IsOurs
from studio.engine.pipe import Answer, Tell
from studio.engine.report import to_html
from studio.engine.scoring import Scoring
from studio.engine.screening import Screening

MOST = 2000
"""Kept pictures that a calibration looks at; a report takes the newest `REPORTED`."""
REPORTED = 300


def answers(scoring: Scoring, records: Records, is_ours: IsOurs, screening: Screening) -> dict[str, Answer]:
    """By the question's name. Their values come from the studio process, which checked them."""
    stop = threading.Event()

    def score(question: Mapping[str, Any], _: Tell) -> list[dict[str, Any]]:
        path = Path(question["path"])
        names = question.get("detectors")
        return [asdict(found) for found in scoring.score(open_picture(path.read_bytes(), "the picture"), names)]

    def screen(question: Mapping[str, Any], _: Tell) -> list[dict[str, Any]]:
        data = Path(question["path"]).read_bytes()
        return [asdict(verdict) for verdict in screening.file(data, "the picture", question["role"])]

    def detectors(_: Mapping[str, Any], __: Tell) -> list[dict[str, Any]]:
        return [asdict(status) for status in scoring.statuses()]

    def run_calibration(question: Mapping[str, Any], tell: Tell) -> list[dict[str, Any]]:
        stop.clear()
        own = [record.path for record in records.recent(MOST) if record.path]
        made = calibrate(
            scoring, Path(question["folder"]), own, _names(question), _told(tell), is_ours=is_ours, stop=stop.is_set
        )
        return [asdict(each) for each in made]

    def run_evaluation(question: Mapping[str, Any], tell: Tell) -> dict[str, str]:
        stop.clear()
        photos, kept = Path(question["photos"]) if question.get("photos") else None, records.recent(REPORTED)
        made = evaluate(
            scoring, kept, photos, _names(question), _told(tell), is_ours=is_ours, limit=REPORTED, stop=stop.is_set
        )
        return {"html": to_html(made), "csv": to_csv(made)}

    def stop_work(_: Mapping[str, Any], __: Tell) -> None:
        stop.set()

    def _names(question: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(question.get("detectors") or scoring.by_default())

    return {
        "score": score,
        "screen": screen,
        "detectors": detectors,
        "calibrate": run_calibration,
        "evaluate": run_evaluation,
        "stop_work": stop_work,
    }


def _told(tell: Tell) -> Progress:
    def progress(done: int, total: int, message: str) -> None:
        tell({"event": "work", "done": done, "total": total, "message": message})

    return progress
