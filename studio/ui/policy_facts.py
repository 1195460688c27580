"""What the policy said of a kept picture, and the buttons that delete it or take it back. Texts are escaped here."""

from __future__ import annotations

from html import escape

from studio.core.result import Record
from studio.core.review import ReviewStatus
from studio.core.verdict import Outcome, Stage, Verdict
from studio.ui import icons

OUTCOMES: dict[Outcome, str] = {
    "flag": "flagged",
    "block": "would be blocked",
    "not_screened": "not screened",
    "allow": "passed",
}
STAGES: dict[Stage, str] = {"request": "the words", "source": "the picture it starts from", "output": "the picture"}
REVIEWS: dict[ReviewStatus, str] = {
    "not_needed": "",
    "pending": "waits for a review; not shared until then",
    "escalated": "passed on for a closer look; not shared until then",
    "approved": "approved",
    "rejected": "rejected; not shared",
}


def rows(record: Record) -> list[tuple[str, str]]:
    """Where the review stands, and each check's answer with its score and version."""
    answers = "; ".join(
        f"{verdict.check.replace('_', ' ')} ({STAGES[verdict.stage]}): {answer(verdict)}" for verdict in record.verdicts
    )
    return [("Review", REVIEWS[record.review_status]), ("Policy", answers)]


def answer(verdict: Verdict) -> str:
    """“flagged · picture.nudity, score 0.82, falconsai 1”."""
    reason = f" · {verdict.reason_code}" if verdict.reason_code else ""
    score = f", score {verdict.score:.2f}" if verdict.score is not None else ""
    version = f", {verdict.version}" if verdict.version else ""
    return f"{OUTCOMES[verdict.outcome]}{reason}{score}{version}"


def tools(record: Record) -> str:
    """The button that moves a picture to the trash, or takes it out again."""
    if record.state == "deleted":
        return _button(record, "restore", "Restore", icons.RETRY)
    return _button(record, "delete", "Delete", icons.BIN) if record.path else ""


def _button(record: Record, do: str, label: str, icon: str) -> str:
    return f'<button data-do="{do}" data-id="{escape(record.id)}">{icon}{label}</button>'
