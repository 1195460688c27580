"""Pictures of the local backend: the bare pipeline's, to the last bit, alone or in a batch, now or after a restart."""

import hashlib
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from bare import bare
from watching import Recorder

from studio.backends.local.samplers import DIFFUSION, FLOW
from studio.core.request import MAX_SEED


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


@pytest.mark.parametrize(
    ("model", "kind", "sampler"),
    [
        ("sd", "StableDiffusionPipeline", "DDIM"),
        ("xl", "StableDiffusionXLPipeline", "Euler"),
        ("flux", "FluxPipeline", "Euler"),
        ("sd3", "StableDiffusion3Pipeline", "Euler"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_picture_is_the_bare_pipelines_to_the_last_bit(zoo, make, model, kind, sampler):
    assert pixels(make(model, sampler=sampler)) == [bare(zoo / model, kind)]


@pytest.mark.filterwarnings("ignore")
def test_a_negative_prompt_and_a_karras_schedule_are_the_bare_pipelines_too(zoo, make):
    scheduler = ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True})
    ours = make(negative_prompt="blue", sampler="DPM++ 2M Karras", steps=5)
    theirs = bare(zoo / "sd", "StableDiffusionPipeline", scheduler=scheduler, negative_prompt="blue", num_inference_steps=5)
    assert pixels(ours) == [theirs]


@pytest.mark.parametrize(
    ("model", "kind", "empty"),
    [("qwen", "QwenImagePipeline", " "), ("z", "ZImagePipeline", None), ("chroma", "ChromaPipeline", None)],
)
@pytest.mark.filterwarnings("ignore")
def test_a_negative_prompt_is_read_apart_from_the_prompt(zoo, make, model, kind, empty):
    """Some pipelines encode the two in two calls; neither may stand for the other."""
    for negative in (empty, "blue mountains"):
        scale = {"true_cfg_scale": 4.0} if model == "qwen" else {}
        theirs = bare(zoo / model, kind, negative_prompt=negative, max_sequence_length=512, **scale)
        assert pixels(make(model, negative_prompt=(negative or "").strip())) == [theirs]


@pytest.mark.parametrize("model", ["sd", "xl", "lcm", "sd3", "flux", "chroma", "z", "qwen"])
def test_a_batch_holds_the_same_pictures_as_single_requests(make, model):
    batch = make(model, count=3, seed=40)
    assert [picture.seed for picture in batch.pictures] == [40, 41, 42]
    assert pixels(batch) == [pixels(make(model, seed=seed))[0] for seed in (40, 41, 42)]
    assert len(set(pixels(batch))) == 3


def test_a_batch_with_a_noisy_sampler_holds_the_same_pictures_too(make):
    for sampler in ("Euler a", "DPM++ SDE"):
        assert pixels(make(count=2, sampler=sampler))[1] == pixels(make(seed=8, sampler=sampler))[0]


def test_the_same_request_gives_the_same_picture_after_a_restart(zoo, make):
    code = (
        "import sys, pathlib, hashlib; sys.path[:0] = sys.argv[2:]; import torch; torch.set_num_threads(1)\n"
        "from studio.backends.local import LocalBackend; from studio.core.request import *; from watching import Recorder\n"
        "backend = LocalBackend((pathlib.Path(sys.argv[1]),), None)\n"
        "model = next(model for model in backend.models() if model.id == 'local:sd')\n"
        "asked = ImageRequest(model=model.id, prompt='a (red:1.2) house', task=TextToImage(Size(64, 64)),\n"
        "    sampling=Sampling(steps=3, guidance_scale=4.0, seed=7, sampler='DPM++ SDE Karras'))\n"
        "image = backend.generate(asked, model, Recorder()).pictures[0].image\n"
        "print(hashlib.sha256(image.tobytes()).hexdigest())"
    )
    here = Path(__file__).parent
    child = subprocess.run(
        [sys.executable, "-c", code, str(zoo), str(here), str(here.parents[1])],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    ours = pixels(make(prompt="a (red:1.2) house", sampler="DPM++ SDE Karras"))[0]
    assert child.stdout.strip() == hashlib.sha256(ours).hexdigest()
    assert child.stderr == ""


@pytest.mark.parametrize("sampler", DIFFUSION)
def test_every_sampler_runs_and_repeats_itself(make, sampler):
    first = pixels(make(sampler=sampler, steps=4))
    assert pixels(make(sampler=sampler, steps=4)) == first
    assert pixels(make(sampler=sampler, steps=4, seed=8)) != first
    assert len(pixels(make(sampler=sampler, steps=1))) == 1


@pytest.mark.parametrize("sampler", FLOW)
@pytest.mark.parametrize("model", ["sd3", "flux"])
def test_every_flow_sampler_runs_and_repeats_itself(make, model, sampler):
    first = pixels(make(model, sampler=sampler, steps=4))
    assert pixels(make(model, sampler=sampler, steps=4)) == first
    assert len(pixels(make(model, sampler=sampler, steps=1))) == 1


def test_samplers_differ_from_each_other(make):
    pictures = {sampler: pixels(make(sampler=sampler, steps=6))[0] for sampler in DIFFUSION}
    assert len(set(pictures.values())) == len(pictures)


def test_lcm_takes_more_than_its_fifty_steps(make):
    assert make(sampler="LCM", steps=60).used["steps"] == 60


def test_a_sampler_leaves_the_models_own_scheduler_alone(backend, make, models):
    make(sampler="DDIM")
    before = dict(backend._loaded.pipe.scheduler.config)
    make(sampler="Euler Karras")
    assert dict(backend._loaded.pipe.scheduler.config) == before
    assert type(backend._loaded.pipe.scheduler).__name__ == "DDIMScheduler"


def test_the_largest_seed_works(make):
    assert make(seed=MAX_SEED).pictures[0].seed == MAX_SEED


def test_sizes_are_as_asked(make, backend, models, a_request):
    from dataclasses import replace

    from studio.core.request import Size, TextToImage

    asked = replace(a_request(), task=TextToImage(Size(96, 40)))
    assert backend.generate(asked, models["sd"], Recorder()).pictures[0].image.size == (96, 40)


def test_progress_counts_the_real_steps_of_all_pictures(make):
    watch = Recorder()
    make(watch=watch, steps=3, count=2)
    assert watch.steps == [(done, 6) for done in range(1, 7)]
    assert [watch.phases[0], *watch.phases[-2:]] == ["encoding", "denoising", "decoding"]
    heun = Recorder()
    make(watch=heun, steps=4, sampler="Heun")
    assert heun.steps[-1] == (7, 7)


def test_every_step_offers_a_small_preview(make):
    for model in ("sd", "xl", "sd3", "flux"):
        watch = Recorder()
        make(model, watch=watch, side=320)
        assert [image.size for image in watch.previews] == [(256, 256)] * 3
        assert all(image.mode == "RGB" for image in watch.previews)


def test_previews_do_not_change_the_picture(make):
    assert pixels(make(watch=Recorder(previews=True))) == pixels(make(watch=Recorder(previews=False)))


def test_what_ran_is_recorded(make, zoo):
    weights = (zoo / "sd" / "unet" / "diffusion_pytorch_model.safetensors").read_bytes()
    result = make(sampler="DPM++ 2M SDE Karras", guidance=2.5, prompt="a (red:1.4) house", negative_prompt="blue")
    used = dict(result.used)
    assert used["model_sha256"] == hashlib.sha256(weights).hexdigest()
    expected = {
        "model": "local:sd", "pipeline": "StableDiffusionPipeline", "scheduler": "DPMSolverMultistepScheduler",
        "sampler": "DPM++ 2M SDE Karras", "steps": 3, "guidance_scale": 2.5, "width": 64, "height": 64, "dtype": "float32",
        "tokens": {"prompt": 3, "negative_prompt": 1},
    }  # fmt: skip
    assert {key: used[key] for key in expected} == expected
    assert used["device"].startswith("cpu: ")
    assert {"torch", "diffusers", "transformers"} <= set(used)
    assert set(used["seconds"]) >= {"encoding", "denoising", "decoding"}


def test_tiled_decoding_is_recorded_and_unknown_options_are_named(make, backend):
    result = make(side=128, options={"tiling": True, "magic": 1})
    assert result.used["tiling"] is True
    assert result.notes == ("option magic is unknown here",)
    assert backend._loaded.pipe.vae.use_tiling is False
    assert "tiling" not in make().used


def test_only_one_model_stays_loaded_and_it_stays_warm(make, backend, models):
    backend.warm(models["xl"])
    kept = backend._loaded
    watch = Recorder()
    make("xl", watch=watch)
    assert backend._loaded is kept
    assert "loading" not in watch.phases
    make("sd")
    assert backend._loaded.found.model.id == "local:sd"


def test_a_request_waits_for_a_model_that_is_warming(make, backend, models):
    expected = pixels(make("sd"))
    thread = threading.Thread(target=backend.warm, args=(models["flux"],))
    thread.start()
    assert pixels(make("sd")) == expected
    thread.join()


def test_the_device_is_described_in_words(backend):
    assert "threads" in backend.describe_device()
