"""Calibration runs and the detector report, on real files and a detector that can be followed by hand."""

import csv
import io
from pathlib import Path

import pytest
from examining import Brightness, MemoryCalibrations
from PIL import Image

from studio.cli.evaluate import as_text, chosen
from studio.core.errors import Cancelled, InvalidRequest
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.engine.calibrating import calibrate, forecast
from studio.engine.evaluation import Report, evaluate, scores_csv, to_csv
from studio.engine.report import to_html, to_page
from studio.engine.scoring import Scoring


def shades(folder: Path, first: int, count: int) -> list[Path]:
    """Grey pictures, no two alike in their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(count):
        image = Image.new("RGB", (16 + number % 9, 16 + number // 9), (first + number % 40,) * 3)
        made.append(folder / f"{number:03d}.png")
        image.save(made[-1])
    return made


def a_scoring() -> Scoring:
    return Scoring(detectors=(Brightness(), Brightness("other", opt_in=True)), calibrations=MemoryCalibrations())


def records(paths: list[Path], model: str = "local:x") -> list[Record]:
    request = ImageRequest(model=model, prompt="a")
    return [
        Record(id=f"a-{number}", job="a", path=path, name=path.name, sha256="", width=16, height=16, seed=1,
               created="2026-11-24T10:00:00+00:00", request=request)
        for number, path in enumerate(paths)
    ]  # fmt: skip


def never(_: bytes) -> bool:
    return False


def silent(done: int, total: int, message: str) -> None: ...


def test_a_calibration_run_makes_verdicts_possible(tmp_path: Path) -> None:
    shades(tmp_path / "photos", 10, 230)
    own, scoring, told = shades(tmp_path / "own", 200, 60), a_scoring(), []
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"no picture")
    (made,) = calibrate(scoring, tmp_path / "photos", own, ["brightness"], lambda *news: told.append(news), is_ours=never)
    assert (made.photos, made.own, made.problem) == (230, 60, "")
    assert "broken.jpg" in made.faults[0]
    assert told[-1][1] == 291
    known = scoring.calibrations.find("brightness", "1")
    assert known is not None
    assert "230 of your photos against 60 pictures" in known.about
    assert scoring.score(Image.new("RGB", (8, 8), (220,) * 3))[0].verdict == "ai"


def test_pictures_of_ours_and_second_copies_are_no_photos(tmp_path: Path) -> None:
    paths = shades(tmp_path / "photos", 10, 230)
    (tmp_path / "photos" / "copy.png").write_bytes(paths[0].read_bytes())
    own, scoring = shades(tmp_path / "own", 200, 60), a_scoring()
    (made,) = calibrate(
        scoring, tmp_path / "photos", own, ["brightness"], silent, is_ours=lambda data: data == paths[5].read_bytes()
    )
    assert made.photos == 229
    assert "made by a studio" in made.faults[0]


def test_too_few_pictures_are_refused_before_any_scoring(tmp_path: Path) -> None:
    own, scored = shades(tmp_path / "own", 200, 60), []
    shades(tmp_path / "few", 10, 199)
    shades(tmp_path / "enough", 10, 200)

    def tell(*news: object) -> None:
        scored.append(news)

    with pytest.raises(InvalidRequest, match="holds 199 photos"):
        calibrate(a_scoring(), tmp_path / "few", own, ["brightness"], tell, is_ours=never)
    with pytest.raises(InvalidRequest, match="library holds 20"):
        calibrate(a_scoring(), tmp_path / "enough", own[:20], ["brightness"], tell, is_ours=never)
    with pytest.raises(InvalidRequest, match="not a folder"):
        calibrate(a_scoring(), tmp_path / "none", own, ["brightness"], tell, is_ours=never)
    assert scored == []


def test_a_stop_half_way_leaves_the_old_calibration(tmp_path: Path) -> None:
    shades(tmp_path / "photos", 10, 210)
    own, scoring = shades(tmp_path / "own", 200, 60), a_scoring()
    calibrate(scoring, tmp_path / "photos", own, ["brightness"], silent, is_ours=never)
    before = scoring.calibrations.find("brightness", "1")
    with pytest.raises(Cancelled):
        calibrate(scoring, tmp_path / "photos", own, ["brightness"], silent, is_ours=never, stop=lambda: True)
    assert scoring.calibrations.find("brightness", "1") == before
    assert forecast(scoring, ["brightness"], 100) == pytest.approx(192)


def a_report(tmp_path: Path, photos: bool = True) -> Report:
    kept = records(shades(tmp_path / "own", 200, 40)) + records(shades(tmp_path / "evil", 90, 5), "far:<script>x")
    shades(tmp_path / "photos", 10, 60)
    folder = tmp_path / "photos" if photos else None
    return evaluate(a_scoring(), kept, folder, ["brightness"], silent, is_ours=never)


def test_the_report_tells_models_and_treatments_apart(tmp_path: Path) -> None:
    report = a_report(tmp_path)
    lines = {(line.model, line.treatment): line for line in report.lines}
    assert sorted(lines) == sorted((m, t) for m in ("x", "<script>x") for t in ("as kept", "JPEG 75", "half size"))
    assert (lines["x", "as kept"].auc, lines["x", "as kept"].tpr, lines["x", "as kept"].pictures) == (1.0, 1.0, 40)
    assert sum(lines["x", "as kept"].raw) == 40
    assert sum(lines["x", "as kept"].photos_raw) == 60
    assert (report.pictures, report.photos) == (45, 60)


def test_without_photos_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    report = a_report(tmp_path, photos=False)
    assert {line.auc for line in report.lines} == {None}
    assert "no AUC" in to_html(report)
    with pytest.raises(InvalidRequest, match="no pictures yet"):
        evaluate(a_scoring(), [], None, ["brightness"], silent, is_ours=never)
    with pytest.raises(InvalidRequest, match="No detector"):
        evaluate(a_scoring(), records(shades(tmp_path / "own", 1, 1)), None, [], silent, is_ours=never)


def test_the_report_is_escaped_and_its_tables_are_read_again(tmp_path: Path) -> None:
    report = a_report(tmp_path)
    assert "<script" not in to_html(report)
    assert "&lt;script&gt;x" in to_page(report)
    rows = list(csv.DictReader(io.StringIO(to_csv(report))))
    assert len(rows) == 6
    assert {row["auc"] for row in rows if row["model"] == "x"} == {"1.0"}
    assert len(list(csv.DictReader(io.StringIO(scores_csv(report))))) == (45 + 60) * 3
    assert "brightness" in as_text(report)


def test_detectors_are_chosen_by_name() -> None:
    assert chosen(None, a_scoring()) == ("brightness",)
    assert chosen("other, brightness", a_scoring()) == ("other", "brightness")
    with pytest.raises(InvalidRequest, match="no detector nonsense"):
        chosen("nonsense", a_scoring())
