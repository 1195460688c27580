"""Cancel takes effect at once in every phase and leaves nothing behind."""

import time
from dataclasses import replace

import pytest
from watching import Recorder

from studio.backends.local import device, loader, run
from studio.backends.local.course import PATIENCE, Course, hooked
from studio.core.canvas import Ground
from studio.core.errors import Cancelled


@pytest.fixture
def fresh(zoo):
    """A backend that has loaded nothing yet."""
    from studio.backends.local import LocalBackend

    return LocalBackend((zoo,), None)


def modules(pipe):
    return [module for part in pipe.components.values() if hasattr(part, "modules") for module in part.modules()]


@pytest.mark.parametrize("check", [1, 3, 5])
def test_cancel_while_loading(fresh, models, a_request, make, check):
    watch = Recorder(stop_in="loading", stop_check=check)
    with pytest.raises(Cancelled):
        fresh.generate(a_request(), models["sd"], watch)
    assert watch.phases == ["loading"]
    assert fresh._loaded is None
    again = fresh.generate(a_request(), models["sd"], Recorder())
    assert again.pictures[0].image.tobytes() == make().pictures[0].image.tobytes()


@pytest.mark.parametrize(("phase", "steps"), [("encoding", 0), ("denoising", 0), ("decoding", 3)])
def test_cancel_in_each_phase_stops_there_and_the_next_run_is_untouched(backend, make, phase, steps):
    expected = make().pictures[0].image.tobytes()
    watch = Recorder(stop_in=phase)
    with pytest.raises(Cancelled):
        make(watch=watch, prompt=f"words that nobody read before, stopped in {phase}")
    assert watch.phases[-1] == phase
    assert len(watch.steps) == steps
    pipe = backend._loaded.pipe
    assert not any(module._forward_pre_hooks for module in modules(pipe))
    assert "decode" not in vars(pipe.vae)
    assert "encode_prompt" not in vars(pipe)
    assert make().pictures[0].image.tobytes() == expected


@pytest.mark.parametrize("model", ["sd", "xl", "sd3", "flux"])
def test_cancel_between_steps_stops_within_one_step(make, model):
    watch = Recorder(stop_in="denoising", stop_check=4)
    with pytest.raises(Cancelled):
        make(model, watch=watch, steps=20)
    assert len(watch.steps) <= 2


def test_cancel_in_the_second_picture_of_a_batch(make):
    watch = Recorder(stop_in="decoding", stop_check=3)
    with pytest.raises(Cancelled):
        make(watch=watch, count=3)
    assert watch.steps[-1][0] in (3, 4)


@pytest.mark.parametrize(("part", "blocks"), [("vae", 4), ("encoder", 4), ("text_encoder", 2), ("unet", 2)])
def test_layers_inside_each_part_look_at_the_stop_sign(backend, models, a_request, part, blocks):
    import torch

    backend.warm(models["sd"])
    pipe, watch = backend._loaded.pipe, Recorder()
    runs = {
        "vae": lambda: pipe.vae.decode(torch.zeros(1, 4, 4, 4)),
        "encoder": lambda: pipe.vae.encode(torch.zeros(1, 3, 32, 32)),
        "text_encoder": lambda: pipe.text_encoder(torch.zeros(1, 77, dtype=torch.long)),
        "unet": lambda: pipe.unet(torch.zeros(1, 4, 8, 8), 5, torch.zeros(1, 77, 32)),
    }
    with torch.no_grad(), hooked(pipe, pipe.unet, Course(watch, patience=0)):
        runs[part]()
    assert watch.checks > blocks
    assert watch.phases == [{"vae": "decoding", "unet": "denoising"}.get(part, "encoding")]


class AtTheEncoder(Recorder):
    """Says stop while the first layer of the picture's encoder works, and never before."""

    def __init__(self, pipe) -> None:
        super().__init__()
        self.inside = False
        self.handle = pipe.vae.encoder.conv_in.register_forward_hook(self.arrive)

    def arrive(self, *_) -> None:
        self.inside = True
        time.sleep(2 * PATIENCE)

    def check(self) -> None:
        if self.inside:
            raise Cancelled("Stopped.")


@pytest.mark.parametrize("model", ["sd", "xl", "sd3", "flux", "lcm", "nine", "fill"])
def test_cancel_while_the_picture_is_encoded(backend, edit, models, square, model):
    expected = edit(model, square).pictures[0].image.tobytes()
    pipe = backend._loaded.pipe
    watch = AtTheEncoder(pipe)
    try:
        with pytest.raises(Cancelled):
            edit(model, square, watch=watch)
    finally:
        watch.handle.remove()
    assert set(watch.phases) == {"encoding"}
    assert watch.steps == []
    assert not any(module._forward_pre_hooks for module in modules(pipe))
    for each in (pipe, *backend._loaded.variants.values()):
        assert "encode_prompt" not in vars(each)
    assert edit(model, square).pictures[0].image.tobytes() == expected


@pytest.mark.parametrize("part", ["encoder", "decoder"])
def test_a_cancel_while_the_vae_is_in_float32_leaves_it_in_half_precision(backend, a_request, photo, part):
    """Stable Diffusion XL's pipelines turn a float16 VAE to float32 for as long as they use it."""
    import torch

    half = replace(device.choose("cpu"), half="float16", small=0)
    loaded = loader.load(backend._catalog.find("local:xl"), half, lambda: None)
    seen = []

    def stop(module, _inputs):
        seen.append(module.weight.dtype)
        raise Cancelled("Stopped.")

    handle = getattr(loaded.pipe.vae, part).conv_in.register_forward_pre_hook(stop)
    with pytest.raises(Cancelled):
        run.generate(run.Plan.of(loaded, a_request("xl"), Ground(image=photo)), Course(Recorder()))
    handle.remove()
    assert seen == [torch.float32]
    assert loaded.pipe.vae.dtype == torch.float16
    result = run.generate(run.Plan.of(loaded, a_request("xl"), Ground(image=photo)), Course(Recorder()))
    assert result.used["dtype"] == "float16"
