"""What we write, as our own reader and two independent ones (MIT) read it back."""

import io
import re
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader
from stamp_builders import a_draft, chunks, stamped

from studio.core.metadata import draft_to_json
from studio.core.ports import Stamp
from studio.core.request import Variation
from studio.stamps.parameters import parameters_text, parse_parameters, read_variations_of, safe_prompt
from studio.stamps.reading import read
from studio.stamps.text import Coding, TextStamp

NASTY = [
    "a house by the sea",
    "  leading and trailing spaces  ",
    "one\ntwo\nthree",
    "one\r\ntwo\rthree\r\n",
    "\n\nblank lines around\n\n",
    "emoji 😀👩‍👩‍👧‍👦🏳️‍🌈",
    "日本語の風景、夕焼け",
    "مرحبا بالعالم \u202eright to left",
    "café über naïve ÿ",
    "Steps: 5, Seed: 1, Size: 1x1, Sampler: none",
    "a cat\nSteps: 99, Sampler: Fake, CFG scale: 1, Seed: 666, Size: 1x1",
    "Negative prompt: everything",
    "a cat\nNegative prompt: a dog\nmore",
    "a cat NEGATIVE PROMPT:x negative Template:y sEEd:1 resize:2 cfg scale:3 Pipeline:z",
    '{"prompt": "json", "steps": [1, 2]}',
    "{curly} [square] (round:1.3) ((double)) \\(escaped\\)",
    "\"double\" 'single' `back` “curly” quotes",
    "<lora:name:0.8> <hypernet:x:1>, __wildcard__, {a|b|c}",
    "comma, colon: semicolon; pipe | slash / backslash \\ percent % hash # at @ amp &amp; <b>html</b>",
    "tab\tinside and no-break\u00a0space and line\u2028separator and \u0085 next line",
    "?!.,:;-_",
    ":",
    "x" * 5_000,
    "word, " * 833 + "end",
    "Hashes: {\"model\": \"abc\"}, Version: v1",
    "Model: other, Model hash: 0000000000",
    "BREAK\nAND another:1.2",
]  # fmt: skip

NEGATIVES = ["", "blurry, ugly", "one\r\ntwo: x\n\nNegative prompt: three\nSteps: 3", "悪い 😡", "!"]
PAIRS = [(prompt, NEGATIVES[number % 5]) for number, prompt in enumerate(NASTY)] + [(text, text) for text in NASTY]


def expected(text: str) -> str:
    """The documented form of a prompt in `parameters`, written down a second time without the code under test."""
    words = "negative prompt,negative template,template,steps,seed,size,sampler,width,height,cfg scale,pipeline"
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for word in words.split(","):
        text = re.sub(f"(?i){word}:", lambda match: match.group(0)[:-1] + " :", text)
    return text.strip()


def in_one_line(text: str) -> str:
    return " ".join(part.strip() for part in re.split(r"\n+", expected(text))).strip()


@pytest.mark.parametrize(("prompt", "negative"), PAIRS)
def test_sd_parsers_reads_every_field_back(prompt: str, negative: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(stamped(prompt, negative))
    found = ParserManager().parse(path)
    assert found is not None
    (sampler,) = found.samplers
    assert [part.value for part in sampler.prompts] == [expected(prompt)]
    assert [part.value for part in sampler.negative_prompts] == ([in_one_line(negative)] if negative else [])
    assert sampler.name == "DPM++ 2M"
    assert sampler.parameters == {"scheduler": "Karras", "cfg_scale": "7.5", "seed": "4294967294", "steps": "20"}
    assert sampler.model is not None
    assert (sampler.model.name, sampler.model.hash) == ("starter", "ab12cd34ef")
    assert found.metadata == {"Size": "48x32", "Created": "20261123T021400Z", "Version": "studio 0.1.0"}


@pytest.mark.parametrize(("prompt", "negative"), PAIRS)
def test_sd_prompt_reader_reads_every_field_back(prompt: str, negative: str) -> None:
    found = ImageDataReader(io.BytesIO(stamped(prompt, negative)))
    assert found.status.name == "READ_SUCCESS"
    assert found.tool == "A1111 webUI"
    assert found.positive == expected(prompt)
    assert found.negative == in_one_line(negative)
    assert found.parameter == {
        "model": "starter", "sampler": "DPM++ 2M", "seed": "4294967294", "cfg": "7.5", "steps": "20", "size": "48x32"
    }  # fmt: skip
    assert (found.width, found.height) == ("48", "32")


@pytest.mark.parametrize("prompt", NASTY)
def test_our_reader_gives_the_exact_words(prompt: str) -> None:
    found = read(stamped(prompt, prompt))
    assert found is not None
    assert (found.prompt, found.negative_prompt) == (prompt, prompt)
    assert (found.width, found.height) == (48, 32)


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\r\t,:"{}'), max_size=120)
PIECES = st.sampled_from(
    ["Steps:", "\nSteps: 5", "Negative prompt:", "\nNegative prompt: x", "size:", "Seed: 1, ", "\r\n", ", ", ": "]
)
PROMPTS = st.lists(WORDS | PIECES, max_size=6).map("".join)


@settings(max_examples=150, deadline=None)
@given(PROMPTS.filter(str.strip), PROMPTS)
def test_whatever_is_written_comes_back_exactly_from_the_record_and_in_safe_form_from_the_parameters(
    prompt: str, negative: str
) -> None:
    found = read(stamped(prompt, negative))
    assert found is not None
    assert (found.prompt, found.negative_prompt) == (prompt, negative)
    assert found.fields == {
        "Steps": "20", "Sampler": "DPM++ 2M", "Schedule type": "Karras", "CFG scale": "7.5", "Seed": "4294967294",
        "Size": "48x32", "Model hash": "ab12cd34ef", "Model": "starter", "Created": "20261123T021400Z",
        "Version": "studio 0.1.0",
    }  # fmt: skip
    safe, safe_negative, _ = parse_parameters(found.text)
    assert safe == safe_prompt(prompt).strip()
    assert "\n" not in safe_negative
    assert safe_negative.split() == safe_prompt(negative).split()


@settings(max_examples=60, deadline=None)
@given(PROMPTS.filter(str.strip), PROMPTS)
def test_the_foreign_readers_agree_on_any_prompt(prompt: str, negative: str) -> None:
    data = stamped(prompt, negative)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        path.write_bytes(data)
        one, two = ParserManager().parse(path), ImageDataReader(io.BytesIO(data))
    assert one is not None
    assert [part.value for part in one.samplers[0].prompts] == [two.positive] == [expected(prompt)]
    assert "".join(part.value for part in one.samplers[0].negative_prompts) == two.negative


def test_the_parameters_follow_the_profile() -> None:
    text = dict(chunk.split(b"\0", 1) for kind, chunk in chunks(stamped("a cat", "a dog")) if kind == b"tEXt")[b"parameters"]
    assert text.decode("latin-1") == (
        "a cat\nNegative prompt: a dog\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 4294967294, Size: 48x32, "
        "Model hash: ab12cd34ef, Model: starter, Created: 20261123T021400Z, Version: studio 0.1.0"
    )


def test_a_text_beyond_latin_1_is_an_international_chunk() -> None:
    kinds = {data.split(b"\0")[0]: kind for kind, data in chunks(stamped("日本")) if kind in (b"tEXt", b"iTXt")}
    assert kinds == {b"parameters": b"iTXt", b"studio_metadata": b"tEXt", b"XML:com.adobe.xmp": b"iTXt"}


def test_the_texts_stand_before_the_pixels() -> None:
    kinds = [kind for kind, _ in chunks(stamped())]
    assert kinds[:3] == [b"IHDR", b"tEXt", b"tEXt"]
    assert kinds[-1] == b"IEND"


def test_the_record_is_schema_one_with_the_exact_request() -> None:
    draft = a_draft("Steps: 5\r\n", request={"options": {"a": 1}}, notes=("n",), stamps=("mark",))
    found = read(stamped("Steps: 5\r\n", request={"options": {"a": 1}}, notes=("n",), stamps=("mark",)))
    assert found is not None
    assert found.record == {**draft_to_json(draft, "0.1.0"), "stamps": ["mark", "text", "xmp"]}
    assert found.record["schema"] == 1
    assert found.record["request"]["prompt"] == "Steps: 5\r\n"
    assert found.record["used"]["steps"] == 20


def test_a_name_that_is_to_stay_in_the_library_stands_in_no_byte_of_the_file() -> None:
    for suffix in ("png", "jpeg", "webp"):
        draft = TextStamp("0.1.0", Coding(suffix, 90))(a_draft(request={"user": "systemname77", "user_in_file": False}))
        assert draft.data is not None
        assert draft.request.user == "systemname77"
        assert b"systemname77" not in draft.data
        assert b"user_in_file" not in draft.data


def test_a_user_is_named_only_if_there_is_one() -> None:
    for user in ("", "ann"):
        found = read(stamped(request={"user": user}))
        assert found is not None
        assert found.record is not None
        assert found.record["request"].get("user", "") == user
        assert ("user" in found.record["request"]) == bool(user)


def test_the_stamp_names_itself_and_leaves_the_draft_it_was_given() -> None:
    stamp: Stamp = TextStamp("0.1.0")
    draft = a_draft(stamps=("mark",))
    after = stamp(draft)
    assert (stamp.name, after.stamps, after.suffix) == ("text", ("mark", "text", "xmp"), ".png")
    assert (draft.data, draft.stamps) == (None, ("mark",))
    assert stamp(draft) == after


@pytest.mark.parametrize("mode", ["1", "L", "LA", "RGB", "RGBA"])
def test_the_pixels_in_the_file_are_the_pixels_of_the_draft(mode: str) -> None:
    image = Image.effect_noise((61, 47), 80).convert(mode)
    with Image.open(io.BytesIO(stamped(image=image))) as saved:
        assert (saved.mode, saved.size) == (mode, (61, 47))
        assert saved.tobytes() == image.tobytes()


@pytest.mark.parametrize(("mode", "into"), [("P", "RGB"), ("CMYK", "RGB"), ("F", "RGB"), ("PA", "RGBA")])
def test_a_mode_that_png_lacks_is_converted(mode: str, into: str) -> None:
    image = Image.effect_noise((16, 16), 80).convert("RGB").convert("P").convert(mode)
    with Image.open(io.BytesIO(stamped(image=image))) as saved:
        assert saved.mode == into
        assert saved.tobytes() == image.convert(into).tobytes()


def test_nothing_the_picture_carried_along_gets_into_the_file() -> None:
    texts = PngInfo()
    texts.add_text("prompt", '{"1": {}}')
    texts.add_text("parameters", "a secret")
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secret"
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=texts, exif=exif, dpi=(300, 300), icc_profile=b"secret")
    image = Image.open(file)
    image.load()
    data = stamped(image=image)
    assert {kind for kind, _ in chunks(data)} == {b"IHDR", b"tEXt", b"iTXt", b"IDAT", b"IEND"}
    assert b"secret" not in data


def test_values_hold_nothing_that_breaks_a_reader() -> None:
    used = {"model": 'my "best", model: v1.5\nfinal', "sampler": "Odd, one: x", "steps": 3, "guidance_scale": 0.1 + 0.2}
    found = read(stamped(facts={"used": used}))
    assert found is not None
    assert found.fields["Model"] == "my 'best'; model- v1.5 final"
    assert (found.fields["Sampler"], found.fields["CFG scale"]) == ("Odd; one- x", "0.3")
    assert ImageDataReader(io.BytesIO(stamped(facts={"used": used}))).parameter["model"] == found.fields["Model"]


@pytest.mark.parametrize(
    ("name", "sampler", "schedule"),
    [
        ("Euler a", "Euler a", None),
        ("DPM++ SDE Karras", "DPM++ SDE", "Karras"),
        ("DPM++ 2M Exponential", "DPM++ 2M", "Exponential"),
        ("LCM", "LCM", None),
        ("Karras", "Karras", None),
    ],
)
def test_a_schedule_in_a_samplers_name_is_a_field_of_its_own(name: str, sampler: str, schedule: str | None) -> None:
    found = read(stamped(facts={"used": {"sampler": name}}))
    assert found is not None
    assert (found.fields["Sampler"], found.fields.get("Schedule type")) == (sampler, schedule)


def test_what_did_not_run_is_taken_from_what_was_asked_and_what_is_unknown_is_left_out() -> None:
    draft = TextStamp("1")(a_draft(facts={}))
    found = read(draft.data or b"")
    assert found is not None
    assert list(found.fields) == ["Seed", "Size", "Model", "Created", "Version"]


def test_the_time_is_utc_whatever_zone_the_draft_names() -> None:
    found = read(stamped(created="2026-11-23T03:14:00+05:30"))
    assert found is not None
    when = datetime.strptime(found.fields["Created"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert when == datetime.fromisoformat("2026-11-23T03:14:00+05:30")


def test_a_variation_stands_under_automatic1111s_keys_and_comes_back() -> None:
    one, two = Variation(seed=9, strength=0.25), Variation(seed=11, strength=0.5)
    for variations, written in (
        ((one,), "Variation seed: 9, Variation seed strength: 0.25"),
        ((one, two), "Variations: 0.25 of 9; 0.5 of 11"),
    ):
        told = [{"seed": each.seed, "strength": each.strength} for each in variations]
        text = parameters_text(a_draft(facts={"used": {}, "variations": told}), "0.1.0")
        assert written in text
        assert read_variations_of(parse_parameters(text)[2]) == variations
    assert read_variations_of({"Variation seed": "x", "Variation seed strength": "a lot"}) == ()
    assert read_variations_of({"Variation seed": "5", "Variation seed strength": "7"}) == ()
