"""Deleting a picture, taking that back, and emptying the trash: nothing is lost in between, whatever is cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kept_builders import drafts

from studio.core.errors import InvalidRequest, KeepError
from studio.core.ports import Trash
from studio.core.result import Record
from studio.library import Library, trash
from studio.library.records import SqliteRecords
from studio.stamps.reading import read


def kept(library: Library, count: int = 1) -> list[Record]:
    library.keeper.hold(drafts(count))
    return list(library.keeper.keep("job1"))


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def in_trash(library: Library) -> list[str]:
    return files(library.database.path.parent / "trash")


def found(library: Library, id: str) -> Record:
    record = library.records.record(id)
    assert record is not None
    return record


def test_a_deleted_picture_leaves_outputs_and_keeps_its_record(library: Library) -> None:
    bin: Trash = library.trash
    record, other = kept(library, 2)
    deleted = bin.delete(record.id)
    assert (deleted.state, deleted.path, deleted.request, deleted.facts) == ("deleted", None, record.request, record.facts)
    assert files(library.outputs) == [other.path.relative_to(library.outputs).as_posix()]
    assert in_trash(library) == [f"{record.id}/{record.name}"]
    assert library.records.recent() == [other]
    assert library.records.with_file(record.sha256) == record.id
    assert bin.delete(record.id) == deleted


def test_a_restored_picture_is_where_it_was_byte_for_byte(library: Library) -> None:
    (record,) = kept(library)
    data = record.path.read_bytes()
    library.trash.delete(record.id)
    assert library.trash.restore(record.id) == record
    assert library.trash.restore(record.id) == record
    assert record.path.read_bytes() == data
    assert in_trash(library) == []


def test_a_place_that_was_taken_meanwhile_is_left_alone(library: Library) -> None:
    (record,) = kept(library)
    library.trash.delete(record.id)
    record.path.write_bytes(b"somebody's picture")
    restored = library.trash.restore(record.id)
    assert record.path.read_bytes() == b"somebody's picture"
    assert restored.path == record.path.with_stem(f"{record.path.stem}-2")
    assert (restored.state, restored.sha256) == ("kept", record.sha256)


def test_an_emptied_trash_brings_nothing_back_and_records_stay(library: Library) -> None:
    first, second, third = kept(library, 3)
    library.trash.delete(first.id)
    library.trash.delete(second.id)
    assert library.trash.empty() == 2
    assert library.trash.empty() == 0
    assert in_trash(library) == []
    with pytest.raises(InvalidRequest, match="gone for good"):
        library.trash.restore(first.id)
    assert found(library, first.id).state == "deleted"
    assert found(library, third.id) == third


def test_a_picture_whose_file_is_gone_already_can_be_deleted(library: Library) -> None:
    (record,) = kept(library)
    record.path.unlink()
    assert library.trash.delete(record.id).state == "deleted"
    assert library.records.recent() == []
    with pytest.raises(InvalidRequest, match="gone for good"):
        library.trash.restore(record.id)


def test_an_unknown_picture_gives_a_sentence(library: Library) -> None:
    for act in (library.trash.delete, library.trash.restore):
        with pytest.raises(InvalidRequest, match="no such picture"):
            act("nobody")


def test_a_reindex_does_not_bring_a_deleted_picture_back(library: Library) -> None:
    (record,) = kept(library)
    copy = library.outputs / "copy.png"
    copy.write_bytes(record.path.read_bytes())
    library.trash.delete(record.id)
    assert library.reindex(read).right == 1
    assert found(library, record.id).state == "deleted"


class CutOff(Exception):
    """The power went."""


def cut_off(*_: object, **__: object) -> None:
    raise CutOff


CUTS: list[tuple[object, str]] = [(trash, "write_new"), (SqliteRecords, "mark_deleted"), (trash, "_remove")]


@pytest.mark.parametrize(("place", "name"), CUTS)
@pytest.mark.parametrize("then", ["delete", "restore", "empty", "delete and empty"])
def test_a_delete_that_was_cut_off_loses_nothing_and_can_be_ended_or_taken_back(
    library: Library, place: object, name: str, then: str
) -> None:
    (record,) = kept(library)
    data = record.path.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, name, cut_off)
        with pytest.raises(CutOff):
            library.trash.delete(record.id)
    assert record.path.read_bytes() == data
    if "delete" in then:
        assert library.trash.delete(record.id).state == "deleted"
        assert files(library.outputs) == []
    if "restore" in then:
        assert library.trash.restore(record.id) == record
        assert record.path.read_bytes() == data
    if "empty" in then:
        library.trash.empty()
        assert in_trash(library) == []
        assert (found(library, record.id).state == "deleted") == (files(library.outputs) == [])


@pytest.mark.parametrize("name", ["locate", "_forget"])
def test_a_restore_that_was_cut_off_can_be_ended(library: Library, name: str) -> None:
    (record,) = kept(library)
    library.trash.delete(record.id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SqliteRecords if name == "locate" else trash.TrashFolder, name, cut_off)
        with pytest.raises(CutOff):
            library.trash.restore(record.id)
    assert library.trash.restore(record.id) == record
    assert in_trash(library) == []
    assert files(library.outputs) == [record.path.relative_to(library.outputs).as_posix()]


@pytest.mark.parametrize("act", [lambda trash, id: trash.delete(id), lambda trash, id: trash.empty()])
def test_a_disk_that_refuses_gives_a_sentence(library: Library, act: Callable[[trash.TrashFolder, str], object]) -> None:
    record, other = kept(library, 2)
    library.trash.delete(other.id)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trash, "write_new", refuse)
        patch.setattr(trash.shutil, "rmtree", refuse)
        with pytest.raises(KeepError, match=r"Permission denied.*then try again"):
            act(library.trash, record.id)
    assert found(library, record.id) == record
