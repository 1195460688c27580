import hashlib
import json
import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from kept_builders import a_draft, drafts, pixels

from studio.core.errors import InvalidRequest, KeepError
from studio.core.ports import Keeper, Records
from studio.core.result import Record
from studio.library import Library


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def held(library: Library) -> list[str]:
    folder = library.database.path.parent / "held"
    return [name for name in files(folder) if name != ".lock"]


def kept(library: Library, count: int = 2, job: str = "job1") -> tuple[Record, ...]:
    library.keeper.hold(drafts(count, job=job))
    return library.keeper.keep(job)


def test_the_keeper_and_the_records_are_the_engines(library: Library) -> None:
    keeper: Keeper = library.keeper
    records: Records = library.records
    assert keeper.keep("nothing held") == ()
    assert records.recent() == []


def test_held_pictures_are_outside_outputs_until_they_are_kept(library: Library) -> None:
    library.keeper.hold(drafts(2))
    assert library.keeper.held() == ["job1"]
    assert held(library) == ["job1/0000.json", "job1/0000.png", "job1/0001.json", "job1/0001.png"]
    assert files(library.outputs) == []
    assert library.records.recent() == []


def test_kept_pictures_lie_in_a_folder_of_the_day_with_their_bytes_unchanged(library: Library) -> None:
    made = drafts(3)
    library.keeper.hold(made)
    records = library.keeper.keep("job1")
    local = datetime.fromisoformat(made[0].created).astimezone()
    assert [record.id for record in records] == ["job1-0", "job1-1", "job1-2"]
    for draft, record in zip(made, records, strict=True):
        assert record.path is not None
        assert record.path.read_bytes() == draft.data
        assert record.path.parent == library.outputs / f"{local:%Y-%m-%d}"
        short = hashlib.sha256(draft.id.encode()).hexdigest()[:8]
        second = datetime.fromisoformat(draft.created).astimezone()
        assert record.name == record.path.name == f"{second:%H%M%S}-starter-{draft.picture.seed}-{short}.png"
        assert pixels(record.path.read_bytes()) == draft.picture.image.tobytes()
    assert len(files(library.outputs)) == 3
    assert held(library) == []


def test_a_record_says_what_was_asked_and_what_ran(library: Library) -> None:
    draft = a_draft()
    (record,) = kept(library, 1)
    assert draft.data is not None
    assert record == Record(
        id="job1-0",
        job="job1",
        path=record.path,
        name=record.name,
        sha256=hashlib.sha256(draft.data).hexdigest(),
        width=48,
        height=32,
        seed=1234,
        created=draft.created,
        request=draft.request,
        facts=draft.facts,
        notes=draft.notes,
        stamps=("text", "xmp"),
        verdicts=draft.verdicts,
    )
    assert library.records.record("job1-0") == record
    assert library.records.record("nobody") is None


def test_facts_that_json_cannot_say_never_stop_a_picture_from_being_kept(library: Library) -> None:
    facts = {"used": {"nan": float("nan"), "path": Path("a"), "set": {1}, "bad": "\ud800", "deep": [{"x": (1, 2)}]}}
    library.keeper.hold([a_draft(facts=facts)])
    (record,) = library.keeper.keep("job1")
    assert record.facts == {"used": {"nan": None, "path": "a", "set": [1], "bad": "?", "deep": [{"x": [1, 2]}]}}


def test_holding_and_keeping_again_changes_nothing(library: Library) -> None:
    first = kept(library)
    before = files(library.outputs)
    library.keeper.hold(drafts(2))
    assert held(library) == []
    assert library.keeper.keep("job1") == library.keeper.keep("job1") == first
    assert files(library.outputs) == before


def test_pictures_held_twice_are_kept_once(library: Library) -> None:
    library.keeper.hold(drafts(2))
    library.keeper.hold(drafts(3))
    library.keeper.hold(drafts(1))
    assert [record.seed for record in library.keeper.keep("job1")] == [1234, 1235, 1236]
    assert len(files(library.outputs)) == 3


def test_dropped_pictures_are_gone(library: Library) -> None:
    library.keeper.hold(drafts(2))
    library.keeper.drop("job1")
    assert held(library) == []
    assert library.keeper.keep("job1") == ()
    library.keeper.drop("job1")


def test_each_job_keeps_its_own(library: Library) -> None:
    library.keeper.hold([*drafts(1, job="one"), *drafts(2, job="two")])
    assert library.keeper.held() == ["one", "two"]
    assert [record.id for record in library.keeper.keep("two")] == ["two-0", "two-1"]
    assert library.keeper.held() == ["one"]


def test_an_unstamped_draft_is_refused(library: Library) -> None:
    with pytest.raises(ValueError, match="was not stamped"):
        library.keeper.hold([a_draft(), replace(a_draft(1), data=None)])
    assert held(library) == []


def test_outputs_being_a_file_is_told_and_what_is_held_waits(library: Library) -> None:
    library.outputs.write_text("not a folder")
    library.keeper.hold(drafts(2))
    with pytest.raises(KeepError) as caught:
        library.keeper.keep("job1")
    folder = library.database.path.parent / "held" / "job1"
    assert str(caught.value) == (
        f"{library.outputs} is a file, or lies in one. Move that file away, then it will be kept. "
        f"The picture is made and held in {folder}."
    )
    library.outputs.unlink()
    assert len(library.keeper.keep("job1")) == 2


def test_a_library_that_is_locked_is_told_and_the_picture_gets_its_row_later(library: Library) -> None:
    library.keeper.hold(drafts(1))
    library.database.rows("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(library.database.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            KeepError, match=r"held by another program .* then it will be kept. The picture is made and held in"
        ):
            library.keeper.keep("job1")
    finally:
        other.close()
    (record,) = library.keeper.keep("job1")
    assert [path for path in library.outputs.rglob("*") if path.is_file()] == [record.path]


def test_a_taken_name_is_never_overwritten(library: Library) -> None:
    library.keeper.hold([a_draft()])
    note = json.loads((library.database.path.parent / "held" / "job1" / "0000.json").read_text())
    taken = library.outputs / note["held"]["output"]
    taken.parent.mkdir(parents=True)
    taken.write_bytes(b"somebody's picture")
    (record,) = library.keeper.keep("job1")
    assert taken.read_bytes() == b"somebody's picture"
    assert record.path == taken.with_stem(taken.stem + "-2")
    assert record.path.read_bytes() == a_draft().data


def test_a_picture_damaged_while_held_is_never_kept_without_a_word(library: Library) -> None:
    library.keeper.hold([a_draft()])
    picture = library.database.path.parent / "held" / "job1" / "0000.png"
    picture.write_bytes(picture.read_bytes()[:-7])
    with pytest.raises(KeepError, match="damaged on the disk"):
        library.keeper.keep("job1")
    assert files(library.outputs) == []


def test_a_record_outlives_its_file(library: Library) -> None:
    (record,) = kept(library, 1)
    assert record.path is not None
    record.path.unlink()
    found = library.records.record(record.id)
    assert found is not None
    assert (found.state, found.path, found.request) == ("missing", None, record.request)
    assert library.records.recent() == [found]
    assert library.keeper.keep("job1") == (found,)


def test_the_newest_records_come_first_page_by_page(library: Library) -> None:
    created = [f"2026-11-{day:02d}T08:00:00+00:00" for day in (3, 1, 2, 2, 5)]
    library.keeper.hold([a_draft(number, created=when) for number, when in enumerate(created)])
    library.keeper.keep("job1")
    seen: list[str] = []
    before = None
    while page := library.records.recent(2, before):
        seen += [record.id for record in page]
        before = page[-1].id
    assert seen == ["job1-4", "job1-0", "job1-3", "job1-2", "job1-1"]
    assert library.records.recent(before="nobody") == []


def test_a_data_folder_that_is_full_of_a_file_is_told_too(library: Library) -> None:
    (library.database.path.parent / "held").write_text("in the way")
    with pytest.raises(KeepError, match=r"Move that file away, then it will be kept.*not stored anywhere yet"):
        library.keeper.hold(drafts(1))


def test_ids_that_could_leave_the_folder_are_refused(library: Library) -> None:
    for ids in ({"id": "../../evil"}, {"job": "../evil", "id": "x"}):
        with pytest.raises(InvalidRequest, match="malformed"):
            library.keeper.hold([a_draft(**ids)])
    assert held(library) == []
