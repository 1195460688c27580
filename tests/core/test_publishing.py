"""The publishing table: first match wins, flagged pictures reach a person, and no score alone bans anything."""

from dataclasses import replace
from itertools import product
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from studio import settings as configuration
from studio.core.errors import InvalidRequest
from studio.core.evidence import Band
from studio.core.people import ROLES
from studio.core.publishing import ACTIONS, FLAGGED, NOT_SCREENED, UNRULED, Case, PublishRule, Table, worst_outcome
from studio.core.verdict import OUTCOMES, Verdict
from studio.policies import load_policy

BANDS: tuple[Band, ...] = get_args(Band)
SHIPPED = load_policy(configuration.ROOT / "presets" / "policy.toml").publishing
some = lambda values: st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)  # noqa: E731  a short name for a strategy
RULES = st.builds(
    PublishRule,
    name=st.sampled_from(["one", "two", "three"]),
    action=st.sampled_from(ACTIONS),
    sentence=st.just("Why. Do this."),
    verdicts=some(BANDS),
    checks=some(OUTCOMES),
    backends=some(["local", "openai", "elsewhere"]),
    tasks=some(["inpaint", "text-to-image", "elsewhere"]),
    roles=some(ROLES),
)
CASES = st.builds(
    Case,
    band=st.sampled_from(BANDS),
    checks=st.sampled_from(OUTCOMES),
    backend=st.sampled_from(["local", "openai", "elsewhere"]),
    task=st.sampled_from(["inpaint", "text-to-image", "elsewhere"]),
    role=st.sampled_from(ROLES),
)


def a_rule(name: str, action: str, **conditions: object) -> PublishRule:
    return PublishRule(name=name, action=action, sentence=f"{name}. Do this.", **conditions)


@settings(deadline=None)
@given(st.lists(RULES, max_size=5), CASES)
def test_the_first_rule_that_fits_decides(rules: list[PublishRule], case: Case) -> None:
    try:
        table = Table(rules=rules)
    except InvalidRequest:
        return
    ruling = table.decide(case)
    first = next((rule for rule in rules if rule.fits(case)), None)
    if ruling.rule not in (FLAGGED, NOT_SCREENED):
        assert (ruling.action, ruling.rule) == ((first.action, first.name) if first else (UNRULED.action, ""))
    else:
        assert case.checks in ("flag", "block")
        assert first is None or case.checks not in first.checks


@settings(deadline=None)
@given(st.lists(RULES, max_size=5), CASES)
def test_no_table_that_loads_bans_on_a_score_alone(rules: list[PublishRule], case: Case) -> None:
    try:
        table = Table(rules=rules)
    except InvalidRequest:
        return
    case = replace(case, checks="allow")
    bans = {table.decide(replace(case, band=band)).action == "block" for band in ("ai", "uncertain", "not-ai")}
    assert len(bans) == 1


@pytest.mark.parametrize(
    "rules",
    [
        [a_rule("ban", "block", verdicts=("ai",))],
        [a_rule("ban", "block", verdicts=("ai", "declared"), roles=("creator",), backends=("openai",))],
        [a_rule("ban", "block", verdicts=("uncertain",), checks=("flag", "not_screened"))],
        [a_rule("fine", "allow", verdicts=("not-ai",)), a_rule("ban", "block")],
    ],
)
def test_a_rule_that_blocks_on_a_score_alone_is_refused_with_what_to_do(rules: list[PublishRule]) -> None:
    with pytest.raises(InvalidRequest, match=r"“ban” would block on a detector's score alone.*Send such pictures to review"):
        Table(rules=rules)


def test_blocking_by_a_mark_a_finding_or_a_place_is_a_rule_like_any_other() -> None:
    table = Table(
        rules=[
            a_rule("declared", "block", verdicts=("declared",), backends=("elsewhere",)),
            a_rule("server", "block", backends=("openai",), tasks=("inpaint",)),
            a_rule("both", "block", verdicts=("ai",), checks=("flag",)),
        ]
    )
    assert table.decide(Case(band="declared")).action == "block"
    assert table.decide(Case(backend="openai", task="inpaint")).rule == "server"
    assert table.decide(Case(band="ai", checks="flag")).rule == "both"
    assert table.decide(Case(band="ai", checks="allow")) == UNRULED


def test_a_flag_reaches_a_person_unless_the_rule_is_for_flagged_pictures() -> None:
    flagged = (Verdict(check="x", outcome="flag", message="It looks odd. Look at it."),)
    table = Table(rules=[a_rule("mine", "allow", backends=("local",))])
    ruling = table.decide(Case(backend="local", checks="flag"), flagged)
    assert (ruling.action, ruling.rule, ruling.sentence) == ("review", FLAGGED, "It looks odd. Look at it.")
    trusted = Table(rules=[a_rule("admins", "label", checks=("flag",), roles=("admin",))])
    assert trusted.decide(Case(checks="flag", role="admin"), flagged).action == "label"
    assert trusted.decide(Case(checks="flag", role="creator"), flagged).action == "review"


def test_what_was_not_screened_waits_where_the_policy_says_so() -> None:
    for asked, action in ((False, "label"), (True, "review")):
        assert Table(review_not_screened=asked).decide(Case(checks="not_screened")).action == action
        assert Table(review_not_screened=asked).decide(Case(checks="allow")).action == "label"


def test_a_table_that_could_not_be_read_sends_everything_to_a_person() -> None:
    ruling = Table(fault="policy.toml is wrong. Mend it.").decide(Case(checks="allow"))
    assert (ruling.action, ruling.sentence) == ("review", "policy.toml is wrong. Mend it.")


def test_the_worst_outcome_is_found_and_nothing_is_not_passed() -> None:
    def worst(*outcomes: str) -> str:
        return worst_outcome(Verdict(check="x", outcome=outcome) for outcome in outcomes)

    assert worst() == "not_screened"
    assert worst("allow") == "allow"
    assert worst("allow", "not_screened") == "not_screened"
    assert worst("not_screened", "flag", "allow") == "flag"
    assert worst("flag", "block") == "block"


@pytest.mark.parametrize("case", [Case(*()), Case(backend="local", task="inpaint", checks="allow")])
def test_the_shipped_table_has_a_rule_for_everything_and_blocks_what_was_refused_only(case: Case) -> None:
    for band, outcome, role in product(BANDS, OUTCOMES, ROLES):
        ruling = SHIPPED.decide(replace(case, band=band, checks=outcome, role=role))
        assert ruling.rule
        assert ruling.sentence.endswith(".")
        assert (ruling.action == "block") == (outcome == "block")
        assert outcome != "flag" or ruling.action == "review"


def test_the_shipped_table_labels_what_is_made_here_and_asks_about_uncertain_files() -> None:
    assert SHIPPED.decide(Case(backend="local", task="text-to-image", checks="not_screened")).action == "label"
    actions = {band: SHIPPED.decide(Case(band=band)).action for band in BANDS}
    assert actions == {"declared": "label", "ai": "label", "uncertain": "review", "not-ai": "allow"}
