"""Browsing: pages, words, filters, marks, boards and the trash, on the real database."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept_builders import a_request, drafts

from studio.core.errors import InvalidRequest
from studio.core.gallery import PAGE, Seen, Wanted, thumb_name
from studio.core.request import ImageToImage, Size, Source, TextToImage
from studio.core.result import Record
from studio.core.verdict import Verdict
from studio.library import Library, open_library
from studio.library.migrations import m009_gallery

HOSTILE = ('"', "a OR b", "a AND", "NEAR(", "text:house", "-house", "*", "^house", "{text}:x", "'); DROP TABLE picture; --",
           "\x00", "((((", "a\"b'c", "%", "_", "🏠", "ﬁ", "\ud800", "a" * 5000)  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One for all tests that only look."""
    folder = tmp_path_factory.mktemp("gallery")
    with open_library(folder / "data", folder / "outputs") as library:
        put(library, 0, "a house by the sea", facts={"detector": [{"verdict": "ai"}]}, stars=5)
        put(library, 1, "a harbour at night", model="stability:core", facts={"hosted": {"cost": {"value": 0.03}}})
        put(library, 2, "Ein Café im Schnee", width=768, height=512, facts={"detector": [{"verdict": "uncertain"}]})
        put(library, 3, "a sea of clouds", task=of(0), verdicts=(Verdict(check="c", outcome="flag"),), review="pending")
        put(library, 4, "", model="imported:photo", facts={"imported": {"file": "urlaub.jpg"}}, name="urlaub.jpg")
        put(library, 5, "deleted sea", state="deleted")
        put(library, 6, "two seas", width=1536, height=1536, facts={"detector": "nonsense", "imported": "no"})
        library.gallery.marks.note("p4", "sand between the toes", "ann")
        library.gallery.marks.tag(["p0", "p2"], "print")
        yield library


def of(number: int) -> ImageToImage:
    return ImageToImage(image=Source(sha256="0" * 64, width=48, height=32, record=f"p{number}"))


def put(library: Library, number: int, prompt: str = "a house", **more: Any) -> str:
    """One record, made `number` days into the year."""
    size = {"width": more.pop("width", 512), "height": more.pop("height", 512)}
    request = a_request(prompt, model=more.pop("model", "local:starter"), task=more.pop("task", TextToImage(Size(**size))))
    stars, id = more.pop("stars", 0), f"p{number}"
    record = Record(
        id=id, job=f"j{number}", path=library.outputs / "2026-01-01" / f"{number}.png", seed=1, request=request,
        name=more.pop("name", f"{number:04}.png"), sha256=f"{number:064x}", review_status=more.pop("review", "not_needed"),
        created=more.pop("created", f"2026-01-{number % 28 + 1:02}T12:00:00+00:00"), **size, **more,
    )  # fmt: skip
    library.records.add(record, durable=False)
    if stars:
        library.gallery.marks.rate([id], stars)
    if more.get("state") == "deleted":
        library.database.change("UPDATE picture SET trashed = 1 WHERE state = 'deleted'")
    return id


def ids(library: Library, **wanted: Any) -> list[str]:
    return [each.id for each in library.gallery.page(Wanted(**wanted))]


def test_everything_comes_newest_first_without_what_is_in_the_trash(shared: Library) -> None:
    assert ids(shared) == ["p6", "p4", "p3", "p2", "p1", "p0"]
    assert ids(shared, where="trash") == ["p5"]
    assert [each.id for each in shared.records.recent()] == ids(shared)
    seen = shared.gallery.page(Wanted())[-1]
    assert (seen.prompt, seen.stars, seen.width, seen.state) == ("a house by the sea", 5, 512, "kept")
    assert shared.gallery.outline(Wanted()).count == 6
    assert shared.gallery.ids(Wanted(), 2) == ["p6", "p4"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("sea", ["p6", "p3", "p0"]),  # “seas” begins so
        ("SEA house", ["p0"]),
        ("cafe", ["p2"]),
        ("urlaub", ["p4"]),
        ("toes sand", ["p4"]),
        ("sea -house", ["p0"]),  # no language of its own: both words are looked for
        ("clouds deleted", []),
        ("nobody", []),
        ("  ", ["p6", "p4", "p3", "p2", "p1", "p0"]),
        ("—!", []),
    ],
)
def test_words_find_prompts_names_and_notes(shared: Library, words: str, found: list[str]) -> None:
    assert ids(shared, words=words) == found
    assert shared.gallery.outline(Wanted(words=words)).count == len(found)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"model": "stability:core"}, ["p1"]),
        ({"provider": "local"}, ["p6", "p3", "p2", "p0"]),
        ({"task": "image-to-image"}, ["p3"]),
        ({"since": "2026-01-04", "until": "2026-01-04"}, ["p3"]),
        ({"since": "no day"}, ["p6", "p4", "p3", "p2", "p1", "p0"]),
        ({"shape": "landscape"}, ["p2"]),
        ({"size": "large"}, ["p6"]),
        ({"size": "small"}, ["p4", "p3", "p2", "p1", "p0"]),
        ({"stars": 4}, ["p0"]),
        ({"told": "ai"}, ["p0"]),
        ({"told": "uncertain"}, ["p2"]),
        ({"told": "unscored"}, ["p6", "p4", "p3", "p1"]),
        ({"told": "flag"}, ["p3"]),
        ({"review": "pending"}, ["p3"]),
        ({"cost": "paid"}, ["p1"]),
        ({"cost": "free"}, ["p6", "p4", "p3", "p2", "p0"]),
        ({"tag": "print"}, ["p2", "p0"]),
        ({"tag": "print", "words": "house"}, ["p0"]),
        ({"imported": True}, ["p4"]),
        ({"where": "missing"}, []),
        ({"words": "sea", "provider": "local", "task": "text-to-image", "shape": "square"}, ["p6", "p0"]),
    ],
)
def test_each_filter_narrows(shared: Library, wanted: dict[str, Any], found: list[str]) -> None:
    assert ids(shared, **wanted) == found
    outline = shared.gallery.outline(Wanted(**wanted))
    assert outline.count == len(found)
    assert len(outline.marks) == bool(found)


@pytest.mark.parametrize("words", HOSTILE)
def test_no_text_is_the_languages_own(shared: Library, words: str) -> None:
    for wanted in (
        Wanted(words=words),
        Wanted(words=words, tag="print"),
        Wanted(tag=words.replace("\ud800", "")),
        Wanted(model="';--"),
    ):
        shared.gallery.page(wanted)
        shared.gallery.outline(wanted)
    assert shared.gallery.outline(Wanted()).count == 6


def test_what_there_is_to_choose_from(shared: Library) -> None:
    choices = shared.gallery.choices()
    assert choices.models == ("imported:photo", "local:starter", "stability:core")
    assert choices.providers == ("imported", "local", "stability")
    assert choices.tasks == ("image-to-image", "text-to-image")
    assert choices.tags == (("print", 2),)
    assert choices.note == ""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One for all examples; each begins by emptying it."""
    folder = tmp_path_factory.mktemp("empty")
    with open_library(folder / "data", folder / "outputs") as library:
        yield library


MOMENTS = st.lists(st.integers(0, 59), max_size=12)


@given(first=MOMENTS, later=st.lists(MOMENTS, max_size=12), size=st.integers(1, 7))
@settings(deadline=None, max_examples=25)
def test_all_pages_together_are_the_whole_while_pictures_are_added(
    empty: Library, first: list[int], later: list[list[int]], size: int
) -> None:
    """Each picture that was there at the beginning comes exactly once and in order, whatever comes in between."""
    empty.database.change("DELETE FROM record", durable=False)
    numbers = iter(range(1000))

    def add(moment: int) -> str:
        return put(empty, next(numbers), created=f"2026-01-01T12:00:{moment:02}.500+00:00")

    there, turns = {add(moment) for moment in first}, iter(later)
    seen: list[Seen] = []
    at: int | None = None
    while page := empty.gallery.page(Wanted(), at, limit=size):
        seen += page
        at = page[-1].key - 1
        for moment in next(turns, ()):
            add(moment)
    found = [each.id for each in seen]
    assert len(found) == len(set(found))
    assert there <= set(found)
    assert [each.key for each in seen] == sorted((each.key for each in seen), reverse=True)


def test_marks_divide_everything_into_pages(library: Library) -> None:
    for number in range(2 * PAGE + 30):
        put(library, number, "take" if number % 2 else "house")
    board = library.gallery.boards.create("All", "")
    library.gallery.boards.add(board.id, [f"p{number}" for number in range(PAGE + 5)])
    for wanted, count in (
        (Wanted(), 270),
        (Wanted(words="take"), 135),
        (Wanted(board=board.id), 125),
        (Wanted(size="small"), 270),
    ):
        outline = library.gallery.outline(wanted)
        assert (outline.count, len(outline.marks)) == (count, -(-count // PAGE))
        pages = [
            library.gallery.page(wanted, start, end)
            for start, end in zip(outline.marks, (*outline.marks[1:], None), strict=True)
        ]
        together = [each.id for page in pages for each in page]
        assert together == library.gallery.ids(wanted, 1000)
        assert [len(page) for page in pages[:-1]] == [PAGE] * (len(pages) - 1)
    assert library.gallery.outline(Wanted()) is library.gallery.outline(Wanted())


def test_a_change_of_any_kind_makes_another_edition(library: Library) -> None:
    put(library, 0)
    marks, boards = library.gallery.marks, library.gallery.boards
    board = boards.create("One", "ann")
    seen = {library.gallery.edition()}
    for change in (
        lambda: put(library, 1), lambda: marks.rate(["p0"], 3), lambda: marks.tag(["p0"], "x"),
        lambda: marks.untag(["p0"], "x"), lambda: marks.note("p0", "n", "ann"), lambda: boards.add(board.id, ["p0"]),
        lambda: boards.rename(board.id, "Two"), lambda: boards.remove(board.id, ["p0"]), lambda: boards.delete(board.id),
        lambda: library.records.mark_deleted("p0"),
    ):  # fmt: skip
        change()
        assert library.gallery.edition() not in seen
        seen.add(library.gallery.edition())


def test_stars_tags_and_notes_come_and_go_and_tell_what_was(library: Library) -> None:
    marks = library.gallery.marks
    for number in range(3):
        put(library, number)
    assert marks.rate(["p0", "p1", "nobody"], 4) == {"p0": 0, "p1": 0}
    assert marks.rate(["p1"], 0) == {"p1": 4}
    assert marks.tag(["p0", "p0", "p2"], "sea") == ["p0", "p2"]
    assert marks.tag(["p0"], "sea") == []
    assert marks.untag(["p1", "p2"], "sea") == ["p2"]
    for text in ("first words", "second words", ""):
        marks.note("p0", text, "ann")
        assert marks.of("p0").note == text
        assert ids(library, words="second") == (["p0"] if "second" in text else [])
        assert ids(library, words="first") == (["p0"] if "first" in text else [])
    assert (marks.of("p0").stars, marks.of("p0").tags) == (4, ("sea",))
    assert marks.of("nobody").stars == 0


def test_a_board_keeps_an_order_of_its_own(library: Library) -> None:
    boards = library.gallery.boards
    for number in range(5):
        put(library, number)
    board = boards.create("Series", "ann")
    assert boards.add(board.id, ["p3", "p1", "p4"]) == ["p3", "p1", "p4"]
    assert boards.add(board.id, ["p1", "p0"]) == ["p0"]
    assert ids(library, board=board.id) == ["p3", "p1", "p4", "p0"]
    boards.move(board.id, ["p0", "p3"], "p4")
    assert ids(library, board=board.id) == ["p1", "p0", "p3", "p4"]
    boards.move(board.id, ["p1"])
    boards.move(board.id, ["p3"], "p3")
    assert ids(library, board=board.id) == ["p0", "p3", "p4", "p1"]
    assert [each.id for each in boards.pictures(board.id)] == ["p0", "p3", "p4", "p1"]
    library.records.mark_deleted("p3")
    assert ids(library, board=board.id) == ["p0", "p4", "p1"]
    assert [each.id for each in boards.pictures(board.id)] == ["p0", "p4", "p1"]
    told = boards.get(board.id)
    assert told
    assert (told.count, told.cover, told.by, told.title) == (3, "p0", "ann", "Series")
    assert boards.remove(board.id, ["p4", "p2"]) == ["p4"]


def test_a_deleted_board_comes_back_as_it_was_and_its_pictures_stay(library: Library) -> None:
    boards = library.gallery.boards
    put(library, 0)
    board = boards.create("Series", "ann")
    boards.add(board.id, ["p0"])
    boards.delete(board.id)
    assert boards.all() == []
    assert library.gallery.marks.of("p0").boards == ()
    for act in (lambda: boards.rename(board.id, "x"), lambda: boards.add(board.id, ["p0"]), lambda: boards.delete(board.id)):
        with pytest.raises(InvalidRequest, match="not there any more"):
            act()
    assert boards.restore(board.id) == replace(board, count=1, cover="p0")
    assert library.gallery.marks.of("p0").boards == (board.id,)
    assert ids(library) == ["p0"]


def test_old_rows_are_taken_along_whatever_stands_in_them(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        put(library, 0, "a house", created="9999-01-01T00:00:00+00:00")
        put(library, 1, "zwei")
        path = library.database.path
    connection = sqlite3.connect(path)
    for name, kind in connection.execute("SELECT name, type FROM sqlite_master WHERE type = 'trigger'").fetchall():
        if not name.startswith(("job", "audit", "prompt")):
            connection.execute(f"DROP {kind} {name}")
    for name in ("picture_text",):
        connection.execute(f"DROP VIEW {name}")
    for name in ("picture_words", "board_picture", "board", "picture_note", "picture_tag", "picture", "gallery"):
        connection.execute(f"DROP TABLE {name}")
    connection.execute("DROP INDEX ledger_job")
    connection.execute("DELETE FROM migration WHERE name = ?", (m009_gallery.__name__,))
    deep = "[" * 3000 + "]" * 3000
    connection.execute(
        "UPDATE record SET facts = ?, verdicts = '[1, \"x\"]' WHERE id = 'p1'", (json.dumps({"detector": 1})[:-1],)
    )
    connection.execute("UPDATE record SET facts = ? WHERE id = 'p0'", (f'{{"detector": {deep}}}',))
    connection.commit()
    connection.close()
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert ids(library, words="house") == ["p0"]
        assert ids(library) == ["p0", "p1"]
        put(library, 2, "drei", facts={"detector": [1, None, {"verdict": 3}], "hosted": {"cost": {"value": "much"}}})
        assert ids(library, cost="free") == ["p0", "p2", "p1"]


def test_without_full_text_search_the_rows_are_looked_through(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        for number, prompt in enumerate(("a house by the sea", "100 % cotton", "a_b")):
            put(library, number, prompt)
        names = [
            row["name"] for row in library.database.rows("SELECT name FROM sqlite_master WHERE sql LIKE '%picture_words%'")
        ]
        for name in names:
            if name.startswith(("note", "record", "picture_heard")):
                library.database.change(f"DROP TRIGGER {name}")
        library.database.change("DROP TABLE picture_words")
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert "slow" in library.gallery.choices().note
        assert ids(library, words="SEA hou") == ["p0"]
        assert ids(library, words="cotton") == ["p1"]
        put(library, 3, "one more house")
        assert ids(library, words="house") == ["p3", "p0"]
        assert library.gallery.outline(Wanted(words="house")).count == 2


def test_the_trash_tells_since_when_and_is_emptied_by_age(library: Library, tmp_path: Path) -> None:
    library.keeper.hold(drafts(2))
    first, second = library.keeper.keep("job1")
    small = library.gallery.thumbs / thumb_name(first.id)
    small.parent.mkdir(parents=True)
    small.write_bytes(b"small")
    for record in (first, second):
        library.trash.delete(record.id)
    file = library.trash.file(second.id)
    assert file
    assert file.read_bytes()
    assert len(ids(library, where="trash")) == 2
    assert library.trash.empty(time.time() - 86_400) == 0
    assert len(ids(library, where="trash")) == 2
    library.trash.restore(second.id)
    assert library.trash.empty() == 1
    assert ids(library, where="trash") == []
    assert ids(library) == [second.id]
    assert not small.exists()
    assert library.trash.file(first.id) is None


def test_an_erased_persons_words_are_found_nowhere(library: Library) -> None:
    put(library, 0, "unmistakable zeppelin")
    library.database.change("UPDATE record SET user = 'ann'")
    library.gallery.marks.note("p0", "a quokka", "bob")
    library.gallery.marks.tag(["p0"], "wombat")
    board = library.gallery.boards.create("Board", "ann")
    library.erasure.erase("ann")
    assert ids(library, words="zeppelin", where="trash") == ids(library, words="zeppelin") == []
    assert library.gallery.marks.of("p0").note == ""
    assert library.gallery.marks.of("p0").tags == ()
    told = library.gallery.boards.get(board.id)
    assert told
    assert told.by == ""
    data = library.database.path.read_bytes()
    for word in (b"zeppelin", b"quokka", b"wombat"):
        assert word not in data


def test_keys_follow_the_time_and_any_year_fits(library: Library) -> None:
    for number, created in enumerate(
        ("0001-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00", "9999-12-31T00:00:00+00:00")
    ):
        put(library, number, created=created)
    assert ids(library) == ["p2", "p1", "p0"]
    assert all(0 <= each.key < 2**63 for each in library.gallery.page(Wanted()))
