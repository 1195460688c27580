"""An autoencoder knows its own pictures again; costs are told before they arise."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from safetensors.torch import save_file

from studio.core.errors import Unavailable
from studio.core.request import Size
from studio.detectors.reconstruction import ReconstructionDetector, create, crops, quantised, smoothed
from studio.settings import Settings
from studio.starter import MODEL_DIR
from studio.starter.render import render
from studio.starter.scenes import draw_scene

VAE = MODEL_DIR / "vae"


@pytest.fixture(scope="module")
def pairs() -> tuple[list[Image.Image], list[Image.Image]]:
    """Renders and their round trips."""
    renders = [render(replace(draw_scene(5150, index), blurred=False)).convert("RGB") for index in range(12)]
    vae, made = AutoencoderKL.from_pretrained(str(VAE)).float(), []
    for image in renders:
        given = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None].float() / 127.5 - 1
        with torch.inference_mode():
            back = quantised(vae.decode(vae.encode(given).latent_dist.mode()).sample)
        made.append(Image.fromarray(((back[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()))
    return renders, made


@pytest.mark.parametrize("method", ["aeroblade", "s_image"])
def test_its_own_pictures_score_higher(method: str, pairs: tuple[list[Image.Image], list[Image.Image]]) -> None:
    detector = ReconstructionDetector("starter", VAE, method=method)
    real, made = ([detector.score(image).value for image in images] for images in pairs)
    assert sum(m > r for m in made for r in real) / 144 >= 0.9


def test_the_same_picture_gives_the_same_score(pairs: tuple[list[Image.Image], list[Image.Image]]) -> None:
    scores = {ReconstructionDetector("starter", VAE).score(pairs[0][0]).value for _ in range(2)}
    assert len(scores) == 1


def test_lpips_weights_of_the_users_are_used_and_change_the_revision(
    tmp_path: Path, pairs: tuple[list[Image.Image], list[Image.Image]]
) -> None:
    torch.manual_seed(0)
    shapes = {"1_1": (64, 3), "1_2": (64, 64), "2_1": (128, 64), "2_2": (128, 128)}
    weights = {f"conv{name}.weight": torch.randn(*shape, 3, 3) * 0.1 for name, shape in shapes.items()}
    weights |= {f"conv{name}.bias": torch.zeros(shape[0]) for name, shape in shapes.items()}
    save_file({**weights, "linear": torch.rand(128)}, tmp_path / "lpips.safetensors")
    plain, own = (ReconstructionDetector("starter", VAE, lpips=path) for path in (None, tmp_path / "lpips.safetensors"))
    assert plain.revision != own.revision
    assert plain.score(pairs[0][0]).value != own.score(pairs[0][0]).value
    save_file({"linear": torch.rand(128)}, tmp_path / "lpips.safetensors")
    with pytest.raises(Unavailable, match="LPIPS"):
        own.score(pairs[0][0])


def test_crops_are_the_liveliest_ones_in_native_resolution() -> None:
    image = Image.new("RGB", (600, 300), "grey")
    image.paste(Image.effect_noise((200, 200), 90).convert("RGB"), (280, 20))
    found = crops(image, 128, 8)
    assert [tuple(piece.shape) for piece in found] == [(1, 3, 128, 128)] * 3
    assert found[0].std() > found[-1].std() > 0
    assert [tuple(piece.shape) for piece in crops(Image.new("RGB", (101, 60)), 128, 8)] == [(1, 3, 56, 96)]
    assert crops(Image.new("RGB", (20, 500)), 128, 8) == []


def test_smoothing_keeps_flat_places() -> None:
    flat = torch.full((1, 3, 8, 8), 0.25)
    assert torch.allclose(smoothed(flat), flat)


def test_a_picture_too_small_is_out_of_scope() -> None:
    assert "too small" in ReconstructionDetector("starter", VAE).score(Image.new("RGB", (16, 16))).out_of_scope


def test_every_vae_below_the_models_folder_has_its_detector(tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "vae"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"block_out_channels": [4, 8], "sample_size": 512}))
    starter, mine = create(Settings(models=tmp_path))
    assert (starter.name, mine.name) == ("reconstruction-starter", "reconstruction-mine")
    assert "no safetensors" in mine.unready()
    save_file({"a": torch.zeros(2)}, folder / "diffusion_pytorch_model.safetensors")
    assert mine.unready() == ""
    with pytest.raises(Unavailable, match="cannot load"):
        mine.score(Image.effect_noise((300, 300), 50).convert("RGB"))


def test_the_cost_is_told_before() -> None:
    one, four = (ReconstructionDetector("starter", VAE, method=method) for method in ("aeroblade", "s_image"))
    assert four.forecast(Size(1024, 1024)) == pytest.approx(4 * one.forecast(Size(1024, 1024)))
    assert one.forecast(Size(64, 64)) < one.forecast(Size(1024, 1024))
    assert one.calibration() is None
