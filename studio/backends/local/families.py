"""Families of text-to-image models that the local backend runs, as one declared table by diffusers pipeline class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from studio.backends.local.samplers import DIFFUSION, FLOW, Sampler

_EULER = {"Euler": FLOW["Euler"]}


@dataclass(frozen=True, kw_only=True)
class Family:
    """What all models of one pipeline class share.

    `size` is used where the model's own configuration names none. `tokenizer` is the sub-folder whose tokenizer sets the
    prompt's length, `max_tokens` that encoder's length with its special tokens. `chunked`: long and weighted prompts are
    encoded by compel. `guidance` is the pipeline's argument for the guidance scale. `negative` tells whether it takes a
    negative prompt; `empty_negative` is passed where none was given, because the pipeline turns guidance off without one.
    """

    title: str
    size: int = 1024
    max_side: int = 2048
    steps: int = 28
    guidance_scale: float = 5.0
    multiple_of: int = 16
    guidance: str = "guidance_scale"
    negative: bool = True
    empty_negative: str | None = None
    tokenizer: str = "tokenizer"
    max_tokens: int = 512
    chunked: bool = False
    denoiser: str = "transformer"
    samplers: Mapping[str, Sampler]
    sampler: str = "Euler"


FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": Family(
        title="Stable Diffusion", size=512, max_side=1536, guidance_scale=7.0, multiple_of=8, max_tokens=77, chunked=True,
        denoiser="unet", samplers=DIFFUSION, sampler="DPM++ 2M Karras",
    ),
    "StableDiffusionXLPipeline": Family(
        title="Stable Diffusion XL", guidance_scale=6.0, multiple_of=8, max_tokens=77, chunked=True,
        denoiser="unet", samplers=DIFFUSION, sampler="DPM++ 2M Karras",
    ),
    "LatentConsistencyModelPipeline": Family(
        title="Latent Consistency Model", size=768, max_side=1536, steps=4, guidance_scale=8.5, multiple_of=8,
        negative=False, max_tokens=77, denoiser="unet", samplers={"LCM": DIFFUSION["LCM"]}, sampler="LCM",
    ),
    "StableDiffusion3Pipeline": Family(
        title="Stable Diffusion 3", guidance_scale=7.0, tokenizer="tokenizer_3", max_tokens=256, samplers=FLOW,
    ),
    "FluxPipeline": Family(
        title="FLUX.1", guidance_scale=3.5, negative=False, tokenizer="tokenizer_2", samplers=FLOW,
    ),
    "QwenImagePipeline": Family(
        title="Qwen-Image", steps=50, guidance_scale=4.0, guidance="true_cfg_scale", empty_negative=" ", samplers=_EULER,
    ),
    "ZImagePipeline": Family(title="Z-Image", steps=50, samplers=_EULER),
    "ChromaPipeline": Family(title="Chroma", steps=35, samplers=_EULER),
    "SanaPipeline": Family(title="Sana", steps=20, guidance_scale=4.5, multiple_of=32, max_tokens=300, samplers=_EULER),
}  # fmt: skip

FEW_STEPS = ("turbo", "schnell", "lightning", "lcm", "hyper")
"""Words in a name that mark a model distilled to a handful of steps without guidance: its defaults are 4 and 1."""
