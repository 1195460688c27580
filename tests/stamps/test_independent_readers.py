"""ExifTool, sd-parsers and sd-prompt-reader read from every format what our own reader reads."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader
from stamp_builders import a_draft

from studio.core.request import ImageToImage, Inpaint, Outpaint, Source
from studio.core.result import Draft
from studio.stamps.c2pa import C2paStamp, read_manifest
from studio.stamps.certificate import Identity, load_or_make
from studio.stamps.reading import read_file
from studio.stamps.text import Coding, FileFormat, TextStamp

FORMATS: tuple[FileFormat, ...] = ("png", "jpeg", "webp")
PROMPT, NEGATIVE = 'a “house”, <by> the & "sea" 海', "blurry, ugly"
SOURCE = Source(sha256="a" * 64, width=48, height=32, name="p.png")
TASKS = {
    "text-to-image": {},
    "image-to-image": {"task": ImageToImage(image=SOURCE)},
    "inpaint": {"task": Inpaint(image=SOURCE, mask=SOURCE)},
    "outpaint": {"task": Outpaint(image=SOURCE, left=16)},
}


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return load_or_make(tmp_path_factory.mktemp("identity"))


def stamped(identity: Identity, format: FileFormat, task: str) -> Draft:
    draft = TextStamp("1", Coding(format))(a_draft(PROMPT, NEGATIVE, request=TASKS[task]))
    return C2paStamp(lambda: identity, "1", lambda _: TextStamp("1")(a_draft()).data or b"")(draft)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("task", TASKS)
def test_round_trips_hold_for_every_format_and_task(
    identity: Identity, format: FileFormat, task: str, tmp_path: Path
) -> None:
    draft = stamped(identity, format, task)
    own = read_file(draft.data or b"", "x")
    assert (own.problems, own.trailing, own.signed) == ((), 0, True)
    assert (own.readings[0].prompt, own.readings[0].negative_prompt) == (PROMPT, NEGATIVE)
    assert own.readings[0].record is not None
    assert own.readings[0].record["request"]["task"]["kind"] == task
    reader = ImageDataReader(io.BytesIO(draft.data or b""))
    assert (reader.status.name, reader.positive, reader.negative) == ("READ_SUCCESS", PROMPT, NEGATIVE)
    path = tmp_path / f"x{draft.suffix}"
    path.write_bytes(draft.data or b"")
    parsed = ParserManager().parse(path)
    assert parsed is not None
    assert [part.value for part in parsed.samplers[0].prompts] == [PROMPT]
    assert parsed.samplers[0].parameters["seed"] == str(own.readings[0].seed)
    manifest = read_manifest(draft.data or b"", draft.suffix, identity)
    assert manifest is not None
    assert manifest.state == "trusted"


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("task", TASKS)
def test_exiftool_reads_the_labels(identity: Identity, format: FileFormat, task: str, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        reason = "exiftool is not installed (Debian: libimage-exiftool-perl)"
        pytest.fail(reason) if os.environ.get("STUDIO_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    draft = stamped(identity, format, task)
    path = tmp_path / f"x{draft.suffix}"
    path.write_bytes(draft.data or b"")
    done = subprocess.run(["exiftool", "-j", "-G1", str(path)], capture_output=True, text=True, check=True)
    (told,) = json.loads(done.stdout)
    kind = "trainedAlgorithmicMedia" if task == "text-to-image" else "compositeWithTrainedAlgorithmicMedia"
    assert told["XMP-iptcExt:DigitalSourceType"].endswith(f"/{kind}")
    assert told["XMP-iptcExt:AIPromptInformation"] == PROMPT
    assert told["XMP-iptcExt:AISystemUsed"] == "starter"
    assert told["XMP-iptcExt:AISystemVersionUsed"] == "ab12cd34ef"
    assert told["XMP-xmp:CreatorTool"] == "Studio 1"
    assert told["XMP-photoshop:Credit"] == "Made with AI"
    assert told["XMP-xmp:CreateDate"].startswith("2026:11:23 02:14:00")
    if format != "png":
        assert told["ExifIFD:UserComment"].strip().startswith(PROMPT)
        assert told["IFD0:ImageDescription"] == "AI-generated image"
    assert "warning" not in done.stdout.lower()
