"""Pictures that requests start from: kept once, whole, and named by what they hold."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from kept_builders import a_draft
from PIL import Image

from studio.core.errors import InvalidRequest, KeepError
from studio.core.ports import Sources
from studio.core.request import Source
from studio.library import Library, open_library
from studio.library import sources as module


def a_file(kind: str = "PNG", size: tuple[int, int] = (40, 20), **options: Any) -> bytes:
    data = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(data, kind, **options)
    return data.getvalue()


@pytest.mark.parametrize(("kind", "suffix"), [("PNG", ".png"), ("JPEG", ".jpg"), ("WEBP", ".webp")])
def test_what_browsers_show_is_kept_byte_for_byte(library: Library, kind: str, suffix: str) -> None:
    store: Sources = library.sources
    data = a_file(kind)
    source = store.add(data, "holiday.x")
    assert source == Source(sha256=hashlib.sha256(data).hexdigest(), width=40, height=20, name="holiday.x")
    assert store.read(source) == data
    path = store.path(source)
    assert path is not None
    assert path.suffix == suffix
    assert path.is_relative_to(store.folder)


def test_another_kind_of_file_is_kept_as_a_png_of_the_same_pixels(library: Library) -> None:
    data = a_file("BMP")
    source = library.sources.add(data, "old.bmp")
    with Image.open(io.BytesIO(library.sources.read(source))) as kept, Image.open(io.BytesIO(data)) as given:
        assert kept.format == "PNG"
        assert kept.tobytes() == given.tobytes()


def test_the_size_is_that_of_the_upright_picture(library: Library) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    source = library.sources.add(a_file("JPEG", exif=exif))
    assert (source.width, source.height) == (20, 40)


def test_the_same_bytes_are_kept_once(library: Library) -> None:
    data = a_file()
    assert library.sources.add(data, "a").sha256 == library.sources.add(data, "b").sha256
    assert len(list(library.sources.folder.rglob("*.*"))) == 1


@pytest.mark.parametrize("data", [b"", b"no picture", a_file()[:60]])
def test_what_is_no_picture_is_refused_and_nothing_is_kept(library: Library, data: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"notes\.png"):
        library.sources.add(data, "notes.png")
    assert list(library.sources.folder.rglob("*.*")) == []


def test_a_file_that_was_changed_or_removed_is_noticed(library: Library) -> None:
    source = library.sources.add(a_file(), "mine.png")
    path = library.sources.path(source)
    assert path is not None
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(InvalidRequest, match=r"mine\.png has changed on the disk"):
        library.sources.read(source)
    path.unlink()
    with pytest.raises(InvalidRequest, match=r"mine\.png is gone"):
        library.sources.read(source)
    assert library.sources.path(source) is None


def test_a_kept_picture_that_comes_back_from_the_disk_is_recognised(library: Library) -> None:
    library.keeper.hold([a_draft()])
    (record,) = library.keeper.keep("job1")
    assert record.path is not None
    data = record.path.read_bytes()
    assert library.sources.add(data, "copy.png").record == record.id
    assert library.sources.add(data, "copy.png", "another").record == "another"
    assert library.sources.add(a_file()).record == ""


def test_a_full_disk_is_a_sentence_and_nothing_half_written_stays(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "write_new", full)
    with pytest.raises(KeepError, match=r"No space left on device\. Free some space"):
        library.sources.add(a_file())


def add(folder: str, data: bytes) -> Source:
    with open_library(Path(folder) / "data", Path(folder) / "outputs") as library:
        return library.sources.add(data, "same.png")


@pytest.mark.slow
def test_processes_that_add_the_same_picture_at_once_keep_it_once(tmp_path: Path) -> None:
    data = a_file(size=(400, 400))
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        found = set(pool.map(add, [str(tmp_path)] * 8, [data] * 8))
    assert len(found) == 1
    assert len([path for path in (tmp_path / "data" / "sources").rglob("*") if path.is_file()]) == 1


def test_a_source_with_another_name_reads_the_same_file(library: Library) -> None:
    source = library.sources.add(a_file(), "one.png")
    assert library.sources.read(replace(source, name="two.png", record="x")) == library.sources.read(source)
