"""The publishing policy at work: on pictures that are being kept, and on files that somebody examines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace

from studio.core.errors import Blocked
from studio.core.evidence import Examination
from studio.core.job import backend_of
from studio.core.judgement import judge
from studio.core.people import Role
from studio.core.publishing import Case, Ruling, Table, worst_outcome
from studio.core.result import Draft, Record
from studio.core.score import Score
from studio.core.verdict import Verdict

Tables = Callable[[], Table | None]
"""Asked for anew each time; None while the policy is switched off."""
REVIEWED = "reviewed"


def no_table() -> None:
    """For a studio without a publishing policy."""


class PublishingStamp:
    """`studio.core.ports.Stamp`: adds what may be done with the picture to its facts, and whether a person has to look.

    It comes behind the scores and before the texts, so that both are in the file. No mark of its own.
    """

    name = "publishing"

    def __init__(self, table: Tables) -> None:
        self._table = table

    def __call__(self, draft: Draft) -> Draft:
        """Raises `Blocked` where the table says so."""
        table = self._table()
        if table is None:
            return draft
        ruling = table.decide(_case(draft), draft.verdicts)
        if ruling.action == "block":
            verdict = Verdict(check=self.name, outcome="block", reason_code=f"publishing.{ruling.rule}",
                              message=ruling.sentence, version=table.version, stage="output")  # fmt: skip
            raise Blocked(verdict, (*draft.verdicts, verdict))
        status = "pending" if ruling.action == "review" else draft.review_status
        return replace(draft, facts={**draft.facts, self.name: asdict(ruling)}, review_status=status)


def judge_file(
    examination: Examination,
    table: Table,
    *,
    role: Role = "creator",
    record: Record | None = None,
    verdicts: Sequence[Verdict] = (),
) -> Ruling:
    """What may be done with an examined file, by the same table. `record` is the library's where it is the kept picture;
    `verdicts` are those of checks that looked at the file itself. Without either nothing was screened. What a reviewer
    decided on the kept picture stands.
    """
    found = (*(record.verdicts if record else ()), *verdicts)
    case = Case(band=examination.judgement.band, checks=worst_outcome(found), role=role)
    if record is not None:
        case = replace(case, backend=backend_of(record.request.model), task=record.request.task.kind)
    ruling = table.decide(case, found)
    return _reviewed(record, ruling) if record else ruling


def _reviewed(record: Record, ruling: Ruling) -> Ruling:
    match record.review_status:
        case "rejected":
            return Ruling("block", REVIEWED, "A reviewer rejected this picture. Do not publish it.")
        case "pending" | "escalated":
            return Ruling("review", REVIEWED, "This picture waits for a reviewer. Do not publish it before that.")
        case "approved" if ruling.action == "review":
            return Ruling("label", REVIEWED, "A reviewer approved this picture. Say that it is made with AI.")
        case _:
            return ruling


def _case(draft: Draft) -> Case:
    scores = [Score(**score) for score in draft.facts.get("detector", ())]
    return Case(
        band=judge((), scores).band,
        checks=worst_outcome(draft.verdicts),
        backend=backend_of(draft.request.model),
        task=draft.request.task.kind,
        role=draft.role,
    )
