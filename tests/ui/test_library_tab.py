"""The library page's answers: what is wanted, tiles, actions with their way back, what comes in and goes out."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_gallery import fill
from fakes import FakeStudio
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.core.gallery import PAGE, Wanted
from studio.core.people import Person
from studio.ui import browsing
from studio.ui.desk import Desk
from studio.ui.library_acts import ACTS, act, count
from studio.ui.packing import Packing
from studio.ui.tabs.library import LibraryTab
from studio.ui.thumbs import Thumbs

HOSTILE = '<img src=x onerror="document.title=1">'
OWNER = Person("")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeStudio]:
    """With three hundred pictures in its library."""
    folder = tmp_path_factory.mktemp("library")
    (folder / "outputs").mkdir()
    studio = FakeStudio(folder / "outputs")
    fill(studio.library, 300)
    yield studio
    studio.close()
    studio.library.close()


@pytest.fixture
def tab(studio: FakeStudio, tmp_path: Path, owner_asks: None) -> Any:
    """The tab without its page."""
    import threading

    tab: Any = object.__new__(LibraryTab)
    tab._studio, tab._gallery, tab._bringing = studio, studio.gallery, threading.Lock()
    tab._thumbs = Thumbs(tmp_path / "t", studio.gallery.thumbs)
    tab._desk, tab._packing = Desk(studio, tab._thumbs), Packing(studio, tmp_path / "exports")
    return tab


def test_news_come_once_for_each_edition(tab: Any, studio: FakeStudio) -> None:
    told = tab._news({"edition": "", "wanted": {}})
    assert told["count"] == len(studio.gallery.ids(Wanted()))
    assert len(told["marks"]) == -(-told["count"] // PAGE)
    assert [board["title"] for board in told["boards"]] == ["Autumn series", "For the meeting"]
    assert ["local:turbo", "Turbo"] in told["filters"]["model"]
    assert tab._news({"edition": told["edition"], "wanted": {}}) == {"edition": told["edition"]}
    studio.gallery.rate(["row-000001"], 2, OWNER)
    assert "marks" in tab._news({"edition": told["edition"], "wanted": {}})


def test_pages_hold_what_the_grid_draws(tab: Any) -> None:
    told = tab._news({"wanted": {"provider": "local"}})
    page = tab._page({"wanted": {"provider": "local"}, "start": told["marks"][0], "end": told["marks"][1]})["items"]
    assert len(page) == PAGE
    assert {"key", "id", "w", "h", "name", "stars", "prompt", "thumb", "state", "review", "imported", "src"} == set(page[0])
    assert isinstance(page[0]["key"], str)
    assert page[0]["key"] == told["marks"][0]


VALUES = st.one_of(st.none(), st.text(), st.integers(), st.booleans(), st.lists(st.integers(), max_size=2))


@given(st.one_of(st.none(), st.integers(), st.dictionaries(st.sampled_from(sorted(Wanted.__dataclass_fields__)), VALUES)))
def test_whatever_a_page_sends_is_a_wish_that_can_be_asked_for(asked: Any) -> None:
    wanted = browsing.wanted_of(asked)
    assert 0 <= wanted.stars <= 5
    assert hash(wanted) == hash(browsing.wanted_of(asked))
    assert wanted.where in ("here", "missing", "trash")


def test_a_large_picture_gets_its_small_copy_once_and_it_is_kept(tab: Any, studio: FakeStudio, tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.new("RGB", (900, 600), "teal").save(data, "PNG")
    id = studio.gallery.bring_in(data.getvalue(), "large.png", OWNER).record.id
    assert tab._small([id, "nobody"]) == {"nobody": ""}
    end = time.monotonic() + 10
    while not (found := tab._small([id])):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert id in found[id]
    kept = Thumbs(tmp_path / "another start", studio.gallery.thumbs).ready(id)
    assert kept
    assert kept.is_relative_to(studio.gallery.thumbs or Path())
    with Image.open(kept) as image:
        assert max(image.size) == 320
    studio.gallery.delete([id], OWNER)
    assert browsing.tile(studio.gallery.page(Wanted(where="trash"))[0], tab._thumbs)["thumb"] == found[id]
    studio.gallery.empty_trash(OWNER)
    assert tab._thumbs.ready(id) is None


UNDONE = [
    {"do": "rate", "ids": ["row-000010", "row-000013"], "number": 5},
    {"do": "tag", "ids": ["row-000010"], "text": "new"},
    {"do": "untag", "ids": ["row-000002", "row-000010"], "text": "client"},
    {"do": "board-add", "ids": ["row-000211", "row-000001"], "board": "Autumn series"},
    {"do": "board-take", "ids": ["row-000006"], "board": "Autumn series", "before": "row-000009"},
    {"do": "board-move", "ids": ["row-000009"], "board": "Autumn series", "before": "row-000003", "text": "row-000012"},
    {"do": "board-rename", "board": "Autumn series", "text": "Winter"},
    {"do": "board-delete", "board": "Autumn series"},
]


@pytest.mark.parametrize("asked", UNDONE, ids=lambda asked: asked["do"])
def test_what_is_done_is_taken_back_by_what_the_answer_says(studio: FakeStudio, asked: dict[str, Any]) -> None:
    gallery = studio.gallery
    board = next(each for each in gallery.boards() if each.title == "Autumn series")
    asked = {**asked, "board": board.id} if "board" in asked else asked

    def state() -> Any:
        marks = [gallery.marks(f"row-{number:06}") for number in range(20)]
        return marks, gallery.boards(), [each.id for each in gallery.pictures_of(board.id)][:30]

    before = state()
    answer = act(gallery, asked, OWNER)
    assert "problem" not in answer
    assert state() != before
    assert "problem" not in act(gallery, answer["undo"], OWNER)
    assert state() == before


def test_pictures_go_to_the_trash_and_come_back(studio: FakeStudio) -> None:
    data = io.BytesIO()
    Image.new("RGB", (32, 32), "red").save(data, "PNG")
    id = studio.gallery.bring_in(data.getvalue(), "x.png", OWNER).record.id
    answer = act(studio.gallery, {"do": "delete", "ids": [id, "nobody"]}, OWNER)
    assert answer["said"].startswith("1 picture in the trash.")
    assert answer["done"] == (id,)
    assert act(studio.gallery, answer["undo"], OWNER)["said"] == "1 picture back."
    assert "problem" in act(studio.gallery, {"do": "restore", "ids": ["nobody"]}, OWNER)


@pytest.mark.parametrize(
    "asked", [{}, {"do": "format"}, {"do": "rate", "ids": 3}, {"do": "rate", "number": "many"}, {"do": []}]
)
def test_a_question_of_an_older_page_is_a_sentence(studio: FakeStudio, asked: Any) -> None:
    assert "Reload" in act(studio.gallery, asked, OWNER)["problem"]


@pytest.mark.parametrize("do", ["board-rename", "board-delete", "empty"])
def test_a_creator_leaves_what_is_others_alone(studio: FakeStudio, do: str) -> None:
    board = studio.gallery.boards()[0].id
    told = act(studio.gallery, {"do": do, "board": board, "text": "mine"}, Person("carl", "creator"))
    assert "carl is signed in as creator" in told["problem"]
    assert set(told) == {"problem"}


def test_every_action_is_known() -> None:
    assert all(callable(each) for each in ACTS.values())
    assert (count(1), count(0), count(1204)) == ("1 picture", "0 pictures", "1\u202f204 pictures")


def test_a_picture_is_shown_with_its_relatives_and_hostile_words_stay_words(tab: Any, studio: FakeStudio) -> None:
    told = tab._show("row-000039")
    assert [leaf["id"] for leaf in told["tree"]["older"]] == ["row-000038"]
    assert [leaf["id"] for leaf in tab._show("row-000038")["tree"]["younger"]] == ["row-000039"]
    studio.library.database.change(
        "UPDATE record SET request = json_set(request, '$.prompt', ?), name = ? WHERE id = 'row-000040'", (HOSTILE, HOSTILE)
    )
    html = tab._show("row-000040")["html"]
    assert "<img src=x" not in html
    assert "&lt;img" in html
    assert "not in the library" in tab._show("nobody")["problem"]


def test_only_uploaded_files_are_brought_in(tab: Any, studio: FakeStudio, tmp_path: Path, monkeypatch: Any) -> None:
    from studio.ui import easel

    monkeypatch.setattr(easel, "get_upload_folder", lambda: str(tmp_path / "up"))
    (tmp_path / "up").mkdir()
    Image.new("RGB", (40, 40), "orange").save(tmp_path / "up" / "x.png")
    Image.new("RGB", (40, 40), "orange").save(tmp_path / "outside.png")
    assert "did not arrive" in tab._bring_in({"path": str(tmp_path / "outside.png"), "name": "x"})["problem"]
    told = tab._bring_in({"path": str(tmp_path / "up" / "x.png"), "name": "x.png"})
    assert told["new"] is True
    record = studio.record(told["id"])
    assert record
    assert record.facts["detector"][0]["verdict"] == "ai"
    assert not (tmp_path / "up" / "x.png").exists()
    (tmp_path / "up" / "no.png").write_bytes(b"no picture")
    assert tab._bring_in({"path": str(tmp_path / "up" / "no.png"), "name": "no.png"})["problem"].startswith("no.png: ")


def test_an_export_is_followed_and_fetched(tab: Any, studio: FakeStudio, tmp_path: Path) -> None:
    told = tab._packing.ask({"ids": ["row-000001", "row-000002"]}, OWNER)
    end = time.monotonic() + 10
    while not told["src"]:
        assert not told["problem"]
        assert time.monotonic() < end
        time.sleep(0.01)
        told = tab._packing.ask({"id": told["id"]}, OWNER)
    assert told["said"].startswith("2 packed")
    (path,) = (tmp_path / "exports").rglob("*.zip")
    assert zipfile.is_zipfile(path)
    assert told["name"] == path.name
    report = tab._packing.ask({"ids": ["row-000001", "row-000002"], "report": "html", "title": "Autumn"}, OWNER)
    while not (report := tab._packing.ask({"id": report["id"]}, OWNER))["src"]:
        assert not report["problem"]
    assert report["name"] == "report.html"
    assert "not there any more" in tab._packing.ask({"id": "none"}, OWNER)["problem"]
    nothing = tab._packing.ask({"ids": ["nobody"]}, OWNER)
    while not (nothing := tab._packing.ask({"id": nothing["id"]}, OWNER))["problem"]:
        assert time.monotonic() < end
    assert "Nothing of this" in nothing["problem"]


def test_all_that_are_wanted_are_chosen_at_once(tab: Any) -> None:
    told = tab._choose({"tag": "client"})
    assert told == {"ids": [f"row-{number:06}" for number in range(282, 0, -20)], "said": ""}
