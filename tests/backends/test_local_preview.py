"""Previews show the picture to come, in its colours, and cost next to nothing."""

import pytest

from studio.backends.local import LocalBackend, preview, samplers


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.mark.filterwarnings("ignore")  # diffusers' own, about numpy
@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("sampler", ["DDIM", "Euler", "Heun", "DPM++ 2M", "DPM++ 2M Karras", "UniPC", "LCM", "LMS", "PNDM"])
def test_the_noise_is_taken_out_by_the_samplers_own_equations(torch, sampler, kind):
    base = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "prediction_type": kind}
    scheduler = samplers.build(sampler, samplers.DIFFUSION, base, steps=10, seed=0)
    scheduler.set_timesteps(10)
    timestep = scheduler.timesteps[4]
    clean, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    alpha = scheduler.alphas_cumprod[round(float(timestep))]
    noisy = alpha.sqrt() * clean + (1 - alpha).sqrt() * noise
    prediction = {"epsilon": noise, "v_prediction": alpha.sqrt() * noise - (1 - alpha).sqrt() * clean, "sample": clean}[kind]
    if float(scheduler.init_noise_sigma) > 1.5:
        noisy = noisy / alpha.sqrt()
    assert torch.allclose(preview.without_noise(scheduler, prediction, timestep, noisy), clean, atol=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("sampler", samplers.FLOW)
def test_the_noise_is_taken_out_of_flow_models_too(torch, sampler):
    scheduler = samplers.build(sampler, samplers.FLOW, {"shift": 3.0, "num_train_timesteps": 1000}, steps=10, seed=0)
    clean, noise = torch.randn(1, 4, 8, 8), torch.randn(1, 4, 8, 8)
    noisy = 0.6 * noise + 0.4 * clean
    assert torch.allclose(preview.without_noise(scheduler, noise - clean, torch.tensor(600.0), noisy), clean, atol=1e-4)


def test_the_map_learns_the_true_colours_of_the_starters_vae(torch):
    """Of the variation of colour in a decoded field that the map has not seen, four fifths are in its preview."""
    backend = LocalBackend((), None)
    backend.warm(backend.models()[0])
    loaded, noise = backend._loaded, torch.Generator().manual_seed(5)
    latents = torch.nn.functional.interpolate(torch.randn(1, 4, 3, 3, generator=noise), size=(16, 16), mode="bicubic")
    with torch.no_grad():
        decoded = loaded.pipe.vae.decode(latents / loaded.pipe.vae.config.scaling_factor).sample
    true = torch.nn.functional.adaptive_avg_pool2d(decoded / 2 + 0.5, 16)[0].flatten(1).T
    rows = torch.cat([latents[0].flatten(1).T, torch.ones(256, 1)], dim=1)
    assert (rows @ loaded.colours - true).square().mean() < 0.2 * (true.mean(0) - true).square().mean()


@pytest.mark.parametrize("shape", [(1, 4, 8, 12), (1, 16, 8, 12), (1, 16, 1, 8, 12), (1, 24, 64)])
@pytest.mark.parametrize("learned", [True, False])
def test_all_shapes_of_latents_give_a_small_picture_of_the_asked_shape(torch, shape, learned):
    colours = torch.randn(5, 3) if learned else None
    image = preview.picture(torch.randn(shape), colours, (768, 512))
    assert image.size == (256, 171)
    assert len(image.getcolors(maxcolors=100_000)) > 20


def test_latents_out_of_range_give_no_preview(torch):
    assert preview.picture(torch.full((1, 4, 8, 8), float("nan")), torch.randn(5, 3), (64, 64)) is None


def test_principal_colours_do_not_flicker_between_steps(torch):
    latents = torch.randn(1, 16, 8, 8)
    one, two = (preview.picture(each, None, (64, 64)) for each in (latents, latents * 1.001))
    difference = max(abs(a - b) for a, b in zip(one.tobytes(), two.tobytes(), strict=True))
    assert difference <= 2
