"""Tiny models, built once for all tests of the backends, which run in the environment of a worker."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import pytest
import tiny_models
from PIL import Image

from studio.backends.local import LocalBackend, worker_environment
from studio.core.canvas import Ground
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

os.environ.update(worker_environment(1))


@pytest.fixture(scope="session")
def zoo(tmp_path_factory) -> Path:
    """A models folder with one model of each kind; `strict` is an sd that flags everything."""
    folder = tmp_path_factory.mktemp("models")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers builds some parts in ways that it calls deprecated itself
        tiny_models.tiny_sd(folder / "sd")
        tiny_models.tiny_sdxl(folder / "xl")
        tiny_models.tiny_lcm(folder / "lcm")
        tiny_models.tiny_sd3(folder / "sd3")
        tiny_models.tiny_flux(folder / "flux")
        tiny_models.tiny_chroma(folder / "chroma")
        tiny_models.tiny_z_image(folder / "z")
        tiny_models.tiny_qwen(folder / "qwen")
        tiny_models.tiny_sd_inpaint(folder / "nine")
        tiny_models.tiny_sdxl_inpaint(folder / "xl-nine")
        tiny_models.tiny_flux_fill(folder / "fill")
        tiny_models.tiny_sd(folder / "strict", safety_checker=True)
    return folder


@pytest.fixture(scope="session")
def backend(zoo) -> LocalBackend:
    return LocalBackend((zoo,), None)


@pytest.fixture(scope="session")
def models(backend) -> dict:
    return {model.id.removeprefix("local:"): model for model in backend.models()}


@pytest.fixture
def a_request():
    """Builds requests with defaults: 64 × 64, three steps, seed 7."""

    def build(
        model="sd", prompt="a red house by the sea", *, steps=3, seed=7, sampler=None, guidance=4.0, side=64, **fields
    ):
        return ImageRequest(
            model=f"local:{model}",
            prompt=prompt,
            task=TextToImage(Size(side, side)),
            sampling=Sampling(steps=steps, guidance_scale=guidance, seed=seed, sampler=sampler),
            **fields,
        )

    return build


@pytest.fixture
def make(backend, models, a_request):
    """Makes pictures and returns their bytes: `make("sd", prompt=…)`."""
    from watching import Recorder

    def run(model="sd", watch=None, **fields):
        return backend.generate(a_request(model, **fields), models[model], watch or Recorder())

    return run


@pytest.fixture(scope="session")
def photo() -> Image.Image:
    """64 × 64, smooth and colourful, and never the same on two sides."""
    ramp = Image.linear_gradient("L").resize((64, 64))
    return Image.merge("RGB", (ramp, ramp.rotate(90), Image.radial_gradient("L").resize((64, 64))))


@pytest.fixture(scope="session")
def square() -> Image.Image:
    """A hard mask of 64 × 64: the middle quarter."""
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (16, 16, 48, 48))
    return mask


@pytest.fixture
def edit(backend, models, a_request, photo):
    """Draws on `photo` and returns the result: `edit("sd", square, strength=.8)`; without a mask image to image."""
    from watching import Recorder

    def run(model="sd", mask=None, *, image=photo, strength=0.8, soft=False, watch=None, **fields):
        ground = Ground(image=image, mask=mask, strength=strength, soft=soft)
        return backend.generate(a_request(model, **fields), models[model], watch or Recorder(), ground)

    return run
