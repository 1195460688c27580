"""Files of a snapshot, on systems with symbolic links, with hard links alone, and without any."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from studio.stock.cache import HubCache
from studio.stock.hub import HubFile

FILE = HubFile("unet/model.safetensors", 7, "a" * 64)


@pytest.fixture
def cache(tmp_path: Path) -> HubCache:
    """With one blob that no snapshot uses yet."""
    cache = HubCache(tmp_path / "hub")
    blob = cache.blob("toys/model", FILE)
    blob.parent.mkdir(parents=True)
    blob.write_bytes(b"weights")
    return cache


def refuse(monkeypatch: pytest.MonkeyPatch, *calls: str) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError("this system does not allow it")

    for call in calls:
        monkeypatch.setattr(os, call, refused)


@pytest.mark.parametrize(
    ("missing", "is_link", "links"), [((), True, 1), (("symlink",), False, 2), (("symlink", "link"), False, 1)]
)
def test_a_snapshot_holds_its_files_by_whatever_the_system_has(
    cache: HubCache, monkeypatch: pytest.MonkeyPatch, missing: tuple[str, ...], is_link: bool, links: int
) -> None:
    refuse(monkeypatch, *missing)
    snapshot = cache.publish("toys/model", "c0ffee", [FILE])
    placed, blob = snapshot / FILE.path, cache.blob("toys/model", FILE)
    assert (placed.read_bytes(), placed.is_symlink(), blob.stat().st_nlink) == (b"weights", is_link, links)
    assert cache.publish("toys/model", "c0ffee", [FILE]) == snapshot  # a second time changes nothing
    cache.forget("toys/model", [FILE])
    assert placed.read_bytes() == b"weights"


def test_a_link_to_what_is_gone_is_put_anew(cache: HubCache) -> None:
    snapshot = cache.publish("toys/model", "c0ffee", [FILE])
    (snapshot / FILE.path).unlink()
    (snapshot / FILE.path).symlink_to("nowhere")
    cache.publish("toys/model", "c0ffee", [FILE])
    assert (snapshot / FILE.path).read_bytes() == b"weights"


def test_a_disk_that_runs_full_while_copying_leaves_no_half_file_and_no_model(
    cache: HubCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, "symlink", "link")

    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"wei")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        cache.publish("toys/model", "c0ffee", [FILE])
    folder = cache.repository("toys/model")
    assert [path for path in folder.rglob("*") if path.is_file()] == [cache.blob("toys/model", FILE)]
