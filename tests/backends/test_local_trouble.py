"""What goes wrong in a model becomes a sentence of ours, and never a black picture."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from watching import Recorder

from studio.backends.local import LocalBackend, memory, run
from studio.backends.local.course import Course
from studio.backends.local.decoding import is_bad
from studio.core.errors import (
    BackendError,
    BadPicture,
    Moderated,
    NotConfigured,
    OutOfMemory,
    StudioError,
    Unavailable,
    Unsupported,
)
from studio.core.request import Size


@pytest.fixture
def spoil(zoo, tmp_path, a_request):
    """Copies the tiny model, lets the test change one file of weights, and returns a way to use it."""
    from safetensors.torch import load_file, save_file

    def build(part, change):
        folder = tmp_path / "models" / "sd"
        shutil.copytree(zoo / "sd", folder)
        if part:
            path = folder / part / "diffusion_pytorch_model.safetensors"
            weights = load_file(path)
            change(weights)
            save_file(weights, path, metadata={"format": "pt"})
        else:
            change(folder)
        backend = LocalBackend((tmp_path / "models",), None)
        model = next(model for model in backend.models() if model.id == "local:sd")
        return backend, model

    return build


def fill(name, value):
    return lambda weights: weights[name].fill_(value)


def test_nan_in_the_denoiser_is_reported_at_the_first_step(spoil, a_request):
    backend, model = spoil("unet", fill("conv_out.bias", float("nan")))
    watch = Recorder()
    with pytest.raises(BadPicture, match=r"out of range.*Lower the guidance"):
        backend.generate(a_request(), model, watch)
    assert watch.steps == []


def test_nan_in_the_vae_is_reported(spoil, a_request):
    backend, model = spoil("vae", fill("decoder.conv_in.bias", float("nan")))
    with pytest.raises(BadPicture, match="Choose another seed"):
        backend.generate(a_request(), model, Recorder())


def test_a_picture_of_one_colour_is_reported(spoil, a_request):
    backend, model = spoil("vae", fill("decoder.conv_out.weight", 0.0))
    with pytest.raises(BadPicture, match="one colour"):
        backend.generate(a_request(), model, Recorder())


def in_half(backend, model):
    """The model loaded in float16 as on a graphics card."""
    from studio.backends.local import device, loader

    half = replace(device.choose("cpu"), half="float16", small=0)
    return loader.load(backend._catalog.find(model.id), half, lambda: None)


def test_a_vae_that_overflows_in_half_precision_is_decoded_again_in_float32(spoil, a_request):
    import torch

    backend, model = spoil("vae", lambda weights: weights["decoder.conv_in.weight"].mul_(200_000).clamp_(-60_000, 60_000))
    loaded = in_half(backend, model)
    assert loaded.pipe.vae.dtype == torch.float16
    result = run.generate(run.Plan.of(loaded, a_request(count=2)), Course(Recorder()))
    assert result.used["vae_dtype"] == "float32"
    assert result.notes == ("decoded again in float32, because the first decode gave no picture",)
    assert loaded.pipe.vae.dtype == torch.float16
    low, high = zip(*result.pictures[0].image.getextrema(), strict=True)
    assert max(high) - min(low) > 1


def test_a_healthy_half_precision_model_needs_no_second_decode(zoo, a_request, backend, models):
    loaded = in_half(backend, models["sd"])
    result = run.generate(run.Plan.of(loaded, a_request()), Course(Recorder()))
    assert "vae_dtype" not in result.used
    assert result.used["dtype"] == "float16"


def test_what_counts_as_one_colour():
    import torch

    flat = torch.full((1, 3, 8, 8), 0.2)
    flat[:, 0] = 0.9
    assert is_bad(flat)
    assert is_bad(flat + torch.rand(1, 3, 8, 8) / 1000)
    assert is_bad(torch.cat([torch.rand(1, 3, 8, 8), flat]))
    flat[0, 2, 4, 4] = 0.3
    assert not is_bad(flat)


def test_a_flagged_picture_is_withheld(make):
    with pytest.raises(Moderated, match="safety checker"):
        make("strict")


def test_a_picture_that_the_models_own_checker_passed_says_so(zoo, tmp_path, a_request, make):
    from safetensors.torch import load_file, save_file

    shutil.copytree(zoo / "strict", tmp_path / "models" / "mild")
    weights = tmp_path / "models" / "mild" / "safety_checker" / "model.safetensors"
    parts = load_file(weights)
    for name in ("concept_embeds_weights", "special_care_embeds_weights"):
        parts[name].fill_(10)
    save_file(parts, weights, metadata={"format": "pt"})
    backend = LocalBackend((tmp_path / "models",), None)
    model = next(model for model in backend.models() if model.id == "local:mild")
    assert backend.generate(a_request("mild"), model, Recorder()).used["safety_checker"] == "passed"
    assert "safety_checker" not in make("sd").used


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_cut_off_weights_are_named_as_damage(spoil, a_request, part):
    def cut(folder):
        path = next((folder / part).glob("*.safetensors"))
        path.write_bytes(path.read_bytes()[:-1000])

    backend, model = spoil("", cut)
    with pytest.raises(Unavailable, match=r"missing or damaged.*Download the model again"):
        backend.generate(a_request(), model, Recorder())


def test_weights_that_are_no_weights_are_named_as_damage(spoil, a_request):
    backend, model = spoil(
        "", lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"rubbish!" * 9)
    )
    with pytest.raises(Unavailable, match="Download the model again"):
        backend.warm(model)


def test_a_part_that_no_library_knows_is_refused(spoil):
    def rename(folder):
        path = folder / "model_index.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "vae": ["os", "system"]}))

    backend, model = spoil("", rename)
    with pytest.raises(Unavailable, match=r"unknown part os\.system"):
        backend.warm(model)


def test_a_model_that_is_gone_is_not_configured(backend, models, a_request):
    gone = replace(models["sd"], id="local:gone")
    with pytest.raises(NotConfigured, match="gone cannot be used"):
        backend.generate(a_request(), gone, Recorder())


def test_an_unknown_device_is_not_configured(zoo, models, a_request):
    for device in ("cuda", "abacus"):
        with pytest.raises(NotConfigured, match="device"):
            LocalBackend((zoo,), None, device=device).generate(a_request(), models["sd"], Recorder())


def test_a_failing_watch_of_the_engine_is_wrapped_too(make):
    class Broken(Recorder):
        def step(self, *_):
            raise KeyError("x")

    with pytest.raises(BackendError, match="Something failed while drawing with sd"):
        make(watch=Broken())


def test_a_size_beyond_all_memory_is_refused_before_work_with_a_plan(backend, models, a_request):
    watch = Recorder()
    with pytest.raises(OutOfMemory, match="should fit") as caught:
        backend.generate(a_request(side=64 * 20_000), models["sd"], watch)
    assert watch.steps == []
    size = Size.parse(caught.value.plan.split()[0])
    assert size.width == size.height < 64 * 20_000


def test_a_model_larger_than_all_memory_is_refused_before_it_is_loaded(spoil, a_request):
    """A header that speaks of 4 TB, in a file of a few bytes."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [1_000_000, 1_000_000], "data_offsets": [0, 4]}}).encode()
    data = len(header).to_bytes(8, "little") + header + b"1234"
    backend, model = spoil("", lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(data))
    with pytest.raises(OutOfMemory, match="Choose a smaller model"):
        backend.generate(a_request(), model, Recorder())


def test_a_sampler_of_another_family_is_unsupported(make):
    with pytest.raises(Unsupported, match="has no sampler “LCM”"):
        make("flux", sampler="LCM")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:116] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9"
        ),
        RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        RuntimeError("could not create a memory object"),
        OSError(12, "Cannot allocate memory"),
    ],
)
def test_every_form_of_no_memory_is_known(error):
    assert memory.is_out_of_memory(error)
    assert not memory.is_out_of_memory(RuntimeError("shape mismatch"))


STARVED = """
import sys, pathlib, resource
sys.path[:0] = sys.argv[2:]
import torch
torch.set_num_threads(1)
from studio.backends.local import LocalBackend
from studio.core.errors import OutOfMemory
from studio.core.request import ImageRequest, Sampling, Size, TextToImage
from watching import Recorder

backend = LocalBackend((pathlib.Path(sys.argv[1]),), None)
model = next(model for model in backend.models() if model.id == "local:sd")

def make(side, memory="auto"):
    sampling = Sampling(steps=1, guidance_scale=1.0, seed=1, sampler="Euler")
    asked = ImageRequest(model=model.id, prompt="a house", task=TextToImage(Size(side, side)), sampling=sampling,
                         options={"memory": memory})
    return backend.generate(asked, model, Recorder(previews=False))

def pixels(result):
    return result.pictures[0].image.tobytes()

before = pixels(make(64))
used = int(pathlib.Path("/proc/self/status").read_text().split("VmSize:")[1].split()[0]) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 380_000_000, -1))
try:
    make(1536, "full")
except OutOfMemory as error:
    print(error)
    side = int(error.plan.split("x")[0])
    make(side, "full")
    print("planned", side)
    smaller = make(1536, error.facts["smaller"]["options"]["memory"])
    print("by", smaller.used["memory_plan"], smaller.pictures[0].image.size)
print("again", pixels(make(64)) == before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the address space as only Linux does")
def test_real_lack_of_memory_is_told_with_a_plan_that_fits_and_the_next_job_runs(zoo):
    here = Path(__file__).parent
    arguments = [sys.executable, "-c", STARVED, str(zoo), str(here), str(here.parents[1])]
    giving = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "65536"}  # what is freed leaves the address space
    child = subprocess.run(arguments, env={**os.environ, **giving}, capture_output=True, text=True, timeout=240, check=False)
    lines = child.stdout.splitlines()
    assert child.returncode == 0, child.stderr
    assert lines[0].startswith("The memory does not suffice for a picture of 1536x1536.")
    assert "should fit" in lines[0]
    assert lines[1].startswith("planned ")
    assert lines[2:] == ["by full, tiled (1536, 1536)", "again True"]


def test_all_errors_are_of_the_studio(spoil, a_request):
    backend, model = spoil("unet", lambda weights: weights.pop("conv_in.weight"))
    with pytest.raises(StudioError):
        backend.generate(a_request(), model, Recorder())
