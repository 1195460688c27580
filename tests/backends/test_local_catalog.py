"""Which folders are models, which are not, and why."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from studio.backends.local.catalog import Catalog
from studio.backends.local.families import FAMILIES
from studio.core.errors import NotConfigured
from studio.core.request import Size

NOWHERE = Path("nowhere")


def a_catalog(*folders, hub=None, starter=NOWHERE):
    return Catalog(folders=folders, hub_cache=hub, starter=starter)


@pytest.fixture
def shelf(zoo, tmp_path):
    """A models folder of one's own with a copy of the tiny model called house."""
    shutil.copytree(zoo / "sd", tmp_path / "models" / "house")
    return tmp_path / "models"


def edit_index(folder, **entries):
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_models_are_described_from_their_own_files(zoo):
    found = {model.id: model for model in a_catalog(zoo).models()}
    assert set(found) == {f"local:{path.name}" for path in zoo.iterdir()}
    assert {model.family for model in found.values()} <= {family.title for family in FAMILIES.values()}
    sd, flux = found["local:sd"], found["local:flux"]
    assert (sd.default_size, sd.multiple_of, sd.max_tokens, sd.negative_prompt) == (Size(64, 64), 8, 77, True)
    assert {"Euler", "DPM++ 2M Karras", "DPM++ SDE Karras", "LMS", "LCM"} <= set(sd.samplers)
    assert sd.default_sampler in sd.samplers
    assert (flux.default_size, flux.multiple_of, flux.max_tokens, flux.negative_prompt) == (Size(1024, 1024), 16, 512, True)
    assert [option.name for option in flux.options] == ["true_cfg_scale", "memory", "compile", "step_cache"]
    assert {model.precision for model in found.values()} == {"float32"}
    assert set(flux.samplers) == {"Euler", "DPM++ 2M", "DPM++ 2S", "UniPC", "DEIS"}
    assert sd.size_bytes > 1_000_000


def test_stable_diffusion_3_without_its_large_encoder_reads_77_tokens(zoo):
    assert a_catalog(zoo).find("local:sd3").model.max_tokens == 77


def test_models_say_which_tasks_they_can_do(zoo):
    found = {model.id.removeprefix("local:"): model for model in a_catalog(zoo).models()}
    masked = ("inpaint", "outpaint")
    for name, model in found.items():
        only_masks = name in {"nine", "xl-nine", "fill"}
        assert model.tasks == (masked if only_masks else ("text-to-image", "image-to-image", *masked)), name
        assert model.soft_masks is not only_masks, name
    assert FAMILIES["SanaPipeline"].tasks == ("text-to-image",)
    assert found["fill"].default_guidance_scale == 30


def test_the_channels_of_the_denoiser_decide_what_a_model_is_made_for(zoo, tmp_path):
    for name, kind in (("sd", "StableDiffusionInpaintPipeline"), ("xl", "StableDiffusionXLInpaintPipeline")):
        shutil.copytree(zoo / name, tmp_path / name)
        edit_index(tmp_path / name, _class_name=kind)
    shutil.copytree(zoo / "nine", tmp_path / "nine")
    edit_index(tmp_path / "nine", _class_name="StableDiffusionPipeline")
    found = {item.model.title: item for item in a_catalog(tmp_path).scan()[0]}
    assert found["sd"].pipeline == "StableDiffusionPipeline"
    assert found["xl"].pipeline == "StableDiffusionXLPipeline"
    assert found["nine"].model.tasks == ("inpaint", "outpaint")


def test_the_starter_comes_first_with_its_own_defaults(zoo):
    model = a_catalog(zoo, starter=zoo / "sd").models()[0]
    assert (model.id, model.title, model.max_side) == ("local:starter", "Starter (built in)", 256)
    assert (model.default_steps, model.default_guidance_scale, model.default_sampler) == (20, 3.5, "DPM++ 2M")


def test_few_step_models_get_few_steps_and_no_guidance(shelf):
    (shelf / "house").rename(shelf / "house-Turbo")
    model = a_catalog(shelf).models()[0]
    assert (model.default_steps, model.default_guidance_scale, model.default_sampler) == (4, 1.0, "DDIM")


def test_models_are_found_three_folders_deep_and_no_deeper(shelf):
    (shelf / "a" / "b").mkdir(parents=True)
    (shelf / "house").rename(shelf / "a" / "b" / "deep")
    assert [model.id for model in a_catalog(shelf).models()] == ["local:deep"]
    (shelf / "a" / "b" / "c").mkdir()
    (shelf / "a" / "b" / "deep").rename(shelf / "a" / "b" / "c" / "deeper")
    assert a_catalog(shelf).scan() == ([], [])


def test_a_model_copied_in_is_there_at_once(zoo, tmp_path):
    catalog = a_catalog(tmp_path)
    assert catalog.models() == []
    shutil.copytree(zoo / "sd", tmp_path / "new")
    assert [model.id for model in catalog.models()] == ["local:new"]


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "model_index.json").write_text("{"), "house is damaged: model_index.json"),
        (lambda folder: (folder / "model_index.json").write_text("[1]"), "house is damaged: a JSON file"),
        (lambda folder: (folder / "model_index.json").write_bytes(b"\xff\xfe"), "house is damaged"),
        (lambda folder: (folder / "unet" / "config.json").write_text("nonsense"), "house is damaged: config.json in unet"),
        (lambda folder: shutil.rmtree(folder / "vae"), "house is incomplete: the folder vae is missing"),
        (lambda folder: (folder / "tokenizer" / "tokenizer.json").unlink(), "the vocabulary of tokenizer is missing"),
        (
            lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink(),
            "the weights of unet are missing",
        ),
        (lambda folder: (folder / "vae" / "diffusion_pytorch_model.safetensors").write_bytes(b""), "vae/diffusion_pytorch"),
        (lambda folder: edit_index(folder, _class_name="FaxPipeline"), "house is a FaxPipeline"),
        (lambda folder: edit_index(folder, _class_name=["x"]), "which the studio cannot run"),
        (lambda folder: edit_index(folder, **{"../other": ["diffusers", "AutoencoderKL"]}), "strange entry"),
    ],
)
def test_a_spoilt_model_is_left_out_with_a_sentence(shelf, spoil, sentence):
    spoil(shelf / "house")
    found, problems = a_catalog(shelf).scan()
    assert found == []
    assert len(problems) == 1
    assert sentence in problems[0]
    assert problems[0].endswith(".")
    with pytest.raises(NotConfigured, match="house"):
        a_catalog(shelf).find("local:house")


def test_pickle_weights_are_not_listed(shelf):
    unet = shelf / "house" / "unet"
    (unet / "diffusion_pytorch_model.safetensors").rename(unet / "diffusion_pytorch_model.bin")
    (shelf / "old").mkdir()
    (shelf / "old" / "model.ckpt").write_bytes(b"pickle")
    found, problems = a_catalog(shelf).scan()
    assert found == []
    assert "house has only pickle weights in unet" in problems[0]
    assert "model (model.ckpt) is a pickle" in problems[1]


def test_two_models_of_one_name_are_listed_once(shelf):
    shutil.copytree(shelf / "house", shelf / "more" / "house")
    found, problems = a_catalog(shelf).scan()
    assert len(found) == 1
    assert problems[0].startswith("house is there twice")


def test_links_out_of_the_models_folder_are_not_followed(zoo, shelf):
    (shelf / "away").symlink_to(zoo / "sd")
    weights = shelf / "house" / "unet" / "diffusion_pytorch_model.safetensors"
    weights.unlink()
    weights.symlink_to(zoo / "sd" / "unet" / "diffusion_pytorch_model.safetensors")
    found, problems = a_catalog(shelf).scan()
    assert found == []
    assert problems == ["house links to files outside its folder in unet. Copy the files instead."]


def test_a_shard_list_cannot_name_files_elsewhere(shelf):
    unet = shelf / "house" / "unet"
    (unet / "diffusion_pytorch_model.safetensors").unlink()
    index = unet / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "../../secret.safetensors"}}))
    assert "outside its folder unet" in a_catalog(shelf).scan()[1][0]
    index.write_text(json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}))
    (unet / "one.safetensors").write_bytes(b"x")
    assert "unet/two.safetensors is missing" in a_catalog(shelf).scan()[1][0]


def a_hub(zoo, folder, *, revision="0123abcd", main="0123abcd"):
    """A Hugging Face cache as the hub's client lays it out: blobs, and a snapshot of links to them."""
    repository = folder / "hub" / "models--org--tiny"
    (repository / "blobs").mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(main)
    for number, file in enumerate(path for path in sorted((zoo / "sd").rglob("*")) if path.is_file()):
        shutil.copy(file, repository / "blobs" / str(number))
        link = repository / "snapshots" / revision / file.relative_to(zoo / "sd")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(repository / "blobs" / str(number))
    return folder / "hub"


def test_repositories_in_the_hub_cache_are_found(zoo, tmp_path):
    hub = a_hub(zoo, tmp_path)
    (hub / "models--org--words").mkdir()
    found, problems = a_catalog(hub=hub).scan()
    assert [(item.model.id, item.model.title) for item in found] == [("local:org/tiny", "tiny")]
    assert problems == []


def test_the_main_reference_decides_which_snapshot(zoo, tmp_path):
    assert a_catalog(hub=a_hub(zoo, tmp_path, main="ffff0000")).scan() == ([], [])
    (tmp_path / "hub" / "models--org--tiny" / "refs" / "main").write_text("../../../elsewhere")
    assert a_catalog(hub=tmp_path / "hub").scan() == ([], [])


def test_an_unfinished_download_is_left_out(zoo, tmp_path):
    hub = a_hub(zoo, tmp_path)
    blobs = hub / "models--org--tiny" / "blobs"
    weights = hub / "models--org--tiny" / "snapshots" / "0123abcd" / "unet" / "diffusion_pytorch_model.safetensors"
    (blobs / weights.readlink().name).unlink()
    found, problems = a_catalog(hub=hub).scan()
    assert found == []
    assert "org/tiny is incomplete: unet/diffusion_pytorch_model.safetensors is missing" in problems[0]


def test_a_missing_models_folder_is_no_problem(tmp_path):
    assert a_catalog(tmp_path / "none", hub=tmp_path / "neither").scan() == ([], [])


def test_the_family_table_fits_the_installed_diffusers():
    import inspect

    import diffusers

    for name, family in FAMILIES.items():
        accepted = inspect.signature(getattr(diffusers, name).__call__).parameters
        size = {"width", "height"} if family.from_words else set()
        assert {family.guidance, "callback_on_step_end", "generator", *size} <= set(accepted), name
        assert not family.negative or "negative_prompt" in accepted, name
        assert family.sampler in family.samplers, name
        assert all(hasattr(diffusers, sampler.scheduler) for sampler in family.samplers.values()), name
        seen = {"image"} if family.reference else {"image", "strength"}
        for kind, needed in ((family.redraw, seen), (family.inpaint, {"image", "mask_image", "strength"})):
            takes = inspect.signature(getattr(diffusers, kind).__call__).parameters if kind else needed
            assert needed <= set(takes), kind


def test_listing_and_counting_load_no_heavy_library(zoo):
    code = (
        "import sys, pathlib; from studio.backends import local; from studio.settings import Settings\n"
        "backend = local.create(Settings(models=pathlib.Path(sys.argv[1]), hub_cache=pathlib.Path('none')))\n"
        "model = next(model for model in backend.models() if model.id == 'local:sd')\n"
        "assert backend.count_tokens(model, 'a red house') == 3; backend.problems(); local.worker_environment(2)\n"
        "heavy = {'torch', 'diffusers', 'transformers', 'numpy', 'compel'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code, str(zoo)], check=True, cwd=Path(__file__).parents[2], timeout=60)
