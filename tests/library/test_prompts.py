"""The history of prompts: newest first, searched by words, each person's own."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from studio.core.request import ImageRequest
from studio.library import Library, open_library
from studio.library import prompts as prompts_module
from studio.library.migrations import MIGRATIONS


@pytest.fixture
def library(tmp_path: Path):
    with open_library(tmp_path / "data", tmp_path / "outputs") as opened:
        yield opened


def texts(library: Library, person: str = "ann", words: str = "") -> list[str]:
    return [used.text for used in library.prompts.find(person, words)]


def test_the_newest_comes_first_and_one_used_again_moves_up(library: Library) -> None:
    for text in ("a red house", "a blue boat", "a red house"):
        library.prompts.add("ann", text)
    first, second = library.prompts.find("ann")
    assert (first.text, first.used, second.text, second.used) == ("a red house", 2, "a blue boat", 1)
    assert first.last >= second.last


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("red", ["Ein rotes Häuschen, red", "a red house, sunset"]),
        ("house red", ["a red house, sunset"]),
        ("hou", ["a red house, sunset"]),
        ("HAUS", ["Ein rotes Häuschen, red"]),
        ("hausch", ["Ein rotes Häuschen, red"]),
        ("blurry", ["a boat"]),
        ("nothing", []),
        ('re" OR x*', []),
        ('"', []),
        ("  ", ["a boat", "Ein rotes Häuschen, red", "a red house, sunset"]),
    ],
)
def test_search_finds_all_words_and_beginnings_whatever_is_typed(library: Library, words: str, found: list[str]) -> None:
    library.prompts.add("ann", "a red house, sunset")
    library.prompts.add("ann", "Ein rotes Häuschen, red")
    library.prompts.add("ann", "a boat", "blurry")
    assert texts(library, words=words) == found


def test_each_person_has_their_own_and_takes_out_only_their_own(library: Library) -> None:
    library.prompts.add("ann", "a red house")
    library.prompts.add("bob", "a red boat")
    assert (texts(library, "ann", "red"), texts(library, "bob", "red")) == (["a red house"], ["a red boat"])
    (used,) = library.prompts.find("ann")
    library.prompts.remove("bob", used.id)
    assert texts(library, "ann") == ["a red house"]
    library.prompts.remove("ann", used.id)
    assert texts(library, "ann") == texts(library, "ann", "red") == []


def test_only_so_many_are_kept(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts_module, "MOST", 3)
    for number in range(6):
        library.prompts.add("ann", f"house {number}")
    library.prompts.add("ann", "  ")
    assert texts(library) == ["house 5", "house 4", "house 3"]
    assert texts(library, words="house 0") == []


def test_erasing_a_person_takes_their_prompts_out_of_the_file_itself(library: Library) -> None:
    library.prompts.add("ann", "crimsonlighthouse by the sea", "fogbanks")
    library.prompts.add("bob", "a boat")
    library.erasure.erase("ann")
    assert (texts(library), texts(library, "bob", "boat")) == ([], ["a boat"])
    library.close()
    left = b"".join(path.read_bytes() for path in library.database.path.parent.glob("studio.sqlite*"))
    assert b"crimsonlighthouse" not in left
    assert b"fogbanks" not in left


def test_what_was_asked_before_there_was_a_history_is_taken_along(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as old:
        for prompt in ("a red house", "a blue boat", "a red house"):
            old.jobs.add(ImageRequest(model="local:starter", prompt=prompt, user="ann"), "interactive")
        path = old.database.path
    names = [migration.__name__ for migration in MIGRATIONS]
    with sqlite3.connect(path) as connection:
        for statement in ("DROP TABLE prompt", "DROP TABLE prompt_words"):
            connection.execute(statement)
        later = names[names.index("m008_prompts") :]
        connection.executemany("DELETE FROM migration WHERE name = ?", [(name,) for name in later[:1]])
    connection.close()
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert texts(library) == ["a red house", "a blue boat"]
        assert texts(library, words="boat") == ["a blue boat"]
