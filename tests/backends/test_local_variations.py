"""Variations on the local backend: the way from the noise of one seed to that of another, for every family."""

from dataclasses import replace

import pytest
import tiny_families
import torch
from watching import Recorder

from studio.backends.local import LocalBackend
from studio.backends.local.variation import slerp, varied
from studio.core.errors import Unsupported
from studio.core.request import Variation


@pytest.fixture
def vary(backend, models, a_request):
    """Pictures of seed 7 with variations, as (seed, strength): `vary((9, 0.25), model="flux")`."""

    def run(*steps, model="sd", count=1, seed=7, ground=None, **fields):
        asked = replace(a_request(model, seed=seed, **fields), count=count)
        told = tuple(Variation(seed=each, strength=strength) for each, strength in steps)
        asked = replace(asked, sampling=replace(asked.sampling, variations=told))
        return backend.generate(asked, models[model], Recorder(), ground)

    return run


def pixels(result):
    return [picture.image.tobytes() for picture in result.pictures]


@pytest.mark.parametrize("model", ["sd", "xl", "lcm", "sd3", "flux", "chroma", "z", "qwen"])
def test_the_ends_of_the_way_are_the_two_seeds_own_pictures(vary, model):
    here, there = pixels(vary(model=model)), pixels(vary(model=model, seed=9))
    assert pixels(vary((9, 0.0), model=model)) == here
    if model != "lcm":  # which adds noise of the seed's own in every step
        assert pixels(vary((9, 1.0), model=model)) == there
    assert pixels(vary((9, 0.5), model=model)) not in (here, there)


@pytest.mark.parametrize("sampler", ["DDIM", "Euler a"])
def test_a_batch_of_variations_holds_the_same_pictures_as_single_requests(vary, sampler):
    batch = vary((9, 0.25), count=3, sampler=sampler)
    assert [(picture.seed, picture.facts["variations"]) for picture in batch.pictures] == [
        (7, [{"seed": seed, "strength": 0.25}]) for seed in (9, 10, 11)
    ]
    assert pixels(batch) == [pixels(vary((seed, 0.25), sampler=sampler))[0] for seed in (9, 10, 11)]
    assert len(set(pixels(batch))) == 3


def test_a_variation_of_a_variation_goes_on_from_there(vary):
    assert pixels(vary((9, 1.0), (11, 0.25))) == pixels(vary((11, 0.25), seed=9))
    assert pixels(vary((9, 0.25), (11, 0.25))) != pixels(vary((11, 0.25)))


def test_pictures_drawn_on_a_ground_vary_too(vary, photo, square):
    from studio.core.canvas import Ground

    for ground in (Ground(image=photo, strength=0.8), Ground(image=photo, mask=square, strength=0.8)):
        assert pixels(vary(ground=ground)) == pixels(vary((9, 0.0), ground=ground))
        assert pixels(vary(ground=ground)) != pixels(vary((9, 0.5), ground=ground))


def test_noise_on_the_way_keeps_the_strength_of_noise():
    one, other = (torch.randn(4, 64, 64, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    for strength in (0.1, 0.5, 0.9):
        assert abs(float(slerp(one, other, strength).std()) - 1) < 0.02
    assert float(torch.lerp(one, other, 0.5).std()) < 0.8  # what the straight way would make of it: a duller picture
    assert torch.equal(slerp(one, one.clone(), 0.3), one)
    assert slerp(one.half(), other.half(), 0.3).dtype == torch.float16


def test_a_pipeline_with_noise_of_its_own_is_refused():
    with pytest.raises(Unsupported, match="noise"), varied(object(), (Variation(seed=1, strength=0.5),)):
        pass


def test_a_failure_leaves_the_pipelines_own_noise(vary, backend):
    before = pixels(vary())
    pipe = backend._loaded.pipe
    with pytest.raises(ZeroDivisionError), varied(pipe, (Variation(seed=1, strength=0.5),)):
        raise ZeroDivisionError
    assert pixels(vary()) == before


@pytest.mark.parametrize("name", ["kontext", "klein", "sana", "lumina2", "pixart", "cogview4"])
def test_other_families_vary_as_well(tmp_path, name, a_request):
    tiny_families.FAMILIES[name](tmp_path / name)
    backend = LocalBackend((tmp_path,), None, starter=tmp_path / "none")
    (model,) = backend.models()
    asked = replace(a_request(name), sampling=replace(a_request(name).sampling, sampler=None))
    turned = replace(asked, sampling=replace(asked.sampling, variations=(Variation(seed=9, strength=0.5),)))
    assert model.variations
    assert pixels(backend.generate(turned, model, Recorder())) != pixels(backend.generate(asked, model, Recorder()))
