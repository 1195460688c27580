"""Each edited picture knows what it was made from, and each picture what was made from it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

from kept_builders import a_draft, a_request

from studio.core.request import ImageToImage, Inpaint, Source, Task
from studio.core.result import Record
from studio.library import Library, open_library
from studio.library.migrations import MIGRATIONS
from studio.stamps.reading import read


def a_source(record: str = "", sha256: str = "ab" * 32) -> Source:
    return Source(sha256=sha256, width=48, height=32, name="a.png", record=record)


def keep(library: Library, number: int, task: Task | None = None) -> Record:
    request = a_request(task=task) if task else a_request()
    library.keeper.hold([a_draft(number, job=f"job{number}", request=request)])
    return library.keeper.keep(f"job{number}")[0]


def test_a_chain_of_edits_can_be_followed_both_ways(library: Library) -> None:
    first = keep(library, 1)
    second = keep(library, 2, ImageToImage(image=a_source(first.id)))
    third = keep(library, 3, Inpaint(image=a_source(second.id), mask=a_source()))
    fourth = keep(library, 4, ImageToImage(image=a_source(first.id)))
    assert [child.id for child in library.records.children(first.id)] == [second.id, fourth.id]
    assert [child.id for child in library.records.children(second.id)] == [third.id]
    assert library.records.children(third.id) == []
    task = third.request.task
    assert isinstance(task, Inpaint)
    assert (task.image.record, task.image.sha256) == (second.id, "ab" * 32)


def test_a_picture_without_a_parent_has_no_strangers_for_children(library: Library) -> None:
    keep(library, 1)
    keep(library, 2, ImageToImage(image=a_source("")))
    assert library.records.children("") == []


def test_the_chain_is_found_again_from_the_files(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        first = keep(library, 1)
        second = keep(library, 2, ImageToImage(image=a_source(first.id)))
    with open_library(tmp_path / "fresh", tmp_path / "outputs") as library:
        assert library.reindex(read).added == 2
        (child,) = library.records.children(first.id)
        assert (child.id, child.request.task) == (second.id, second.request.task)


def test_what_was_counted_on_the_canvas_stands_in_the_record(library: Library) -> None:
    facts = {"canvas": {"outside_changed": 0, "outside_pixels": 1500, "edited_pixels": 36, "passes": 1}}
    library.keeper.hold([a_draft(facts=facts)])
    (record,) = library.keeper.keep("job1")
    assert record.facts["canvas"] == facts["canvas"]
    assert record.path is not None
    stamped = read(record.path)
    assert stamped is not None
    assert stamped.record is not None
    assert stamped.record["facts"] == facts


def test_a_library_of_the_first_release_is_brought_up_with_its_pictures(tmp_path: Path) -> None:
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        kept = keep(library, 1)
    with sqlite3.connect(tmp_path / "data" / "studio.sqlite") as old:
        for statement in ("DROP INDEX record_parent", "DROP INDEX record_source", "DROP INDEX record_file"):
            old.execute(statement)
        for column in ("parent", "source"):
            old.execute(f"ALTER TABLE record DROP COLUMN {column}")
        old.execute("DELETE FROM migration WHERE name = ?", (MIGRATIONS[3].__name__,))
    old.close()
    with open_library(tmp_path / "data", tmp_path / "outputs") as library:
        assert library.records.record(kept.id) == replace(kept)
        assert keep(library, 2, ImageToImage(image=a_source(kept.id))) in library.records.children(kept.id)
