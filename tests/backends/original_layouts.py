"""Writes a model in diffusers layout as the one file that its makers would have published: names and fused tensors of old.

The reverse of diffusers' converters, written from the models' own repositories; works on tensors without numbers, too.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

UNET = "model.diffusion_model."
VAE = "first_stage_model."
_RESNET = {"norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
           "conv2": "out_layers.3", "conv_shortcut": "skip_connection"}  # fmt: skip
_UNET_ENDS = {"time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
              "conv_in": "input_blocks.0.0", "add_embedding.linear_1": "label_emb.0.0",
              "add_embedding.linear_2": "label_emb.0.2", "conv_norm_out": "out.0", "conv_out": "out.2"}  # fmt: skip
_ATTENTION = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}


def unet(tensors, config):
    """CompVis' names of a Stable Diffusion UNet of any depth."""
    layers, attended = config["layers_per_block"], [kind.startswith("Cross") for kind in config["up_block_types"]]
    return {_unet_name(name, layers, attended): tensor for name, tensor in tensors.items()}


def _unet_name(name, layers, attended):
    stem, _, ending = name.rpartition(".")
    if stem in _UNET_ENDS:
        return f"{_UNET_ENDS[stem]}.{ending}"
    if found := re.fullmatch(r"mid_block\.(resnets|attentions)\.(\d)\.(.+)", name):
        place = 1 if found[1] == "attentions" else 2 * int(found[2])
        return f"middle_block.{place}.{_resnet(found[3])}"
    side, block, kind, number, rest = re.fullmatch(
        r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)", name
    ).groups()
    block, number = int(block), int(number)
    if side == "down":
        place = 1 + block * (layers + 1) + (layers if kind == "downsamplers" else number)
        inner = {"resnets": f"0.{_resnet(rest)}", "attentions": f"1.{rest}", "downsamplers": f"0.op.{rest.split('.')[-1]}"}[
            kind
        ]
        return f"input_blocks.{place}.{inner}"
    place = block * (layers + 1) + (layers if kind == "upsamplers" else number)
    inner = {"resnets": f"0.{_resnet(rest)}", "attentions": f"1.{rest}", "upsamplers": f"{1 + attended[block]}.{rest}"}[kind]
    return f"output_blocks.{place}.{inner}"


def _resnet(rest):
    stem, _, ending = rest.rpartition(".")
    return f"{_RESNET.get(stem, stem)}.{ending}"


def vae(tensors, levels=4):
    """CompVis' names of a Stable Diffusion autoencoder; its attention was made of 1 × 1 convolutions."""
    named = {}
    for name, tensor in tensors.items():
        new = name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")
        new = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", new)
        new = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", new)
        new = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{levels - 1 - int(m[1])}.block.{m[2]}", new)
        new = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{levels - 1 - int(m[1])}.upsample", new)
        new = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", new)
        if "mid_block.attentions.0." in new:
            part = new.partition("mid_block.attentions.0.")[2]
            stem, _, ending = part.rpartition(".")
            new = new.replace(f"mid_block.attentions.0.{part}", f"mid.attn_1.{_ATTENTION[stem]}.{ending}")
            tensor = tensor[:, :, None, None] if tensor.ndim == 2 else tensor  # noqa: PLW2901  as it was
        named[new] = tensor
    return named


def clip(tensors):
    """transformers' names of a CLIP encoder with the wrapper that all files have."""
    return {name if name.startswith("text_") else f"text_model.{name}": tensor for name, tensor in tensors.items()}


def open_clip(tensors):
    """OpenCLIP's names: queries, keys and values in one tensor, the projection the other way round."""
    import torch

    tensors = {name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
    named = {"positional_embedding": tensors["embeddings.position_embedding.weight"],
             "token_embedding.weight": tensors["embeddings.token_embedding.weight"]}  # fmt: skip
    for ending in ("weight", "bias"):
        named[f"ln_final.{ending}"] = tensors[f"final_layer_norm.{ending}"]
    if "text_projection.weight" in tensors:
        named["text_projection"] = tensors["text_projection.weight"].T.contiguous()
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj",
             "self_attn.out_proj": "attn.out_proj"}  # fmt: skip
    for number in range(1 + max(int(name.split(".")[2]) for name in tensors if name.startswith("encoder.layers."))):
        block, new = f"encoder.layers.{number}.", f"transformer.resblocks.{number}."
        for ending in ("weight", "bias"):
            named |= {f"{new}{old}.{ending}": tensors[f"{block}{name}.{ending}"] for name, old in names.items()}
            fused = [tensors[f"{block}self_attn.{part}_proj.{ending}"] for part in "qkv"]
            named[f"{new}attn.in_proj_{ending}"] = torch.cat(fused)
    return named


def flux(tensors):
    """Black Forest Labs' names."""
    import torch

    fused = {"attn.to_q": ("img_attn.qkv", 0), "attn.to_k": ("img_attn.qkv", 1), "attn.to_v": ("img_attn.qkv", 2),
             "attn.add_q_proj": ("txt_attn.qkv", 0), "attn.add_k_proj": ("txt_attn.qkv", 1),
             "attn.add_v_proj": ("txt_attn.qkv", 2)}  # fmt: skip
    double = {"norm1.linear": "img_mod.lin", "norm1_context.linear": "txt_mod.lin", "attn.to_out.0": "img_attn.proj",
              "attn.to_add_out": "txt_attn.proj", "attn.norm_q": "img_attn.norm.query_norm",
              "attn.norm_k": "img_attn.norm.key_norm", "attn.norm_added_q": "txt_attn.norm.query_norm",
              "attn.norm_added_k": "txt_attn.norm.key_norm", "ff.net.0.proj": "img_mlp.0", "ff.net.2": "img_mlp.2",
              "ff_context.net.0.proj": "txt_mlp.0", "ff_context.net.2": "txt_mlp.2"}  # fmt: skip
    single = {"norm.linear": "modulation.lin", "proj_out": "linear2", "attn.norm_q": "norm.query_norm",
              "attn.norm_k": "norm.key_norm"}  # fmt: skip
    rest = {"x_embedder": "img_in", "context_embedder": "txt_in", "proj_out": "final_layer.linear"}
    for place, new in (
        ("timestep_embedder", "time_in"),
        ("text_embedder", "vector_in"),
        ("guidance_embedder", "guidance_in"),
    ):
        rest |= {
            f"time_text_embed.{place}.linear_1": f"{new}.in_layer",
            f"time_text_embed.{place}.linear_2": f"{new}.out_layer",
        }
    named, together = {}, {}
    for name, tensor in tensors.items():
        stem, _, ending = name.rpartition(".")
        if block := re.fullmatch(r"(single_)?transformer_blocks\.(\d+)\.(.+)", stem):
            one, number, layer = block.groups()
            start = f"{'single' if one else 'double'}_blocks.{number}."
            ending = "scale" if ".norm_" in layer else ending
            if one and layer in ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"):
                order = ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp").index(layer)
                together.setdefault(f"{start}linear1.{ending}", {})[order] = tensor
            elif not one and layer in fused:
                together.setdefault(f"{start}{fused[layer][0]}.{ending}", {})[fused[layer][1]] = tensor
            else:
                named[f"{start}{(single if one else double)[layer]}.{ending}"] = tensor
        elif stem == "norm_out.linear":
            named[f"final_layer.adaLN_modulation.1.{ending}"] = _swap(tensor)
        else:
            named[f"{rest[stem]}.{ending}"] = tensor
    return named | {name: torch.cat([parts[place] for place in sorted(parts)]) for name, parts in together.items()}


def sd3(tensors):
    """Stability AI's names of Stable Diffusion 3 and 3.5."""
    import torch

    ends = {"pos_embed.pos_embed": "pos_embed", "norm_out.linear": "final_layer.adaLN_modulation.1",
            "pos_embed.proj": "x_embedder.proj", "context_embedder": "context_embedder",
            "proj_out": "final_layer.linear"}  # fmt: skip
    for place, new in (("timestep_embedder", "t_embedder"), ("text_embedder", "y_embedder")):
        ends |= {f"time_text_embed.{place}.linear_1": f"{new}.mlp.0", f"time_text_embed.{place}.linear_2": f"{new}.mlp.2"}
    layers = {"attn.to_out.0": "x_block.attn.proj", "attn.to_add_out": "context_block.attn.proj",
              "attn2.to_out.0": "x_block.attn2.proj", "ff.net.0.proj": "x_block.mlp.fc1", "ff.net.2": "x_block.mlp.fc2",
              "ff_context.net.0.proj": "context_block.mlp.fc1", "ff_context.net.2": "context_block.mlp.fc2",
              "norm1.linear": "x_block.adaLN_modulation.1", "norm1_context.linear": "context_block.adaLN_modulation.1",
              "attn.norm_q": "x_block.attn.ln_q", "attn.norm_k": "x_block.attn.ln_k",
              "attn.norm_added_q": "context_block.attn.ln_q", "attn.norm_added_k": "context_block.attn.ln_k",
              "attn2.norm_q": "x_block.attn2.ln_q", "attn2.norm_k": "x_block.attn2.ln_k"}  # fmt: skip
    fused = {f"{place}.{name}": (f"{new}.qkv", number) for place, pattern, new in (
                 ("attn", "to_{}", "x_block.attn"), ("attn", "add_{}_proj", "context_block.attn"),
                 ("attn2", "to_{}", "x_block.attn2"))
             for number, name in enumerate(pattern.format(part) for part in "qkv")}  # fmt: skip
    blocks = [name.split(".")[1] for name in tensors if name.startswith("transformer_blocks.")]
    last = str(max(map(int, blocks)))
    named, together = {}, {}
    for name, tensor in tensors.items():
        stem, _, ending = name.rpartition(".")
        if block := re.fullmatch(r"transformer_blocks\.(\d+)\.(.+)", stem):
            number, layer = block.groups()
            if layer in fused:
                new, place = fused[layer]
                together.setdefault(f"joint_blocks.{number}.{new}.{ending}", {})[place] = tensor
                continue
            swapped = number == last and layer == "norm1_context.linear"
            named[f"joint_blocks.{number}.{layers[layer]}.{ending}"] = _swap(tensor) if swapped else tensor
        else:
            new = ends.get(name) or f"{ends[stem]}.{ending}"
            named[new] = _swap(tensor) if stem == "norm_out.linear" else tensor
    return named | {name: torch.cat([parts[place] for place in range(3)]) for name, parts in together.items()}


def _swap(tensor):
    """Scale and shift the other way round."""
    import torch

    return torch.cat(tuple(reversed(tensor.chunk(2))))


def z_image(tensors):
    """Tongyi's names."""
    import torch

    named, together = {}, {}
    for name, tensor in tensors.items():
        new = name.replace("all_final_layer.2-1.", "final_layer.").replace("all_x_embedder.2-1.", "x_embedder.")
        new = new.replace(".attention.to_out.0.", ".attention.out.")
        new = new.replace(".attention.norm_k.", ".attention.k_norm.").replace(".attention.norm_q.", ".attention.q_norm.")
        if found := re.fullmatch(r"(.+\.attention\.)to_([qkv])(\.weight)", new):
            together.setdefault(f"{found[1]}qkv{found[3]}", {})["qkv".index(found[2])] = tensor
        else:
            named[new] = tensor
    return named | {name: torch.cat([parts[place] for place in range(3)]) for name, parts in together.items()}


TRANSFORMERS = {"flux": flux, "z-image": z_image, **dict.fromkeys(("sd3-medium", "sd35-medium", "sd35-large"), sd3)}


def under(prefix, tensors):
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def tensors_of(folder: Path):
    from safetensors.torch import load_file

    return {name: tensor for file in sorted(folder.glob("*.safetensors")) for name, tensor in load_file(file).items()}


def save(tensors, file: Path) -> Path:
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, file)
    return file


def checkpoint(model: Path, layout: str, file: Path, *, whole: bool = True) -> Path:
    """The model in the folder `model` as one file; not `whole`: its denoiser alone, as FLUX.1 was published."""
    own = "unet" if (model / "unet").is_dir() else "transformer"
    config = json.loads((model / own / "config.json").read_text())
    tensors = tensors_of(model / own)
    found = unet(tensors, config) if own == "unet" else TRANSFORMERS[layout](tensors)
    if not whole:
        return save(found, file)
    found = under(UNET, found) | under(VAE if own == "unet" else "vae.", vae(tensors_of(model / "vae")))
    return save(found | encoders(model, layout), file)


_ENCODERS = {
    "sd15": (("text_encoder", "cond_stage_model.transformer.", clip),),
    "sd21": (("text_encoder", "cond_stage_model.model.", open_clip),),
    "sdxl": (("text_encoder", "conditioner.embedders.0.transformer.", clip),
             ("text_encoder_2", "conditioner.embedders.1.model.", open_clip)),
    "sdxl-refiner": (("text_encoder_2", "conditioner.embedders.0.model.", open_clip),),
    "sd3-medium": (("text_encoder", "text_encoders.clip_l.transformer.", clip),
                   ("text_encoder_2", "text_encoders.clip_g.transformer.", clip)),
    "flux": (("text_encoder", "text_encoders.clip_l.transformer.", clip),
             ("text_encoder_2", "text_encoders.t5xxl.transformer.", dict)),
    "z-image": (("text_encoder", "text_encoders.qwen3_4b.transformer.model.", dict),),
}  # fmt: skip


def encoders(model: Path, layout: str):
    found = {}
    for part, prefix, write in _ENCODERS[layout]:
        found |= under(prefix, write(tensors_of(model / part)))
    return found


def configurations(model: Path, layout: str, configs: Path) -> None:
    """The configurations of a tiny model where the studio looks for those of the real ones."""
    for file in model.rglob("*.json"):
        if not file.parent.name.startswith("tokenizer"):
            place = configs / layout / file.relative_to(model)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)


def header(file, **shapes):
    """A safetensors file with these tensors of zeros, one byte each number."""
    entries, end = {}, 0
    for name, shape in shapes.items():
        size = 1
        for side in shape:
            size *= side
        entries[name] = {"dtype": "F8_E4M3", "shape": list(shape), "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(entries).encode()
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        stream.write(len(text).to_bytes(8, "little") + text)
        stream.truncate(8 + len(text) + end)
    return file
