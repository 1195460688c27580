"""The settings of every program are read into the same fields, from the byte shapes that the programs write."""

import io
import json
from typing import Any

import metadata_samples as samples
import pytest
from malformed import png, png_chunk, text_chunk, tiff
from metadata_samples import NEGATIVE, PLAIN, PROMPT, ascii_entry, parameters, with_comment, with_exif, with_texts
from PIL import Image
from sd_parsers import ParserManager
from sd_prompt_reader.image_data_reader import ImageDataReader

from studio.core.evidence import Reading
from studio.core.request import ImageRequest, ImageToImage, Sampling, Source, request_from_json
from studio.core.result import Draft, Picture
from studio.stamps.reading import read_file, read_stealth
from studio.stamps.text import Coding, FileFormat, TextStamp

GRAPHS = (
    ascii_entry(0x0110, "prompt:" + json.dumps(samples.COMFY)),
    ascii_entry(0x010F, "workflow:" + json.dumps(samples.COMFY_PAGE)),
)
SHAPES: dict[str, tuple[str, bytes]] = {
    "png, AUTOMATIC1111": ("AUTOMATIC1111", with_texts(parameters=parameters())),
    "jpeg, AUTOMATIC1111": ("AUTOMATIC1111", with_comment(parameters())),
    "webp, AUTOMATIC1111": ("AUTOMATIC1111", with_comment(parameters(), "webp")),
    "jpeg, little-endian": ("AUTOMATIC1111", with_comment(parameters(), little=True)),
    "png, one name for sampler": ("AUTOMATIC1111", with_texts(parameters=parameters().replace(", Schedule type:", ""))),
    "png, Forge": ("Forge", with_texts(parameters=parameters(version="f2.0.1v1.10.1-previous-622-g2a9c2a5f"))),
    "png, SD.Next": ("SD.Next", with_texts(parameters=parameters(more="App: SD.Next, ", version="0ce1be5"))),
    "png, ComfyUI": ("ComfyUI", with_texts(prompt=samples.COMFY, workflow=samples.COMFY_PAGE)),
    "png, ComfyUI, the page alone": ("ComfyUI", with_texts(workflow=samples.COMFY_PAGE)),
    "png, ComfyUI, FLUX": ("ComfyUI", with_texts(prompt=samples.COMFY_FLUX)),
    "webp, ComfyUI": ("ComfyUI", with_exif(tiff(*GRAPHS), "webp")),
    "png, InvokeAI": ("InvokeAI", with_texts(invokeai_metadata=samples.INVOKE, invokeai_graph={"nodes": {}})),
    "png, InvokeAI 2": (
        "InvokeAI",
        png(text_chunk("sd-metadata", json.dumps(samples.INVOKE_2)), text_chunk("Dream", samples.DREAM)),
    ),
    "png, InvokeAI 1": ("InvokeAI", with_texts(Dream=samples.DREAM)),
    "png, Fooocus": ("Fooocus", with_texts(parameters=samples.FOOOCUS, fooocus_scheme="fooocus")),
    "png, Fooocus in the other scheme": (
        "Fooocus", with_texts(parameters=parameters(version="Fooocus v2.5.5"), fooocus_scheme="a1111")
    ),
    "jpeg, Fooocus": (
        "Fooocus",
        with_exif(tiff(ascii_entry(0x9286, json.dumps(samples.FOOOCUS)), ascii_entry(0x0131, "Fooocus v2.5.5"),
                       ascii_entry(0x927C, "fooocus")), "jpeg"),
    ),
    "png, NovelAI": ("NovelAI", png(*(text_chunk(key, text) for key, text in samples.NOVELAI_TEXTS.items()))),
    "png, NovelAI in its pixels": ("NovelAI", samples.as_png(samples.with_hidden_copy())),
    "png, SwarmUI": ("SwarmUI", with_texts(parameters=samples.SWARM)),
    "jpeg, SwarmUI": ("SwarmUI", with_comment(json.dumps(samples.SWARM), little=True)),
    "png, Draw Things": ("Draw Things", samples.draw_things()),
    "png, StabilityMatrix": (
        "StabilityMatrix", png(text_chunk("parameters-json", json.dumps(samples.MATRIX)), text_chunk("smproj", "{}"))
    ),
}  # fmt: skip


def best(data: bytes) -> Reading:
    with Image.open(io.BytesIO(data)) as image:
        found = read_file(data, "x", image.copy())
    assert found.problems == ()
    return found.readings[0]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_program_tells_the_same(shape: str) -> None:
    dialect, data = SHAPES[shape]
    found = best(data)
    assert found.dialect == dialect
    assert found.prompt in (PROMPT, PLAIN)
    assert found.negative_prompt == ("" if "FLUX" in shape else NEGATIVE)
    assert (found.steps, found.guidance_scale, found.seed) == (20, 7.5, 42)
    assert (found.width, found.height) == (512, 768)
    assert found.sampler.lower().replace("_", " ").removeprefix("k ").startswith(("dpm++ 2m", "dpmpp 2m"))
    assert "FLUX" in shape or "Dream" not in found.text
    assert found.record is None


@pytest.mark.parametrize(
    "shape", [name for name in SHAPES if name not in ("png, InvokeAI 1", "png, NovelAI", "png, NovelAI in its pixels")]
)
def test_every_program_names_its_model(shape: str) -> None:
    assert best(SHAPES[shape][1]).model.partition(".")[0] == "seaside_v2"


@pytest.mark.parametrize("format", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("prompt", [PROMPT, "", "a cat\nSteps: 99, Sampler: Fake, Seed: 6, Size: 1x1"])
def test_our_own_record_comes_first_and_whole(format: FileFormat, prompt: str) -> None:
    source = Source(sha256="a" * 64, width=48, height=32)
    request = ImageRequest(
        model="local:starter", prompt=prompt, negative_prompt=NEGATIVE, task=ImageToImage(image=source, strength=0.4),
        sampling=Sampling(steps=30),
    )  # fmt: skip
    used = {"model": "starter", "steps": 20, "guidance_scale": 7.5, "sampler": "DPM++ 2M Karras"}
    draft = Draft(
        id="job1-0", job="job1", picture=Picture(image=Image.new("RGB", (48, 32)), seed=42), request=request,
        created="2026-11-23T02:14:00+00:00", facts={"used": used},
    )  # fmt: skip
    found = read_file(TextStamp("0.1.0", Coding(format))(draft).data or b"", "x")
    assert [reading.dialect for reading in found.readings] == ["Studio"]
    own = found.readings[0]
    assert (own.prompt, own.negative_prompt, own.steps, own.strength) == (prompt, NEGATIVE, 20, 0.4)
    assert (own.sampler, own.seed, own.width, own.height) == ("DPM++ 2M Karras", 42, 48, 32)
    assert own.record is not None
    assert request_from_json(own.record["request"]) == request
    assert (found.problems, found.trailing, found.signed) == ((), 0, False)
    assert (found.format, found.width, found.height) == (format.upper(), 48, 32)


def test_our_parameters_alone_still_name_the_studio() -> None:
    assert best(with_texts(parameters=parameters(version="studio 0.3.0"))).dialect == "Studio"


def test_two_programs_in_one_file_are_both_told() -> None:
    data = with_texts(prompt=samples.COMFY, parameters=parameters())
    assert [reading.dialect for reading in read_file(data, "x").readings] == ["ComfyUI", "AUTOMATIC1111"]


def test_the_first_sampler_counts_where_a_second_one_enlarges() -> None:
    second = {
        **samples.COMFY["3"]["inputs"], "seed": 7, "steps": 9, "denoise": 0.5, "latent_image": ["21", 0], "cfg": 2
    }  # fmt: skip
    graph = {
        **samples.COMFY, "20": {"class_type": "KSampler", "inputs": second},
        "21": {"class_type": "LatentUpscale", "inputs": {"samples": ["3", 0], "width": 1024, "height": 1536}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["20", 0], "vae": ["4", 2]}},
    }  # fmt: skip
    found = best(with_texts(prompt=graph))
    assert (found.seed, found.steps, found.guidance_scale, found.width, found.strength) == (42, 20, 7.5, 512, None)


def test_both_prompts_through_one_control_node_stay_apart() -> None:
    control = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {"positive": ["6", 0], "negative": ["7", 0], "strength": 1},
    }
    sampler = {**samples.COMFY["3"]["inputs"], "positive": ["30", 0], "negative": ["30", 1], "denoise": 0.35}
    graph = {**samples.COMFY, "30": control, "3": {"class_type": "KSampler", "inputs": sampler}}
    found = best(with_texts(prompt=graph))
    assert (found.prompt, found.negative_prompt, found.strength) == (PROMPT, NEGATIVE, 0.35)
    assert "waves.safetensors" in found.fields["LoRA"]


def test_a_graph_with_numbers_that_json_lacks_is_still_read() -> None:
    text = json.dumps({**samples.COMFY, "99": {"class_type": "Any", "inputs": {}, "is_changed": [float("nan")]}})
    assert "NaN" in text
    assert best(with_texts(prompt=text)).seed == 42


def test_characters_of_a_newer_novelai_prompt_are_joined() -> None:
    caption = {"base_caption": "two people", "char_captions": [{"char_caption": "a sailor"}, {"char_caption": 5}, "odd"]}
    comment = {**samples.NOVELAI, "v4_prompt": {"caption": caption}}
    found = best(with_texts(Software="NovelAI", Comment=comment, Description="two people"))
    assert found.prompt.split("\n")[:2] == ["two people", "a sailor"]


def test_the_high_resolution_passs_strength_is_not_the_pictures() -> None:
    given = "Denoising strength: 0.4, "
    assert best(with_texts(parameters=parameters(more=given))).strength == 0.4
    assert best(with_texts(parameters=parameters(more=given + "Hires upscale: 2, "))).strength is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("steps", 0), ("steps", True), ("steps", "many"), ("steps", [20]), ("steps", 20.5), ("seed", -1), ("seed", 2**64),
     ("seed", "9" * 50), ("cfgscale", -1), ("cfgscale", "1e999"), ("width", 10**9), ("width", None), ("prompt", {"a": 1})],
)  # fmt: skip
def test_a_value_of_the_wrong_kind_is_left_out(key: str, value: Any) -> None:
    wrong = {"sui_image_params": {**samples.SWARM["sui_image_params"], key: value}}
    found = best(with_texts(parameters=wrong))
    name = {"cfgscale": "guidance_scale"}.get(key, key)
    assert getattr(found, name) in (None, "")
    assert found.negative_prompt == NEGATIVE


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("size", [(61, 97), (400, 31), (9, 3000)])
def test_the_hidden_copy_is_read_from_any_shape(packed: bool, size: tuple[int, int]) -> None:
    found = read_stealth(samples.with_hidden_copy(*size, packed=packed))
    assert found is not None
    assert (found.dialect, found.prompt, found.seed) == ("NovelAI", PROMPT, 42)


def test_a_hidden_copy_that_lies_is_none() -> None:
    whole = samples.with_hidden_copy()
    assert read_stealth(whole.convert("RGB")) is None
    assert read_stealth(Image.new("RGBA", (1, 1))) is None
    assert read_stealth(whole.crop((0, 0, 10, 97))) is None
    assert read_stealth(whole.crop((0, 1, 61, 97))) is None
    for x, y in ((0, 3), (5, 50)):
        broken = whole.copy()
        pixel = broken.getpixel((x, y))
        assert isinstance(pixel, tuple)
        broken.putpixel((x, y), (*pixel[:3], int(pixel[3]) ^ 1))
        assert read_stealth(broken) is None


def test_a_camera_s_comment_is_no_settings() -> None:
    assert read_file(with_comment("Lens: 50 mm, Mode: auto, Author: me"), "x").readings == ()


def test_a_raw_text_is_cut() -> None:
    found = best(with_texts(parameters=parameters(prompt="x" * 300_000)))
    assert (len(found.text), len(found.prompt), found.seed) == (100_000, 100_000, 42)


@pytest.mark.parametrize("shape", ["png, AUTOMATIC1111", "png, Fooocus", "png, InvokeAI", "png, InvokeAI 2", "png, ComfyUI"])
def test_sd_parsers_agrees(shape: str) -> None:
    found = ParserManager().parse(io.BytesIO(SHAPES[shape][1]))
    assert found is not None
    ours, sampler = best(SHAPES[shape][1]), found.samplers[0]
    assert [part.value for part in sampler.prompts] == [ours.prompt]
    assert [part.value for part in sampler.negative_prompts] == [ours.negative_prompt]
    told = sampler.parameters
    assert (int(told["steps"]), int(told["seed"]), float(told["cfg_scale"])) == (ours.steps, ours.seed, ours.guidance_scale)
    if shape not in ("png, InvokeAI", "png, ComfyUI"):  # it knows no model's new name, and no LoRA in a graph
        assert sampler.model is not None
        assert sampler.model.name == ours.model


@pytest.mark.parametrize(
    "shape",
    ["png, AUTOMATIC1111", "jpeg, AUTOMATIC1111", "webp, AUTOMATIC1111", "png, InvokeAI", "png, InvokeAI 2",
     "png, InvokeAI 1", "png, NovelAI", "png, NovelAI in its pixels", "png, SwarmUI", "png, Draw Things", "png, ComfyUI"],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:Image.Image.getdata is deprecated:DeprecationWarning")
def test_sd_prompt_reader_agrees(shape: str) -> None:
    theirs, ours = ImageDataReader(io.BytesIO(SHAPES[shape][1])), best(SHAPES[shape][1])
    assert theirs.status.name == "READ_SUCCESS"
    assert (theirs.positive, theirs.negative) == (ours.prompt, ours.negative_prompt)
    told = theirs.parameter
    assert (told["seed"], told["steps"], float(told["cfg"])) == (str(ours.seed), str(ours.steps), ours.guidance_scale)


def test_settings_behind_a_wrong_checksum_are_not_read() -> None:
    data = png(png_chunk(b"tEXt", b"parameters\0" + parameters(PLAIN).encode(), checksum=1))
    found = read_file(data, "x")
    assert (found.readings, found.problems) == ((), ("a checksum is wrong",))
