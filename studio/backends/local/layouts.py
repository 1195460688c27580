"""Original layouts: which model a single safetensors file is, told from the names and shapes in its header alone.

Widths are compared with the configurations under `configs/`, so a size that no configuration describes is refused. Names
are those of the models' own repositories (CompVis, Stability AI, Black Forest Labs, Tongyi), which ComfyUI keeps.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import isqrt
from pathlib import Path
from typing import Any

from studio.backends.local.headers import Shapes

CONFIGS = Path(__file__).resolve().parent / "configs"
DENOISER = "model.diffusion_model."
"""Before the denoiser's names in a whole checkpoint; a file of the denoiser alone has none."""
UNETS = ("sd15", "sd21", "sdxl", "sdxl-refiner")
_TRANSFORMERS_3 = ("sd35-large", "sd35-medium", "sd3-medium")
_CLIP_L, _CLIP_G = ("text_encoders.clip_l.transformer.",), ("text_encoders.clip_g.transformer.",)
_T5, _QWEN = ("text_encoders.t5xxl.transformer.",), ("text_encoders.qwen3_4b.transformer.",)
_SD3_TEXT = {"text_encoder": _CLIP_L, "text_encoder_2": _CLIP_G, "text_encoder_3": _T5}

INSIDE: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "sd15": {"text_encoder": ("cond_stage_model.transformer.",)},
    "sd21": {"text_encoder": ("cond_stage_model.model.",)},
    "sdxl": {
        "text_encoder": ("conditioner.embedders.0.transformer.",),
        "text_encoder_2": ("conditioner.embedders.1.model.",),
    },
    "sdxl-refiner": {"text_encoder_2": ("conditioner.embedders.0.model.",)},
    **dict.fromkeys(_TRANSFORMERS_3, _SD3_TEXT),
    "flux": {"text_encoder": _CLIP_L, "text_encoder_2": _T5},
    "z-image": {"text_encoder": _QWEN},
}
"""What stands before a part's names in a whole checkpoint, by layout and part; `VAES` for all."""
VAES = ("first_stage_model.", "vae.")

_NO_MODEL = (
    (lambda name: "lora" in name.lower(), "is an adapter (LoRA), no model. Move it into the folder loras."),
    (lambda name: name.startswith(("control_model.", "controlnet_")),
     "is a ControlNet. Move it into the folder controlnet."),
    (lambda name: name == "emb_params" or name.startswith("string_to_param"),
     "is a textual inversion. Move it into the folder embeddings."),
    (lambda name: name.startswith(("decoder.conv_in", "encoder.conv_in")), "is a VAE. Move it into the folder vae."),
    (lambda name: name.startswith(("text_model.embeddings", "shared.weight", "model.embed_tokens")),
     "is a text encoder. Move it into the folder text_encoders."),
    (lambda name: name.endswith("scaled_fp8"),
     "is in ComfyUI's scaled 8-bit format, which diffusers cannot read. Choose the bf16 or fp16 file."),
)  # fmt: skip


class Unknown(Exception):
    """Why a file is no model that can be loaded, as the end of the sentence "<file> …"."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a file is: its folder of configurations, pipeline class, and what its own shapes change in both configurations.

    `parts` are the parts inside the file with the prefix of their names, besides the denoiser; `licence` is what its maker
    wrote into the header.
    """

    name: str
    pipeline: str
    denoiser: Mapping[str, Any] = field(default_factory=dict)
    scheduler: Mapping[str, Any] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    licence: str = ""


def recognise(shapes: Shapes, title: str, configs: Path = CONFIGS) -> Layout:
    """The layout of a file. `title` decides only what no shape tells. Raises `Unknown`."""
    for fits, sentence in _NO_MODEL:
        if any(fits(name) for name in shapes):
            raise Unknown(sentence)
    own = {name.removeprefix(DENOISER): shape for name, shape in shapes.items() if name.startswith(DENOISER)} or dict(shapes)
    for mark, read in _READERS.items():
        if mark in own:
            found = read(own, shapes, title.lower(), configs)
            return Layout(**{**found.__dict__, "parts": _inside(found.name, shapes)})
    raise Unknown("is no checkpoint that the studio knows. Choose a repository in diffusers layout.")


def config(configs: Path, layout: str, part: str) -> dict[str, Any]:
    """The configuration of one part; empty where a layout has none."""
    file = configs / layout / part / ("scheduler_config.json" if part == "scheduler" else "config.json")
    return read_json(file) if file.is_file() else {}


def read_json(file: Path) -> dict[str, Any]:
    """A copy of a JSON file's object; the file is parsed again when it changes. Raises OSError, ValueError."""
    return dict(_parsed(file, file.stat().st_mtime_ns))


@lru_cache(maxsize=1024)
def _parsed(file: Path, _: int) -> dict[str, Any]:
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if isinstance(found, dict) else {}


def _inside(layout: str, shapes: Shapes) -> dict[str, str]:
    wanted = {"vae": VAES, **INSIDE[layout]}
    found = {part: next((each for each in prefixes if any(name.startswith(each) for name in shapes)), None)
             for part, prefixes in wanted.items()}  # fmt: skip
    return {part: prefix for part, prefix in found.items() if prefix is not None}


def _unet(own: Shapes, shapes: Shapes, title: str, configs: Path) -> Layout:
    """Stable Diffusion 1, 2, XL and its refiner differ in the width of the words and of the first layer."""
    words = next((shape[-1] for name, shape in sorted(own.items()) if name.endswith("attn2.to_k.weight")), 0)
    first, channels = own["input_blocks.0.0.weight"][:2]
    for name in UNETS:
        known = config(configs, name, "unet")
        if known and (known["cross_attention_dim"], known["block_out_channels"][0]) == (words, first):
            masked = {"in_channels": 9} if channels == 9 else {}
            if channels not in (4, 9) or "edm_mean" in shapes:
                break
            return Layout(name=name, pipeline=_UNETS[name, channels == 9], denoiser=masked,
                          scheduler=_prediction(name, shapes, title))  # fmt: skip
    raise Unknown("is a Stable Diffusion of a kind that single files are not loaded for. Choose it in diffusers layout.")


_UNETS = {
    (name, masked): f"Stable{kind}{'Inpaint' if masked else ''}Pipeline"
    for name, kind in (("sd15", "Diffusion"), ("sd21", "Diffusion"), ("sdxl", "DiffusionXL"))
    for masked in (False, True)
} | {("sdxl-refiner", masked): "StableDiffusionXLImg2ImgPipeline" for masked in (False, True)}


def _prediction(name: str, shapes: Shapes, title: str) -> dict[str, Any]:
    """What the denoiser predicts: some files say so with an empty tensor; Stable Diffusion 2 only by its name."""
    if "v_pred" in shapes:
        zero = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"} if "ztsnr" in shapes else {}
        return {"prediction_type": "v_prediction", **zero}
    if name == "sd21" and any(word in title for word in ("base", "512", "inpaint", "turbo")):
        return {"prediction_type": "epsilon"}
    return {}


def _flux(own: Shapes, _: Shapes, title: str, configs: Path) -> Layout:
    channels, guided = own["img_in.weight"][1], "guidance_in.in_layer.weight" in own
    plain = config(configs, "flux", "transformer").get("in_channels")
    if "distilled_guidance_layer.in_proj.bias" in own or channels not in (plain, 384):
        raise Unknown("is a relative of FLUX.1 that single files are not loaded for. Choose it in diffusers layout.")
    pipeline = "FluxFillPipeline" if channels != plain else "FluxKontextPipeline" if "kontext" in title else "FluxPipeline"
    straight = {} if guided else {"use_dynamic_shifting": False, "shift": 1.0}
    depth = {"num_layers": _depth(own, "double_blocks."), "num_single_layers": _depth(own, "single_blocks.")}
    out = {"out_channels": plain} if channels != plain else {}
    return Layout(name="flux", pipeline=pipeline, scheduler=straight,
                  denoiser={"in_channels": channels, "guidance_embeds": guided, **depth, **out})  # fmt: skip


def _sd3(own: Shapes, _: Shapes, __: str, configs: Path) -> Layout:
    depth = _depth(own, "joint_blocks.")
    dual = sorted({int(name.split(".")[1]) for name in own if ".attn2." in name})
    for name in _TRANSFORMERS_3:
        known = config(configs, name, "transformer")
        if known and (known["num_layers"], bool(known.get("dual_attention_layers"))) == (depth, bool(dual)):
            sides = {"pos_embed_max_size": isqrt(own["pos_embed"][1]), "dual_attention_layers": dual}
            return Layout(name=name, pipeline="StableDiffusion3Pipeline", denoiser=sides)
    raise Unknown("is a Stable Diffusion 3 of a size that the studio does not know. Choose it in diffusers layout.")


def _z_image(own: Shapes, _: Shapes, __: str, configs: Path) -> Layout:
    if own["cap_embedder.1.weight"][1] != config(configs, "z-image", "transformer").get("cap_feat_dim"):
        raise Unknown("is a relative of Z-Image that single files are not loaded for. Choose it in diffusers layout.")
    return Layout(name="z-image", pipeline="ZImagePipeline", denoiser={"n_layers": _depth(own, "layers.")})


def _depth(own: Shapes, stem: str) -> int:
    return 1 + max((int(name.removeprefix(stem).split(".")[0]) for name in own if name.startswith(stem)), default=-1)


Reader = Callable[[Shapes, Shapes, str, Path], Layout]
_READERS: Mapping[str, Reader] = {
    "input_blocks.0.0.weight": _unet,
    "double_blocks.0.img_attn.norm.key_norm.scale": _flux,
    "joint_blocks.0.x_block.adaLN_modulation.1.weight": _sd3,
    "layers.0.adaLN_modulation.0.weight": _z_image,
}
"""A name that only this kind of denoiser has → what reads the rest."""
