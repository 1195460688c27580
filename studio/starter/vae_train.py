"""Trains the autoencoder (128 px -> 4 x 16 x 16) on crops of fresh renders, then its decoder alone."""

import random
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor
from torch.nn import functional as F

from studio.starter.crew import Average, Crew, load
from studio.starter.optim import optimiser
from studio.starter.render import pixels
from studio.starter.scenes import draw_scene
from studio.starter.stage import Stage

TRAIN_SEED, HELD_OUT_SEED = 1, 999


def new_vae() -> AutoencoderKL:
    """An untrained autoencoder of 0.94 M parameters."""
    return AutoencoderKL(
        block_out_channels=(16, 32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
        use_quant_conv=False,
        use_post_quant_conv=False,
        sample_size=128,
    )


def as_tensor(pictures: list[np.ndarray]) -> Tensor:
    """Pictures [height, width, 3] of uint8 as [n, 3, height, width] in -1..1."""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def crops(rng: random.Random, count: int, side: int) -> Tensor:
    """``count`` square crops of ``side`` px, two from each fresh render, flipped and with swapped colours at times."""
    found: list[np.ndarray] = []
    while len(found) < count:
        picture = pixels(draw_scene(TRAIN_SEED, rng.randrange(10**7)))
        for _ in range(2):
            y, x = rng.randint(0, picture.shape[0] - side), rng.randint(0, picture.shape[1] - side)
            crop = picture[y : y + side, x : x + side]
            crop = crop[:, ::-1] if rng.random() < 0.5 else crop
            found.append(crop[..., rng.sample((0, 1, 2), 3)] if rng.random() < 0.2 else crop)
    return as_tensor(found[:count])


def picture_loss(made: Tensor, asked: Tensor) -> Tensor:
    """L1, squared error, and L1 of the differences between neighbours at three scales. Both [n, 3, h, w]."""
    loss: Tensor = (made - asked).abs().mean() + 2 * (made - asked).square().mean()
    for scale in range(3):
        if scale:
            made, asked = F.avg_pool2d(made, 2), F.avg_pool2d(asked, 2)
        error = made - asked
        loss = loss + 0.5 * (error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean())
    return loss


def vae_loss(vae: AutoencoderKL, pictures: Tensor, rng: random.Random, kl: float = 2e-3) -> Tensor:
    """Reconstruction and KL; at times of a pooled latent (an easier latent space), at times of a noisy one."""
    with torch.autocast(pictures.device.type, torch.bfloat16):
        posterior = vae.encode(pictures).latent_dist
        mean, spread = posterior.mean.float(), posterior.logvar.float()
        latent = mean + torch.randn_like(mean) * (0.5 * spread).exp()
        draw = rng.random()
        if draw < 0.25:
            latent, pictures = F.avg_pool2d(latent, 2), F.avg_pool2d(pictures, 2)
        elif draw < 0.5:
            latent = latent + 0.1 * torch.randn_like(latent)
        made = vae.decode(latent).sample.float()
    divergence: Tensor = 0.5 * (mean.square() + spread.exp() - 1 - spread).mean()
    return picture_loss(made, pictures) + kl * divergence


def decoder_loss(vae: AutoencoderKL, pictures: Tensor, rng: random.Random) -> Tensor:
    """Reconstruction alone, the encoder as it is."""
    with torch.autocast(pictures.device.type, torch.bfloat16):
        with torch.no_grad():
            latent = vae.encode(pictures).latent_dist.mode().float()
        if rng.random() < 0.4:
            latent = latent + 0.08 * torch.randn_like(latent)
        made = vae.decode(latent).sample.float()
    return picture_loss(made, pictures)


@torch.no_grad()
def psnr(vae: AutoencoderKL, count: int = 24) -> float:
    """Mean peak signal-to-noise ratio in dB over held-out renders that the model never saw."""
    found = []
    for index in range(count):
        picture = as_tensor([pixels(draw_scene(HELD_OUT_SEED, index))]).to(vae.device)
        made = vae.decode(vae.encode(picture).latent_dist.mode()).sample.clamp(-1, 1)
        found.append(10 * torch.log10(4 / (made - picture).square().mean()).item())
    return sum(found) / len(found)


def _stage(crew: Crew, out: Path, decoder_only: bool, peak: float, batch: int) -> Stage:
    vae = new_vae().to(crew.device)
    if decoder_only:
        vae.load_state_dict((load(out / "vae.pt") or {})["ema"])
        vae.encoder.requires_grad_(False)
    muon = optimiser(vae.decoder if decoder_only else vae, peak, ("conv_in", "conv_out"))
    path = out / ("decoder.pt" if decoder_only else "vae.pt")
    return Stage(crew, path, vae, muon, Average(vae, 0.998), peak, batch)


def train_vae(crew: Crew, out: str, decoder_only: bool, peak: float = 3e-3, batch: int = 24) -> None:
    """The autoencoder, or its decoder alone, by the clock; resumes from its checkpoint in ``out``."""
    stage = _stage(crew, Path(out), decoder_only, peak / 3 if decoder_only else peak, batch)
    stage.resume()
    rng = random.Random(f"{crew.rank}/{stage.step}")
    torch.manual_seed(rng.randrange(2**31))
    loss_of = decoder_loss if decoder_only else vae_loss

    def held_out_psnr() -> str:
        judge = new_vae()
        judge.load_state_dict(stage.ema.weights)
        return f", held-out PSNR {psnr(judge):.2f} dB"

    while stage.progress < 1:
        late = stage.progress > 0.7 or decoder_only
        pictures = crops(rng, batch // 2 if late else batch, 96 if late else 64).to(crew.device)
        stage.advance(loss_of(stage.model, pictures, rng))
        stage.keep(held_out_psnr)
