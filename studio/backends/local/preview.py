"""A small picture from latents without an extra model.

A linear map from latents to colours is fitted once to the model's own VAE (least squares on one small decoded noise
field); where a VAE does not lend itself to that, the three principal components stand for colours. The noise still in a
latent is taken out first by the sampler's own equations, so that the picture is seen long before the last step.
"""

from __future__ import annotations

from typing import Any

from PIL import Image

MAX_SIDE = 256
_FIELD = 16
Colours = Any
"""A float32 tensor (channels + 1) × 3: latents and a constant one → RGB in 0..1."""


def learn_colours(pipe: Any) -> Colours | None:
    """Fit the map for `pipe.vae`, or None if its latents are not plain channels × height × width."""
    import torch
    from diffusers import AutoencoderKL

    vae = pipe.vae
    if not isinstance(vae, AutoencoderKL):
        return None
    noise = torch.Generator().manual_seed(0)
    coarse = torch.randn(1, vae.config.latent_channels, 4, 4, generator=noise)
    smooth = torch.nn.functional.interpolate(coarse, size=(_FIELD, _FIELD), mode="bicubic")
    latents = smooth + 0.2 * torch.randn(smooth.shape, generator=noise)
    with torch.inference_mode():
        decoded = vae.decode(_unscale(latents, vae).to(vae.device, vae.dtype), return_dict=False)[0].float().cpu()
    colours = torch.nn.functional.adaptive_avg_pool2d(decoded / 2 + 0.5, _FIELD)[0].clamp(0, 1).flatten(1).T
    if not bool(torch.isfinite(colours).all()):
        return None
    return torch.linalg.lstsq(_rows(latents[0]), colours).solution


def picture(latents: Any, colours: Colours | None, aspect: tuple[int, int]) -> Image.Image | None:
    """Latents of one picture → RGB of at most 256 pixels a side; `aspect` is (width, height). None if not finite."""
    import torch

    field = _unpack(latents.detach()[0].float().cpu(), aspect)
    rows = _rows(field)
    rgb = rows @ colours if colours is not None and colours.shape[0] == rows.shape[1] else _principal(rows[:, :-1])
    if not bool(torch.isfinite(rgb).all()):
        return None
    pixels = (rgb.clamp(0, 1) * 255).round().to(torch.uint8).reshape(field.shape[1], field.shape[2], 3)
    small = Image.fromarray(pixels.numpy(), "RGB")
    scale = min(MAX_SIDE / max(aspect), 1.0)
    return small.resize((max(1, round(aspect[0] * scale)), max(1, round(aspect[1] * scale))), Image.Resampling.BICUBIC)


def without_noise(scheduler: Any, prediction: Any, timestep: Any, sample: Any) -> Any:
    """The clean latents that a step predicts: x₀ from noise, velocity (Salimans & Ho 2022) or flow prediction."""
    config = scheduler.config
    if prediction.shape != sample.shape:
        return sample
    if not hasattr(scheduler, "alphas_cumprod") or config.get("use_flow_sigmas"):
        return sample - float(timestep) / config.num_train_timesteps * prediction
    alpha = scheduler.alphas_cumprod[round(float(timestep))].to(sample.device)
    if float(scheduler.init_noise_sigma) > 1.5:  # these schedulers keep latents at x₀ + σ·noise
        sample = sample * alpha.sqrt()
    kind = config.get("prediction_type", "epsilon")
    if kind == "v_prediction":
        return alpha.sqrt() * sample - (1 - alpha).sqrt() * prediction
    if kind == "sample":
        return prediction
    return (sample - (1 - alpha).sqrt() * prediction) / alpha.sqrt()


def _unscale(latents: Any, vae: Any) -> Any:
    return latents / vae.config.scaling_factor + (vae.config.get("shift_factor") or 0.0)


def _rows(field: Any) -> Any:
    import torch

    flat = field.flatten(1).T
    return torch.cat([flat, torch.ones(len(flat), 1)], dim=1)


def _unpack(latents: Any, aspect: tuple[int, int]) -> Any:
    """Channels × height × width from plain, one-frame or FLUX's packed latents (2 × 2 patches in rows)."""
    if latents.ndim == 4:
        return latents[:, 0]
    if latents.ndim == 3:
        return latents
    count, channels = latents.shape
    height = max(1, round((count * aspect[1] / aspect[0]) ** 0.5))
    grid = latents[: height * (count // height)].reshape(height, count // height, channels // 4, 2, 2)
    return grid.permute(2, 0, 3, 1, 4).reshape(channels // 4, 2 * height, -1)


def _principal(rows: Any) -> Any:
    """The three strongest components, signs fixed, stretched to 0..1."""
    import torch

    centred = rows - rows.mean(0)
    _, axes = torch.linalg.eigh(centred.T @ centred)
    axes = axes[:, -3:].flip(1)
    signs = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()
    projected = centred @ (axes * signs)
    return projected / (4 * projected.std(0, keepdim=True) + 1e-6) + 0.5
