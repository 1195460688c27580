"""Image to image, inpainting and outpainting by the local backend, on every family of models."""

import json
import shutil
from dataclasses import replace

import pytest
from bare import bare
from PIL import Image
from watching import Recorder

from studio.backends.local import LocalBackend, device, editing, loader, run
from studio.backends.local.course import Course
from studio.backends.local.samplers import DIFFUSION, FLOW
from studio.core.canvas import Ground
from studio.core.errors import BadPicture, Moderated, Unsupported

ALL = ["sd", "xl", "lcm", "sd3", "flux", "chroma", "z", "qwen"]
MASKED = [*ALL, "nine", "xl-nine", "fill"]
REDRAWN = {"sd": "StableDiffusionImg2ImgPipeline", "xl": "StableDiffusionXLImg2ImgPipeline",
           "lcm": "LatentConsistencyModelImg2ImgPipeline", "sd3": "StableDiffusion3Img2ImgPipeline",
           "flux": "FluxImg2ImgPipeline", "chroma": "ChromaImg2ImgPipeline", "z": "ZImageImg2ImgPipeline",
           "qwen": "QwenImageImg2ImgPipeline"}  # fmt: skip
INPAINTED = {"sd": "StableDiffusionInpaintPipeline", "xl": "StableDiffusionXLInpaintPipeline",
             "sd3": "StableDiffusion3InpaintPipeline", "flux": "FluxInpaintPipeline", "z": "ZImageInpaintPipeline",
             "qwen": "QwenImageInpaintPipeline", "nine": "StableDiffusionInpaintPipeline",
             "xl-nine": "StableDiffusionXLInpaintPipeline", "fill": "FluxFillPipeline"}  # fmt: skip
OWN_BLENDING = ["lcm", "chroma"]
"""Families without a usable inpainting pipeline: the mask is ours to keep."""


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


def grey(value, size=(64, 64)):
    return Image.new("L", size, value)


@pytest.fixture(scope="session")
def ramp():
    """A soft mask: every strength, from left to right."""
    return Image.linear_gradient("L").rotate(90).resize((64, 64))


@pytest.mark.parametrize("model", ALL)
def test_image_to_image_draws_on_the_picture_and_says_so(edit, model):
    watch = Recorder()
    result = edit(model, steps=5, strength=0.6, watch=watch)
    used = dict(result.used)
    assert (used["pipeline"], used["strength"], used["width"], used["height"]) == (REDRAWN[model], 0.6, 64, 64)
    assert "inpainting" not in used
    run_steps = 5 if model == "lcm" else 3  # a consistency model takes all its steps from a lower noise
    assert watch.steps == [(done, run_steps) for done in range(1, run_steps + 1)]
    assert watch.phases[-3:] == ["encoding", "denoising", "decoding"]
    assert len(watch.previews) == run_steps
    assert pixels(result) != pixels(edit(model, steps=5, strength=0.6, seed=8))


@pytest.mark.parametrize("model", MASKED)
def test_inpainting_runs_and_says_which_way(edit, square, model):
    watch = Recorder()
    result = edit(model, square, steps=4, strength=1.0, watch=watch)
    used = dict(result.used)
    assert used["pipeline"] == INPAINTED.get(model, REDRAWN.get(model))
    assert used["inpainting"] == ("inpainting model" if model in {"nine", "xl-nine", "fill"} else "blending")
    assert "soft_mask" not in used
    assert watch.steps[-1] == (4, 4)
    assert result.pictures[0].image.size == (64, 64)
    assert pixels(result) != pixels(edit(model, square, steps=4, strength=1.0, prompt="one moon"))


@pytest.mark.parametrize("model", ALL)
def test_a_soft_mask_runs_on_the_image_to_image_pipeline(edit, ramp, model):
    result = edit(model, ramp, soft=True, strength=1.0)
    assert result.used["pipeline"] == REDRAWN[model]
    assert (result.used["inpainting"], result.used["soft_mask"]) == ("blending", True)
    assert pixels(result) == pixels(edit(model, ramp, soft=True, strength=1.0))


@pytest.mark.parametrize("model", ["sd", "xl", "sd3", "flux"])
@pytest.mark.filterwarnings("ignore")
def test_image_to_image_is_the_bare_pipelines_to_the_last_bit(zoo, edit, photo, model):
    sampler = "DDIM" if model == "sd" else "Euler"
    assert pixels(edit(model, sampler=sampler)) == [bare(zoo / model, REDRAWN[model], image=photo, strength=0.8)]


@pytest.mark.parametrize("strength", [0.8, 1.0])
@pytest.mark.parametrize("model", ["sd", "xl", "sd3", "flux", "nine", "xl-nine", "fill"])
@pytest.mark.filterwarnings("ignore")
def test_inpainting_is_the_bare_pipelines_to_the_last_bit(zoo, edit, photo, square, model, strength):  # noqa: PLR0917
    sampler = "DDIM" if model in {"sd", "nine"} else "Euler"
    theirs = bare(zoo / model, INPAINTED[model], image=photo, mask_image=square, strength=strength)
    assert pixels(edit(model, square, strength=strength, sampler=sampler)) == [theirs]


@pytest.mark.parametrize("model", MASKED)
def test_a_batch_of_edits_holds_the_same_pictures_as_single_requests(edit, square, ramp, model):
    ways = [{"mask": square}] if model not in ALL else [{}, {"mask": square}, {"mask": ramp, "soft": True}]
    for way in ways:
        batch = pixels(edit(model, count=2, seed=40, **way))
        assert batch == [pixels(edit(model, seed=seed, **way))[0] for seed in (40, 41)]
        assert batch[0] != batch[1]


@pytest.mark.parametrize("model", ALL)
def test_text_to_image_is_the_same_before_and_after_an_edit(make, edit, square, model):
    before = pixels(make(model))
    edit(model)
    edit(model, square)
    assert pixels(make(model)) == before


@pytest.mark.parametrize("model", MASKED)
def test_an_edit_keeps_its_own_size_and_shape(edit, photo, square, model):
    size = (96, 32)
    image, mask = photo.resize(size), square.resize(size, Image.Resampling.NEAREST)
    result = edit(model, mask, image=image)
    assert result.pictures[0].image.size == size
    assert (result.used["width"], result.used["height"]) == size
    if model in ALL:
        assert edit(model, image=image).pictures[0].image.size == size


@pytest.mark.parametrize("model", MASKED)
def test_the_prompt_of_an_inpaint_may_be_empty(edit, square, model):
    assert len(edit(model, square, prompt="").pictures) == 1


def test_a_weighted_and_a_long_prompt_work_in_an_edit_too(edit, square):
    for model in ("sd", "xl", "nine", "xl-nine"):
        plain = pixels(edit(model, square, prompt="a red house"))
        assert pixels(edit(model, square, prompt="a (red:1.5) house")) != plain
        assert len(edit(model, square, prompt="a red house by the sea , at night " * 20).pictures) == 1


# The mask


@pytest.mark.parametrize("model", OWN_BLENDING)
def test_our_blending_keeps_what_the_mask_leaves_out(edit, model):
    """An empty mask gives the picture as the autoencoder returns it, whatever the words; a full one image to image."""
    nothing = pixels(edit(model, grey(0)))
    assert nothing == pixels(edit(model, grey(127), prompt="one moon over mountains", guidance=7.0))
    assert pixels(edit(model, grey(255))) == pixels(edit(model)) != nothing


@pytest.mark.parametrize("model", ALL)
def test_a_soft_mask_keeps_and_frees_the_same_parts_as_the_pipelines_do(edit, photo, model):
    """Nearly empty and nearly full soft masks come close to no change and to image to image."""
    almost_none, almost_all = grey(0), grey(255)
    almost_none.putpixel((0, 0), 1)
    almost_all.putpixel((0, 0), 254)
    free = edit(model).pictures[0].image
    full = edit(model, almost_all, soft=True).pictures[0].image
    none = edit(model, almost_none, soft=True).pictures[0].image
    words = edit(model, almost_none, soft=True, prompt="one moon over mountains").pictures[0].image
    assert difference(full, free) < 2
    assert difference(none, words) < difference(none, free)
    assert difference(none, words) < 2


def difference(one, other):
    """Mean absolute difference, 0 to 255."""
    from PIL import ImageChops, ImageStat

    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean) / 3


@pytest.mark.parametrize("model", ALL)
def test_a_soft_mask_without_a_grey_value_is_a_hard_mask(edit, square, model):
    soft, hard = edit(model, square, soft=True), edit(model, square)
    assert pixels(soft) == pixels(hard)
    assert "soft_mask" not in soft.used


def test_a_soft_mask_frees_each_grey_value_in_its_turn():
    import torch

    class Steps:
        """Noise levels 1, ¾, ½, ¼ as diffusers' schedulers hold them."""

        timesteps = torch.tensor([1000.0, 750.0, 500.0, 250.0])

        @staticmethod
        def scale_noise(clean, level, noise):
            return clean + noise * level / 1000

    class Pipe:
        scheduler, num_timesteps = Steps, 4

    mask = Image.new("L", (40, 8), 0)
    for column, value in enumerate((0, 64, 128, 192, 255)):
        mask.paste(value, (8 * column, 0, 8 * column + 8, 8))
    held = editing.Held(mask, soft=True, clean=torch.zeros(1, 4, 1, 5), noise=torch.ones(1, 4, 1, 5))
    after = [held.after(Pipe, step, torch.full((1, 4, 1, 5), 9.0))[0, 0, 0].tolist() for step in range(4)]
    assert after == [
        [0.75, 0.75, 0.75, 9.0, 9.0],
        [0.5, 0.5, 9.0, 9.0, 9.0],
        [0.25, 9.0, 9.0, 9.0, 9.0],
        [0.0, 9.0, 9.0, 9.0, 9.0],
    ]


# Samplers


@pytest.mark.parametrize("sampler", DIFFUSION)
def test_every_sampler_edits(edit, square, ramp, sampler):
    first = pixels(edit(steps=4, strength=0.5, sampler=sampler))
    assert pixels(edit(steps=4, strength=0.5, sampler=sampler)) == first
    assert pixels(edit(steps=4, strength=0.5, sampler=sampler, seed=8)) != first
    assert pixels(edit(mask=grey(0), steps=4, sampler=sampler)) == pixels(edit(mask=grey(0), steps=4, sampler="DDIM"))
    for arguments in ({"mask": square, "strength": 1.0}, {"mask": ramp, "soft": True, "strength": 0.25}):
        watch = Recorder()
        edit(steps=4, sampler=sampler, watch=watch, **arguments)
        assert watch.steps[-1][0] == watch.steps[-1][1]


@pytest.mark.parametrize("sampler", FLOW)
@pytest.mark.parametrize("model", ["sd3", "flux"])
def test_a_flow_sampler_that_cannot_start_from_a_picture_is_replaced_with_a_note(edit, square, model, sampler):
    result = edit(model, square, sampler=sampler)
    assert result.used["sampler"] == "Euler"
    assert pixels(result) == pixels(edit(model, square, sampler="Euler"))
    assert bool(result.notes) is (sampler != "Euler")
    assert all(f"sampler {sampler} cannot start from a picture" in note for note in result.notes)


@pytest.mark.parametrize("model", ALL)
def test_one_step_runs_however_the_strength_is_rounded(edit, model):
    watch = Recorder()
    edit(model, steps=49, strength=1 / 49, watch=watch)
    assert watch.steps[-1][0] == watch.steps[-1][1]
    if model != "lcm":
        assert watch.steps[-1][1] in {1, 2}


# What goes wrong


@pytest.mark.parametrize("model", ["nine", "xl-nine", "fill"])
def test_a_model_made_for_masks_refuses_everything_else(make, edit, model):
    with pytest.raises(Unsupported, match="cannot do text-to-image"):
        make(model)
    with pytest.raises(Unsupported, match="cannot do image-to-image"):
        edit(model)


def test_a_four_channel_model_in_an_inpainting_folder_does_everything(  # noqa: PLR0917  fixtures
    zoo, tmp_path, a_request, make, edit, photo, square
):
    shutil.copytree(zoo / "sd", tmp_path / "sd")
    index = tmp_path / "sd" / "model_index.json"
    index.write_text(json.dumps({**json.loads(index.read_text()), "_class_name": "StableDiffusionInpaintPipeline"}))
    backend = LocalBackend((tmp_path,), None)
    model = next(model for model in backend.models() if model.id == "local:sd")
    assert pixels(backend.generate(a_request(), model, Recorder())) == pixels(make())
    ground = Ground(image=photo, mask=square, strength=0.8)
    result = backend.generate(a_request(), model, Recorder(), ground)
    assert result.used["inpainting"] == "blending"
    assert pixels(result) == pixels(edit(mask=square))


def test_a_flagged_edit_is_withheld(edit, square):
    for mask in (None, square):
        with pytest.raises(Moderated, match="safety checker"):
            edit("strict", mask)


def test_nan_in_the_encoder_is_reported(backend, edit, models, square):
    backend.warm(models["sd"])
    encoder = backend._loaded.pipe.vae.encoder
    handle = encoder.register_forward_hook(lambda _module, _inputs, output: output * float("nan"))
    try:
        for mask in (None, square):
            with pytest.raises(BadPicture, match="out of range"):
                edit("sd", mask)
    finally:
        handle.remove()


# Sharing


def in_half(backend, name):
    """The model loaded in float16 as on a graphics card."""
    half = replace(device.choose("cpu"), half="float16", small=0)
    return loader.load(backend._catalog.find(f"local:{name}"), half, lambda: None)


def tensors(pipe):
    return {
        f"{part}.{name}": (value.data_ptr(), value.dtype)
        for part, module in pipe.components.items()
        if hasattr(module, "named_parameters")
        for name, value in module.named_parameters()
    }


@pytest.mark.parametrize("model", ["sd", "xl", "flux", "sd3"])
def test_editing_pipelines_are_made_once_of_the_same_weights_in_the_same_precision(backend, photo, square, model):
    import torch

    loaded = in_half(backend, model)
    before = tensors(loaded.pipe)
    assert {dtype for _, dtype in before.values()} >= {torch.float16}
    grounds = [Ground(image=photo), Ground(image=photo, mask=square)]
    made = [editing.pipeline(loaded, ground) for ground in grounds]
    assert [type(pipe).__name__ for pipe in made] == [REDRAWN[model], INPAINTED[model]]
    for ground, pipe in zip(grounds, made, strict=True):
        assert editing.pipeline(loaded, ground) is pipe
        assert pipe.vae is loaded.pipe.vae
        assert tensors(pipe) == before
    assert tensors(loaded.pipe) == before


def test_layers_that_stay_in_float32_stay_so(backend, photo):
    """T5 overflows in float16 without them."""
    import torch

    loaded = in_half(backend, "flux")
    precise = {name for name, (_, dtype) in tensors(loaded.pipe).items() if dtype == torch.float32}
    assert any(name.endswith("wo.weight") for name in precise)
    pipe = editing.pipeline(loaded, Ground(image=photo))
    assert {name for name, (_, dtype) in tensors(pipe).items() if dtype == torch.float32} == precise


def test_half_precision_edits(backend, a_request, photo, square):
    for model in ("sd", "xl", "nine"):
        loaded = in_half(backend, model)
        ground = Ground(image=photo, mask=square)
        result = run.generate(run.Plan.of(loaded, a_request(model), ground), Course(Recorder()))
        assert result.used["dtype"] == "float16"
        assert result.pictures[0].image.size == (64, 64)
