"""The presets folder as it is written: whole files, versions that only go up, nothing lost."""

from __future__ import annotations

import io
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from studio.core.errors import InvalidRequest, LibraryError
from studio.core.preset import Preset
from studio.core.request import Adapter, Hires, Sampling, Size
from studio.library.presets import PresetFolder
from studio.presets import load_presets, parse_preset, preset_text

HARD = "“” \\ \" ' # = [x] \t\n\x7f 日本 😀 {a|b} __c__"


def a_picture(colour: str = "red", kind: str = "PNG", side: int = 32) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(out, kind)
    return out.getvalue()


@pytest.fixture
def folder(tmp_path: Path) -> PresetFolder:
    return PresetFolder(tmp_path / "presets", tmp_path / "aside")


def sail(**values: object) -> Preset:
    return Preset(**{"name": "", "title": "Evening sail", "prompt": "a sail"} | values)  # type: ignore[arg-type]


def files(folder: PresetFolder) -> set[str]:
    return {path.name for path in folder.folder.iterdir()}


def test_everything_a_preset_holds_comes_back_from_its_file(folder: PresetFolder) -> None:
    whole = sail(
        group="Banner", description=HARD, author="anna", task="inpaint", prompt=HARD, negative_prompt="n", styles=("A", "B"),
        model="local:m", size=Size(160, 96), strength=0.4,
        sampling=Sampling(steps=9, guidance_scale=2.5, seed=4, sampler="Euler"),
        options={"style": "x y", "raw": True, "n": 0.5}, adapters=(Adapter(kind="lora", name="evening", weight=-0.5),),
        hires=Hires(scale=1.5, upscaler="latent", strength=0.2, steps=4),
    )  # fmt: skip
    saved = folder.save(whole, a_picture(), over=True).preset
    (found,) = folder.all()
    assert found == saved
    assert (found.name, found.version, found.prompt, found.hires) == ("evening-sail", 1, HARD, whole.hires)
    assert files(folder) == {"evening-sail.toml", "evening-sail.png"}


@given(
    st.text(max_size=60),
    st.dictionaries(st.text(max_size=8), st.text(max_size=8) | st.booleans() | st.integers(-9, 9), max_size=3),
)
def test_any_words_are_written_so_that_the_same_is_read(words: str, options: dict[str, object]) -> None:
    preset = sail(name="p", prompt=words, options=options)
    read, faults = parse_preset(preset_text(preset).encode(), Path("p.toml"))
    assert (read, faults) == (preset, [])


def test_saving_over_a_preset_raises_its_version_and_an_undo_brings_the_older_one_back(folder: PresetFolder) -> None:
    first = folder.save(sail(), a_picture("red"), over=True)
    second = folder.save(sail(prompt="two sails"), a_picture("blue"), over=True)
    assert (first.undo, second.preset.name, second.preset.version) == ("", "evening-sail", 2)
    assert len(files(folder)) == 2  # the older picture is gone from the folder
    assert folder.restore(second.undo) == first.preset
    assert [preset.prompt for preset in folder.all()] == ["a sail"]
    third = folder.save(sail(prompt="three"), a_picture("green"), over=True)
    assert third.preset.version == 3  # version 2 was something else once, and pictures may name it


def test_a_picture_stays_unless_another_one_or_none_is_wanted(folder: PresetFolder) -> None:
    folder.save(sail(), a_picture(), over=True)
    assert folder.save(sail(prompt="b"), None, over=True).preset.picture == folder.folder / "evening-sail.png"
    assert folder.save(sail(prompt="c"), b"", over=True).preset.picture is None
    assert files(folder) == {"evening-sail.toml"}


def test_without_being_over_another_name_is_found_and_reserved_names_are_left_alone(folder: PresetFolder) -> None:
    names = [folder.save(sail(), b"", over=False).preset.name for _ in range(2)]
    assert [*names, folder.save(sail(title="Policy"), b"", over=True).preset.name] == [
        "evening-sail",
        "evening-sail-2",
        "policy-2",
    ]


def test_a_deleted_preset_comes_back_with_its_picture(folder: PresetFolder) -> None:
    saved = folder.save(sail(), a_picture(), over=True).preset
    undo = folder.remove("evening-sail").undo
    assert (files(folder), list(folder.all())) == (set(), [])
    assert folder.restore(undo) == saved
    assert files(folder) == {"evening-sail.toml", "evening-sail.png"}
    for gone in (undo, "../x~1~00000000", "", "evening-sail"):
        with pytest.raises(InvalidRequest, match="cannot be brought back"):
            folder.restore(gone)


def test_a_file_put_into_the_folder_is_there_at_once_and_its_faults_too(folder: PresetFolder) -> None:
    assert list(folder.all()) == []
    folder.folder.mkdir()
    (folder.folder / "new.toml").write_text('title = "New"')
    (folder.folder / "bad.toml").write_text('title = 5\nsteps = "x"')
    assert [preset.title for preset in folder.all()] == ["New"]
    assert [fault.split(",")[0] for fault in folder.faults()] == [
        "Preset bad.toml: title must be text", "Preset bad.toml: steps must be a whole number",
    ]  # fmt: skip
    (folder.folder / "new.toml").unlink()
    assert list(folder.all()) == []


def test_a_packed_preset_is_the_same_elsewhere_but_for_its_author(folder: PresetFolder, tmp_path: Path) -> None:
    folder.save(sail(author="anna", group="Banner"), a_picture(kind="JPEG"), over=True)
    name, data = folder.packed("evening-sail")
    assert name == "evening-sail-v1.preset.zip"
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["evening-sail.toml", "evening-sail.jpg"]
    preset, picture = PresetFolder(tmp_path / "other", tmp_path / "aside2").unpacked(data, name)
    assert (preset.title, preset.group, preset.author, picture) == ("Evening sail", "Banner", "", a_picture(kind="JPEG"))


def packed(method: int = zipfile.ZIP_STORED, **parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as pack:
        for name, data in parts.items():
            pack.writestr(name.replace("__", "."), data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"title = ", "not valid TOML"),
        (b'title = "T"\nsteps = 0\nmodle = "x"', "unknown keys (modle)"),
        (b"PK\x03\x04 broken", "damaged zip"),
        (packed(a__toml=b'title = "T"', b__toml=b'title = "T"'), "one .toml file"),
        (packed(a__png=a_picture()), "one .toml file"),
        (packed(a__toml=b'title = "T"', a__png=b"no picture"), "no whole PNG"),
        (packed(a__toml=b'title = "T"', a__png=a_picture(side=2100)), "more than 2048 pixels"),
        (packed(a__toml=b"#" * 300_000), "larger than 200 KB"),
        (b"x" * 3_000_000, "larger than"),
    ],
)
def test_a_file_that_is_no_preset_is_refused_with_a_sentence(folder: PresetFolder, data: bytes, said: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        folder.unpacked(data, "from a stranger.zip")
    assert said in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_file_with_any_byte_altered_is_refused_with_a_sentence_or_still_a_preset(folder: PresetFolder) -> None:
    whole = packed(zipfile.ZIP_DEFLATED, a__toml=b'title = "T"\n' + b"# a remark\n" * 30)
    for place in range(len(whole)):
        for byte in (0, 255, whole[place] ^ 0x55):
            with suppress(InvalidRequest):
                folder.unpacked(whole[:place] + bytes([byte]) + whole[place + 1 :], "altered.zip")


def test_a_strangers_path_in_a_zip_leads_nowhere(folder: PresetFolder) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        pack.writestr("../../evil.toml", 'title = "T"\npicture = "evil.png"')
    preset, picture = folder.unpacked(out.getvalue(), "../../evil.zip")
    assert (preset.name, preset.picture, picture) == ("evil", None, b"")


def test_a_folder_that_cannot_be_written_says_so_and_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file")
    with pytest.raises(LibraryError, match="cannot be written"):
        PresetFolder(tmp_path / "presets", tmp_path / "aside").save(sail(), b"", over=True)
    assert (tmp_path / "presets").read_text() == "a file"


def test_values_that_no_file_may_have_are_never_written(folder: PresetFolder) -> None:
    for wrong in (
        sail(title="x" * 90),
        sail(sampling=Sampling(steps=0)),
        sail(prompt="\ud800"),
        sail(options={"a": float("nan")}),
    ):
        with pytest.raises(InvalidRequest):
            folder.save(wrong, b"", over=True)
    assert list(folder.all()) == []


def test_many_at_once_get_a_version_each(folder: PresetFolder) -> None:
    threads = [
        threading.Thread(target=folder.save, args=(sail(prompt=str(n)), b""), kwargs={"over": True}) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [preset.version for preset in load_presets(folder.folder)[0]] == [8]
