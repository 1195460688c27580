"""HTML of the review bench and the report: everything told, everything escaped."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_reviews import FLAGGED, WORDS
from fakes import FakeStudio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.core.review import ReviewEntry
from studio.core.statistics import DayReport
from studio.core.verdict import Verdict
from studio.ui import plots
from studio.ui.report import report
from studio.ui.reviewing import bench, hides, queue
from studio.ui.screened import PAGE, filters, find
from studio.ui.thumbs import Thumbs

HOSTILE = '<img src=x onerror=alert(1)> "q" & more'


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A picture on the disk, flagged for its words and for itself."""
    path = tmp_path / "lamp.png"
    Image.new("RGB", (64, 64), "red").save(path)
    request = ImageRequest(model="starter", prompt="a lamp")
    return Record(id="r1", job="j1", created="2026-11-26T09:00:00Z", path=path, name="lamp.png", sha256="0" * 64, width=64,
                  height=64, seed=3, request=request,
                  verdicts=(WORDS, FLAGGED), review_status="pending")  # fmt: skip


def test_each_reason_stands_with_its_check_score_and_version(record: Record) -> None:
    html = bench(record, (), [])
    assert "The picture may show nudity." in html
    assert "the picture: flagged · picture.nudity, score 0.82, falconsai 1" in html
    assert "the words: flagged · prompt.gore, rules 3f2a" in html


def test_what_was_refused_or_flagged_is_found_by_reason_and_state_page_by_page(tmp_path: Path) -> None:
    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)
    for place in range(PAGE + 2):
        job = studio.submit(ImageRequest(model="local:starter", prompt=f"flag {HOSTILE} {place}"))
        for _ in studio.watch(job.id):
            pass
    first = find(studio, {"reason": "prompt.gore", "state": "flag"})
    assert (first["html"].count("<tr>"), "<img" in first["html"]) == (PAGE, False)
    rest = find(studio, {"reason": "prompt.gore", "state": "flag", "before": first["more"]})
    assert (rest["html"].count("<tr>"), rest["more"]) == (2, "")
    assert "Nothing is like that." in find(studio, {"state": "rejected"})["html"]
    assert "waits for a review" in find(studio, {"state": "pending"})["html"]
    assert '<option value="prompt.gore">prompt.gore (3)</option>' in filters({"prompt.gore": 3})
    studio.close()


def test_what_could_not_be_screened_is_never_called_passed(record: Record) -> None:
    missing = Verdict(check="nsfw", outcome="not_screened", message="No classifier is installed.", stage="output")
    html = bench(replace(record, verdicts=(missing,)), (), [])
    assert "the picture: not screened" in html
    assert "<dt>Passed</dt>" not in html


def test_words_alone_do_not_cover_a_picture(record: Record) -> None:
    assert hides(record)
    assert not hides(replace(record, verdicts=(WORDS,)))


def test_every_text_of_a_user_or_a_model_is_escaped(record: Record, tmp_path: Path) -> None:
    request = replace(record.request, prompt=HOSTILE, negative_prompt=HOSTILE, user=HOSTILE, model=HOSTILE)
    verdict = Verdict(check=HOSTILE, outcome="flag", reason_code=HOSTILE, message=HOSTILE, version=HOSTILE)
    entry = ReviewEntry(
        seq=1, record=record.id, status="escalated", before="pending", reviewer=HOSTILE, note=HOSTILE, time=time.time()
    )
    ruling = {"action": "review", "sentence": HOSTILE, "rule": HOSTILE}
    hostile = replace(record, request=request, verdicts=(verdict,), facts={"publishing": ruling})
    for html in (bench(hostile, (), [entry]), queue([hostile], Thumbs(tmp_path))):
        assert "<img src=x" not in html
        assert '"q"' not in html
        assert "&lt;img src=x" in html


def test_the_publishing_rule_is_among_the_reasons(record: Record) -> None:
    ruled = replace(
        record, verdicts=(), facts={"publishing": {"action": "review", "sentence": "A person decides.", "rule": "3"}}
    )
    assert "A person decides.<small>publishing rule: 3</small>" in bench(ruled, (), [])


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=3, max_size=3), min_size=1, max_size=20))
def test_the_bars_of_a_column_share_one_scale_and_never_exceed_it(numbers: list[list[int]]) -> None:
    series = [(f"s{place}", "good", [each[place] for each in numbers]) for place in range(3)]
    html = plots.stacked([f"c{place}" for place in range(len(numbers))], series, "Title")
    columns = re.findall(r"<li title=.*?</li>", html)
    assert len(columns) == len(numbers)
    top = int(re.findall(r"<span>(\d+)</span>", html)[0])
    assert top >= max(map(sum, numbers))
    for column, values in zip(columns, numbers, strict=True):
        heights = [float(height) for height in re.findall(r"height:([\d.]+)%", column)]
        assert heights == [pytest.approx(value / top * 100, abs=0.01) for value in values if value]


def test_small_bars_are_gathered_in_one() -> None:
    html = plots.ranked({f"p{n:02}": 100 - n for n in range(15)}, "Providers", most=10)
    assert html.count("<li>") == 10
    assert "all others</span>" in html
    assert f"<em>{sum(100 - n for n in range(9, 15))}</em>" in html


def test_a_report_of_nothing_says_so() -> None:
    html = report([DayReport(day="2026-11-26")])
    assert "Nothing has happened yet." in html
    assert "<b>0</b><span>made today</span>" in html


def test_a_report_counts_over_all_days() -> None:
    days = [DayReport(day="2026-11-25", generated=2, by_provider={"local": 2}),
            DayReport(day="2026-11-26", generated=3, flagged=1, blocked_by_policy=4, by_provider={"local": 1, "bfl": 2},
                      by_reason={"prompt.gore": 4})]  # fmt: skip
    html = report(days)
    assert "<b>4</b><span>refused today</span>" in html
    assert re.search(r"<span>local</span>.*?<em>3</em>", html)
    assert 'title="26 Nov: 2 passed without a flag, 1 flagged, 4 blocked by policy"' in html
