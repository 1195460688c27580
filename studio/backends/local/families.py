"""Families of models that the local backend runs, as one declared table by diffusers pipeline class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from studio.backends.local.samplers import DIFFUSION, FLOW, Sampler

_EULER = {"Euler": FLOW["Euler"]}
_MASKED = ("inpaint", "outpaint")


@dataclass(frozen=True, kw_only=True)
class Family:
    """What all models of one pipeline class share.

    `size` is used where the model's own configuration names none. `tokenizer` is the sub-folder whose tokenizer sets the
    prompt's length, `max_tokens` that encoder's length with its special tokens. `chunked`: long and weighted prompts are
    encoded by compel. `guidance` is the pipeline's argument for the guidance scale. `negative` tells whether it takes a
    negative prompt; `empty_negative` is passed where none was given, because the pipeline turns guidance off without one.
    `redraw` and `inpaint` are the pipelines for image to image and for masks; without the latter the mask is kept by
    blending. `soft`: the step callback can hand latents back, so grey masks work. `inpaint_only`: a model made for masks.
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
    redraw: str = ""
    inpaint: str = ""
    soft: bool = False
    inpaint_only: bool = False

    @property
    def tasks(self) -> tuple[str, ...]:
        """What its models can do."""
        if self.inpaint_only:
            return _MASKED
        return ("text-to-image", "image-to-image", *_MASKED) if self.redraw else ("text-to-image",)


_SD = Family(
    title="Stable Diffusion", size=512, max_side=1536, guidance_scale=7.0, multiple_of=8, max_tokens=77, chunked=True,
    denoiser="unet", samplers=DIFFUSION, sampler="DPM++ 2M Karras", redraw="StableDiffusionImg2ImgPipeline",
    inpaint="StableDiffusionInpaintPipeline", soft=True,
)  # fmt: skip
_XL = replace(
    _SD, title="Stable Diffusion XL", size=1024, max_side=2048, guidance_scale=6.0,
    redraw="StableDiffusionXLImg2ImgPipeline", inpaint="StableDiffusionXLInpaintPipeline",
)  # fmt: skip
_FLUX = Family(
    title="FLUX.1", guidance_scale=3.5, negative=False, tokenizer="tokenizer_2", samplers=FLOW,
    redraw="FluxImg2ImgPipeline", inpaint="FluxInpaintPipeline", soft=True,
)  # fmt: skip

FAMILIES: dict[str, Family] = {
    "StableDiffusionPipeline": _SD,
    "StableDiffusionInpaintPipeline": replace(
        _SD, title="Stable Diffusion inpainting", redraw="", soft=False, inpaint_only=True
    ),
    "StableDiffusionXLPipeline": _XL,
    "StableDiffusionXLInpaintPipeline": replace(
        _XL, title="Stable Diffusion XL inpainting", redraw="", soft=False, inpaint_only=True
    ),
    "LatentConsistencyModelPipeline": Family(
        title="Latent Consistency Model", size=768, max_side=1536, steps=4, guidance_scale=8.5, multiple_of=8,
        negative=False, max_tokens=77, denoiser="unet", samplers={"LCM": DIFFUSION["LCM"]}, sampler="LCM",
        redraw="LatentConsistencyModelImg2ImgPipeline", soft=True,
    ),
    "StableDiffusion3Pipeline": Family(
        title="Stable Diffusion 3", guidance_scale=7.0, tokenizer="tokenizer_3", max_tokens=256, samplers=FLOW,
        redraw="StableDiffusion3Img2ImgPipeline", inpaint="StableDiffusion3InpaintPipeline", soft=True,
    ),
    "FluxPipeline": _FLUX,
    "FluxFillPipeline": replace(
        _FLUX, title="FLUX.1 Fill", guidance_scale=30.0, steps=50, redraw="", inpaint="FluxFillPipeline", soft=False,
        inpaint_only=True,
    ),
    "QwenImagePipeline": Family(
        title="Qwen-Image", steps=50, guidance_scale=4.0, guidance="true_cfg_scale", empty_negative=" ", samplers=_EULER,
        redraw="QwenImageImg2ImgPipeline", inpaint="QwenImageInpaintPipeline", soft=True,
    ),
    "ZImagePipeline": Family(
        title="Z-Image", steps=50, samplers=_EULER, redraw="ZImageImg2ImgPipeline", inpaint="ZImageInpaintPipeline",
        soft=True,
    ),
    "ChromaPipeline": Family(  # diffusers 0.42's ChromaInpaintPipeline asks the model for a value that no Chroma has
        title="Chroma", steps=35, samplers=_EULER, redraw="ChromaImg2ImgPipeline", soft=True,
    ),
    "SanaPipeline": Family(title="Sana", steps=20, guidance_scale=4.5, multiple_of=32, max_tokens=300, samplers=_EULER),
}  # fmt: skip

FEW_STEPS = ("turbo", "schnell", "lightning", "lcm", "hyper")
"""Words in a name that mark a model distilled to a handful of steps without guidance: its defaults are 4 and 1."""

_TWINS = {
    "StableDiffusionPipeline": "StableDiffusionInpaintPipeline",
    "StableDiffusionXLPipeline": "StableDiffusionXLInpaintPipeline",
}
"""Plain models and their twins made for masks, which take the mask and the masked picture as five channels more."""


def by_channels(pipeline: str, channels: object) -> str:
    """The class for a denoiser of so many input channels, whichever twin the model's index names."""
    for plain, masked in _TWINS.items():
        if pipeline in (plain, masked):
            return {4: plain, 9: masked}.get(channels, pipeline) if isinstance(channels, int) else pipeline
    return pipeline
