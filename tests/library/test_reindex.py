import json
import shutil
import sys
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from kept_builders import a_draft, drafts
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from studio.core.metadata import draft_to_json
from studio.library import Library, Reindexed, open_library
from studio.stamps.reading import read


@pytest.fixture
def kept(library: Library) -> Library:
    library.outputs.mkdir()
    library.keeper.hold(drafts(3))
    library.keeper.keep("job1")
    return library


def fresh(library: Library, tmp_path: Path) -> Library:
    """A library that has forgotten all, on the same outputs."""
    return open_library(tmp_path / "fresh", library.outputs)


def forged(path: Path, values: Any) -> Path:
    texts = PngInfo()
    texts.add_text("studio_metadata", values if isinstance(values, str) else json.dumps(values))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8)).save(path, pnginfo=texts)
    return path


def test_a_lost_library_is_rebuilt_from_the_files(kept: Library, tmp_path: Path) -> None:
    with fresh(kept, tmp_path) as library:
        assert library.reindex(read) == Reindexed(added=3)
        assert library.records.recent() == kept.records.recent()
        assert library.records.of_job("job1") == kept.records.of_job("job1")
        assert library.reindex(read) == Reindexed(right=3)


def test_right_rows_stay_and_a_job_is_not_kept_again(kept: Library) -> None:
    before = kept.records.recent()
    assert kept.reindex(read) == Reindexed(right=3)
    kept.keeper.hold(drafts(3))
    kept.keeper.keep("job1")
    assert kept.records.recent() == before
    assert len(list(kept.outputs.rglob("*.png"))) == 3


def test_a_deleted_file_is_marked_and_found_again_when_it_is_back(kept: Library, tmp_path: Path) -> None:
    record = kept.records.recent()[0]
    assert record.path is not None
    data = record.path.read_bytes()
    record.path.unlink()
    assert kept.reindex(read) == Reindexed(right=2, missing=1)
    assert kept.database.rows("SELECT id FROM record WHERE state = 'missing'")[0]["id"] == record.id
    record.path.write_bytes(data)
    assert kept.reindex(read) == Reindexed(right=3)
    assert kept.records.record(record.id) == record


def test_a_moved_file_is_found_at_its_new_place(kept: Library) -> None:
    record = kept.records.recent()[0]
    assert record.path is not None
    new = kept.outputs / "favourites" / "best.png"
    new.parent.mkdir()
    record.path.rename(new)
    assert kept.reindex(read) == Reindexed(right=2, changed=1)
    found = kept.records.record(record.id)
    assert found is not None
    assert (found.path, found.name, found.state) == (new, "best.png", "kept")


def test_a_copy_is_counted_and_the_first_file_stays_the_records_own(kept: Library) -> None:
    record = kept.records.recent()[0]
    assert record.path is not None
    shutil.copy(record.path, kept.outputs / "a copy.png")
    assert kept.reindex(read) == Reindexed(right=3, copies=1)
    assert kept.records.record(record.id) == record


def test_files_of_others_are_counted_and_left_alone(kept: Library) -> None:
    Image.new("RGB", (8, 8)).save(kept.outputs / "photo.png")
    texts = PngInfo()
    texts.add_text("parameters", "a cat\nSteps: 20, Sampler: Euler, Seed: 1, Size: 8x8")
    Image.new("RGB", (8, 8)).save(kept.outputs / "webui.png", pnginfo=texts)
    (kept.outputs / "notes.png").write_text("not a picture at all")
    assert kept.reindex(read) == Reindexed(right=3, foreign=3)
    assert len(kept.records.recent()) == 3


def test_damaged_files_are_listed_with_a_sentence_each(kept: Library) -> None:
    data = a_draft(7).data
    assert data is not None
    (kept.outputs / "cut.png").write_bytes(data[:-30])
    (kept.outputs / "flipped.png").write_bytes(data.replace(b'"schema": 1', b'"schema": 7', 1))
    (kept.outputs / "empty.png").write_bytes(data[:8])
    found = kept.reindex(read)
    assert found.right == 3
    assert found.damaged == (
        "cut.png is damaged: its end is missing. Use another copy of it.",
        "empty.png is damaged: its end is missing. Use another copy of it.",
        "flipped.png is damaged: a checksum is wrong. Use another copy of it.",
    )


def bomb() -> bytes:
    data = a_draft().data
    assert data is not None
    body = b"studio_metadata\0\1\0\0\0" + zlib.compress(b'"' + b" " * 60_000_000 + b'"')
    chunk = len(body).to_bytes(4, "big") + b"iTXt" + body + zlib.crc32(b"iTXt" + body).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


RECORD = draft_to_json(a_draft(9), "0.1.0")


@pytest.mark.parametrize(
    "values",
    [
        "{",
        "[]",
        "NaN",
        "[" * 100_000,
        '{"record":' * 2_000 + "1" + "}" * 2_000,
        "1" * 10_000,
        {},
        {**RECORD, "record": "../../etc/passwd"},
        {**RECORD, "record": ["x"]},
        {**RECORD, "job": ""},
        {**RECORD, "seed": -1},
        {**RECORD, "seed": 2**70},
        {**RECORD, "seed": True},
        {**RECORD, "created": "yesterday"},
        {**RECORD, "created": "0001-01-01T00:00:00"},
        {**RECORD, "created": None},
        {**RECORD, "request": []},
        {**RECORD, "request": {**RECORD["request"], "prompt": {"a": 1}}},
        {**RECORD, "request": {**RECORD["request"], "prompt": "\ud800"}},
        {**RECORD, "request": {**RECORD["request"], "sampling": "Euler"}},
        {**RECORD, "request": {**RECORD["request"], "sampling": {"steps": "many"}}},
        {**RECORD, "request": {**RECORD["request"], "task": {"kind": "dance"}}},
        {**RECORD, "request": {**RECORD["request"], "task": {"size": {"width": "x"}}}},
        {**RECORD, "request": {**RECORD["request"], "task": {"size": {"width": -1, "height": 8}}}},
        {**RECORD, "request": {key: value for key, value in RECORD["request"].items() if key != "prompt"}},
        {**RECORD, "notes": "text"},
        {**RECORD, "verdicts": [{"check": "c", "outcome": "perhaps"}]},
        {**RECORD, "verdicts": [1]},
        {**RECORD, "facts": None},
    ],
)
def test_a_hostile_record_is_a_sentence_and_never_a_row(kept: Library, values: Any) -> None:
    forged(kept.outputs / "forged.png", values)
    found = kept.reindex(read)
    assert (found.right, found.added, len(found.damaged)) == (3, 0, 1)
    assert found.damaged[0].startswith("The record in forged.png is ")
    assert found.damaged[0].endswith("Its picture can still be opened.")
    assert len(kept.records.recent()) == 3


def test_a_text_that_unpacks_to_a_giant_is_refused_unread(kept: Library) -> None:
    (kept.outputs / "bomb.png").write_bytes(bomb())
    assert len(bomb()) < 100_000
    assert kept.reindex(read).damaged == (
        "bomb.png is damaged: a compressed text in it is too large or cut off. Use another copy of it.",
    )


def test_a_forged_record_cannot_take_over_a_kept_one(kept: Library) -> None:
    record = kept.records.recent()[0]
    assert record.path is not None
    forged(kept.outputs / "0.png", {**RECORD, "record": record.id, "path": "/etc/passwd", "notes": ["forged"]})
    assert kept.reindex(read) == Reindexed(right=3, copies=1)
    assert kept.records.record(record.id) == record


def test_size_and_path_are_the_files_own_whatever_the_record_says(kept: Library, tmp_path: Path) -> None:
    path = forged(kept.outputs / "forged.png", {**RECORD, "record": "r1", "width": 9999, "path": "/etc/passwd"})
    assert kept.reindex(read).added == 1
    record = kept.records.record("r1")
    assert record is not None
    assert (record.path, record.width, record.height) == (path, 8, 8)


def test_a_link_out_of_outputs_is_not_followed(kept: Library, tmp_path: Path) -> None:
    outside = forged(tmp_path / "outside.png", {**RECORD, "record": "r1"})
    if sys.platform == "win32":
        pytest.skip("links need rights on Windows")
    (kept.outputs / "link.png").symlink_to(outside)
    (kept.outputs / "folder").symlink_to(tmp_path / "elsewhere")
    assert kept.reindex(read) == Reindexed(right=3)


def test_the_summary_can_be_printed_as_json(kept: Library) -> None:
    assert json.loads(json.dumps(asdict(kept.reindex(read))))["right"] == 3


def test_no_outputs_folder_is_an_empty_one(library: Library) -> None:
    assert library.reindex(read) == Reindexed()
