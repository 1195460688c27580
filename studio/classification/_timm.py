"""A timm vision transformer, as Community Forensics publishes it, as transformers' own: the joint qkv is split in three."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_PARTS = {
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.o_proj": "attn.proj",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}


def load_timm_vit(folder: Path) -> Any:
    """A `ViTForImageClassification` with heads of 64 features. Raises KeyError or ValueError for another layout."""
    from safetensors.torch import load_file
    from transformers import ViTConfig, ViTForImageClassification

    stored = load_file(next(iter(sorted(folder.glob("*.safetensors")))))
    given = {name.removeprefix("vit.").removeprefix("model."): value.float() for name, value in stored.items()}
    width, _, patch, _ = given["patch_embed.proj.weight"].shape
    depth = 1 + max(int(name.split(".")[1]) for name in given if name.startswith("blocks."))
    config = ViTConfig(
        hidden_size=width,
        num_hidden_layers=depth,
        num_attention_heads=max(1, width // 64),
        intermediate_size=given["blocks.0.mlp.fc1.weight"].shape[0],
        image_size=round((given["pos_embed"].shape[1] - 1) ** 0.5) * patch,
        patch_size=patch,
        num_labels=given["head.weight"].shape[0],
        layer_norm_eps=1e-6,
    )
    model = ViTForImageClassification(config)
    model.load_state_dict(_renamed(given, depth))
    return model.eval()


def _renamed(given: dict[str, Any], depth: int) -> dict[str, Any]:
    made = {
        "vit.embeddings.cls_token": given["cls_token"],
        "vit.embeddings.position_embeddings": given["pos_embed"],
    }
    for kind in ("weight", "bias"):
        made[f"vit.embeddings.patch_embeddings.projection.{kind}"] = given[f"patch_embed.proj.{kind}"]
        made[f"vit.layernorm.{kind}"] = given[f"norm.{kind}"]
        made[f"classifier.{kind}"] = given[f"head.{kind}"]
        for number in range(depth):
            layer, block = f"vit.layers.{number}", f"blocks.{number}"
            for part, value in zip("qkv", given[f"{block}.attn.qkv.{kind}"].chunk(3), strict=True):
                made[f"{layer}.attention.{part}_proj.{kind}"] = value
            made |= {f"{layer}.{new}.{kind}": given[f"{block}.{old}.{kind}"] for new, old in _PARTS.items()}
    return made
