"""The collection of models: who may change it, what is logged, and how often the disk is looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from studio.core.collection import Use
from studio.core.errors import InvalidRequest, NotAllowed
from studio.core.model import Model
from studio.core.people import Person
from studio.engine.collection import Collection
from studio.library import open_library
from studio.library.audit import SqliteAudit
from studio.settings import Settings
from studio.stock.room import StockRoom

ADA, CARL = Person("ada"), Person("carl", "creator")


class Folder:
    """A backend with one model, which counts how often it is looked for."""

    name, hosted = "local", False

    def __init__(self, path: Path) -> None:
        self._path, self.looks = path, 0

    def models(self) -> list[Model]:
        self.looks += 1
        there = self._path.is_dir()
        return [Model(id="local:fox", title="Fox", backend="local", source=str(self._path))] if there else []

    def problems(self) -> list[str]:
        return ["cat is incomplete."]


class Used:
    def by_model(self) -> dict[str, Use]:
        return {"local:fox": Use(last=5.0, record="r1")}


Opened = tuple[Collection, SqliteAudit, Folder]


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    settings = Settings(data=tmp_path / "data", models=tmp_path / "models", hub_cache=tmp_path / "hub")
    (settings.models / "fox").mkdir(parents=True)
    folder = Folder(settings.models / "fox")
    with open_library(settings.data, tmp_path / "outputs") as library:
        stock = StockRoom(settings, lambda _: ())
        backends: Any = (folder,)
        yield Collection(backends=backends, stock=stock, usage=Used(), audit=library.audit), library.audit, folder


CHANGES: dict[str, Callable[[Collection, Person], object]] = {
    "add": lambda collection, person: collection.add("a/b", person),
    "wish": lambda collection, person: collection.wish("x", "pause", person),
    "remove": lambda collection, person: collection.remove("local:fox", person),
    "restore": lambda collection, person: collection.restore("x", person),
    "empty": lambda collection, person: collection.empty_trash(person),
    "link": lambda collection, person: collection.link("/", person),
    "unlink": lambda collection, person: collection.unlink("/", person),
}


@pytest.mark.parametrize("change", CHANGES)
def test_only_who_manages_changes_anything(opened: Opened, change: str) -> None:
    collection, audit, _ = opened
    for person in (CARL, Person("rita", "reviewer")):
        with pytest.raises(NotAllowed, match="takes the role admin"):
            CHANGES[change](collection, person)
    assert collection.downloads() == []
    assert audit.rows() == []


def test_each_change_stands_in_the_log_with_its_person(opened: Opened, tmp_path: Path) -> None:
    collection, audit, _ = opened
    (tmp_path / "linked").mkdir()
    removed = collection.remove("local:fox", ADA)
    assert collection.entries() == []
    collection.restore(removed.id, ADA)
    linked = collection.link(str(tmp_path / "linked"), ADA)
    collection.unlink(linked, ADA)
    collection.remove("local:fox", ADA)
    assert collection.empty_trash(ADA) == 1
    assert [(row.action, row.subject, dict(row.detail).get("for_good")) for row in audit.rows()] == [
        ("models.removed", "local:fox", None), ("models.restored", "Fox", None), ("models.added", linked, None),
        ("models.removed", linked, None), ("models.removed", "local:fox", None), ("models.removed", "Fox", True),
    ]  # fmt: skip
    assert {row.person for row in audit.rows()} == {"ada"}
    assert audit.verify()[1] is None


def test_many_pages_look_at_the_disk_once_and_a_change_is_seen_at_once(opened: Opened) -> None:
    collection, _, folder = opened
    for _ in range(50):
        (entry,) = collection.entries()
        assert collection.problems() == ["cat is incomplete."]
    assert folder.looks == 1
    assert (entry.use, entry.stays) == (Use(last=5.0, record="r1"), "")
    collection.remove("local:fox", ADA)
    assert collection.entries() == []


def test_without_a_store_there_is_a_list_and_a_sentence(tmp_path: Path) -> None:
    tmp_path.joinpath("fox").mkdir()
    backends: Any = (Folder(tmp_path / "fox"),)
    collection = Collection(backends=backends)
    collection.open()
    assert [entry.model.id for entry in collection.entries()] == ["local:fox"]
    assert (collection.downloads(), collection.folders(), list(collection.starters())) == ([], [], [])
    with pytest.raises(InvalidRequest, match="Start it with studio"):
        collection.remove("local:fox", ADA)
    collection.close()
