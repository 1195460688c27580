"""Tiny models, built once for all tests of the backends, which run in the environment of a worker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import tiny_models

from studio.backends.local import LocalBackend, worker_environment
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

os.environ.update(worker_environment(1))


@pytest.fixture(scope="session")
def zoo(tmp_path_factory) -> Path:
    """A models folder with one model of each kind: sd, xl, sd3, flux, strict (flags everything)."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.tiny_sd(folder / "sd")
    tiny_models.tiny_sdxl(folder / "xl")
    tiny_models.tiny_sd3(folder / "sd3")
    tiny_models.tiny_flux(folder / "flux")
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
