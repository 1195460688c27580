"""Every family that people run, on tiny models: what its form shows, all its tasks, and pictures that repeat themselves."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import tiny_families
from bare import bare
from PIL import Image
from watching import Recorder

from studio.backends.local import LocalBackend, generic, packages, variants
from studio.backends.local.catalog import Catalog
from studio.backends.local.families import FAMILIES, TRUE_CFG
from studio.core.adapt import adapt
from studio.core.canvas import Ground
from studio.core.model import EVERY
from studio.core.request import ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage

NAMES = [*tiny_families.FAMILIES]
ALL_TASKS = ("text-to-image", "image-to-image", "inpaint", "outpaint")
TASKS = {"refiner": ALL_TASKS[1:], **dict.fromkeys(("sana", "lumina2", "pixart", "cogview4"), ALL_TASKS[:1])}
REFERENCE = ("kontext", "klein")


@pytest.fixture(scope="module")
def menagerie(tmp_path_factory):
    return tiny_families.build_all(tmp_path_factory.mktemp("families"))


@pytest.fixture(scope="module")
def backend(menagerie):
    return LocalBackend((menagerie,), None, starter=menagerie / "none")


@pytest.fixture(scope="module")
def models(backend):
    return {model.id.removeprefix("local:"): model for model in backend.models()}


@pytest.fixture
def draw(backend, models, photo, square):
    """The bytes of pictures of one task: `draw("klein", "inpaint", count=2)`."""

    def run(name, task="text-to-image", *, watch=None, seed=7, count=1, strength=0.8, **fields):
        ground = {"text-to-image": None, "image-to-image": Ground(image=photo, strength=strength),
                  "inpaint": Ground(image=photo, mask=square, strength=strength)}[task]  # fmt: skip
        sampling = Sampling(steps=3, guidance_scale=4.0, seed=seed)
        fields = {"prompt": "a red house by the sea", **fields}
        asked = ImageRequest(model=f"local:{name}", task=TextToImage(Size(64, 64)), sampling=sampling, count=count, **fields)
        return backend.generate(asked, models[name], watch or Recorder(), ground)

    return run


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


def runnable(name):
    return [task for task in TASKS.get(name, ALL_TASKS) if task != "outpaint"]


CASES = [(name, task) for name in NAMES for task in runnable(name)]


def test_all_families_are_found_without_a_complaint(backend, models):
    assert backend.problems() == []
    assert set(models) == set(NAMES)
    assert {name: model.tasks for name, model in models.items()} == {name: TASKS.get(name, ALL_TASKS) for name in NAMES}


@pytest.mark.parametrize(("name", "task"), CASES)
def test_a_family_does_each_of_its_tasks_at_the_size_asked_for(draw, name, task):
    watch = Recorder()
    result = draw(name, task, watch=watch)
    assert result.pictures[0].image.size == (64, 64)
    assert watch.steps[-1][0] == watch.steps[-1][1] > 0
    assert watch.phases[-1] == "decoding"
    assert len(watch.previews) == len(watch.steps)
    assert pixels(result) != pixels(draw(name, task, seed=8))
    assert pixels(result) != pixels(draw(name, task, prompt="two trees and one moon over blue mountains"))


@pytest.mark.parametrize(("name", "task"), CASES)
def test_one_picture_alone_equals_the_same_picture_in_a_batch(draw, name, task):
    batch = pixels(draw(name, task, count=2, seed=40))
    assert batch == [pixels(draw(name, task, seed=seed))[0] for seed in (40, 41)]
    assert batch[0] != batch[1]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("kontext", "FluxKontextPipeline"),
        ("klein", "Flux2KleinPipeline"),
        ("sana", "SanaPipeline"),
        ("lumina2", "Lumina2Pipeline"),
        ("pixart", "PixArtSigmaPipeline"),
        ("cogview4", "CogView4Pipeline"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_picture_is_the_bare_pipelines_to_the_last_bit(menagerie, draw, name, kind):
    own = {"max_area": 64 * 64, "_auto_resize": False, "use_resolution_binning": False}
    length = {"max_sequence_length": FAMILIES[kind].max_tokens} if kind in FAMILIES else {}
    negative = {} if name in REFERENCE else {"negative_prompt": "blue"}
    theirs = bare(menagerie / name, kind, **own, **length, **negative)
    assert pixels(draw(name, **negative)) == [theirs]


@pytest.mark.parametrize("name", REFERENCE)
def test_an_edit_by_instruction_has_no_strength_and_the_form_does_not_show_it(draw, models, name):
    model = models[name]
    assert not model.takes("strength", "image-to-image")
    assert model.takes("strength", "inpaint")
    assert pixels(draw(name, "image-to-image", strength=0.1)) == pixels(draw(name, "image-to-image", strength=1.0))
    used = draw(name, "image-to-image").used
    assert used["reference"] is True
    assert "strength" not in used
    task = ImageToImage(image=Source(sha256="0" * 64, width=64, height=64), strength=0.01, size=Size(64, 64))
    asked = ImageRequest(model=model.id, prompt="x", task=task, sampling=Sampling(steps=3))
    assert adapt(asked, model)[1] == ()


def test_an_edit_by_instruction_depends_on_the_picture(draw, backend, models, photo):
    for name in REFERENCE:
        asked = ImageRequest(
            model=name, prompt="a red house by the sea", sampling=Sampling(steps=3, guidance_scale=4, seed=7)
        )
        turned = Ground(image=photo.transpose(Image.Transpose.ROTATE_90), strength=1.0)
        other = backend.generate(asked, models[name], Recorder(), turned)
        assert pixels(other) != pixels(draw(name, "image-to-image"))


def test_a_negative_prompt_changes_the_picture_where_the_form_shows_it(draw, models):
    for name in ("refiner", "sd2", "sana", "lumina2", "pixart", "cogview4"):
        task = models[name].tasks[0]
        assert models[name].takes("negative_prompt", task)
        assert pixels(draw(name, task, negative_prompt="blue mountains")) != pixels(draw(name, task))
    assert not models["schnell"].negative_prompt
    assert not models["klein"].negative_prompt


def test_flux_heeds_a_negative_prompt_with_true_guidance_only_and_says_so(draw, models):
    option = models["kontext"].options[0]
    assert (option.name, option.default) == (TRUE_CFG, None)
    plain = draw("kontext")
    unheard = draw("kontext", negative_prompt="blue mountains")
    assert pixels(unheard) == pixels(plain)
    assert unheard.notes == ("negative prompt has no effect: raise the true guidance above 1",)
    heard = [draw("kontext", negative_prompt=words, options={TRUE_CFG: 4.0}) for words in ("blue", "one moon")]
    assert len({*pixels(plain), *pixels(heard[0]), *pixels(heard[1])}) == 3
    assert heard[0].used[TRUE_CFG] == 4.0
    assert TRUE_CFG not in plain.used


def test_members_of_a_family_are_told_apart_by_their_configuration(models, menagerie, tmp_path):
    sd2, schnell = models["sd2"], models["schnell"]
    assert (sd2.family, sd2.default_size) == ("Stable Diffusion 2", Size(768, 768))
    assert (schnell.family, schnell.default_steps, schnell.ignores) == ("FLUX.1 schnell", 4, {EVERY: ("guidance_scale",)})
    distilled = tiny_families.tiny_klein(tmp_path / "klein-9b", distilled=True)
    model = Catalog(folders=(distilled.parent,), starter=tmp_path / "none").models()[0]
    assert (model.default_steps, model.takes("guidance_scale", "text-to-image")) == (4, False)
    large = variants.member(FAMILIES["StableDiffusion3Pipeline"], {"num_layers": 38}, {})
    medium = variants.member(FAMILIES["StableDiffusion3Pipeline"], {"num_layers": 24, "dual_attention_layers": [0]}, {})
    assert (large.title, medium.title) == ("Stable Diffusion 3.5 large", "Stable Diffusion 3.5 medium")


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("sdxl-turbo", "StableDiffusionXLPipeline", (4, 1.0)),
        ("SDXL-Lightning-8step", "StableDiffusionXLPipeline", (8, 1.0)),
        ("Hyper-SD15-1-step", "StableDiffusionPipeline", (1, 1.0)),
        ("Z-Image-Turbo", "ZImagePipeline", (9, 0.0)),
        ("sd3.5-large-turbo", "StableDiffusion3Pipeline", (4, 1.0)),
        ("LCM_Dreamshaper", "LatentConsistencyModelPipeline", (4, 8.5)),
        ("juggernaut", "StableDiffusionXLPipeline", None),
    ],
)
def test_a_distilled_model_is_known_by_its_name(name, kind, expected):
    assert variants.distilled(name, FAMILIES[kind]) == expected


def test_a_family_from_diffusers_source_has_the_fields_of_its_pipeline():
    krea, hidream = (generic.family(f"{name}Pipeline", {}) for name in ("Krea2", "HiDreamImage"))
    assert (krea.guidance_scale, krea.steps, krea.negative, krea.tasks) == (4.5, 28, True, ("text-to-image",))
    assert (hidream.guidance_scale, hidream.max_tokens, hidream.denoiser) == (5.0, 128, "transformer")
    assert generic.family("HunyuanImagePipeline", {}).guidance == "distilled_guidance_scale"
    kolors, glm, joy = (generic.family(f"{name}Pipeline", {}) for name in ("Kolors", "GlmImage", "JoyImageEdit"))
    assert (kolors.tasks, kolors.redraw, kolors.denoiser) == (ALL_TASKS, "KolorsImg2ImgPipeline", "unet")
    assert (glm.tasks, glm.reference) == (("text-to-image", "image-to-image"), True)
    assert joy.tasks == ("image-to-image",)
    assert generic.family("QwenImage21Pipeline", {}).needs == "torchvision"


@pytest.mark.parametrize(
    "name",
    ["WanPipeline", "FluxControlPipeline", "SanaVideoPipeline", "StableDiffusionAdapterPipeline", "LattePipeline",
     "StableCascadePriorPipeline", "StableAudioPipeline", "MarigoldDepthPipeline", "QwenImageLayeredPipeline", "NoSuch", ""],
)  # fmt: skip
def test_a_pipeline_that_makes_something_else_is_no_family(name):
    assert generic.family(name, {}) is None


def test_what_the_source_says_is_what_diffusers_does():
    """The parsed signatures against the real classes, for every family that is not in the table."""
    import inspect

    import diffusers

    found = {name: family for name in generic._places() if (family := generic.family(name, {})) and name not in FAMILIES}
    assert len(found) > 25
    assert packages.missing(found["KolorsPipeline"].needs, "Kolors") or find_spec("sentencepiece")
    for name, family in found.items():
        kind = getattr(diffusers, name, None)
        if kind is None or (family.needs and not find_spec(family.needs)):
            continue  # diffusers hides it, so no model can name it
        real = inspect.signature(kind.__call__).parameters
        parsed = generic.signature(name)
        assert set(parsed.call) == set(real) - {"self", "kwargs"}, name
        plain = {key: value.default for key, value in real.items() if isinstance(value.default, int | float | str)}
        literal = {key: value for key, value in parsed.call.items() if key in plain and value is not None}
        assert literal.items() <= plain.items(), name
        assert len(literal) >= len(plain) - 1, name  # a default may be a constant's name


def a_listed(folder, kind, title):
    """Only what the catalog reads of a model that could not run here."""
    (folder / "transformer").mkdir(parents=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": kind, "transformer": ["diffusers", title]}))
    (folder / "transformer" / "config.json").write_text("{}")
    (folder / "tokenizer").mkdir()
    weights = b'{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}'
    file = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(len(weights).to_bytes(8, "little") + weights + b"\0\0")


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
@pytest.mark.parametrize("kind", ["Flux2Pipeline", "QwenImageEditPipeline", "QwenImageEditPlusPipeline"])
def test_a_family_that_needs_torchvision_says_so_with_the_one_right_command(tmp_path, kind):
    from importlib.metadata import version

    import torch

    a_listed(tmp_path / "big", kind, "Some2DModel")
    (tmp_path / "big" / "README.md").write_text("---\nlicense: other # see below\nlicense_name: flux-dev\n---\n# Big\n")
    (model,) = Catalog(folders=(tmp_path,), starter=tmp_path / "none").models()
    assert model.unready.startswith(f"{FAMILIES[kind].title} needs the package torchvision. Install it with: ")
    build = torch.__version__.partition("+")[2]
    assert "-m pip install torchvision==0.28." in model.unready
    assert model.unready.endswith(f" --index-url https://download.pytorch.org/whl/{build}") or not build
    assert version("torch") == torch.__version__
    assert (model.precision, model.licence) == ("bfloat16", "flux-dev")


def test_a_package_that_is_there_is_not_missed():
    assert packages.missing("torch", "X") == packages.missing("", "X") == ""
