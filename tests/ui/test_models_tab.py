"""The models page: what its parts say, what they escape, what changed, and who may change something."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from fake_collection import HOSTILE, a_collection
from fakes import FakeStudio
from hypothesis import given
from hypothesis import strategies as st

from studio.core.collection import Download, Entry, Removed, Starter, Use
from studio.core.model import Model
from studio.core.people import Person
from studio.ui import collecting
from studio.ui.tabs.models import ModelsTab

MODEL = Model(id="local:a/b", title="B", backend="local", family="FLUX.1", size_bytes=23_800_000_000, source="/m/b")


@pytest.fixture
def studio(tmp_path: Path) -> FakeStudio:
    (tmp_path / "outputs").mkdir()
    studio = FakeStudio(tmp_path / "outputs")
    studio.collection = a_collection(studio, 200)
    return studio


@pytest.fixture
def tab(studio: FakeStudio, tmp_path: Path) -> ModelsTab:
    """The tab without its page."""
    from studio.ui.thumbs import Thumbs

    tab: Any = object.__new__(ModelsTab)
    tab._studio, tab._collection, tab._thumbs, tab._pictures = studio, studio.collection, Thumbs(tmp_path / "t"), {}
    return tab


def test_a_row_tells_family_size_precision_licence_source_hash_and_last_use() -> None:
    entry = Entry(model=MODEL, licence="apache-2.0", sha256="5d20" * 16, use=Use(last=time.time() - 86_400))
    html = collecting.row(entry, "/thumb.webp", time.time())["html"]
    for word in ("FLUX.1", "23.8 GB", "apache-2.0", "huggingface.co/a/b · /m/b", "5d20" * 16, "yesterday", "/thumb.webp"):
        assert word in html
    assert 'data-models="remove"' in html
    stays = collecting.row(Entry(model=MODEL, stays="It came with the studio and stays."), "", time.time())["html"]
    assert "remove" not in stays
    assert "It came with the studio and stays." in stays
    assert "never" in stays


def test_every_text_from_elsewhere_is_escaped() -> None:
    model = Model(id=f"local:{HOSTILE}", title=HOSTILE, backend="local", family=HOSTILE, source=HOSTILE, precision=HOSTILE)
    texts = [
        collecting.row(Entry(model=model, licence=HOSTILE, sha256=HOSTILE, stays=HOSTILE), HOSTILE, 0)["html"],
        collecting.download(Download(id="d", what=HOSTILE, message=HOSTILE, link=HOSTILE, file=HOSTILE))["html"],
        collecting.starters([Starter(repository=HOSTILE, title=HOSTILE, family="", size_bytes=1, vram=4, licence=HOSTILE,
                                     why=HOSTILE)], (), ()),
        collecting.folders(HOSTILE, [HOSTILE]), collecting.problems([HOSTILE]),
        collecting.trash([Removed(id="t", name=HOSTILE, place="", when=0)], 0),
    ]  # fmt: skip
    for html in texts:
        assert "<img src=x" not in html
        assert 'onerror="' not in html
        assert "&lt;img" in html


def test_a_download_tells_how_far_how_fast_and_how_long() -> None:
    each = Download(id="d", what="a/b", state="running", done=1_725_000_000, total=6_900_000_000, speed=31e6, eta=166.9)
    html = collecting.download(each)["html"]
    assert "Downloading · 1.7 GB of 6.9 GB · 31.0 MB/s · 3 min left" in html
    assert 'aria-valuenow="25"' in html
    assert re.findall(r'data-models="(\w+)"', html) == ["pause", "cancel"]
    failed = Download(id="d", what="a/b", state="failed", message="Accept it.", link="https://huggingface.co/a/b")
    html = collecting.download(failed)["html"]
    assert 'Accept it. <a href="https://huggingface.co/a/b"' in html
    assert re.findall(r'data-models="(\w+)"', html) == ["resume", "cancel"]


def test_only_what_has_changed_is_told_again(tab: Any, studio: FakeStudio, owner_asks: None) -> None:
    news = tab._news({})
    assert len(news["rows"]) == 202
    assert tab._news(news["seen"]).keys() == {"seen"}
    tab._act({"do": "add", "text": "toys/small"})
    assert {"downloads", "busy", "starters"} <= tab._news(news["seen"]).keys()
    assert "On its way" in tab._news({})["starters"]


def test_buttons_do_what_they_say_and_remove_tells_the_way_back(tab: Any, owner_asks: None) -> None:
    id = "local:makers/pony-3"
    removed = tab._act({"do": "remove", "id": id})
    assert removed["said"] == "Pony 3 is in the trash."
    assert id not in {row["id"] for row in tab._news({})["rows"]}
    assert tab._act({"do": "restore", "id": removed["undo"]})["said"] == "Pony 3 is back."
    assert id in {row["id"] for row in tab._news({})["rows"]}
    assert "names no model" in tab._act({"do": "add", "text": "nonsense"})["problem"]
    assert "Reload" in tab._act({"do": "format"})["problem"]
    assert "no folder" in tab._act({"do": "link", "text": "x"})["problem"]
    tab._act({"do": "link", "text": "/elsewhere"})
    assert "/elsewhere" in tab._news({})["folders"]


@pytest.mark.parametrize("do", ["add", "pause", "resume", "cancel", "remove", "restore", "empty", "link", "unlink"])
def test_a_creator_looks_and_changes_nothing(tab: Any, monkeypatch: pytest.MonkeyPatch, do: str) -> None:
    from studio.ui import who

    monkeypatch.setattr(who, "known", lambda: Person("carl", "creator"))
    assert len(tab._news({})["rows"]) == 202
    told = tab._act({"do": do, "id": "local:makers/pony-3", "text": "toys/small"})
    assert told == {"problem": "carl is signed in as creator, and this takes the role admin. Ask an admin."}


@given(st.integers(0, 10**15))
def test_sizes_are_short_and_right_within_a_percent_or_so(count: int) -> None:
    words = collecting.size(count)
    number, unit = words.split(" ")
    factor = {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[unit]
    assert float(number) * factor == pytest.approx(count, rel=0.051, abs=1)
    assert len(words) <= 9
