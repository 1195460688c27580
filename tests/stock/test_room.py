"""What lies on this computer: trash, linked folders, hashes, licences, starters."""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path

import pytest

from studio.backends.local.catalog import Catalog
from studio.core.errors import InvalidRequest
from studio.core.model import Model
from studio.settings import Settings
from studio.stock.folders import ModelFolders
from studio.stock.hashes import Hashes
from studio.stock.room import StockRoom, card_licence
from studio.stock.serving import draws_in_half


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", models=tmp_path / "models", hub_cache=tmp_path / "hub", outputs=tmp_path / "o")


@pytest.fixture
def room(settings: Settings) -> StockRoom:
    settings.models.mkdir()
    return StockRoom(settings, lambda _: tuple(settings.models.rglob("*.safetensors")))


def a_model(source: Path, name: str = "fox") -> Model:
    """A folder with weights."""
    source.mkdir(parents=True)
    (source / "model_index.json").write_text("{}")
    (source / "x.safetensors").write_bytes(b"weights")
    return Model(id=f"local:{name}", title=name, backend="local", source=str(source), size_bytes=7)


def test_a_removed_model_is_found_by_nobody_and_comes_back_as_it_was(room: StockRoom, settings: Settings) -> None:
    model = a_model(settings.models / "fox")
    stamp = (settings.models / "fox" / "x.safetensors").stat().st_mtime_ns
    removed = room.remove(model)
    assert not (settings.models / "fox").exists()
    assert Catalog(folders=(settings.models,), starter=settings.data).scan() == ([], [])
    assert [each.id for each in room.removed()] == [removed.id]
    room.restore(removed.id)
    assert (settings.models / "fox" / "x.safetensors").stat().st_mtime_ns == stamp  # moved, not copied
    assert room.removed() == []
    with pytest.raises(InvalidRequest, match="not in the trash any more"):
        room.restore(removed.id)


def test_a_model_of_the_cache_goes_with_its_whole_repository(room: StockRoom, settings: Settings) -> None:
    repository = settings.hub_cache / "models--a--b"
    model = a_model(repository / "snapshots" / "c0")
    (repository / "blobs").mkdir()
    room.remove(model)
    assert not repository.exists()
    assert list(Catalog(hub_cache=settings.hub_cache, starter=settings.data).scan()) == [[], []]
    assert room.empty() == 1
    assert not (settings.hub_cache / ".trash").exists()


def test_a_single_file_and_a_taken_place(room: StockRoom, settings: Settings) -> None:
    file = settings.models / "one.safetensors"
    file.write_bytes(b"one")
    removed = room.remove(Model(id="local:one", title="one", backend="local", source=str(file)))
    file.write_bytes(b"another")
    with pytest.raises(InvalidRequest, match="Another model lies at"):
        room.restore(removed.id)
    file.unlink()
    room.restore(removed.id)
    assert file.read_bytes() == b"one"


def test_a_forged_note_in_the_trash_leads_nowhere_else(room: StockRoom, settings: Settings, tmp_path: Path) -> None:
    removed = room.remove(a_model(settings.models / "fox"))
    note = settings.models / ".trash" / removed.id / "removed.json"
    for place in (tmp_path / "elsewhere" / "fox", settings.models / ".." / "fox"):
        note.write_text(json.dumps({**json.loads(note.read_text()), "place": str(place)}))
        with pytest.raises(InvalidRequest):
            room.restore(removed.id)
    with pytest.raises(InvalidRequest):
        room.restore("../../data")


def test_what_came_with_the_studio_and_linked_models_stay(room: StockRoom, settings: Settings, tmp_path: Path) -> None:
    own = a_model(tmp_path / "elsewhere" / "fox")
    assert "came with the studio" in room.stays(own)
    room.link(str(tmp_path / "elsewhere"))
    assert "linked folder" in room.stays(own)
    with pytest.raises(InvalidRequest, match="Delete it there, or unlink"):
        room.remove(own)
    assert room.stays(a_model(settings.models / "cat")) == ""


def test_a_linked_folder_is_searched_at_once_and_no_more_after_unlinking(
    room: StockRoom, settings: Settings, tmp_path: Path
) -> None:
    a_model(tmp_path / "elsewhere" / "fox")
    catalog = Catalog(folders=ModelFolders(settings), starter=settings.data)
    assert catalog.scan()[1] == []
    room.link(f" {tmp_path / 'elsewhere'} ")
    assert [problem.split(" ")[0] for problem in catalog.scan()[1]] == ["fox"]  # our toy is none, and said so
    room.unlink(str(tmp_path / "elsewhere"))
    assert catalog.scan()[1] == []


@pytest.mark.parametrize("text", ["", "relative", "/no/such/folder", "{models}", "{models}/sub", "{above}"])
def test_what_is_no_folder_or_searched_already_is_not_linked(room: StockRoom, settings: Settings, text: str) -> None:
    (settings.models / "sub").mkdir()
    with pytest.raises(InvalidRequest):
        room.link(text.format(models=settings.models, above=settings.models.parent))
    assert room.folders() == []


def wait_for(hashes: Hashes, place: str) -> str:
    end = time.monotonic() + 10
    while not (found := hashes.of(place)):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def test_a_hash_is_computed_once_and_anew_when_a_file_changes(tmp_path: Path) -> None:
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    hashes = Hashes(tmp_path)
    assert hashes.of("fox") == ""
    hashes.compute("fox", (first, second))
    assert wait_for(hashes, "fox") == hashlib.sha256(b"onetwo").hexdigest()
    assert Hashes(tmp_path).of("fox") == hashlib.sha256(b"onetwo").hexdigest()  # kept
    second.write_bytes(b"three")
    assert hashes.of("fox") == ""
    hashes.compute("cat", (first, tmp_path / "none"))
    hashes.compute("fox", (first, second))
    assert wait_for(hashes, "fox") == hashlib.sha256(b"onethree").hexdigest()
    assert hashes.of("cat") == ""


def test_looking_at_hashes_looks_for_no_model(room: StockRoom, settings: Settings) -> None:
    """One look at the catalog for each of many models would take minutes."""
    model, asked = a_model(settings.models / "fox"), []

    def weight_files(id: str) -> list[Path]:
        asked.append(id)
        return list(settings.models.rglob("*.safetensors"))

    room = StockRoom(settings, weight_files)
    assert [room.hash_of(model) for _ in range(100)] == [""] * 100
    assert asked == []
    assert room.hash_of(model, now=True) == ""
    assert asked == ["local:fox"]
    assert wait_for(room._hashes, model.source) == hashlib.sha256(b"weights").hexdigest() == room.hash_of(model)


def test_the_hash_is_the_one_that_stands_in_pictures(tmp_path: Path) -> None:
    """The same files in the same order as the loader hashes."""
    from studio.backends.local import loader

    files = (tmp_path / "1.safetensors", tmp_path / "2.safetensors")
    for file in files:
        file.write_bytes(file.name.encode() * 1000)
    hashes = Hashes(tmp_path)
    hashes.compute("fox", files)
    assert wait_for(hashes, "fox") == loader._sha256(files, ((0, 0), (0, 0)))


@pytest.mark.parametrize(
    ("card", "licence"),
    [("---\nlicense: mit\n---\n", "mit"), ("---\ntags: [a]\nlicense: other\nlicense_name: flux-1-dev\n---", "flux-1-dev"),
     ('---\nlicense: "openrail++"\n---', "openrail++"), ("license: mit", ""), ("---\nlicense: <b>x</b>\n---", ""), ("", "")],
)  # fmt: skip
def test_a_card_tells_its_licence(tmp_path: Path, card: str, licence: str) -> None:
    path = tmp_path / "README.md"
    path.write_text(card)
    assert card_licence(path) == licence
    assert card_licence(tmp_path / "none.md") == ""


def test_what_comes_with_the_studio_has_its_licence(room: StockRoom, settings: Settings) -> None:
    (starter,) = Catalog().models()
    assert room.licence(starter) == "Apache-2.0"
    assert room.licence(a_model(settings.models / "fox")) == ""


def test_the_starters_are_whole_and_their_names_can_be_asked_for(room: StockRoom) -> None:
    from studio.stock.naming import wanted

    known = room.starters()
    assert len(known) >= 8
    assert len({each.repository for each in known}) == len(known)
    for each in known:
        assert wanted(each.repository, "https://huggingface.co").repository == each.repository
        assert each.licence
        assert each.why.endswith(".")
        assert 4 <= each.vram <= 80
        assert 1e9 < each.size_bytes < 1e11


@pytest.mark.parametrize(("device", "half"), [("cpu", False), ("cuda", True), ("cuda:1", True), ("mps", True)])
def test_precision_goes_by_the_device_that_was_set(device: str, half: bool, settings: Settings) -> None:
    from dataclasses import replace

    assert draws_in_half(replace(settings, device=device)) is half
    assert draws_in_half(settings, platform="darwin") is True
