"""What the worker answers beside its drawing: scores of a file, and the detectors' states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from studio.core.opening import open_picture
from studio.engine.scoring import Scoring
from studio.engine.worker import Answer


def answers(scoring: Scoring) -> dict[str, Answer]:
    """By the question's name. Their values come from the studio process, which checked them."""

    def score(question: Mapping[str, Any]) -> list[dict[str, Any]]:
        path = Path(question["path"])
        names = question.get("detectors")
        return [asdict(found) for found in scoring.score(open_picture(path.read_bytes(), "the picture"), names)]

    def detectors(_: Mapping[str, Any]) -> list[dict[str, Any]]:
        return [asdict(status) for status in scoring.statuses()]

    return {"score": score, "detectors": detectors}
