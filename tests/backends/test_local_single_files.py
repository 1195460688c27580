"""Single checkpoint files in the original layouts: told by their headers, loaded offline, the pictures of their folders."""

from __future__ import annotations

import json
import shutil
import socket

import original_layouts as originals
import pytest
import tiny_families
import tiny_models
from watching import Recorder

from studio.backends.local import LocalBackend
from studio.backends.local.catalog import Catalog
from studio.core.canvas import Ground
from studio.core.errors import NotConfigured, Unavailable
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

LAYOUTS = {"sd15": "sd", "sd21": "sd2", "sdxl": "xl", "sdxl-refiner": "refiner", "sd3-medium": "sd3",
           "flux": "flux", "z-image": "z"}  # fmt: skip
"""Layout → the tiny model of its family."""


@pytest.fixture(scope="module")
def folders(zoo, tmp_path_factory):
    """Tiny models in diffusers layout, one for each layout."""
    folder = tmp_path_factory.mktemp("folders")
    for layout, name in LAYOUTS.items():
        if name in tiny_families.FAMILIES:
            tiny_families.FAMILIES[name](folder / layout)
        else:
            shutil.copytree(zoo / name, folder / layout)
    for place in ("sd21/tokenizer", "sdxl/tokenizer_2", "sdxl-refiner/tokenizer_2", "sd3-medium/tokenizer_2"):
        edit(folder / place / "tokenizer_config.json", pad_token="!")  # as the real ones fill up short prompts
    edit(folder / "z-image" / "model_index.json", tokenizer=["transformers", "Qwen2TokenizerFast"])
    return folder


def edit(file, **entries):
    file.write_text(json.dumps(json.loads(file.read_text()) | entries))


@pytest.fixture(scope="module")
def configs(folders, tmp_path_factory):
    """The tiny models' configurations in the place of the real ones'."""
    folder = tmp_path_factory.mktemp("configs")
    for layout in LAYOUTS:
        originals.configurations(folders / layout, layout, folder)
    (folder / "clip").mkdir()
    tiny_models.write_vocabulary(folder / "clip")
    return folder


@pytest.fixture(scope="module")
def shelf(folders, tmp_path_factory):
    """A models folder with one whole file of each layout."""
    folder = tmp_path_factory.mktemp("models")
    for layout in LAYOUTS:
        originals.checkpoint(folders / layout, layout, folder / f"{layout}.safetensors")
    qwen = folder / "tokenizers" / "qwen2"
    qwen.mkdir(parents=True)
    for file in (folders / "z-image" / "tokenizer").iterdir():
        shutil.copy(file, qwen)
    return folder


def a_catalog(folder, configs):
    return Catalog(folders=(folder,), starter=folder / "none", configs=configs)


def a_backend(folder, configs=None):
    backend = LocalBackend((folder,), None, starter=folder / "none")
    if configs:
        backend._catalog = a_catalog(folder, configs)
    return backend


def draw(backend, name, ground=None):
    model = next(model for model in backend.models() if model.id == f"local:{name}")
    asked = ImageRequest(model=model.id, prompt="a (red:1.2) house", task=TextToImage(Size(64, 64)), negative_prompt="blue",
                         sampling=Sampling(steps=3, guidance_scale=4.0, seed=7, sampler="Euler"))  # fmt: skip
    result = backend.generate(asked, model, Recorder(), ground)
    return result.pictures[0].image.tobytes(), result.used


@pytest.fixture
def no_network(monkeypatch):
    """Every attempt to reach another machine fails and is written down."""
    tried = []

    def refuse(*arguments, **_):
        tried.append(arguments)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    return tried


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_single_file_gives_the_pictures_of_its_folder_without_the_network(  # noqa: PLR0917  fixtures
    folders, shelf, configs, photo, square, no_network, layout
):
    single, folder = a_backend(shelf, configs), a_backend(folders)
    grounds = [None, Ground(image=photo, strength=0.8), Ground(image=photo, mask=square, strength=0.8)]
    for ground in grounds[layout == "sdxl-refiner" :]:
        ours, used = draw(single, layout, ground)
        theirs, expected = draw(folder, layout, ground)
        assert ours == theirs
        assert used["pipeline"] == expected["pipeline"]
    assert no_network == []


def test_the_fingerprint_is_that_of_the_whole_file_as_creators_know_it(shelf, configs):
    import hashlib

    used = draw(a_backend(shelf, configs), "sd15")[1]
    assert used["model_sha256"] == hashlib.sha256((shelf / "sd15.safetensors").read_bytes()).hexdigest()


def test_single_files_are_described_from_their_headers(shelf, configs):
    found, problems = a_catalog(shelf, configs).scan()
    assert problems == []
    models = {item.model.title: item.model for item in found}
    assert set(models) == set(LAYOUTS)
    assert {model.unready for model in models.values()} == {""}
    assert {model.precision for model in models.values()} == {"float32"}
    assert models["sdxl"].family == "Stable Diffusion XL"
    assert models["sdxl-refiner"].tasks == ("image-to-image", "inpaint", "outpaint")
    assert models["flux"].source == str(shelf / "flux.safetensors")
    assert models["flux"].size_bytes == (shelf / "flux.safetensors").stat().st_size


def test_listing_single_files_reads_headers_only(shelf, configs, tmp_path):
    """A file with a whole header and no numbers behind it (as large, and empty) is described all the same."""
    file = shelf / "sdxl.safetensors"
    length = 8 + int.from_bytes(file.read_bytes()[:8], "little")
    sparse = tmp_path / "hollow.safetensors"
    with sparse.open("wb") as stream:
        stream.write(file.read_bytes()[:length])
        stream.truncate(file.stat().st_size)
    assert a_catalog(tmp_path, configs).models()[0].family == "Stable Diffusion XL"


def test_the_tiny_originals_come_back_through_diffusers_converters(folders, shelf):
    import torch
    from diffusers.loaders import single_file_utils as theirs
    from safetensors.torch import load_file

    for layout in ("sd15", "sdxl"):
        tensors = load_file(shelf / f"{layout}.safetensors")
        for part, convert in (("unet", theirs.convert_ldm_unet_checkpoint), ("vae", theirs.convert_ldm_vae_checkpoint)):
            config = json.loads((folders / layout / part / "config.json").read_text())
            back, own = convert(dict(tensors), config), originals.tensors_of(folders / layout / part)
            assert back.keys() == own.keys()
            assert all(torch.equal(back[name], own[name]) for name in own)


def test_what_the_maker_wrote_into_the_header_is_heeded(shelf, configs, tmp_path):
    from safetensors.torch import load_file, save_file

    told = {"modelspec.license": "CreativeML Open RAIL-M", "modelspec.prediction_type": "epsilon"}
    save_file(load_file(shelf / "sd15.safetensors"), tmp_path / "told.safetensors", metadata=told)
    catalog = a_catalog(tmp_path, configs)
    assert catalog.models()[0].licence == "CreativeML Open RAIL-M"
    assert catalog.find("local:told").single.layout.scheduler == {"prediction_type": "epsilon"}
    assert draw(a_backend(tmp_path, configs), "told")[0] != draw(a_backend(shelf, configs), "sd15")[0]  # velocity there


# Parts from elsewhere


@pytest.fixture
def bare_flux(folders, tmp_path):
    """A models folder with FLUX.1's transformer alone."""
    originals.checkpoint(folders / "flux", "flux", tmp_path / "models" / "flux1-dev.safetensors", whole=False)
    return tmp_path / "models"


def test_a_file_without_its_encoders_says_what_to_put_where(bare_flux, configs, folders):
    (model,) = a_catalog(bare_flux, configs).models()
    for word in ("ae.safetensors", "into vae", "T5-XXL", "into text_encoders", "a FLUX.1 model in diffusers layout"):
        assert word in model.unready
    backend = a_backend(bare_flux, configs)
    with pytest.raises(NotConfigured, match="needs parts that its file does not hold"):
        draw(backend, "flux1-dev")
    with pytest.raises(NotConfigured, match="needs parts"):
        backend.warm(model)


def test_missing_parts_come_from_loose_files(bare_flux, configs, folders):
    parts = {part: originals.tensors_of(folders / "flux" / part) for part in ("vae", "text_encoder", "text_encoder_2")}
    originals.save(originals.vae(parts["vae"]), bare_flux / "vae" / "ae.safetensors")
    originals.save(originals.clip(parts["text_encoder"]), bare_flux / "text_encoders" / "clip_l.safetensors")
    originals.save(parts["text_encoder_2"], bare_flux / "text_encoders" / "t5xxl_fp16.safetensors")
    found, problems = a_catalog(bare_flux, configs).scan()
    assert problems == []
    assert [item.model.unready for item in found] == [""]
    assert {part: weights.files[0].name for part, weights in found[0].weights.items()} == {
        "transformer": "flux1-dev.safetensors", "vae": "ae.safetensors", "text_encoder": "clip_l.safetensors",
        "text_encoder_2": "t5xxl_fp16.safetensors",
    }  # fmt: skip
    assert draw(a_backend(bare_flux, configs), "flux1-dev")[0] == draw(a_backend(folders), "flux")[0]


def test_missing_parts_come_from_a_model_of_the_family_in_diffusers_layout(bare_flux, configs, folders, no_network):
    shutil.copytree(folders / "flux", bare_flux / "whole")
    backend = a_backend(bare_flux, configs)
    assert {model.id: model.unready for model in backend.models()} == {"local:whole": "", "local:flux1-dev": ""}
    assert draw(backend, "flux1-dev")[0] == draw(backend, "whole")[0]
    assert no_network == []


def test_a_part_of_other_widths_is_not_taken(bare_flux, configs, folders):
    shutil.copytree(folders / "flux", bare_flux / "whole")
    edit(bare_flux / "whole" / "vae" / "config.json", scaling_factor=0.13)
    (_, model) = a_catalog(bare_flux, configs).models()
    assert "into vae" in model.unready
    assert "T5" not in model.unready


def test_t5s_vocabulary_comes_from_the_folder_named_after_it(bare_flux, configs, folders, tmp_path):
    from tokenizers import Tokenizer, models
    from transformers import T5TokenizerFast

    own = tmp_path / "configs"
    shutil.copytree(configs, own)
    edit(own / "flux" / "model_index.json", tokenizer_2=["transformers", "T5TokenizerFast"])
    for part, folder, write in (("vae", "vae", dict), ("text_encoder", "text_encoders", originals.clip),
                                ("text_encoder_2", "text_encoders", dict)):  # fmt: skip
        originals.save(write(originals.tensors_of(folders / "flux" / part)), bare_flux / folder / f"{part}.safetensors")
    (model,) = a_catalog(bare_flux, own).models()
    assert "Put into the models folder: T5's tokenizer.json into tokenizers/t5. Or add" in model.unready
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁a", -1.0), ("▁red", -1.0), ("▁house", -2.0), ("▁blue", -2.0)]
    unigram = Tokenizer(models.Unigram(words, unk_id=2, byte_fallback=False))
    T5TokenizerFast(tokenizer_object=unigram).save_pretrained(bare_flux / "tokenizers" / "t5")
    backend = a_backend(bare_flux, own)
    assert backend.models()[0].unready == ""
    assert draw(backend, "flux1-dev")[1]["tokens"]["prompt"] > 0


# What is refused


def test_pickles_are_refused_with_the_reason(tmp_path, configs):
    for name in ("model.ckpt", "old.pt", "weights.bin", "net.pth"):
        (tmp_path / name).write_bytes(b"pickle")
    found, problems = a_catalog(tmp_path, configs).scan()
    assert found == []
    assert len(problems) == 4
    assert all(
        "is a pickle, which can run code when it is opened. Get the file as .safetensors." in each for each in problems
    )


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ({"lora_unet_down.lora_up.weight": (1,)}, "is an adapter (LoRA), no model. Move it into the folder loras."),
        ({"control_model.time_embed.0.weight": (1,)}, "is a ControlNet"),
        ({"emb_params": (1, 768)}, "is a textual inversion"),
        ({"decoder.conv_in.weight": (1, 4)}, "is a VAE. Move it into the folder vae."),
        ({"shared.weight": (32128, 4)}, "is a text encoder"),
        ({"scaled_fp8": (1,), "double_blocks.0.img_attn.norm.key_norm.scale": (1,)}, "scaled 8-bit format"),
        ({"a": (1,)}, "is no checkpoint that the studio knows"),
        ({"model.diffusion_model.input_blocks.0.0.weight": (16, 8, 3, 3),
          "model.diffusion_model.input_blocks.3.1.transformer_blocks.0.attn2.to_k.weight": (16, 32)},
         "single files are not"),
        ({"double_blocks.0.img_attn.norm.key_norm.scale": (1,), "img_in.weight": (1, 128)}, "is a relative of FLUX.1"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_says_what_it_is(tmp_path, configs, names, sentence):
    originals.header(tmp_path / "thing.safetensors", **names)
    found, problems = a_catalog(tmp_path, configs).scan()
    assert found == []
    assert len(problems) == 1
    assert problems[0].startswith("thing ")
    assert sentence in problems[0]


@pytest.mark.parametrize("spoil", [b"", b"\xff" * 8, b"\x02\0\0\0\0\0\0\0{}x"[:9], b"\x08\0\0\0\0\0\0\0nonsense"])
def test_a_damaged_file_is_left_out_with_a_sentence(tmp_path, configs, spoil):
    (tmp_path / "broken.safetensors").write_bytes(spoil)
    found, problems = a_catalog(tmp_path, configs).scan()
    assert found == []
    assert problems[0].startswith("broken is")


def test_a_file_that_was_cut_off_is_left_out(shelf, configs, tmp_path):
    whole = (shelf / "sd15.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-1000])
    assert a_catalog(tmp_path, configs).scan()[1] == ["cut is no whole safetensors file. Copy or download it again."]


def test_a_checkpoint_without_some_of_its_tensors_says_so(shelf, configs, tmp_path):
    from safetensors.torch import load_file

    tensors = load_file(shelf / "sd15.safetensors")
    del tensors["cond_stage_model.transformer.text_model.final_layer_norm.weight"]
    originals.save(tensors, tmp_path / "holes.safetensors")
    with pytest.raises(Unavailable, match="no whole text_encoder"):
        draw(a_backend(tmp_path, configs), "holes")


def test_parts_and_adapters_in_their_own_folders_are_no_models(tmp_path, configs):
    for folder in ("loras", "vae", "text_encoders", "controlnet", "embeddings"):
        originals.header(tmp_path / folder / "x.safetensors", a=(1,))
    assert a_catalog(tmp_path, configs).scan() == ([], [])


def test_links_to_files_elsewhere_are_not_followed(shelf, configs, tmp_path):
    (tmp_path / "away.safetensors").symlink_to(shelf / "sd15.safetensors")
    found, problems = a_catalog(tmp_path, configs).scan()
    assert found == []
    assert "links to files outside its folder" in problems[0]


def test_a_few_step_file_gets_few_steps_and_a_sampler_for_them(shelf, configs, tmp_path):
    shutil.copy(shelf / "sd15.safetensors", tmp_path / "Hyper-SD15-8steps.safetensors")
    shutil.copy(shelf / "sd15.safetensors", tmp_path / "dreamshaper_lcm.safetensors")
    models = a_catalog(tmp_path, configs).models()
    assert [(model.default_steps, model.default_guidance_scale, model.default_sampler) for model in models] == [
        (8, 1.0, "Euler"), (4, 1.0, "LCM"),
    ]  # fmt: skip
