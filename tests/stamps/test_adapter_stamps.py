"""Adapters in a file as creators expect them, read by strangers' readers and read back by ours."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader
from stamp_builders import a_draft

from studio.core.evidence import Worn
from studio.core.request import Adapter, Source
from studio.core.result import Draft
from studio.stamps import claims
from studio.stamps.adapters import read_worn
from studio.stamps.c2pa import C2paStamp, read_manifest
from studio.stamps.certificate import load_or_make
from studio.stamps.parameters import parameters_text, parse_parameters
from studio.stamps.reading import read_file
from studio.stamps.text import Coding, TextStamp

HASH = "0123456789abcdef" * 4
WORN = (
    {"kind": "lora", "name": "evening, light", "weight": 0.8, "sha256": HASH},
    {"kind": "lora", "name": "noir", "weight": -1.0, "sha256": HASH[::-1]},
    {"kind": "textual-inversion", "name": "good-hands", "weight": 1.0, "sha256": HASH},
    {"kind": "vae", "name": "fine", "weight": 1.0, "sha256": HASH},
    {"kind": "controlnet", "name": "edges", "weight": 0.5, "sha256": HASH, "preprocessor": "canny"},
    {"kind": "ip-adapter", "name": "face", "weight": 0.5, "sha256": HASH},
)
PICTURE = Source(sha256="a" * 64, width=48, height=32, name="street.png")
NET = Adapter(kind="controlnet", name="edges", weight=0.5, image=PICTURE, preprocessor="canny", end=0.7)


def a_worn_draft(prompt: str = "a fox", worn: tuple[dict[str, Any], ...] = WORN, **request: Any) -> Draft:
    used = {"model": "starter", "steps": 20, "sampler": "Euler", "adapters": list(worn)}
    return a_draft(prompt, "blurry", request=request, facts={"used": used})


def test_tags_and_hashes_stand_as_automatic1111_writes_them() -> None:
    text = parameters_text(a_worn_draft(adapters=(NET,)), "1")
    prompt, negative, fields = parse_parameters(text)
    assert prompt == "a fox <lora:evening light:0.8> <lora:noir:-1>"
    assert negative == "blurry"
    assert fields["Lora hashes"] == f"evening light: {HASH[:10]}, noir: {HASH[::-1][:10]}"
    assert fields["TI hashes"] == f"good-hands: {HASH[:10]}"
    assert (fields["VAE hash"], fields["VAE"]) == (HASH[:10], "fine")
    assert fields["ControlNet 0"] == (
        f"Module: canny, Model: edges [{HASH[:8]}], Weight: 0.5, Guidance Start: 0, Guidance End: 0.7"
    )
    assert fields["IP-Adapter"] == "face 0.5"
    assert list(fields)[-1] == "Version"
    assert next(iter(fields)) == "Steps"


def test_a_tag_that_was_typed_stands_once_and_without_loras_there_is_no_such_key() -> None:
    text = parameters_text(a_worn_draft("a fox <lora:noir:-1>", WORN[1:2]), "1")
    assert text.count("<lora:") == 1
    assert "hashes" not in parameters_text(a_worn_draft(worn=()), "1")


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
def test_strangers_readers_still_read_everything(format: Any, tmp_path: Path) -> None:
    draft = TextStamp("1", Coding(format))(a_worn_draft(adapters=(NET,)))
    shown = "a fox <lora:evening light:0.8> <lora:noir:-1>"
    reader = ImageDataReader(io.BytesIO(draft.data or b""))
    assert (reader.status.name, reader.positive, reader.negative) == ("READ_SUCCESS", shown, "blurry")
    path = tmp_path / f"x{draft.suffix}"
    path.write_bytes(draft.data or b"")
    parsed = ParserManager().parse(path)
    assert parsed
    assert [part.value for part in parsed.samplers[0].prompts] == [shown]
    assert parsed.samplers[0].parameters["steps"] == "20"


def test_our_own_file_gives_its_adapters_back_with_their_whole_hashes() -> None:
    draft = TextStamp("1")(a_worn_draft(adapters=(NET,)))
    reading = read_file(draft.data or b"", "x").readings[0]
    assert reading.worn == (
        Worn(kind="lora", name="evening, light", weight=0.8, hash=HASH),
        Worn(kind="lora", name="noir", weight=-1.0, hash=HASH[::-1]),
        Worn(kind="textual-inversion", name="good-hands", weight=1.0, hash=HASH),
        Worn(kind="vae", name="fine", weight=1.0, hash=HASH),
    )
    assert reading.record
    assert reading.record["request"]["adapters"][0]["image"]["sha256"] == PICTURE.sha256


def test_a_text_of_another_program_names_loras_by_tag_and_hash() -> None:
    text = (
        "a cat <lora:add_detail:0.65>, <lora:film>\nNegative prompt: easynegative\n"
        "Steps: 30, Sampler: Euler a, Seed: 5, Size: 512x512, VAE: fine.safetensors, "
        'Lora hashes: "add_detail: 7C6BAD76EB54", '
        'TI hashes: "easynegative: c74b4e810b03", Version: v1.9.0'
    )
    prompt, negative, fields = parse_parameters(text)
    assert read_worn((prompt, negative), fields) == (
        Worn(kind="lora", name="add_detail", weight=0.65, hash="7c6bad76eb54"),
        Worn(kind="lora", name="film", weight=1.0),
        Worn(kind="textual-inversion", name="easynegative", hash="c74b4e810b03"),
        Worn(kind="vae", name="fine"),
    )


def test_what_an_adapter_looked_at_is_an_ingredient_and_the_picture_is_still_created(tmp_path: Path) -> None:
    identity = load_or_make(tmp_path)
    source = TextStamp("1")(a_draft()).data or b""
    draft = C2paStamp(lambda: identity, "1", lambda _: source)(TextStamp("1")(a_worn_draft(adapters=(NET,))))
    found = read_manifest(draft.data or b"", ".png", identity)
    assert found
    assert (found.state, found.ingredients) == ("trusted", 1)
    assert "c2pa.created" in found.actions
    assert "c2pa.opened" not in found.actions
    assert claims.looked_at(draft) == [PICTURE]
