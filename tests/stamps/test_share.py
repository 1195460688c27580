"""Share copies: what is left out is not in the file, the label always is, and the mark and signature go along."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from many_pictures import pictures
from PIL import Image
from stamp_builders import a_draft

from studio.assembly import Marks
from studio.core.errors import InvalidRequest
from studio.core.metadata import draft_to_json, record_from_json
from studio.core.request import ImageToImage, Source
from studio.core.result import Picture, Record
from studio.core.score import Score
from studio.core.sharing import ShareOptions
from studio.engine.scoring import ScoreStamp
from studio.settings import Settings
from studio.stamps.c2pa import C2paStamp, read_manifest
from studio.stamps.reading import read_file
from studio.stamps.share import ShareCopies
from studio.stamps.text import Coding, TextStamp
from studio.stamps.watermark import WatermarkStamp, mark_of, read

PROMPT, NEGATIVE, USER = "a most secret prompt", "no hidden words", "Ann Author"
FORMATS = ("png", "jpeg", "webp")


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Marks:
    return Marks(Settings(data=tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def kept(marks: Marks, tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A stamped file of an edit by a named user, and its record."""
    image = next(image for kind, image in pictures() if kind == "photograph")
    source = Source(sha256="a" * 64, width=512, height=512, name="holiday.jpg")
    typed = {"template": f"{{{PROMPT}|x}}", "negative_template": NEGATIVE, "choices": (PROMPT,), "styles": ("secret style",)}
    request = {"user": USER, "task": ImageToImage(image=source), **typed}
    draft = a_draft(PROMPT, NEGATIVE, picture=Picture(image=image, seed=987654), request=request)
    score = [Score(detector="x", title="X", revision="1", raw=1.0)]
    draft = TextStamp("1")(ScoreStamp(lambda _: score, Coding().as_saved)(WatermarkStamp()(draft)))
    draft = C2paStamp(lambda: marks.identity, "1", lambda _: (_ for _ in ()).throw(InvalidRequest("gone.")))(draft)
    path = tmp_path_factory.mktemp("outputs") / "kept.png"
    path.write_bytes(draft.data or b"")
    return record_from_json(draft_to_json(draft), path=path, sha256="0" * 64)


def copies(marks: Marks) -> ShareCopies:
    return ShareCopies("1", marks._sign)


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_that_was_left_out_is_in_the_copy_and_the_label_is(marks: Marks, kept: Record, format: str) -> None:
    copy = copies(marks)(kept, ShareOptions(format=format))
    for secret in (PROMPT, NEGATIVE, USER, "987654", "holiday", "ab12cd34ef", "secret style"):
        assert secret.encode() not in copy.data
        assert secret.encode("utf-16-be") not in copy.data
    found = read_file(copy.data, copy.name)
    assert found.xmp is not None
    assert found.xmp.digital_source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    assert found.readings == ()
    manifest = read_manifest(copy.data, Path(copy.name).suffix, marks.identity)
    assert manifest is not None
    assert (manifest.state, manifest.ours, manifest.ai, manifest.ingredients) == ("trusted", True, True, 1)
    assert read(Image.open(io.BytesIO(copy.data))).payload == mark_of(kept.id)
    assert len(copy.left_out) == 4


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_let_go_is_in_the_copy(marks: Marks, kept: Record, format: str) -> None:
    copy = copies(marks)(kept, ShareOptions(format=format, prompt=True, settings=True, user=True, parents=True))
    (reading,) = read_file(copy.data, copy.name).readings
    assert (reading.prompt, reading.negative_prompt, reading.seed) == (PROMPT, NEGATIVE, 987654)
    assert USER.encode() in copy.data
    assert b"guidance_scale" in copy.data  # the kept picture's manifest came along
    assert copy.left_out == ()
    words = copies(marks)(kept, ShareOptions(format=format, prompt=True))
    assert PROMPT.encode("utf-16-be" if format != "png" else "utf-8") in words.data
    assert b"987654" not in words.data


def test_a_smaller_copy_still_carries_its_number(marks: Marks, kept: Record) -> None:
    for side in (450, 300, 200):
        copy = copies(marks)(kept, ShareOptions(max_side=side))
        assert max(copy.width, copy.height) == side
        assert read(Image.open(io.BytesIO(copy.data))).payload == mark_of(kept.id)


def test_the_kept_file_stays_as_it_is(marks: Marks, kept: Record) -> None:
    assert kept.path is not None
    before = kept.path.read_bytes()
    copies(marks)(kept, ShareOptions(format="png"))
    assert kept.path.read_bytes() == before


def test_a_file_that_is_gone_is_a_sentence(marks: Marks, kept: Record) -> None:
    with pytest.raises(InvalidRequest, match="is gone"):
        copies(marks)(replace(kept, path=None), ShareOptions())


def test_the_copy_says_what_a_platform_leaves(marks: Marks, kept: Record) -> None:
    assert "watermark usually does" in copies(marks)(kept, ShareOptions()).survives[-1]
    bare = replace(kept, facts={**kept.facts, "watermark": {"present": False}})
    assert "no watermark" in copies(marks)(bare, ShareOptions()).survives[-1]
