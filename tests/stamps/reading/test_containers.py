"""What lies where in a file: sizes, texts, EXIF, XMP, signatures, bytes behind the end; and damage by its name."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed import (
    A1111,
    XMP_HEAD,
    jpeg,
    jpeg_segment,
    png,
    png_chunk,
    png_header,
    text_chunk,
    tiff,
    user_comment,
    webp,
    webp_chunk,
    xmp_chunk,
    xmp_packet,
)
from metadata_samples import ascii_entry, with_comment, with_exif
from PIL import Image

from studio.core.errors import InvalidRequest
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture
from studio.stamps.c2pa import C2paStamp
from studio.stamps.certificate import load_or_make
from studio.stamps.reading import read_file
from studio.stamps.reading.exif import decode_comment, read_exif
from studio.stamps.reading.limits import MAX_DEPTH, read_json
from studio.stamps.text import Coding, FileFormat, TextStamp

TOOL = xmp_packet("<xmp:CreatorTool>A tool</xmp:CreatorTool>")
SOUND = {"png": png(), "jpeg": jpeg(), "webp": webp()}
SIGNATURES: dict[str, Callable[[], bytes]] = {
    "png": lambda: png(png_chunk(b"caBX", b"\0\0\0\x08jumb")),
    "jpeg": lambda: jpeg(jpeg_segment(0xEB, b"JP\0\1\0\0\0\1" + b"\0\0\1\0jumb\0\0\0\x1ejumdc2pa\0\x11\0\x10")),
    "webp": lambda: webp(webp_chunk(b"C2PA", b"\0\0\0\x08jumb")),
}


def problems(data: bytes) -> tuple[str, ...]:
    return read_file(data, "x").problems


def outcome(data: bytes) -> tuple[str, ...]:
    """The problems, or the refusal; any other error fails the test."""
    try:
        return problems(data)
    except InvalidRequest as refused:
        return (str(refused),)


@pytest.mark.parametrize("kind", SOUND)
def test_a_sound_file_has_a_size_and_no_problems(kind: str) -> None:
    found = read_file(SOUND[kind], "x")
    assert (found.format, found.width, found.height) == (kind.upper(), 48, 32)
    assert (found.problems, found.trailing, found.signed, found.readings) == ((), 0, False, ())


@pytest.mark.parametrize("kind", SOUND)
def test_bytes_behind_the_end_are_counted(kind: str) -> None:
    found = read_file(SOUND[kind] + b"\0" * 1_234, "x")
    assert (found.trailing, found.problems) == (1_234, ())


@pytest.mark.parametrize("kind", SOUND)
def test_a_signature_is_seen_and_nothing_else_is_taken_for_one(kind: str) -> None:
    assert read_file(SIGNATURES[kind](), "x").signed
    assert not read_file(SOUND[kind] + b"caBX c2pa C2PA", "x").signed


def test_another_box_in_a_jpeg_is_no_signature() -> None:
    assert not read_file(jpeg(jpeg_segment(0xEB, b"JP\0\1\0\0\0\1\0\0\1\0jumb\0\0\0\x1ejumdjson")), "x").signed


@pytest.mark.parametrize("kind", SOUND)
def test_a_file_cut_anywhere_is_refused_or_has_a_problem(kind: str) -> None:
    for place in range(0, len(SOUND[kind]), 7):
        assert outcome(SOUND[kind][:place]) != ()


@pytest.mark.parametrize("kind", SOUND)
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_changed_file_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    changed = bytearray(with_exif(tiff(ascii_entry(0x0131, "A tool"), inner=(user_comment(A1111),)), kind))
    for place in data.draw(st.sets(st.integers(0, len(changed) - 1), min_size=1, max_size=4)):
        changed[place] ^= data.draw(st.integers(1, 255))
    assert all(outcome(bytes(changed)))


@pytest.mark.parametrize("data", [b"", b"\0" * 99, b"RIFF\0\0\0\0WAVE", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xd9"])
def test_what_is_no_picture_is_refused_with_its_name(data: bytes) -> None:
    with pytest.raises(InvalidRequest, match="holiday"):
        read_file(data, "holiday")


def test_a_jpeg_with_a_broken_first_part_is_damaged_and_not_refused() -> None:
    assert problems(jpeg(jpeg_segment(0xE1, b"Exif", length=0))) == ("its end is missing",)


def test_every_kind_of_text_chunk_is_read_and_the_first_counts() -> None:
    data = png(
        text_chunk("a", "one"), text_chunk("a", "two"), png_chunk(b"zTXt", b"b\0\0" + zlib.compress("é".encode("latin-1"))),
        png_chunk(b"iTXt", b"c\0\1\0en\0x\0" + zlib.compress("日本".encode())), png_chunk(b"tEXt", b"d\0" + "日本".encode()),
    )  # fmt: skip
    assert read_file(data, "x").texts == {"a": "one", "b": "é", "c": "日本", "d": "日本"}


@pytest.mark.parametrize(
    ("chunk", "problem"),
    [
        (png_chunk(b"zTXt", b"a\0\0" + zlib.compress(b" " * 50_000_000)), "too large or cut off"),
        (png_chunk(b"zTXt", b"a\0\0junk"), "compressed text in it is broken"),
        (png_chunk(b"iTXt", b"a\0\0\0"), "malformed"),
        (png_chunk(b"iTXt", b"a\0\0\0\0\0\xff"), "not UTF-8"),
        (text_chunk("a", "x" * 4_200_000), "too large"),
        (png_chunk(b"tEXt", b"a\0b", checksum=7), "checksum is wrong"),
        (png_chunk(b"teXt") * 100_001, "too many parts"),
        (png_chunk(b"eXIf", tiff() + b"\0" * 1_100_000), "EXIF block is too large"),
        (xmp_chunk(b"<" + b" " * 4_190_000 + b">"), "XMP"),
    ],
)  # fmt: skip
def test_damage_is_named_and_the_rest_is_read(chunk: bytes, problem: str) -> None:
    found = read_file(png(text_chunk("before", "kept"), chunk), "x")
    assert len(found.problems) == 1
    assert problem in found.problems[0]
    assert found.texts["before"] == "kept"
    assert "a" not in found.texts


def test_texts_together_have_a_limit() -> None:
    packed = zlib.compress(b"x" * 3_000_000)
    found = read_file(png(*(png_chunk(b"zTXt", b"k%d\0\0" % number + packed) for number in range(20))), "x")
    assert len(found.texts) == 2
    assert found.problems == ("a text in it is too large to be read",)


def test_a_header_without_pixels_and_one_of_many_are_told() -> None:
    assert problems(png(header=png_header(0, 9))) == ("its header names no pixels",)
    assert read_file(png(header=png_header(2**31 - 1, 5)), "x").width == 2**31 - 1


def test_a_jpegs_parts_are_found_behind_many_scans() -> None:
    file = io.BytesIO()
    Image.effect_noise((120, 90), 90).save(file, "JPEG", progressive=True, comment=b"by hand", xmp=TOOL)
    found = read_file(file.getvalue() + b"12345", "x")
    assert (found.width, found.height, found.trailing, found.problems) == (120, 90, 5, ())
    assert found.texts == {"comment": "by hand"}
    assert found.xmp is not None
    assert found.xmp.creator_tool == "A tool"


def test_a_long_xmp_is_a_problem_and_the_short_one_is_read() -> None:
    extended = jpeg_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + b"A" * 40)
    found = read_file(jpeg(jpeg_segment(0xE1, XMP_HEAD + TOOL), extended), "x")
    assert found.problems == ("its long XMP record was not read",)
    assert found.xmp is not None
    assert found.xmp.creator_tool == "A tool"


@pytest.mark.parametrize(("lossless", "mode"), [(True, "RGB"), (False, "RGB"), (True, "RGBA"), (False, "RGBA")])
def test_every_form_of_webp_tells_its_size(lossless: bool, mode: str) -> None:
    file = io.BytesIO()
    Image.effect_noise((57, 33), 90).convert(mode).save(file, "WEBP", lossless=lossless)
    found = read_file(file.getvalue(), "x")
    assert (found.width, found.height, found.problems) == (57, 33, ())


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("TIFF", {}), ("AVIF", {}), ("BMP", {})])
def test_other_formats_are_named(format: str, options: dict[str, Any]) -> None:
    file = io.BytesIO()
    Image.new("RGB", (57, 33)).save(file, format, **options)
    found = read_file(file.getvalue(), "x")
    assert (found.format, found.width, found.height, found.problems) == (format, 57, 33, ())


def test_an_avifs_settings_are_read_and_a_heics_name_is_known() -> None:
    file, block = io.BytesIO(), b"Exif\0\0" + tiff(ascii_entry(0x0131, "A tool"), inner=(user_comment(A1111),))
    Image.new("RGB", (64, 64)).save(file, "AVIF", exif=block, xmp=TOOL)
    found = read_file(file.getvalue(), "x")
    assert found.readings[0].seed == 42
    assert found.xmp is not None
    assert found.exif["Software"] == "A tool"
    assert read_file(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "x").format == "HEIF"


def test_a_gifs_comment_and_a_tiffs_texts_are_read() -> None:
    gif, tif = io.BytesIO(), io.BytesIO()
    Image.new("P", (8, 8)).save(gif, "GIF", comment=b"by hand")
    Image.new("RGB", (8, 8)).save(tif, "TIFF", tiffinfo={0x0131: "A tool"})
    assert read_file(gif.getvalue(), "x").texts == {"comment": "by hand"}
    assert read_file(tif.getvalue(), "x").exif == {"Software": "A tool"}


@pytest.mark.parametrize("kind", SOUND)
def test_exif_is_read_from_every_container(kind: str) -> None:
    names = {0x010E: "a view", 0x010F: "Maker", 0x0110: "Type 5", 0x0131: "A tool", 0x0132: "2026:11:23 02:14:00",
             0x013B: "Ann", 0x8298: "Ann 2026"}  # fmt: skip
    found = read_file(with_exif(tiff(*(ascii_entry(tag, text) for tag, text in names.items())), kind), "x")
    assert list(found.exif.values()) == list(names.values())
    assert list(found.exif) == ["ImageDescription", "Make", "Model", "Software", "DateTime", "Artist", "Copyright"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"UNICODE\0" + "a 夕".encode("utf-16-be"), "a 夕"),
        (b"UNICODE\0" + "a 夕".encode("utf-16-le"), "a 夕"),
        (b"UNICODE\0" + b"\xff\xfe" + "夕焼け".encode("utf-16-le"), "夕焼け"),
        (b"UNICODE\0" + "夕焼け".encode("utf-16-be"), "夕焼け"),
        (b"UNICODE\0" + "odd".encode("utf-16-be") + b"x", "odd"),
        (b"ASCII\0\0\0plain\0\0", "plain"),
        (b"\0" * 8 + b"plain", "plain"),
        (b"no head at all", "no head at all"),
        ("no head, but wide".encode("utf-16-le"), "no head, but wide"),
        (b"", ""),
    ],
)
def test_a_user_comment_is_read_in_every_coding(value: bytes, text: str) -> None:
    assert decode_comment(value) == text


@pytest.mark.parametrize(
    "block",
    [
        b"JUNKJUNK", b"MM\0*\0", b"MM\0*\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff" + b"\0" * 9_000,
        tiff((0x8769, 4, b"\0\0\0\x08")), tiff((0x8769, 4, b"\xff\xff\xff\xff")), tiff((0x0131, 2, b"x" * 40))[:-8],
    ],
)  # fmt: skip
def test_a_broken_exif_block_is_one_problem(block: bytes) -> None:
    assert read_exif(block).problems == ["its EXIF block is broken"]


def test_a_comment_that_pillow_writes_as_bytes_is_read() -> None:
    file, exif = io.BytesIO(), Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(file, "JPEG", exif=exif)
    assert read_file(file.getvalue(), "x").comment == A1111
    assert read_file(with_comment(A1111, "webp"), "x").comment == A1111


def test_json_has_limits() -> None:
    def deep(levels: int) -> str:
        return "[" * levels + "]" * levels

    assert read_json(deep(MAX_DEPTH)) is not None
    for text in (deep(MAX_DEPTH + 2), deep(100_000), "[" + "[]," * 250_000 + "1]", " " * 5_000_000, "{", "9" * 9_000):
        assert read_json(text) is None
    assert read_json('[NaN, 1e999, "\\ud800", 1.5]') == [None, None, "?", 1.5]
    for text in ("[NaN]", "[1e999]", '["\\ud800"]', '{"\\udc00": 1}'):
        assert read_json(text, strict=True) is None
    assert read_json('["\\ud83d\\ude00"]', strict=True) == ["😀"]


def test_the_presets_pictures_have_no_problems() -> None:
    for path in sorted((Path(__file__).parents[3] / "presets").rglob("*.png"))[:4]:
        assert problems(path.read_bytes()) == ()


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_a_file_that_was_really_signed_is_seen_as_signed(format: FileFormat, tmp_path: Path) -> None:
    identity = load_or_make(tmp_path)
    draft = Draft(
        id="job1-0", job="job1", picture=Picture(image=Image.new("RGB", (48, 32)), seed=42),
        request=ImageRequest(model="local:starter", prompt="a house"), created="2026-11-23T02:14:00+00:00",
    )  # fmt: skip
    stamped = TextStamp("0.1.0", Coding(format))(draft)
    found = read_file(C2paStamp(lambda: identity, "0.1.0", lambda _: b"")(stamped).data or b"", "x")
    assert (found.signed, found.problems, found.trailing) == (True, (), 0)
    assert (found.readings[0].dialect, found.readings[0].prompt) == ("Studio", "a house")
    assert not read_file(stamped.data or b"", "x").signed
