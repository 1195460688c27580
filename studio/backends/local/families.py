"""Families of models that the local backend runs, as one declared table by diffusers pipeline class.

`generic` adds what is not in the table from diffusers' own source; `variants` tells the members of a family apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from studio.backends.local.samplers import DIFFUSION, FLOW, Sampler
from studio.core.model import EVERY, Option

_EULER = {"Euler": FLOW["Euler"]}
_MASKED = ("inpaint", "outpaint")
TRUE_CFG = "true_cfg_scale"


@dataclass(frozen=True, kw_only=True)
class Family:
    """What all models of one pipeline class share.

    `size` is used where the model's own configuration names none. `tokenizer` is the sub-folder whose tokenizer sets the
    prompt's length, `max_tokens` that encoder's length with its special tokens. `chunked`: long and weighted prompts are
    encoded by compel. `guidance` is the pipeline's argument for the guidance scale, "" where it has none; `unguided`: it
    has no effect. `negative` tells whether it takes a negative prompt; `empty_negative` is passed where none was given,
    because the pipeline turns guidance off or fails without one. `true_cfg`: only a second scale, an option, makes it heed
    one. `few` are the steps and the guidance scale of members that were distilled to a handful of steps.

    `redraw` and `inpaint` are the pipelines for image to image and for masks; without the latter the mask is kept by
    blending. `reference`: `redraw` takes the picture as something to look at and has no strength, so nothing can be
    blended. `soft`: the step callback can hand latents back, so grey masks work. `inpaint_only`: a model made for masks;
    `from_words` False: it cannot draw from words alone. `needs` is a package that its pipeline cannot do without.
    """

    title: str
    size: int = 1024
    max_side: int = 2048
    steps: int = 28
    guidance_scale: float = 5.0
    few: tuple[int, float] = (4, 1.0)
    multiple_of: int = 16
    guidance: str = "guidance_scale"
    unguided: bool = False
    negative: bool = True
    empty_negative: str | None = None
    true_cfg: bool = False
    tokenizer: str = "tokenizer"
    max_tokens: int = 512
    chunked: bool = False
    denoiser: str = "transformer"
    samplers: Mapping[str, Sampler]
    sampler: str = "Euler"
    redraw: str = ""
    inpaint: str = ""
    reference: bool = False
    soft: bool = False
    inpaint_only: bool = False
    from_words: bool = True
    needs: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """What its models can do."""
        if self.inpaint_only:
            return _MASKED
        words = ("text-to-image",) if self.from_words else ()
        pictures = ("image-to-image",) if self.redraw else ()
        masks = _MASKED if self.inpaint or (self.redraw and not self.reference) else ()
        return (*words, *pictures, *masks)

    @property
    def ignores(self) -> dict[str, tuple[str, ...]]:
        """Fields of the form without effect, by task."""
        scale = {EVERY: ("guidance_scale",)} if self.unguided or not self.guidance else {}
        return {**scale, **({"image-to-image": ("strength",)} if self.reference else {})}

    @property
    def options(self) -> tuple[Option, ...]:
        if not self.true_cfg:
            return ()
        title = "True guidance (above 1: heeds the negative prompt, twice the time)"
        return (Option(name=TRUE_CFG, title=title, kind="number", low=1, high=20),)


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
    title="FLUX.1", guidance_scale=3.5, true_cfg=True, tokenizer="tokenizer_2", samplers=FLOW,
    redraw="FluxImg2ImgPipeline", inpaint="FluxInpaintPipeline", soft=True,
)  # fmt: skip
_FLUX_2 = Family(
    title="FLUX.2", steps=50, guidance_scale=4.0, negative=False, samplers=_EULER, redraw="Flux2Pipeline", reference=True,
    needs="torchvision",
)  # fmt: skip
_QWEN = Family(
    title="Qwen-Image", steps=50, guidance_scale=4.0, guidance=TRUE_CFG, empty_negative=" ", samplers=_EULER,
    redraw="QwenImageImg2ImgPipeline", inpaint="QwenImageInpaintPipeline", soft=True,
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
    "StableDiffusionXLImg2ImgPipeline": replace(
        _XL, title="Stable Diffusion XL refiner", tokenizer="tokenizer_2", from_words=False
    ),
    "LatentConsistencyModelPipeline": Family(
        title="Latent Consistency Model", size=768, max_side=1536, steps=4, guidance_scale=8.5, few=(4, 8.5), multiple_of=8,
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
        inpaint_only=True, negative=False, true_cfg=False,
    ),
    "FluxKontextPipeline": replace(
        _FLUX, title="FLUX.1 Kontext", guidance_scale=2.5, redraw="FluxKontextPipeline", reference=True, soft=False,
        inpaint="FluxKontextInpaintPipeline", samplers=_EULER,
    ),
    "Flux2Pipeline": replace(_FLUX_2, title="FLUX.2 dev"),
    "Flux2KleinPipeline": replace(
        _FLUX_2, title="FLUX.2 klein", redraw="Flux2KleinPipeline", inpaint="Flux2KleinInpaintPipeline", needs="",
    ),
    "QwenImagePipeline": _QWEN,
    "QwenImageEditPipeline": replace(
        _QWEN, title="Qwen-Image-Edit", redraw="QwenImageEditPipeline", inpaint="QwenImageEditInpaintPipeline",
        reference=True, soft=False, from_words=False, needs="torchvision",
    ),
    "QwenImageEditPlusPipeline": replace(
        _QWEN, title="Qwen-Image-Edit Plus", redraw="QwenImageEditPlusPipeline", inpaint="", reference=True, soft=False,
        from_words=False, needs="torchvision",
    ),
    "ZImagePipeline": Family(
        title="Z-Image", steps=50, few=(9, 0.0), samplers=_EULER, redraw="ZImageImg2ImgPipeline",
        inpaint="ZImageInpaintPipeline", soft=True,
    ),
    "ChromaPipeline": Family(  # diffusers 0.42's ChromaInpaintPipeline asks the model for a value that no Chroma has
        title="Chroma", steps=35, samplers=_EULER, redraw="ChromaImg2ImgPipeline", soft=True,
    ),
    "SanaPipeline": Family(
        title="Sana", steps=20, guidance_scale=4.5, multiple_of=32, empty_negative="", max_tokens=300, samplers=_EULER,
    ),
}  # fmt: skip
