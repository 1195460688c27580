"""Tiny classifiers in the layouts that are published, with random weights."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import (
    SiglipConfig,
    SiglipForImageClassification,
    SwinConfig,
    SwinForImageClassification,
    Swinv2Config,
    Swinv2ForImageClassification,
    ViTConfig,
    ViTForImageClassification,
)

PLAIN = {
    "do_resize": True,
    "size": {"height": 32, "width": 32},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": [0.5, 0.4, 0.3],
    "image_std": [0.2, 0.25, 0.3],
}
VIT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "image_size": 32,
    "patch_size": 8,
}
SWIN = {"image_size": 32, "patch_size": 4, "embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2], "window_size": 4}


def labelled(*names: str) -> dict[str, Any]:
    return {"id2label": dict(enumerate(names)), "label2id": {name: place for place, name in enumerate(names)}}


def build(kind: str, *names: str) -> Any:
    """A model of this kind with these labels."""
    torch.manual_seed(1)
    if kind == "vit":
        return ViTForImageClassification(ViTConfig(**VIT, **labelled(*names))).eval()
    if kind == "swin":
        return SwinForImageClassification(SwinConfig(**SWIN, **labelled(*names))).eval()
    if kind == "swinv2":
        return Swinv2ForImageClassification(Swinv2Config(**SWIN, **labelled(*names))).eval()
    vision = {**VIT}
    return SiglipForImageClassification(SiglipConfig(vision_config=vision, **labelled(*names))).eval()


def write(folder: Path, model: Any, preprocessor: dict[str, Any] = PLAIN) -> Path:
    model.save_pretrained(str(folder))
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


class TimmViT(nn.Module):
    """The forward pass of timm's ViT, written down from its paper, with timm's names; heads of 64 features."""

    def __init__(self, width: int = 128, depth: int = 2, side: int = 32, patch: int = 8, outputs: int = 1) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.pos_embed = nn.Parameter(torch.randn(1, (side // patch) ** 2 + 1, width) * 0.1)
        self.blocks = nn.ModuleList(self._block(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.head = nn.Linear(width, outputs)

    def _block(self, width: int) -> nn.Module:
        block = nn.Module()
        block.norm1, block.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        block.attn, block.mlp = nn.Module(), nn.Module()
        block.attn.qkv, block.attn.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        block.mlp.fc1, block.mlp.fc2 = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        return block

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            q, k, v = (
                part.reshape(*part.shape[:2], -1, 64).transpose(1, 2) for part in block.attn.qkv(block.norm1(x)).chunk(3, -1)
            )
            mixed = torch.softmax(q @ k.transpose(-1, -2) / 8, -1) @ v
            x = x + block.attn.proj(mixed.transpose(1, 2).flatten(2))
            x = x + block.mlp.fc2(nn.functional.gelu(block.mlp.fc1(block.norm2(x))))
        return self.head(self.norm(x)[:, 0])


def write_timm(folder: Path, outputs: int = 1) -> TimmViT:
    """In the layout of a model hub mixin: weights below `vit.`, a config without a model type."""
    folder.mkdir(parents=True)
    model = TimmViT(outputs=outputs).eval()
    save_file(
        {f"vit.{name}": value.contiguous() for name, value in model.state_dict().items()}, folder / "model.safetensors"
    )
    (folder / "config.json").write_text(json.dumps({"model_size": "small", "input_size": 32, "patch_size": 8}))
    preprocessor = {**PLAIN, "size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": {"height": 32, "width": 32}}
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return model
