"""The hooks of the offload plans, run on a CPU: every part takes its turn and no pixel changes."""

import pytest
from watching import Recorder

from studio.backends.local import device, loader, placing, run
from studio.backends.local.course import Course
from studio.backends.local.plan import FULL, named
from studio.core.canvas import Ground

PLACES = ["model offload", "group offload", "sequential offload, tiled"]


def draw(loaded, request, ground=None):
    result = run.generate(run.Plan.of(loaded, request, ground), Course(Recorder()))
    return [picture.image.tobytes() for picture in result.pictures]


@pytest.fixture
def load(backend, models):
    """Loads a model as on a graphics card with `plan`, whose computer is the card."""

    def build(name, plan):
        found, cpu = backend._catalog.find(f"local:{name}"), device.choose("cpu")
        loaded = loader.load(found, cpu, lambda: None, FULL)
        placement = placing.place(loaded.pipe, named(plan), cpu, denoiser=found.family.denoiser, anyway=True)
        object.__setattr__(loaded, "placement", placement)
        return loaded

    return build


@pytest.mark.parametrize("plan", PLACES)
@pytest.mark.parametrize("name", ["sd", "xl", "flux", "sd3"])
def test_an_offload_plan_draws_the_same_pixels(load, a_request, name, plan):
    asked = a_request(name, count=2, prompt="a red house " * 40)
    moved = load(name, plan)
    assert draw(moved, asked) == draw(load(name, "full"), asked)
    assert draw(moved, asked) == draw(load(name, "full"), asked)


@pytest.mark.parametrize("plan", PLACES)
def test_image_to_image_and_inpainting_use_the_same_hooks(load, a_request, photo, square, plan):
    moved, plain = load("sd", plan), load("sd", "full")
    for ground in (Ground(image=photo, strength=0.8), Ground(image=photo, mask=square, strength=0.8)):
        assert draw(moved, a_request(), ground) == draw(plain, a_request(), ground)


def test_each_stage_is_brought_before_it_runs_and_leaves_for_the_next(load, a_request, monkeypatch):
    loaded, brought = load("xl", "model offload"), []
    bring = placing.Placement.bring
    monkeypatch.setattr(placing.Placement, "bring", lambda self, stage: (brought.append(stage), bring(self, stage)))
    draw(loaded, a_request("xl"))
    stages = [stage for place, stage in enumerate(brought) if place == 0 or stage != brought[place - 1]]
    assert stages == ["encoders", "unet", "vae"]
    assert set(loaded.placement.stages) == {"encoders", "unet", "vae"}
    assert len(loaded.placement.stages["encoders"]) == 2


def test_what_is_not_in_its_turn_lies_in_the_computers_memory(load):
    """`meta` stands for a card: weights can be sent there and be seen to have gone."""
    import torch

    loaded = load("sd", "model offload")
    kept = {name: part.state_dict() for name, part in placing._modules(loaded.pipe)}
    placement = loaded.placement
    moves = []
    for stage, parts in placement.stages.items():
        for part in parts:
            part.to = lambda where, stage=stage: moves.append((stage, where))
    placement.device = placing.Device(kind="cuda", torch_name="meta", name="an invented card")
    placement.bring("unet")
    assert moves == [("unet", "meta")]
    assert torch.equal(kept["unet"]["conv_in.bias"], loaded.pipe.unet.conv_in.bias)


def test_parts_wait_where_their_plan_wants_them_and_a_cpu_never_offloads():
    card = placing.Device(kind="cuda", torch_name="cuda", name="an invented card")
    assert placing.first_stop(FULL, card) == "cuda"
    assert placing.first_stop(named("model offload"), card) == "cpu"
    assert placing.first_stop(named("8-bit, tiled"), device.choose("cpu")) == "cpu"
    assert placing._place(named("8-bit, tiled"), device.choose("cpu")) == "full"
