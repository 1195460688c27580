"""Files of strangers: every witness is heard, the library is asked, and one wording is found."""

import io
from dataclasses import asdict
from pathlib import Path

import pytest
from examining import Brightness, MemoryCalibrations, verifying
from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from studio.core.calibration import fit
from studio.core.errors import InvalidRequest, StampFailed, Unavailable
from studio.core.fingerprint import fingerprint
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture, Record
from studio.core.score import Score
from studio.engine.scoring import ScoreStamp, Scoring
from studio.library import Library, open_library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return open_library(tmp_path / "data", tmp_path / "outputs")


def a_picture(seed: int = 0, size: tuple[int, int] = (96, 64)) -> Image.Image:
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    pen = ImageDraw.Draw(image)
    pen.ellipse((8 + 5 * seed, 8, 50 + 5 * seed, 44), fill=(200, 40 * seed, 30))
    return image


def as_file(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def keep(library: Library, image: Image.Image, data: bytes, id: str = "job1-0") -> Record:
    draft = Draft(id=id, job=id.partition("-")[0], picture=Picture(image=image, seed=1), data=data,
                  request=ImageRequest(model="local:x", prompt="a"), created="2026-11-24T10:00:00+00:00",
                  facts={"fingerprint": asdict(fingerprint(image)),
                         "watermark": {"present": True, "payload": "0123456789ab"}})  # fmt: skip
    library.keeper.hold([draft])
    (record,) = library.keeper.keep(draft.job)
    return record


def test_the_kept_file_its_pixels_and_its_looks_lead_back_to_the_record(library: Library, tmp_path: Path) -> None:
    image = a_picture()
    data = as_file(image)
    record = keep(library, image, data)
    keep(library, a_picture(3), as_file(a_picture(3)), "job2-0")
    look = verifying(library.records, tmp_path)
    exact = look.examine(data, "a.png", None)
    assert (exact.record, exact.judgement.band) == (record.id, "declared")
    stripped = look.examine(as_file(image, "PNG", compress_level=1), "b.png", None)
    assert (stripped.record, stripped.judgement.band) == (record.id, "declared")
    resized = look.examine(as_file(image.resize((300, 200)), "JPEG", quality=60), "c.jpg", None)
    assert (resized.record, resized.evidence[0].strength) == (record.id, "weak")
    other = look.examine(as_file(a_picture(9)), "d.png", None)
    assert (other.record, other.judgement.band) == ("", "uncertain")


def test_a_record_outlives_its_file_in_the_search(library: Library, tmp_path: Path) -> None:
    image = a_picture()
    record = keep(library, image, as_file(image))
    assert record.path is not None
    record.path.unlink()
    assert verifying(library.records, tmp_path).examine(as_file(image), "a.png", None).record == record.id
    assert library.records.with_mark("0123456789ab") == record.id
    assert library.records.with_mark("") == library.records.with_pixels("") == ""


def test_witnesses_and_readings_are_heard(library: Library, tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("word", "red")
    found = verifying(library.records, tmp_path).examine(as_file(a_picture(), pnginfo=texts), "a.png", None)
    assert [row.finding for row in found.evidence] == ["It says red."]
    assert found.judgement.band == "ai"
    assert found.reading is not None
    assert found.reading.prompt == "red"


def test_what_is_no_picture_is_a_sentence_and_a_damaged_one_is_examined_as_far_as_it_goes(
    library: Library, tmp_path: Path
) -> None:
    look = verifying(library.records, tmp_path)
    for data in (b"", b"hello", b"%PDF-1.4"):
        with pytest.raises(InvalidRequest, match="not a picture"):
            look.examine(data, "a.txt", None)
    cut = as_file(a_picture())[:-60]
    found = look.examine(cut, "a.png", None)
    assert (found.width, found.format) == (0, "PNG")


def test_scores_come_from_where_the_detectors_run_and_a_silent_engine_is_a_note(library: Library, tmp_path: Path) -> None:
    asked = []

    def engine(question: str, patience: float, **values: object) -> object:
        asked.append((question, values["detectors"], Path(str(values["path"])).read_bytes()))
        return [asdict(Score(detector="x", title="X", revision="1", raw=1.0))]

    def silent(question: str, patience: float, **values: object) -> object:
        raise Unavailable("The engine is not running.")

    look, data = verifying(library.records, tmp_path), as_file(a_picture())
    assert look.examine(data, "a.png", engine, ("x",)).scores[0].raw == 1.0
    assert asked == [("score", ("x",), data)]
    assert list((tmp_path / "examine").iterdir()) == []
    (score,) = look.examine(data, "a.png", silent).scores
    assert (score.raw, score.note) == (None, "The engine is not running.")
    assert look.examine(data, "a.png", silent, ()).scores == ()
    assert look.detectors(silent) == look.detectors(None) == []


def test_only_ready_local_cheap_detectors_run_by_default() -> None:
    detectors = (
        Brightness("own"),
        Brightness("far", hosted=True),
        Brightness("dear", opt_in=True),
        Brightness("no", missing="Gone."),
    )
    scoring = Scoring(detectors=detectors, calibrations=MemoryCalibrations(), enabled=("dear", "no"))
    assert scoring.by_default() == ("own", "dear")
    scores = {score.detector: score for score in scoring.score(a_picture(), ["far", "no"])}
    assert scores["far"].raw is not None
    assert (scores["no"].raw, scores["no"].note) == (None, "Gone.")
    statuses = {status.name: status for status in scoring.statuses()}
    assert (statuses["own"].by_default, statuses["far"].hosted, statuses["no"].missing) == (True, True, "Gone.")


def test_a_calibration_gives_verdicts_and_a_failing_detector_a_note() -> None:
    calibrations = MemoryCalibrations()
    scoring = Scoring(detectors=(Brightness(),), calibrations=calibrations)
    white = Image.new("RGB", (8, 8), "white")
    assert scoring.score(white)[0].verdict == "uncertain"
    known = [float(value % 60) for value in range(300)]
    calibrations.save(fit(known, [value + 190 for value in known], detector="brightness", revision="1"))
    assert scoring.score(white)[0].verdict == "ai"
    assert scoring.score(Image.new("RGB", (8, 8)))[0].verdict == "not-ai"
    assert scoring.score(Image.new("RGB", (1, 1)))[0].note == "One pixel is no picture. Take more."


def test_the_stamp_scores_the_pixels_that_are_saved_and_refuses_to_go_without_a_score() -> None:
    seen: list[Image.Image] = []

    def dark(image: Image.Image) -> Image.Image:
        return image.point(lambda level: level // 2)

    def score(image: Image.Image) -> list[Score]:
        seen.append(image)
        return [Score(detector="x", title="X", revision="1", raw=1.5, note="not calibrated")]

    image = a_picture()
    draft = Draft(
        id="a-0", job="a", picture=Picture(image=image, seed=1), request=ImageRequest(model="m", prompt=""), created=""
    )
    stamped = ScoreStamp(score, dark)(draft)
    assert seen[0].tobytes() == dark(image).tobytes()
    assert stamped.facts["detector"][0]["raw"] == 1.5
    assert stamped.facts["fingerprint"] == asdict(fingerprint(dark(image)))
    assert (stamped.stamps, stamped.picture.image) == (("detector",), image)
    with pytest.raises(StampFailed, match="No local detector"):
        ScoreStamp(lambda _: [Score(detector="x", title="X", revision="", note="Gone.")], dark)(draft)
