"""The committed starter model loads as any Stable Diffusion folder does, and draws."""

import json
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from diffusers import AutoPipelineForImage2Image, AutoPipelineForInpainting, StableDiffusionPipeline
from PIL import Image
from safetensors import safe_open

from studio.starter import MODEL_DIR

LIMIT = 25_000_000
SAMPLERS = {
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "Heun": ("HeunDiscreteScheduler", {}),
    "DPM2": ("KDPM2DiscreteScheduler", {}),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {}),
    "DPM++ 2M Karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "DPM++ 2M SDE": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    "DPM++ SDE Karras": ("DPMSolverSinglestepScheduler", {"use_karras_sigmas": True}),
    "DDIM": ("DDIMScheduler", {}),
    "DDPM": ("DDPMScheduler", {}),
    "PNDM": ("PNDMScheduler", {"skip_prk_steps": True}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "DEIS": ("DEISMultistepScheduler", {}),
    "LCM": ("LCMScheduler", {}),
}

pytestmark = pytest.mark.filterwarnings("ignore")  # diffusers and transformers warn about themselves while they load


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionPipeline:
    """The model, loaded with nothing but its folder."""
    loaded = StableDiffusionPipeline.from_pretrained(str(MODEL_DIR))
    loaded.set_progress_bar_config(disable=True)
    return loaded


def draw(pipeline: StableDiffusionPipeline, prompt: str, steps: int = 10, **more: object) -> np.ndarray:
    """One picture as an array [height, width, 3]."""
    generator = torch.Generator("cpu").manual_seed(1)
    made = pipeline(prompt, num_inference_steps=steps, guidance_scale=3.5, generator=generator, **more)
    return np.asarray(made.images[0])


def committed(folder: Path) -> list[Path]:
    """The files that belong to the repository."""
    return [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def test_the_whole_folder_stays_under_its_limit() -> None:
    assert sum(path.stat().st_size for path in committed(MODEL_DIR.parent)) <= LIMIT


def test_all_weights_are_float16_safetensors() -> None:
    weights = [path for path in committed(MODEL_DIR) if path.suffix not in (".json", ".txt")]
    assert {path.suffix for path in weights} == {".safetensors"}
    for path in weights:
        with safe_open(path, "pt") as tensors:
            kinds = {tensors.get_slice(name).get_dtype() for name in tensors.keys()}  # noqa: SIM118 - not a dict
        assert kinds <= {"F16", "I64"}, path.name


def test_no_file_names_a_folder_of_the_machine_it_was_made_on() -> None:
    for path in committed(MODEL_DIR):
        if path.suffix == ".json":
            assert "_name_or_path" not in json.loads(path.read_text(encoding="utf-8"))


def test_it_draws_a_picture_of_the_size_that_was_asked(pipeline: StableDiffusionPipeline) -> None:
    picture = draw(pipeline, "a red house at sunset", width=160, height=96)
    assert picture.shape == (96, 160, 3)
    assert picture.std() > 10


def test_the_same_seed_draws_the_same_picture(pipeline: StableDiffusionPipeline) -> None:
    first, second = (draw(pipeline, "two blue balloons", steps=4) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_night_is_darker_than_a_day(pipeline: StableDiffusionPipeline) -> None:
    night, day = (draw(pipeline, f"green mountains, {time}").mean() for time in ("night", "day"))
    assert night < day - 20


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_draws_a_picture(pipeline: StableDiffusionPipeline, sampler: str) -> None:
    name, more = SAMPLERS[sampler]
    scheduler = getattr(diffusers, name).from_config(pipeline.scheduler.config, **more)
    other = StableDiffusionPipeline(**{**pipeline.components, "scheduler": scheduler}, requires_safety_checker=False)
    other.set_progress_bar_config(disable=True)
    picture = draw(other, "a yellow sailboat on the sea at night", steps=8)
    assert picture.std() > 10


def test_it_changes_a_picture(pipeline: StableDiffusionPipeline) -> None:
    start = Image.new("RGB", (128, 128), (200, 60, 60))
    picture = draw(AutoPipelineForImage2Image.from_pipe(pipeline), "a city skyline at night", image=start, strength=0.8)
    assert picture.shape == (128, 128, 3)
    assert picture.std() > 5


def test_it_fills_a_masked_part(pipeline: StableDiffusionPipeline) -> None:
    start, mask = Image.new("RGB", (128, 128), (80, 150, 230)), Image.new("L", (128, 128), 0)
    mask.paste(255, (32, 32, 96, 96))
    picture = draw(
        AutoPipelineForInpainting.from_pipe(pipeline),
        "a hot air balloon",
        image=start,
        mask_image=mask,
        width=128,
        height=128,
        strength=1.0,
    )
    assert picture.shape == (128, 128, 3)
    assert picture.std() > 2
