"""The publishing policy on pictures that are being kept and on examined files."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from studio.core.errors import Blocked, InvalidRequest
from studio.core.evidence import Examination, Judgement
from studio.core.metadata import draft_to_json, record_from_json
from studio.core.ports import Stamp
from studio.core.publishing import PublishRule, Table
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture, Record
from studio.core.score import Score
from studio.core.verdict import Verdict
from studio.engine.publishing import PublishingStamp, judge_file

AI = Score(detector="x", title="X", revision="1", raw=4.0, probability=0.97, evidence=3.0, verdict="ai", calibration="c")
FLAG = Verdict(check="nsfw", outcome="flag", reason_code="picture.nsfw", message="It looks odd. Look.", stage="output")


def a_draft(*verdicts: Verdict, score: Score = AI, **fields: Any) -> Draft:
    defaults = {"id": "job-0", "job": "job", "picture": Picture(image=Image.new("RGB", (8, 8), "red"), seed=1),
                "request": ImageRequest(model="local:starter", prompt="a"), "created": "2026-11-26T10:00:00+00:00",
                "facts": {"detector": [asdict(score)]}, "verdicts": verdicts}  # fmt: skip
    return Draft(**{**defaults, **fields})


def a_rule(action: str, **conditions: Any) -> PublishRule:
    return PublishRule(name=f"to-{action}", action=action, sentence=f"So it is {action}. Do that.", **conditions)


def stamped(draft: Draft, *rules: PublishRule, **table: Any) -> Draft:
    stamp: Stamp = PublishingStamp(lambda: Table(rules=rules, version="v1", **table))
    return stamp(draft)


def test_the_first_rule_that_fits_stands_in_the_facts() -> None:
    rules = (a_rule("review", verdicts=("not-ai",)), a_rule("label", verdicts=("ai",)), a_rule("allow"))
    done = stamped(a_draft(Verdict(check="x", outcome="allow")), *rules)
    assert done.facts["publishing"] == {"action": "label", "rule": "to-label", "sentence": "So it is label. Do that."}
    assert done.facts["detector"] == [asdict(AI)]
    assert done.review_status == "not_needed"


@pytest.mark.parametrize(
    ("draft", "conditions"),
    [
        (a_draft(), {"backends": ("local",), "tasks": ("text-to-image",), "roles": ("creator",)}),
        (a_draft(role="admin"), {"roles": ("admin",)}),
        (a_draft(), {"checks": ("not_screened",)}),
        (a_draft(score=replace(AI, probability=None, verdict="uncertain")), {"verdicts": ("uncertain",)}),
    ],
)
def test_a_rule_sees_where_by_what_for_whom_and_with_what_verdict(draft: Draft, conditions: dict[str, Any]) -> None:
    done = stamped(draft, a_rule("review", **conditions))
    assert (done.facts["publishing"]["rule"], done.review_status) == ("to-review", "pending")


def test_a_flag_makes_the_picture_wait_and_so_does_a_table_that_cannot_be_read() -> None:
    flagged = stamped(a_draft(FLAG), a_rule("label"))
    assert (flagged.review_status, flagged.facts["publishing"]["sentence"]) == ("pending", FLAG.message)
    assert stamped(a_draft(), fault="policy.toml is wrong. Mend it.").review_status == "pending"
    assert stamped(a_draft(), a_rule("label")).review_status == "not_needed"
    assert stamped(a_draft(), a_rule("label"), review_not_screened=True).review_status == "pending"


def test_a_rule_that_blocks_raises_with_every_verdict() -> None:
    with pytest.raises(Blocked, match="So it is block") as caught:
        stamped(a_draft(FLAG), a_rule("block", checks=("flag",)))
    last = caught.value.verdict
    assert (last.check, last.outcome, last.reason_code) == ("publishing", "block", "publishing.to-block")
    assert (last.version, last.stage) == ("v1", "output")
    assert caught.value.verdicts == (FLAG, last)


def test_switched_off_it_leaves_the_draft_as_it_is() -> None:
    draft = a_draft(FLAG)
    assert PublishingStamp(lambda: None)(draft) is draft


def examined(band: str = "uncertain") -> Examination:
    return Examination(name="a.png", sha256="0" * 64, size_bytes=1, format="PNG", width=1, height=1, evidence=(), scores=(),
                       judgement=Judgement(band=band, reasons=()))  # fmt: skip


def a_record(draft: Draft, **fields: Any) -> Record:
    return replace(record_from_json(draft_to_json(draft), path=Path("a.png"), sha256="0" * 64), **fields)


def test_an_examined_file_is_judged_by_the_same_table() -> None:
    table = Table(rules=[a_rule("review", backends=("elsewhere",), verdicts=("uncertain",)), a_rule("allow")])
    assert judge_file(examined(), table).action == "review"
    assert judge_file(examined("not-ai"), table).action == "allow"
    assert judge_file(examined("not-ai"), table, verdicts=[FLAG]).sentence == FLAG.message
    record = a_record(a_draft(Verdict(check="x", outcome="allow")))
    assert judge_file(examined(), table, record=record).action == "allow"
    assert judge_file(examined(), table, record=a_record(a_draft(FLAG))).action == "review"


@pytest.mark.parametrize(
    ("status", "action"),
    [("rejected", "block"), ("pending", "review"), ("escalated", "review"), ("approved", "label"), ("not_needed", "review")],
)
def test_what_a_reviewer_decided_on_the_kept_picture_stands(status: str, action: str) -> None:
    record = a_record(a_draft(FLAG), review_status=status)
    ruling = judge_file(examined(), Table(), record=record)
    assert ruling.action == action
    assert ruling.sentence.endswith(".")


def test_the_review_status_goes_with_the_record_and_a_files_own_decision_is_not_believed() -> None:
    assert draft_to_json(a_draft())["review_status"] == "not_needed"
    assert a_record(replace(a_draft(), review_status="pending")).review_status == "pending"
    values = draft_to_json(a_draft())
    del values["review_status"]
    assert record_from_json(values, path=Path("a.png"), sha256="x").review_status == "not_needed"
    claimed = record_from_json({**values, "review_status": "approved"}, path=Path("a.png"), sha256="x")
    assert claimed.review_status == "pending"
    for wrong in ("fine", 1, None, []):
        with pytest.raises(InvalidRequest, match="review status"):
            record_from_json({**values, "review_status": wrong}, path=Path("a.png"), sha256="x")
