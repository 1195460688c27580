"""What the page says of an examined file, and what of its settings a tab can take."""

import csv
import io
from pathlib import Path

import pytest
from fakes import STARTER, TURBO, FakeStudio

from studio.core.evidence import WORDS, Evidence, Examination, Judgement, Reading
from studio.core.publishing import Action, Ruling
from studio.core.score import Score
from studio.engine.long_work import WorkStatus
from studio.ui.desk import Desk
from studio.ui.evidence import ACTIONS, CAUTION, Looked, report, to_csv
from studio.ui.tabs.verify import remember, work_shown
from studio.ui.thumbs import Thumbs
from studio.ui.values import LOCKED, from_reading

EVIL = '<script>alert("x")</script>'


def an_examination(band: str = "uncertain", **values: object) -> Examination:
    row = Evidence(kind="metadata", finding=f"Settings: {EVIL}", strength="weak", side="ai", faked_by="anyone")
    score = Score(detector="x", title=EVIL, revision="1", raw=0.5, probability=0.4, calibration=EVIL)
    known = {
        "name": EVIL, "sha256": "a" * 64, "size_bytes": 1234, "format": "PNG", "width": 3, "height": 2, "evidence": (row,),
        "scores": (score, Score(detector="y", title="Y", revision="", note=EVIL)),
        "judgement": Judgement(band=band, reasons=(EVIL,)), "reading": Reading(dialect=EVIL, prompt=EVIL, text=EVIL, seed=7),
    }  # fmt: skip
    return Examination(**{**known, **values})


@pytest.mark.parametrize("band", WORDS)
def test_each_wording_has_its_look_and_its_caution(band: str) -> None:
    shown = report([Looked(name="a.png", found=an_examination(band))])
    assert f'data-band="{band}"' in shown
    assert WORDS[band][1:] in shown
    assert CAUTION in shown
    assert "<svg" in shown


@pytest.mark.parametrize("action", ACTIONS)
def test_what_the_policy_says_stands_beside_the_verdict_and_in_the_table(action: Action) -> None:
    looked = Looked(name="a.png", found=an_examination(), ruling=Ruling(action, EVIL, "Ask “Rita” & wait."))
    shown = report([looked])
    assert f'<p class="ruling" data-action="{action}"><b>{ACTIONS[action]}</b> Ask “Rita” &amp; wait.' in shown
    assert "<script>" not in shown
    (row,) = csv.DictReader(io.StringIO(to_csv([looked])))
    assert row["policy"] == action


def test_nothing_of_a_file_reaches_the_page_unescaped() -> None:
    looked = Looked(name=EVIL, found=an_examination(), src='/x"onerror="', token="t", tabs=(("inpaint", "Inpaint"),))
    broken = Looked(name=EVIL, problem=EVIL)
    for shown in (report([looked]), report([broken]), report([looked, broken], total=5)):
        assert "<script" not in shown
        assert '"onerror="' not in shown
        assert "&lt;script&gt;" in shown
    assert 'data-choose="settings" data-id="t" data-to="inpaint"' in report([looked])


def test_many_files_are_a_table_that_tells_how_far_it_is() -> None:
    looked = [Looked(name="a.png", found=an_examination()), Looked(name="b.txt", problem="b.txt is no picture.")]
    assert "File 3 of 12" in report(looked, total=12)
    done = report(looked, total=2)
    assert "File 3" not in done
    assert done.count("<tr>") == 3
    assert "b.txt is no picture." in done


def test_the_csv_is_one_line_a_file_and_no_formula() -> None:
    looked = [Looked(name="=cmd()", found=an_examination(name="=cmd()")), Looked(name="b.txt", problem="No picture.")]
    first, second = csv.DictReader(io.StringIO(to_csv(looked)))
    assert first["file"] == "'=cmd()"
    assert (first["verdict"], first["width"], first["sha256"]) == ("uncertain", "3", "a" * 64)
    assert (second["verdict"], second["reasons"]) == ("could not be examined", "No picture.")


def test_settings_of_a_file_fill_the_form_as_far_as_they_are_sound() -> None:
    models = [STARTER, TURBO]
    reading = Reading(dialect="x", prompt="a cat", negative_prompt="dog", model="starter", steps=30, guidance_scale=5.0,
                      sampler=STARTER.samplers[0], seed=9, width=64, height=64)  # fmt: skip
    changed, notes = from_reading(reading, models)
    assert notes == []
    assert changed == {
        "model": "local:starter", "prompt": "a cat", "negative_prompt": "dog", "steps": 30, "guidance_scale": 5.0,
        "sampler": STARTER.samplers[0], "seed": 9, "seed_mode": LOCKED,
        "variation": "",
    }  # fmt: skip
    odd = Reading(dialect="x", prompt="a", model="elsewhere.safetensors", steps=10**6, sampler="k_odd", seed=-3)
    changed, notes = from_reading(odd, models)
    assert set(changed) == {"prompt", "negative_prompt"}
    assert len(notes) == 4
    assert "elsewhere" in notes[0]


def test_only_the_newest_readings_are_remembered() -> None:
    from collections import OrderedDict

    readings: OrderedDict[str, Reading] = OrderedDict()
    for number in range(5):
        remember(readings, str(number), Reading(dialect="x"), most=3)
    assert list(readings) == ["2", "3", "4"]


def test_long_work_is_shown_running_done_and_failed() -> None:
    assert "width:50%" in work_shown(WorkStatus(kind="evaluate", state="running", done=1, total=2, message="1 of 2"))
    assert "The disk" in work_shown(WorkStatus(state="failed", message="The disk is full."))
    assert "<p>x</p>" in work_shown(WorkStatus(kind="evaluate", state="done", answer={"html": "<p>x</p>", "csv": ""}))
    made = {"detector": EVIL, "calibration": "", "problem": "Too few.", "photos": 1, "own": 2, "faults": ["x"]}
    shown = work_shown(WorkStatus(kind="calibrate", state="done", answer=[made]))
    assert "Too few. 1 files were left out." in shown
    assert "<script" not in shown


@pytest.mark.usefixtures("owner_asks")
def test_a_share_copy_lies_where_the_page_can_fetch_it_and_only_the_newest_one(tmp_path: Path) -> None:
    from studio.core.request import ImageRequest

    studio = FakeStudio(tmp_path / "outputs", step_seconds=0.0)

    job = studio.submit(ImageRequest(model="local:starter", prompt="a"))
    for _ in studio.watch(job.id):
        pass
    found = studio.job(job.id)
    assert found is not None
    desk = Desk(studio, Thumbs(tmp_path / "thumbs"))
    for _ in range(2):
        told = desk.share({"id": found.records[0], "format": "webp", "prompt": True})
    (path,) = (tmp_path / "thumbs" / "shares").rglob("*.webp")
    assert told["src"].endswith(path.name)
    assert told["kilobytes"] == -(-path.stat().st_size // 1024)
    assert "Prompt" in told["stays"]
    assert "gone" in desk.share({"id": "none"})["problem"]
    assert "PNG, JPEG or WebP" in desk.share({"id": "x", "format": "exe"})["problem"]
    assert "1 to 100" in desk.share({"id": "x", "quality": 0})["problem"]


def test_facts_of_a_strangers_record_never_break_the_details() -> None:
    from studio.core.request import ImageRequest
    from studio.core.result import Record
    from studio.ui.pictures import About, details

    for odd in (
        None,
        7,
        "x",
        [],
        [3, None, {}],
        {"present": True},
        [{"title": EVIL, "probability": "x", "raw": EVIL, "note": EVIL}],
    ):
        facts = {"detector": odd, "watermark": odd, "used": {}}
        values = {"id": "a", "job": "a", "path": None, "name": "a.png", "sha256": "", "width": 1, "height": 1, "seed": 1}
        request, created = ImageRequest(model="m", prompt="a"), "2026-11-24T10:00:00+00:00"
        record = Record(**values, created=created, request=request, facts=facts)
        assert "<script" not in details(record, About(outputs=Path("/"), models=[]))
