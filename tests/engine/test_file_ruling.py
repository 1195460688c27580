"""What may be done with an examined file: the checks look at the file itself, and a mere likeness does not count."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from examining import Brightness, MemoryCalibrations, verifying
from overseen import RITA, Place
from PIL import Image

from studio.core.evidence import Evidence
from studio.core.publishing import PublishRule, Table
from studio.core.result import Record
from studio.core.screening import Check, Subject
from studio.core.verdict import Outcome, Verdict
from studio.engine.answers import answers
from studio.engine.scoring import Scoring
from studio.engine.screening import Screening
from studio.engine.verifying import Ask, Verifying

TABLE = Table(rules=(
    PublishRule(name="flagged", action="review", sentence="Ask Rita.", checks=("flag",)),
    PublishRule(name="refused", action="block", sentence="No.", checks=("block",)),
    PublishRule(name="rest", action="label", sentence="Say so."),
))  # fmt: skip


def a_file() -> bytes:
    data = BytesIO()
    Image.new("RGB", (8, 8), "red").save(data, "PNG")
    return data.getvalue()


class OfFiles:
    """Says the same of every file it is shown, and tells which it saw."""

    name, light = "of files", False

    def __init__(self, outcome: Outcome) -> None:
        self.outcome, self.seen = outcome, list[bytes]()

    def __call__(self, subject: Subject) -> Verdict | None:
        if subject.stage != "source":
            return None
        self.seen.append(subject.data)
        return Verdict(check=self.name, outcome=self.outcome, reason_code="file", message="Seen.", stage="source")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path)
    yield place
    place.library.close()


def asking(place: Place, check: Check, table: Table | None = TABLE) -> tuple[Verifying, Ask]:
    """The studio's side, and the engine's answers to its questions."""
    scoring = Scoring(detectors=(Brightness(),), calibrations=MemoryCalibrations())
    known = answers(scoring, place.library.records, lambda _: False, Screening(lambda: (check,)))
    own = verifying(place.library.records, place.library.outputs.parent / "data")
    own = replace(own, table=lambda: table)
    return own, lambda question, _, **values: known[question](values, lambda _: None)


@pytest.mark.parametrize(("outcome", "action"), [("allow", "label"), ("flag", "review"), ("block", "block")])
def test_the_checks_look_at_the_file_itself_and_a_block_is_told_and_not_raised(
    place: Place, outcome: Outcome, action: str
) -> None:
    check, data = OfFiles(outcome), a_file()
    own, ask = asking(place, check)
    found = own.examine(data, "a.png", None)
    ruling = own.rule(found, "creator", lambda: own.screened(data, "creator", ask))
    assert ruling is not None
    assert (ruling.action, check.seen) == (action, [data])
    assert list(own.folder.iterdir()) == []


def test_with_the_policy_off_nothing_is_looked_at(place: Place) -> None:
    own, _ = asking(place, OfFiles("block"), table=None)
    found = own.examine(a_file(), "a.png", None)
    assert own.rule(found, "creator", lambda: pytest.fail("a check was asked")) is None


def rejected(place: Place) -> Record:
    record = place.picture("a dog")
    place.library.database.change("UPDATE record SET review_status = 'rejected' WHERE id = ?", (record.id,))
    return record


@pytest.mark.parametrize(("strength", "action"), [("strong", "block"), ("weak", "label")])
def test_a_rejected_picture_holds_for_its_own_file_and_not_for_one_that_looks_like_it(
    place: Place, strength: str, action: str
) -> None:
    record, (own, _) = rejected(place), asking(place, OfFiles("allow"))
    row = Evidence(kind="library", finding="Known.", strength=strength, side="ai", faked_by="anyone", record=record.id)
    found = replace(own.examine(a_file(), "a.png", None), evidence=(row,), record=record.id)
    ruling = own.rule(found, RITA.role, lambda: [Verdict(check="c", outcome="allow", stage="source")])
    assert ruling is not None
    assert ruling.action == action
