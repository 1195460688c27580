"""Presets: files of the user that must never break the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from studio import settings
from studio.core.preset import GROUPS
from studio.core.request import Size
from studio.presets import load_presets

SHIPPED = settings.ROOT / "presets"


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_reaches_the_preset(tmp_path: Path) -> None:
    write(
        tmp_path,
        'title = "T"\ngroup = "G"\nversion = 3\ndescription = "D"\nprompt = "P"\nnegative_prompt = "N"\nmodel = "local:m"\n'
        'size = "160 × 96"\nsteps = 9\nguidance_scale = 2\nseed = 4\nsampler = "Euler a"\npicture = "a.png"\n',
    )
    (preset,), faults = load_presets(tmp_path)
    assert not faults
    assert (preset.name, preset.title, preset.group, preset.version, preset.description) == ("mine", "T", "G", 3, "D")
    assert (preset.prompt, preset.negative_prompt, preset.model, preset.size) == ("P", "N", "local:m", Size(160, 96))
    sampling = preset.sampling
    assert (sampling.steps, sampling.guidance_scale, sampling.seed, sampling.sampler) == (9, 2, 4, "Euler a")
    assert preset.picture == tmp_path / "a.png"


def test_a_title_alone_is_enough(tmp_path: Path) -> None:
    write(tmp_path, 'title = "T"')
    (preset,), faults = load_presets(tmp_path)
    assert (preset.title, preset.size, preset.picture, faults) == ("T", None, None, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "not valid TOML"),
        ('prompt = "p"', "no title"),
        ('title = "  "', "no title"),
        ('title = "T"\nsize = "large"', "not a size"),
        ('title = "T"\nsteps = "20"', "steps must be a whole number"),
        ('title = "T"\nsteps = true', "steps must be a whole number"),
        ('title = "T"\nsteps = 2.5', "steps must be a whole number"),
        ('title = "T"\nsteps = 0', "between 1 and 500"),
        ('title = "T"\nguidance_scale = 199.0', "between 0 and 100"),
        ('title = "T"\nguidance_scale = nan', "between 0 and 100"),
        ('title = "T"\nseed = 99999999999', "between 0 and"),
        ("title = 5", "title must be text"),
        ('title = "T"\nprmpt = "p"', "unknown keys (prmpt)"),
        ('title = "T"\npicture = "../../secret.png"', "same folder"),
        ('title = "T"\nprompt = "' + "x" * 20_001 + '"', "so shorten it"),
    ],
)
def test_a_faulty_file_is_named_with_a_sentence_and_the_others_are_read(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path, 'title = "Good"', "good.toml")
    write(tmp_path, text, "bad.toml")
    presets, (fault,) = load_presets(tmp_path)
    assert [preset.title for preset in presets] == ["Good"]
    assert fault.startswith("Preset bad.toml")
    assert said in fault
    assert fault.endswith(".")


def test_a_file_that_is_no_text_is_a_sentence_too(tmp_path: Path) -> None:
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.toml").mkdir()
    presets, faults = load_presets(tmp_path)
    assert (presets, len(faults)) == ([], 2)


def test_a_folder_that_is_not_there_holds_no_presets(tmp_path: Path) -> None:
    assert load_presets(tmp_path / "none") == ([], [])


def test_the_studio_ships_a_good_preset_for_every_group_each_with_its_picture() -> None:
    presets, faults = load_presets(SHIPPED)
    assert not faults
    assert {preset.group for preset in presets} == set(GROUPS)
    for preset in presets:
        assert preset.prompt
        assert preset.description.endswith(".")
        assert preset.model == "local:starter"
        assert preset.picture
        with Image.open(preset.picture) as image:
            assert Size(*image.size) == preset.size
