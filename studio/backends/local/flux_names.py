"""FLUX.1's own names of its tensors as diffusers' names, at any width (diffusers' converter knows one width only)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_DOUBLE = {
    "img_mod.lin": "norm1.linear", "txt_mod.lin": "norm1_context.linear",
    "img_attn.proj": "attn.to_out.0", "txt_attn.proj": "attn.to_add_out",
    "img_attn.norm.query_norm": "attn.norm_q", "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q", "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_mlp.0": "ff.net.0.proj", "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj", "txt_mlp.2": "ff_context.net.2",
}  # fmt: skip
_SINGLE = {
    "modulation.lin": "norm.linear", "linear2": "proj_out",
    "norm.query_norm": "attn.norm_q", "norm.key_norm": "attn.norm_k",
}  # fmt: skip
_FUSED = {
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
}
"""Layers that stand one below the other in one tensor; the last takes what is left."""
_REST = {
    "img_in": "x_embedder", "txt_in": "context_embedder", "final_layer.linear": "proj_out",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
}  # fmt: skip
_BLOCKS = {"double_blocks": ("transformer_blocks", _DOUBLE), "single_blocks": ("single_transformer_blocks", _SINGLE)}
_LAST = "final_layer.adaLN_modulation.1"
"""Shift and scale in FLUX's order; diffusers has scale first."""


def to_diffusers(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """Every tensor under diffusers' name; what FLUX.1 does not have is left out."""
    width = tensors["img_in.bias"].shape[0]
    return dict(pair for name, tensor in tensors.items() for pair in _renamed(name, tensor, width))


def _renamed(name: str, tensor: Any, width: int) -> Iterator[tuple[str, Any]]:
    import torch

    stem, _, kind = name.rpartition(".")
    ending = "weight" if kind == "scale" else kind
    block, _, rest = stem.partition(".")
    if block in _BLOCKS:
        number, _, layer = rest.partition(".")
        folder, layers = _BLOCKS[block]
        if layer in layers:
            yield f"{folder}.{number}.{layers[layer]}.{ending}", tensor
        for place, own in enumerate(_FUSED.get(layer, ())):
            part = tensor[place * width : (place + 1) * width if own != "proj_mlp" else None]
            yield f"{folder}.{number}.{own}.{ending}", part.contiguous()
    elif stem == _LAST:
        shift, scale = tensor.chunk(2)
        yield f"norm_out.linear.{ending}", torch.cat([scale, shift])
    elif stem in _REST:
        yield f"{_REST[stem]}.{ending}", tensor
