"""The library through the engine: who may do what, what comes in, what goes out, and the trash."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from overseen import ANN, OWNER, RITA, Place
from PIL import Image, PngImagePlugin

from studio.core.errors import Blocked, Cancelled, InvalidRequest, NotAllowed
from studio.core.evidence import Reading
from studio.core.gallery import Wanted
from studio.core.metadata import record_from_json, to_plain
from studio.core.people import Person
from studio.core.request import ImageRequest, ImageToImage, Size, Source, request_to_json
from studio.core.verdict import Verdict
from studio.engine.importing import Importing, _request
from studio.engine.shelf import Shelf

BOB = Person("bob", "creator", in_files=False)
FLAG = Verdict(check="nsfw", outcome="flag", reason_code="picture.nudity", stage="source")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    place.library.close()


def a_file(colour: str = "teal", *, format: str = "PNG", text: str = "") -> bytes:
    file, info = io.BytesIO(), PngImagePlugin.PngInfo()
    if text:
        info.add_text("note", text)
    Image.new("RGB", (64, 48), colour).save(file, format, **({"pnginfo": info} if format == "PNG" else {}))
    return file.getvalue()


def importing(place: Place, *verdicts: Verdict) -> Importing:
    library = place.library
    parts: dict[str, Any] = dict.fromkeys(("jobs", "drafts", "sources", "receipts"))
    shelf = Shelf(records=library.records, keeper=library.keeper, outputs=library.outputs, trash=library.trash, **parts)
    return Importing(place.studio, shelf, lambda _data, _role: verdicts)


def test_a_picture_from_elsewhere_is_kept_byte_for_byte_and_marked(place: Place) -> None:
    data = a_file(text="red")
    found = place.studio.gallery.bring_in(data, "C:\\Users\\ann\\holiday.png", ANN)
    assert found.is_new
    record = found.record
    assert record.path
    assert record.path.read_bytes() == data
    assert record.path.is_relative_to(place.library.outputs)
    assert record.sha256 == hashlib.sha256(data).hexdigest()
    assert record.facts["imported"]["file"] == "holiday.png"
    assert record.facts["imported"]["software"] == "red"
    assert (record.request.prompt, record.request.user, record.request.model) == ("red", "ann", "imported:red")
    assert (record.width, record.height, record.stamps) == (64, 48, ())
    assert place.studio.gallery.ids(Wanted(imported=True)) == [record.id]
    assert place.studio.gallery.ids(Wanted(provider="imported", words="red")) == [record.id]
    assert ("picture.imported", "ann", record.id) in place.told()
    assert "holiday" not in place.whole_log()
    assert place.studio.examine(data, "x.png").record == record.id


def test_the_same_file_twice_is_one_record_and_one_in_the_trash_comes_back(place: Place) -> None:
    gallery, data = place.studio.gallery, a_file()
    first = gallery.bring_in(data, "a.png", ANN).record
    assert gallery.bring_in(data, "b.png", ANN) == (again := gallery.bring_in(data, "b.png", ANN))
    assert (again.record.id, again.is_new) == (first.id, False)
    gallery.delete([first.id], ANN)
    assert gallery.bring_in(data, "a.png", ANN).record.state == "kept"
    gallery.delete([first.id], ANN)
    assert gallery.empty_trash(OWNER) == 1
    third = gallery.bring_in(data, "a.png", ANN)
    assert third.is_new
    assert third.record.id != first.id
    assert third.record.path
    assert third.record.path.read_bytes() == data
    assert gallery.ids(Wanted()) == [third.record.id]


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "GIF"])
def test_other_formats_stay_what_they_are(place: Place, format: str) -> None:
    data = a_file(format=format)
    record = place.studio.gallery.bring_in(data, "x", ANN).record
    assert record.path
    assert record.path.read_bytes() == data
    assert record.path.suffix in (".jpg", ".webp", ".gif")


def test_what_is_no_picture_or_no_browser_shows_is_refused_and_leaves_nothing(place: Place) -> None:
    for data, words in (
        (b"no picture at all", "not a picture"),
        (a_file(format="TIFF"), "TIFF"),
        (a_file()[:80], "damaged"),
    ):
        with pytest.raises(InvalidRequest, match=words):
            place.studio.gallery.bring_in(data, "x.png", ANN)
    assert list(place.library.outputs.rglob("*.*")) == []
    assert place.library.keeper.held() == []


def test_the_policy_looks_at_what_comes_in(place: Place) -> None:
    with pytest.raises(Blocked):
        importing(place, replace(FLAG, outcome="block", message="Not this file.")).bring_in(a_file("red"), "x.png", ANN)
    assert list(place.library.outputs.rglob("*.png")) == []
    record = importing(place, FLAG).bring_in(a_file("red"), "x.png", ANN).record
    assert record.review_status == "pending"
    assert record.verdicts == (FLAG,)
    assert [each.id for each in place.library.reviews.waiting()] == [record.id]
    unseen = importing(place, replace(FLAG, outcome="not_screened")).bring_in(a_file("blue"), "y.png", ANN)
    assert unseen.record.review_status == "not_needed"


ANY = st.one_of(st.none(), st.integers(-(10**20), 10**20))


@given(
    reading=st.builds(
        Reading, dialect=st.text(max_size=300), prompt=st.text(), negative_prompt=st.text(), model=st.text(max_size=400),
        steps=ANY, seed=ANY, guidance_scale=st.one_of(st.none(), st.floats()), sampler=st.text(max_size=300),
    )
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_whatever_a_files_metadata_claims_makes_a_sound_record(reading: Reading) -> None:
    request = _request(reading, Size(64, 48), ANN)
    values = {"record": "a", "job": "b", "width": 1, "height": 1, "seed": request.sampling.seed or 0, "notes": [],
              "stamps": [], "created": "2026-01-01T00:00:00+00:00", "used": {}, "facts": {}, "verdicts": [],
              "request": to_plain(request_to_json(request))}  # fmt: skip
    record = record_from_json(values, path=Path("x.png"), sha256="0" * 64)
    assert record.request.model.startswith("imported:")
    assert len(record.request.model) <= 220


def test_an_export_has_the_files_and_all_that_is_known_of_them(place: Place, tmp_path: Path) -> None:
    gallery = place.studio.gallery
    made = place.picture("a house")
    other = gallery.bring_in(a_file(), made.name, BOB).record
    gone = gallery.bring_in(a_file("red"), "gone.png", ANN).record
    assert gone.path
    gone.path.unlink()
    gallery.rate([made.id], 4, ANN)
    gallery.tag([made.id], "sea", ANN)
    gallery.note(made.id, "for the cover", ANN)
    board = gallery.create_board("Series", ANN)
    gallery.add_to_board(board.id, [made.id], ANN)
    steps: list[tuple[int, int]] = []
    packed = gallery.export([made.id, other.id, gone.id, "nobody"], tmp_path / "out", ANN, lambda *step: steps.append(step))
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert (packed.pictures, packed.left_out) == (2, (gone.id,))
    assert [path.name for path in (tmp_path / "out").iterdir()] == [packed.path.name]
    with zipfile.ZipFile(packed.path) as file:
        assert file.testzip() is None
        manifest = json.loads(file.read("manifest.json"))
        first, second = manifest["pictures"]
        assert made.path
        assert file.read(first["file"]) == made.path.read_bytes()
        assert hashlib.sha256(file.read(second["file"])).hexdigest() == second["sha256"] == other.sha256
        assert len(file.namelist()) == 3
    assert (first["stars"], first["tags"], first["note"], first["boards"]) == (4, ["sea"], "for the cover", ["Series"])
    assert first["request"]["prompt"] == "a house"
    assert first["facts"] == to_plain(made.facts)
    assert second["request"]["user"] == ""  # bob did not choose his name for handing on
    assert manifest["left_out"] == [gone.id]
    assert place.told()[-1][:2] == ("pictures.exported", "ann")


def test_an_export_that_is_stopped_or_cannot_be_leaves_nothing(place: Place, tmp_path: Path) -> None:
    gallery = place.studio.gallery
    record = gallery.bring_in(a_file(), "a.png", ANN).record

    def stop(done: int, total: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        gallery.export([record.id], tmp_path / "out", ANN, stop)
    with pytest.raises(InvalidRequest, match="Nothing of this"):
        gallery.export(["nobody"], tmp_path / "out", ANN)
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(InvalidRequest, match="At most"):
        gallery.export(["x"] * 20_001, tmp_path / "out", ANN)


def test_what_waits_for_a_review_goes_out_with_a_reviewer_alone(place: Place, tmp_path: Path) -> None:
    record = importing(place, FLAG).bring_in(a_file(), "x.png", ANN).record
    with pytest.raises(InvalidRequest, match="wait for a review"):
        place.studio.gallery.export([record.id], tmp_path, ANN)
    assert place.studio.gallery.export([record.id], tmp_path, RITA).pictures == 1


def test_deleting_many_does_what_it_can_and_says_the_rest_once(place: Place) -> None:
    gallery = place.studio.gallery
    own = [gallery.bring_in(a_file(colour), "x.png", ANN).record.id for colour in ("red", "green")]
    others = [gallery.bring_in(a_file(colour), "x.png", RITA).record.id for colour in ("blue", "black")]
    outcome = gallery.delete([*own, *others, "nobody"], ANN)
    assert outcome.done == tuple(own)
    assert len(outcome.problems) == 2
    assert gallery.ids(Wanted(where="trash")) == own[::-1]
    assert gallery.file_of(own[0]) is not None
    assert gallery.restore(own, ANN).done == tuple(own)
    assert gallery.ids(Wanted(where="trash")) == []


def test_the_trash_is_emptied_by_age_and_by_an_admin(place: Place) -> None:
    gallery = place.studio.gallery
    old, new = (gallery.bring_in(a_file(colour), "x.png", ANN).record.id for colour in ("red", "green"))
    gallery.delete([old, new], ANN)
    folder = place.library.trash.file(old)
    assert folder
    os.utime(folder.parent, (time.time() - 40 * 86_400,) * 2)
    with pytest.raises(NotAllowed):
        gallery.empty_trash(RITA, 30)
    with pytest.raises(InvalidRequest):
        gallery.empty_trash(OWNER, -1)
    assert gallery.empty_trash(OWNER, 30) == 1
    assert gallery.file_of(old) is None
    assert gallery.file_of(new) is not None
    assert gallery.empty_trash(OWNER) == 1


def test_a_board_is_its_makers_and_reviewers_to_rename_and_delete(place: Place) -> None:
    gallery = place.studio.gallery
    board = gallery.create_board("  Two\n words ", ANN)
    assert board.title == "Two words"
    for act in (lambda: gallery.rename_board(board.id, "x", BOB), lambda: gallery.delete_board(board.id, BOB)):
        with pytest.raises(NotAllowed):
            act()
    assert gallery.rename_board(board.id, "Mine", ANN).title == "Mine"
    assert gallery.rename_board(board.id, "Ours", RITA).title == "Ours"
    record = gallery.bring_in(a_file(), "x.png", BOB).record
    assert gallery.add_to_board(board.id, [record.id], BOB) == [record.id]
    assert gallery.pictures_of(board.id) == [record]
    assert [each.title for each in gallery.boards()] == ["Ours"]
    gallery.delete_board(board.id, RITA)
    assert gallery.board(board.id) is None
    assert gallery.restore_board(board.id, ANN).count == 1


@pytest.mark.parametrize(
    "act",
    [
        lambda gallery: gallery.rate(["x"], 6, ANN),
        lambda gallery: gallery.rate(["x"], -1, ANN),
        lambda gallery: gallery.tag(["x"], "  ", ANN),
        lambda gallery: gallery.tag(["x"], "t" * 61, ANN),
        lambda gallery: gallery.note("x", "n" * 4001, ANN),
        lambda gallery: gallery.create_board("", ANN),
        lambda gallery: gallery.add_to_board("none", ["x"], ANN),
    ],
)
def test_what_is_out_of_range_is_a_sentence(place: Place, act: Callable[[Any], object]) -> None:
    with pytest.raises(InvalidRequest):
        act(place.studio.gallery)


def test_a_pictures_origin_is_followed_back_and_never_in_a_circle(place: Place) -> None:
    gallery, first = place.studio.gallery, place.studio.gallery.bring_in(a_file(), "x.png", ANN).record
    at = first
    for number in range(3):
        source = Source(sha256=at.sha256, width=64, height=48, record=at.id)
        request = ImageRequest(model="m:m", prompt="", task=ImageToImage(image=source))
        at = replace(at, id=f"child-{number}", request=request, path=place.library.outputs / f"{number}.png")
        place.library.records.add(at)
    assert [each.id for each in gallery.ancestors(at)] == ["child-1", "child-0", first.id]
    own = Source(sha256="0" * 64, width=1, height=1, record="circle")
    circle = replace(at, id="circle", request=replace(at.request, task=ImageToImage(image=own)))
    place.library.records.add(circle)
    assert gallery.ancestors(circle) == []


def test_a_studio_without_a_library_says_so(place: Place) -> None:
    from studio.engine.gallery import Gallery

    parts: dict[str, Any] = dict.fromkeys(("jobs", "records", "drafts", "sources", "receipts"))
    bare = Gallery(place.studio, Shelf(**parts), lambda _data, _role: ())
    assert bare.thumbs is None
    with pytest.raises(InvalidRequest, match="without"):
        bare.boards()
