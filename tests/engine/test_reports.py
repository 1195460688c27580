"""The report for a board: everything in one file, whatever a prompt holds."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.core.people import Person
from studio.core.request import ImageRequest, Size
from studio.core.result import Record
from studio.engine.reports import MOST, Reports

MODEL = Model(id="local:starter", title="Starter", backend="local", default_size=Size(128, 128))
REPORTS = Reports(lambda: [MODEL])
HOSTILE = (
    '<script>alert(1)</script> & "quoted" </p><img src=x onerror=y> ' + "日本語 你好 한국어 Größe żółć 😀 \x00 \ud800 {x}"
)


def a_record(folder: Path, number: int = 0, *, prompt: str = "a sail", **values: object) -> Record:
    path = folder / f"{number}.png"
    Image.new("RGBA", (64 + number, 48), (200, 90, 40, 200)).save(path)
    request = ImageRequest(model="local:starter", prompt=prompt, negative_prompt=prompt, preset="sail", preset_version=2)
    known = {
        "id": f"r{number}", "job": "j", "path": path, "name": path.name, "sha256": "5f" * 32, "width": 64 + number,
        "height": 48, "seed": number, "created": "2026-11-26T10:00:00+00:00",
        "request": request, "stamps": ("watermark", "xmp", "c2pa"), "facts": {"watermark": {"present": True}},
    }  # fmt: skip
    return Record(**{**known, **values})  # type: ignore[arg-type]


def pages(data: bytes) -> int:
    return max(int(count) for count in re.findall(rb"/Count (\d+)", data))


class Words(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_holds_pictures_prompts_marks_review_and_costs(tmp_path: Path) -> None:
    paid = {"hosted": {"provider": "fal", "cost": {"value": 0.03}}, "watermark": {"present": False}}
    scored = [{"title": "Starter", "probability": 0.93, "verdict": "ai"}]
    records = [
        a_record(tmp_path, 1, review_status="approved", facts={"detector": scored, "watermark": {"present": True}}),
        a_record(tmp_path, 2, review_status="pending", facts=paid, stamps=()),
    ]
    told = Words(REPORTS.make(records, "Board", "html").decode())
    assert told.tags.count("img") == 4  # each small on the sheet and large beside its words
    for words in (
        "Board", "a sail", "Starter (2)", "1 approved, 1 waits for review", "$0.03 for 1 of 1 hosted pictures",
        "signed (C2PA Content Credentials)", "no invisible watermark", "no AI label", "sail, version 2",
        "93% likely AI; likely AI-generated (a signal, never proof)", "a signal, never proof.",
    ):  # fmt: skip
        assert words in told.text


def test_hostile_words_stay_words_in_both_formats(tmp_path: Path) -> None:
    record = a_record(tmp_path, prompt=HOSTILE)
    page = REPORTS.make([record], HOSTILE, "html").decode()
    told = Words(page)
    assert "script" not in told.tags
    assert told.tags.count("img") == 1
    assert "<script>alert(1)</script>" in told.text
    assert "default-src 'none'" in page
    assert pages(REPORTS.make([record], HOSTILE, "pdf")) == 1


@pytest.mark.parametrize("prompt", ["w " * 9000, "國" * 9000, "x" * 9000, "line\n" * 900, ""])
def test_a_prompt_of_any_length_fits_on_its_page(tmp_path: Path, prompt: str) -> None:
    scores = [{"title": "Detector " * 9, "raw": 0.5, "note": "n" * 400}] * 6
    facts = {"detector": scores, "hosted": {"provider": "p" * 300}}
    data = REPORTS.make([a_record(tmp_path, prompt=prompt, facts=facts, name="n" * 250)] * 3, "Long", "pdf")
    assert data.startswith(b"%PDF-")
    assert pages(data) <= 4


def test_a_picture_that_is_gone_or_broken_keeps_its_place(tmp_path: Path) -> None:
    broken = a_record(tmp_path, 1)
    (tmp_path / "1.png").write_bytes(b"no picture")
    records = [a_record(tmp_path, 2, path=None), broken]
    assert Words(REPORTS.make(records, "Gone", "html").decode()).text.count("the file is gone") == 4
    assert pages(REPORTS.make(records, "Gone", "pdf")) == 2


def test_facts_of_a_stranger_do_no_harm(tmp_path: Path) -> None:
    facts = {"hosted": "x", "used": [1], "watermark": 7, "detector": [3, {"verdict": []}], "cost": None}
    records = [a_record(tmp_path, facts=facts, created="yesterday")]
    assert b"yesterday" in REPORTS.make(records, "Strange", "html")


def test_what_waits_for_review_is_only_in_a_reviewers_report(tmp_path: Path) -> None:
    records = [a_record(tmp_path, 1, prompt="a sail"), a_record(tmp_path, 2, prompt="a hull", review_status="pending")]
    reports = Reports(lambda: [])
    told = {role: reports.make(records, "Boats", "html", Person("anna", role)).decode() for role in ("creator", "reviewer")}
    assert ["a hull" in told[role] for role in ("creator", "reviewer")] == [False, True]
    with pytest.raises(InvalidRequest, match="no pictures"):
        reports.make(records[1:], "Boats", "html", Person("carl", "creator"))


def test_what_cannot_be_reported_is_a_sentence(tmp_path: Path) -> None:
    record = a_record(tmp_path)
    for records, format, said in (
        ([], "pdf", "no pictures"),
        ([record] * (MOST + 1), "pdf", "at most"),
        ([record], "doc", "HTML or a PDF"),
    ):
        with pytest.raises(InvalidRequest, match=said):
            REPORTS.make(records, "T", format)  # type: ignore[arg-type]
