"""Reading: the texts of other programs, and files that want to do harm."""

import json
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stamp_builders import a_png, stamped

from studio.core.errors import InvalidRequest
from studio.stamps.parameters import parse_parameters
from studio.stamps.reading import read


@pytest.mark.parametrize(
    ("text", "prompt", "negative", "fields"),
    [
        ("", "", "", {}),
        ("only a prompt", "only a prompt", "", {}),
        ("a\nSteps: 1, Seed: 2", "a\nSteps: 1, Seed: 2", "", {}),
        ("a\nb\nSteps: 1, Seed: 2, Size: 3x4", "a\nb", "", {"Steps": "1", "Seed": "2", "Size": "3x4"}),
        ("a\nNegative prompt: b\nc\nSteps: 1, Seed: 2, Size: 3x4", "a", "b\nc", {"Steps": "1", "Seed": "2", "Size": "3x4"}),
        ("Negative prompt: b\nSteps: 1, Seed: 2, App: SD.Next", "", "b", {"Steps": "1", "Seed": "2", "App": "SD.Next"}),
        (
            'a\r\nSteps: 1, Lora hashes: "x: 1, y: 2", TI hashes: "z: 3", Version: v1.10',
            "a",
            "",
            {"Steps": "1", "Lora hashes": "x: 1, y: 2", "TI hashes": "z: 3", "Version": "v1.10"},
        ),
        (
            'a\nSteps: 1, Size: 3x4, Seed: 2, Hashes: {"model": "ab", "vae": "cd"}',
            "a",
            "",
            {"Steps": "1", "Size": "3x4", "Seed": "2", "Hashes": '{"model": "ab", "vae": "cd"}'},
        ),
        ('a\nSteps: 1, Seed: 2, Model: "x, Size: 3x4', "a", "", {"Steps": "1", "Seed": "2", "Model": '"x', "Size": "3x4"}),
        ("a\nSteps: 1, : 5, ::, Seed: 2, x: 1, Size: 3x4, Steps: 9", "a", "", {"Steps": "1", "Seed": "2", "Size": "3x4"}),
    ],
)  # fmt: skip
def test_parameters_of_any_program_are_parsed(text: str, prompt: str, negative: str, fields: dict[str, str]) -> None:
    assert parse_parameters(text) == (prompt, negative, fields)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300) | st.lists(st.sampled_from(list(',:"{}[]\\ \nab')), max_size=200).map("".join))
def test_parsing_never_fails(text: str) -> None:
    prompt, _, _ = parse_parameters(text)
    assert prompt == prompt.strip()


@pytest.mark.parametrize(
    "line", [",:" * 2_000_000, '"' * 4_000_000, 'a: "' * 1_000_000, "a" * 4_000_000, 'ab: {"a":' * 3_000]
)
def test_a_hostile_line_is_parsed_in_no_time(line: str) -> None:
    assert len(parse_parameters("prompt\n" + line)[2]) < 3


def test_other_files_and_unmarked_pictures_have_no_stamp(tmp_path: Path) -> None:
    assert read(b"") is None
    assert read(b"GIF89a") is None
    assert read(a_png()) is None
    path = tmp_path / "a.png"
    path.write_bytes(stamped("from a file"))
    found = read(path)
    assert found is not None
    assert found.prompt == "from a file"


def test_texts_of_all_three_kinds_are_read() -> None:
    text = "a\nSteps: 1, Seed: 2, Size: 3x4"
    packed = zlib.compress(text.encode())
    for chunk in (
        (b"tEXt", b"parameters\0" + text.encode()),
        (b"zTXt", b"parameters\0\0" + packed),
        (b"iTXt", b"parameters\0\0\0en\0params\0" + text.encode()),
        (b"iTXt", b"parameters\0\1\0\0\0" + packed),
    ):
        found = read(a_png(chunk))
        assert found is not None
        assert (found.prompt, found.fields["Seed"], found.record) == ("a", "2", None)


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        ((b"zTXt", b"parameters\0\0" + zlib.compress(b" " * 50_000_000)), "too large or cut off"),
        ((b"iTXt", b"parameters\0\1\0\0\0" + zlib.compress(b"abc")[:-2]), "too large or cut off"),
        ((b"zTXt", b"parameters\0\0not zlib"), "compressed text in it is broken"),
        ((b"zTXt", b"parameters"), "too large or cut off"),
        ((b"iTXt", b"parameters\0\0\0"), "malformed"),
        ((b"iTXt", b"parameters\0\0\0\0\0\xff\xfe"), "not UTF-8"),
        ((b"tEXt", b"parameters\0" + b"x" * 5_000_000), "too large"),
        ((b"tEXt", b"studio_metadata\0{"), "record in the picture is damaged"),
        ((b"tEXt", b"studio_metadata\0" + b"[" * 100_000), "record in the picture is damaged"),
        ((b"tEXt", b"studio_metadata\0" + b'{"a":' * 40 + b"1" + b"}" * 40), "record in the picture is damaged"),
        ((b"tEXt", b'studio_metadata\0{"a": NaN}'), "record in the picture is damaged"),
    ],
)
def test_a_hostile_text_is_a_sentence(chunk: tuple[bytes, bytes], reason: str) -> None:
    with pytest.raises(InvalidRequest, match=reason) as caught:
        read(a_png(chunk))
    assert str(caught.value).endswith(".")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_and_never_crashes(data: st.DataObject) -> None:
    whole = bytearray(stamped("the exact words"))
    for place in data.draw(st.sets(st.integers(0, len(whole) - 1), min_size=1, max_size=3)):
        whole[place] ^= data.draw(st.integers(1, 255))
    cut = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    with suppress(InvalidRequest):
        assert read(cut) is None


def test_a_record_without_a_request_still_gives_the_parameters() -> None:
    record = json.dumps({"schema": 2, "hologram": True}).encode()
    found = read(a_png((b"tEXt", b"parameters\0a\nSteps: 1, Seed: 2, Size: 3x4"), (b"tEXt", b"studio_metadata\0" + record)))
    assert found is not None
    assert found.prompt == "a"
    assert found.record == {"schema": 2, "hologram": True, "width": 48, "height": 32}
