"""Tiny adapters in the dialects in which people share them, made for the models of `tiny_models`."""

from __future__ import annotations

import json
from pathlib import Path

RANK = 2


def layers_of(module, names=("to_q", "to_k", "to_v", "to_out.0")):
    """The linear layers of a network's attention: path, inputs, outputs."""
    import torch

    return [(path, layer.in_features, layer.out_features) for path, layer in module.named_modules()
            if isinstance(layer, torch.nn.Linear) and path.endswith(names)]  # fmt: skip


def _pairs(module, names, seed):
    import torch

    torch.manual_seed(seed)
    for path, inputs, outputs in layers_of(module, names):
        yield path, torch.randn(RANK, inputs) * 0.5, torch.randn(outputs, RANK) * 0.5


UNET = ("to_q", "to_k", "to_v", "to_out.0")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj")


def kohya(pipe, file: Path, *, seed=1, text=True, prefix="lora_unet", told=None, strangers=0) -> Path:
    """kohya-ss: `lora_unet_down_blocks_0_….lora_down.weight` with an alpha each; `lora_te_…` for the text encoder."""
    import torch

    state = {}
    parts = [(prefix, getattr(pipe, "unet", None) or pipe.transformer, UNET)]
    if text:
        two = hasattr(pipe, "text_encoder_2")
        parts.append((("lora_te1" if two else "lora_te") + "_text_model", pipe.text_encoder, TEXT))
    for name, module, layers in parts:
        for path, down, up in _pairs(module, layers, seed):
            key = f"{name}_{path.replace('.', '_')}"
            state |= {
                f"{key}.lora_down.weight": down,
                f"{key}.lora_up.weight": up,
                f"{key}.alpha": torch.tensor(float(RANK)),
            }
    for number in range(strangers):
        key = f"{prefix}_down_blocks_9_attentions_{number}_transformer_blocks_0_attn1_to_q"
        state |= {f"{key}.lora_down.weight": torch.randn(RANK, 32), f"{key}.lora_up.weight": torch.randn(32, RANK),
                  f"{key}.alpha": torch.tensor(2.0)}  # fmt: skip
    return _save(state, file, told)


def peft(pipe, file: Path, *, seed=1, told=None) -> Path:
    """PEFT: `unet.….lora_A.weight`."""
    part, module = ("unet", pipe.unet) if hasattr(pipe, "unet") else ("transformer", pipe.transformer)
    state = {}
    for path, down, up in _pairs(module, UNET, seed):
        state |= {f"{part}.{path}.lora_A.weight": down, f"{part}.{path}.lora_B.weight": up}
    return _save(state, file, told)


def diffusers_old(pipe, file: Path, *, seed=1) -> Path:
    """diffusers before PEFT: `unet.….processor.to_q_lora.down.weight`."""
    state = {}
    for path, down, up in _pairs(pipe.unet, UNET, seed):
        block, _, name = path.removesuffix(".0").rpartition(".")
        state |= {
            f"unet.{block}.processor.{name}_lora.down.weight": down,
            f"unet.{block}.processor.{name}_lora.up.weight": up,
        }
    return _save(state, file, None)


def kohya_flux(file: Path, *, seed=1, width=32) -> Path:
    """kohya-ss for FLUX: one layer for queries, keys and values together."""
    import torch

    torch.manual_seed(seed)
    state = {}
    for part in ("img", "txt"):
        for layer, outputs in (("attn_qkv", 3 * width), ("attn_proj", width)):
            key = f"lora_unet_double_blocks_0_{part}_{layer}"
            state[f"{key}.lora_down.weight"] = torch.randn(RANK, width)
            state[f"{key}.lora_up.weight"] = torch.randn(outputs, RANK)
            state[f"{key}.alpha"] = torch.tensor(float(RANK))
    return _save(state, file, None)


def strangers(file: Path) -> Path:
    """A LoRA for a UNet of which no layer is there."""
    import torch

    key = "unet.down_blocks.9.attentions.0.transformer_blocks.0.attn1.to_q"
    return _save({f"{key}.lora_A.weight": torch.randn(RANK, 32), f"{key}.lora_B.weight": torch.randn(32, RANK)}, file, None)


def embedding(file: Path, widths=(32,), *, vectors=2, seed=1, key="emb_params") -> Path:
    """A textual inversion: `emb_params` for one encoder, `clip_l` and `clip_g` for two."""
    import torch

    torch.manual_seed(seed)
    names = (key,) if len(widths) == 1 else ("clip_l", "clip_g")
    return _save({name: torch.randn(vectors, width) for name, width in zip(names, widths, strict=True)}, file, None)


def controlnet(pipe, folder: Path, *, seed=1) -> Path:
    """A ControlNet for a UNet, its last layers not zero as a trained one's."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    net = ControlNetModel.from_unet(pipe.unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
    _stir(net)
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def controlnet_file(pipe, file: Path, *, seed=1) -> Path:
    """The same as one file."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    net = ControlNetModel.from_unet(pipe.unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
    _stir(net)
    return _save(dict(net.state_dict()), file, None)


def flux_controlnet(pipe, folder: Path, *, seed=1) -> Path:
    import torch
    from diffusers import FluxControlNetModel

    torch.manual_seed(seed)
    net = FluxControlNetModel.from_transformer(pipe.transformer, num_layers=1, num_single_layers=1,
                                               load_weights_from_transformer=False,
                                               attention_head_dim=16, num_attention_heads=2)  # fmt: skip
    _stir(net)
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def sd3_controlnet(pipe, folder: Path, *, seed=1) -> Path:
    import torch
    from diffusers import SD3ControlNetModel

    torch.manual_seed(seed)
    net = SD3ControlNetModel.from_transformer(pipe.transformer, num_layers=1, num_extra_conditioning_channels=0,
                                             load_weights_from_transformer=False)  # fmt: skip
    _stir(net)
    net.save_pretrained(folder, safe_serialization=True)
    return folder


def _stir(net) -> None:
    import torch

    for value in net.parameters():
        if not value.abs().sum():
            torch.nn.init.normal_(value, std=0.3)


def ip_adapter(pipe, folder: Path, *, seed=1) -> Path:
    """An IP-Adapter of four tokens with its image encoder beside it. Returns its file."""
    import torch
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    encoder = CLIPVisionModelWithProjection(CLIPVisionConfig(
        hidden_size=16, intermediate_size=16, projection_dim=8, num_hidden_layers=1, num_attention_heads=2, image_size=32,
        patch_size=16,
    ))  # fmt: skip
    encoder.save_pretrained(folder / "image_encoder", safe_serialization=True)
    width = pipe.unet.config.cross_attention_dim
    state = {"image_proj.proj.weight": torch.randn(4 * width, 8), "image_proj.proj.bias": torch.randn(4 * width),
             "image_proj.norm.weight": torch.ones(width), "image_proj.norm.bias": torch.zeros(width)}  # fmt: skip
    number = 1
    for name in pipe.unet.attn_processors:
        if name.endswith("attn2.processor"):
            outputs = pipe.unet.get_submodule(name.removesuffix(".processor")).to_k.out_features
            state |= {f"ip_adapter.{number}.to_{key}_ip.weight": torch.randn(outputs, width) for key in "kv"}
            number += 2
    return _save(state, folder / f"{folder.name}.safetensors", None)


def vae_folder(pipe, folder: Path, *, seed=5) -> Path:
    other_vae(pipe, seed).save_pretrained(folder, safe_serialization=True)
    return folder


def vae_file(pipe, file: Path, *, seed=5) -> Path:
    return _save(dict(other_vae(pipe, seed).state_dict()), file, None)


def other_vae(pipe, seed):
    import torch

    torch.manual_seed(seed)
    return type(pipe.vae).from_config(pipe.vae.config)


def tags(**words: int) -> dict[str, str]:
    """kohya's count of the tags of its training pictures."""
    return {"ss_tag_frequency": json.dumps({"10_things": words})}


def _save(state, file: Path, told) -> Path:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in state.items()}, file, metadata=told)
    return file


_RESNET = (("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"), ("norm2", "out_layers.0"),
           ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection"))  # fmt: skip


def controlnet_original(pipe, file: Path, *, seed=1) -> Path:
    """The same in the layout of its authors: `control_model.input_blocks.…`."""
    import torch
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    net = ControlNetModel.from_unet(pipe.unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
    _stir(net)
    layers = pipe.unet.config.layers_per_block
    return _save({f"control_model.{_original(name, layers)}": value for name, value in net.state_dict().items()}, file, None)


def _original(name: str, layers: int) -> str:
    """A name of diffusers' ControlNet as its authors have it."""
    import re

    plain = {"conv_in.": "input_blocks.0.0.", "time_embedding.linear_1.": "time_embed.0.", "controlnet_mid_block.":
             "middle_block_out.0.", "time_embedding.linear_2.": "time_embed.2.", "mid_block.resnets.0.": "middle_block.0.",
             "mid_block.attentions.0.": "middle_block.1.", "mid_block.resnets.1.": "middle_block.2.",
             "controlnet_cond_embedding.conv_in.": "input_hint_block.0.",
             "controlnet_cond_embedding.conv_out.": "input_hint_block.14."}  # fmt: skip
    for mine, theirs in plain.items():
        if name.startswith(mine):
            name = theirs + name.removeprefix(mine)
    name = re.sub(r"^controlnet_down_blocks\.(\d+)", r"zero_convs.\1.0", name)
    name = re.sub(r"^controlnet_cond_embedding\.blocks\.(\d+)", lambda m: f"input_hint_block.{2 * int(m[1]) + 2}", name)
    name = re.sub(
        r"^down_blocks\.(\d+)\.(resnets|attentions)\.(\d+)",
        lambda m: f"input_blocks.{1 + int(m[1]) * (layers + 1) + int(m[3])}.{int(m[2] == 'attentions')}",
        name,
    )
    name = re.sub(
        r"^down_blocks\.(\d+)\.downsamplers\.0\.conv", lambda m: f"input_blocks.{(int(m[1]) + 1) * (layers + 1)}.0.op", name
    )
    for mine, theirs in _RESNET:
        name = re.sub(rf"\.{mine}\.(weight|bias)$", rf".{theirs}.\1", name) if "transformer_blocks" not in name else name
    return name


def vae_original(pipe, file: Path, *, seed=5) -> Path:
    """A VAE in the layout of its authors: `decoder.up.0.block.0.…`, without the rest of a checkpoint."""
    import re

    state = {}
    blocks = len(pipe.vae.config.block_out_channels)
    for name, value in other_vae(pipe, seed).state_dict().items():
        key = re.sub(r"down_blocks\.(\d+)\.resnets", r"down.\1.block", name)
        key = re.sub(r"down_blocks\.(\d+)\.downsamplers\.0", r"down.\1.downsample", key)
        key = re.sub(r"up_blocks\.(\d+)\.resnets", lambda m: f"up.{blocks - 1 - int(m[1])}.block", key)
        key = re.sub(r"up_blocks\.(\d+)\.upsamplers\.0", lambda m: f"up.{blocks - 1 - int(m[1])}.upsample", key)
        key = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", key)
        state[key.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")] = value
    return _save(state, file, None)


def depth_model(folder: Path, *, seed=1) -> Path:
    """A depth estimator in transformers' layout."""
    import torch
    from transformers import DPTConfig, DPTForDepthEstimation
    from transformers.models.dpt.image_processing_pil_dpt import DPTImageProcessorPil

    torch.manual_seed(seed)
    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[8, 8, 8, 8], fusion_hidden_size=8, is_hybrid=False,
        use_auxiliary_head=False,
    )  # fmt: skip
    estimator = DPTForDepthEstimation(config)
    for value in estimator.head.parameters():
        value.data.abs_()
    estimator.save_pretrained(folder, safe_serialization=True)
    DPTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder
