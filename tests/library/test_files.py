import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kept_builders import a_draft, a_request

from studio.library import files
from studio.library.files import output_name, slug, write_new

RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("local:starter", "starter"),
        ("local:Stable Diffusion 1.5 (fp16)", "stable-diffusion-1-5-fp16"),
        ("hub:stabilityai/sd-turbo", "sd-turbo"),
        ("local:Käthe Ölmalerei", "kathe-olmalerei"),
        ("local:日本画", "model"),
        ("local:../../etc/passwd", "passwd"),
        ("local:..", "model"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_model_name_becomes_a_short_plain_word(model: str, expected: str) -> None:
    assert slug(model) == expected


@given(st.text(max_size=60), st.text(min_size=1, max_size=40))
def test_a_file_name_is_safe_on_every_system_whatever_the_model_and_id(model: str, id: str) -> None:
    day, name = output_name(a_draft(request=a_request(model=model))).split("/")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day)
    assert re.fullmatch(r"\d{6}-[a-z0-9-]{1,40}-1234-[0-9a-f]{8}\.png", name)
    assert name.split(".")[0] not in RESERVED


def test_a_written_file_is_whole_and_the_only_one(tmp_path: Path) -> None:
    path = write_new(tmp_path / "a" / "b", "picture.png", b"data")
    assert path.read_bytes() == b"data"
    assert list(path.parent.iterdir()) == [path]


def test_the_same_bytes_are_written_once_and_other_bytes_get_another_name(tmp_path: Path) -> None:
    first = write_new(tmp_path, "picture.png", b"one")
    assert write_new(tmp_path, "picture.png", b"one") == first
    assert write_new(tmp_path, "picture.png", b"two") == tmp_path / "picture-2.png"
    assert write_new(tmp_path, "picture.png", b"three") == tmp_path / "picture-3.png"
    assert write_new(tmp_path, "picture.png", b"two") == tmp_path / "picture-2.png"
    assert first.read_bytes() == b"one"


def test_what_a_crash_left_is_cleared_and_harms_no_finished_file(tmp_path: Path) -> None:
    finished = tmp_path / "picture.png"
    finished.write_bytes(b"finished")
    (tmp_path / ".picture.part").hardlink_to(finished)
    assert write_new(tmp_path, "picture.png", b"other") == tmp_path / "picture-2.png"
    assert finished.read_bytes() == b"finished"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture-2.png", "picture.png"]


def test_another_studios_unfinished_file_of_that_name_is_left_alone(tmp_path: Path, monkeypatch) -> None:
    sync, others = files.os.fsync, ["other"]

    def meanwhile(handle: int) -> None:
        if others:
            write_new(tmp_path, "picture.png", others.pop().encode(), "b")
        sync(handle)

    monkeypatch.setattr(files.os, "fsync", meanwhile)
    assert write_new(tmp_path, "picture.png", b"one", "a") == tmp_path / "picture-2.png"
    assert (tmp_path / "picture.png").read_bytes() == b"other"
    assert (tmp_path / "picture-2.png").read_bytes() == b"one"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_folder_in_the_way_of_a_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "picture.png").mkdir()
    assert write_new(tmp_path, "picture.png", b"data") == tmp_path / "picture-2.png"


def test_a_file_made_with_a_preset_is_named_after_it_and_its_prompts_version() -> None:
    of = {"v2": "-evening-sail-v2-starter-1234-", "v2-5f0c2a": "-evening-sail-v2-5f0c2a-starter-1234-"}
    for version, named in of.items():
        _, name = output_name(a_draft(request=a_request(preset="Evening sail/..", prompt_version=version))).split("/")
        assert named in name
    assert "5f0c2a" not in output_name(a_draft(request=a_request(prompt_version="5f0c2a")))
