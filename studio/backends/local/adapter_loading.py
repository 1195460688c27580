"""Loads single adapters from their files: safetensors only, nothing from the network, every tensor accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

from studio.backends.local.adapter_files import AdapterFile, encoder_of, read_config
from studio.core.errors import NotConfigured, Unavailable

_HINT = ("conv_in", "blocks.1", "blocks.3", "blocks.5")
"""The layers of a ControlNet that read its picture, of those that change the width."""
_FOLDER = {"use_safetensors": True, "local_files_only": True}


def tensors(file: AdapterFile) -> dict[str, Any]:
    from safetensors.torch import load_file

    return dict(load_file(file.files[0]))


def vae(file: AdapterFile, own: Any, where: Mapping[str, Any]) -> Any:
    """A VAE in the place of a model's `own`, whose layout a single file must have."""
    from diffusers import AutoencoderKL

    if file.path.is_dir():
        return AutoencoderKL.from_pretrained(file.path, variant=_variant(file), **_FOLDER).to(**where).eval()
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    state = tensors(file)
    if not any("down_blocks" in name for name in state):
        state = convert_ldm_vae_checkpoint(state, own.config)
    return _filled(type(own).from_config(own.config), state, file).to(**where).eval()


def controlnet(file: AdapterFile, denoiser: Any, where: Mapping[str, Any]) -> Any:
    """A ControlNet; a single file has the layout of the UNet that it steers."""
    import diffusers

    if file.path.is_dir():
        kind = getattr(diffusers, str(read_config(file.path)["_class_name"]))
        return kind.from_pretrained(file.path, variant=_variant(file), **_FOLDER).to(**where).eval()
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    make, state = diffusers.ControlNetModel.from_unet, tensors(file)
    state = convert_controlnet_checkpoint(state, make(denoiser, load_weights_from_unet=False).config)
    hint = [state.get(f"controlnet_cond_embedding.{name}.weight") for name in _HINT]
    widths = {"conditioning_embedding_out_channels": tuple(len(layer) for layer in hint)} if all(
        layer is not None for layer in hint) else {}  # fmt: skip
    return _filled(make(denoiser, load_weights_from_unet=False, **widths), state, file).to(**where).eval()


def ip_adapter(file: AdapterFile) -> dict[str, dict[str, Any]]:
    """The two halves of an IP-Adapter's file as diffusers wants them."""
    halves: dict[str, dict[str, Any]] = {"image_proj": {}, "ip_adapter": {}}
    for name, value in tensors(file).items():
        half, _, rest = name.partition(".")
        if half in halves:
            halves[half][rest] = value
    return halves


def image_encoder(files: Sequence[AdapterFile], where: Mapping[str, Any]) -> tuple[Any, Any]:
    """The image encoder that all of `files` share, and what prepares pictures for it."""
    from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

    folders = {encoder_of(file.path) for file in files}
    folder = next(iter(folders))
    if len(folders) > 1 or folder is None:
        raise NotConfigured("The IP-Adapters have different image encoders, so they cannot go together. Remove one.")
    encoder = CLIPVisionModelWithProjection.from_pretrained(folder, **_FOLDER).to(**where).eval()
    side = encoder.config.image_size
    return encoder, CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})


def embedding(file: AdapterFile) -> tuple[Any, ...]:
    """A textual inversion's vectors (rows) for each text encoder."""
    state = tensors(file)
    parts = [state[name] for name in ("clip_l", "clip_g") if name in state] or list(state.values())
    return tuple(part.reshape(-1, part.shape[-1]) for part in parts)


def add_tokens(tokenizer: Any, encoder: Any, rows: Mapping[str, Any], undone: ExitStack) -> None:
    """Give a tokenizer new tokens and the encoder their vectors; the encoder's own table comes back at the end."""
    import torch

    own, size = encoder.get_input_embeddings(), encoder.config.vocab_size
    tokenizer.add_tokens(list(rows))
    ids = tokenizer.convert_tokens_to_ids(list(rows))
    table = torch.zeros(
        max(own.num_embeddings, max(ids) + 1), own.embedding_dim, dtype=own.weight.dtype, device=own.weight.device
    )
    table[: own.num_embeddings] = own.weight.detach()
    for id, row in zip(ids, rows.values(), strict=True):
        table[id] = row.to(table)

    def put_back() -> None:
        encoder.set_input_embeddings(own)
        encoder.config.vocab_size = size

    undone.callback(put_back)
    larger = torch.nn.Embedding(table.shape[0], table.shape[1], _weight=table, _freeze=True)
    encoder.set_input_embeddings(larger)


def _variant(file: AdapterFile) -> str | None:
    return next((word for word in ("fp16", "bf16") if all(f".{word}" in path.name for path in file.files)), None)


def _filled(empty: Any, state: Mapping[str, Any], file: AdapterFile) -> Any:
    """`empty` with the weights of `state`. Raises `Unavailable` unless every one is there and has its shape."""
    try:
        empty.load_state_dict(state)
    except RuntimeError as error:
        why = f"{file.name} does not have the layout of this model. Choose one that was made for it."
        raise Unavailable(why) from error
    return empty
