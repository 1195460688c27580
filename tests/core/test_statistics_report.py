from datetime import date

from studio.core.statistics import COUNTED, DayReport, Tally, day_reports


def a_tally(day: str, counted: str, count: int, provider: str = "local", reason: str = "") -> Tally:
    return Tally(day=day, counted=counted, provider=provider, reason_code=reason, count=count)  # type: ignore[arg-type]


def test_every_day_is_there_in_order_and_others_are_left_out() -> None:
    reports = day_reports([a_tally("2026-02-27", "generated", 9)], date(2026, 3, 2), 3)
    assert reports == [DayReport(day="2026-02-28"), DayReport(day="2026-03-01"), DayReport(day="2026-03-02")]


def test_a_days_counts_are_added_by_provider_and_reason() -> None:
    tallies = [
        a_tally("2026-03-02", "generated", 5),
        a_tally("2026-03-02", "generated", 2, "bfl"),
        a_tally("2026-03-02", "flagged", 3, "bfl", "output.nsfw"),
        a_tally("2026-03-02", "blocked_by_policy", 4, reason="output.nsfw"),
        a_tally("2026-03-02", "blocked_by_provider", 1),
        a_tally("2026-03-02", "approved", 2, "bfl", "output.nsfw"),
    ]
    assert day_reports(tallies, date(2026, 3, 2), 1) == [
        DayReport(day="2026-03-02", generated=7, flagged=3, blocked_by_policy=4, blocked_by_provider=1, approved=2,
                  by_provider={"local": 5, "bfl": 2}, by_reason={"output.nsfw": 7, "unknown": 1})
    ]  # fmt: skip


def test_all_that_is_counted_has_its_place_in_a_report() -> None:
    reports = day_reports([a_tally("2026-03-02", counted, 1) for counted in COUNTED], date(2026, 3, 2), 1)
    assert [getattr(reports[0], counted) for counted in COUNTED] == [1] * len(COUNTED)
