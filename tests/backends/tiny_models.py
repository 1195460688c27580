"""Small pipelines with random weights in plain diffusers layout, built in a second from configurations. No download."""

from __future__ import annotations

import json
import tempfile
import warnings
from pathlib import Path

TEXT = "a red house by the sea , at night . with two trees and one moon over blue mountains photo very long sentence"
WORDS = TEXT.split()


def tiny_sd(folder: Path, *, seed: int = 0, sample_size: int = 8, safety_checker: bool = False) -> Path:
    """A Stable-Diffusion pipeline of 1.5 MB: factor-8 VAE, two-layer CLIP, byte-level tokenizer. Returns `folder`.

    With `safety_checker` it has one that flags every picture.
    """
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.manual_seed(seed)
    pipe = StableDiffusionPipeline(
        vae=_vae(4),
        text_encoder=_clip(),
        tokenizer=_tokenizer(),
        unet=_unet(sample_size),
        scheduler=DDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1, clip_sample=False,
            prediction_type="v_prediction", timestep_spacing="trailing",
        ),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    if safety_checker:
        _add_safety_checker(pipe)
    return _save(pipe, folder)


def tiny_sdxl(folder: Path, *, seed: int = 0) -> Path:
    """A Stable-Diffusion-XL pipeline with two text encoders and pooled embeddings."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    pipe = StableDiffusionXLPipeline(
        vae=_vae(4), text_encoder=_clip(), text_encoder_2=_clip(projection=True), tokenizer=tokenizer, tokenizer_2=tokenizer,
        unet=_unet(8, xl=True),
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_sd3(folder: Path, *, seed: int = 0) -> Path:
    """A flow-matching Stable-Diffusion-3 pipeline without its T5 encoder, as many people run it."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    transformer = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=32, out_channels=4, pos_embed_max_size=32,
    )  # fmt: skip
    pipe = StableDiffusion3Pipeline(
        vae=_vae(4, shift=0.1), transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=_clip(projection=True, width=16), tokenizer=tokenizer,
        text_encoder_2=_clip(projection=True, width=16), tokenizer_2=tokenizer, text_encoder_3=None, tokenizer_3=None,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_flux(folder: Path, *, seed: int = 0) -> Path:
    """A FLUX.1 pipeline: packed latents, embedded guidance, one CLIP and one T5 encoder."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    t5 = T5EncoderModel(T5Config(vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4))
    pipe = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True), vae=_vae(4, shift=0.1),
        text_encoder=_clip(), tokenizer=tokenizer, text_encoder_2=t5, tokenizer_2=tokenizer, transformer=transformer,
    )  # fmt: skip
    return _save(pipe, folder)


def _vae(latents: int, shift: float | None = None):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), in_channels=3, out_channels=3, latent_channels=latents, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, norm_num_groups=4,
        mid_block_add_attention=False, scaling_factor=0.45, sample_size=64, shift_factor=shift,
    )  # fmt: skip


def _unet(sample_size: int, *, xl: bool = False):
    from diffusers import UNet2DConditionModel

    extra = {"cross_attention_dim": 32}
    if xl:
        extra = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8,
                 "projection_class_embeddings_input_dim": 80, "cross_attention_dim": 64}  # fmt: skip
    return UNet2DConditionModel(
        block_out_channels=(16, 32), layers_per_block=1, sample_size=sample_size, in_channels=4, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2, norm_num_groups=8, **extra,
    )  # fmt: skip


def _clip(*, projection: bool = False, width: int = 32):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=vocabulary_size(), hidden_size=width, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, projection_dim=width, bos_token_id=vocabulary_size() - 2,
        eos_token_id=vocabulary_size() - 1, pad_token_id=vocabulary_size() - 1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def vocabulary() -> dict[str, int]:
    """All bytes with and without the end-of-word mark, and the two special tokens: any Unicode text has tokens."""
    letters = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = [byte for byte in range(256) if byte not in letters]
    symbols = [chr(byte) for byte in letters] + [chr(256 + index) for index in range(len(other))]
    tokens = [*symbols, *(f"{symbol}</w>" for symbol in symbols), *(f"{a}{b}" for a, b in _merges())]
    return {token: index for index, token in enumerate([*dict.fromkeys(tokens), "<|startoftext|>", "<|endoftext|>"])}


def vocabulary_size() -> int:
    return len(vocabulary())


def _merges() -> list[tuple[str, str]]:
    """Whole words of `WORDS`, built from the left, so that common prompts have few tokens."""
    merges: dict[tuple[str, str], None] = {}
    for word in WORDS:
        parts = [*word[:-1], f"{word[-1]}</w>"]
        for end in range(1, len(parts)):
            merges["".join(parts[:end]), parts[end]] = None
    return list(merges)


def _tokenizer():
    from transformers import CLIPTokenizer

    with tempfile.TemporaryDirectory() as source:
        write_vocabulary(Path(source))
        return CLIPTokenizer.from_pretrained(source, model_max_length=77)


def write_vocabulary(folder: Path) -> None:
    """The two files of a CLIP tokenizer as older models have them."""
    (folder / "vocab.json").write_text(json.dumps(vocabulary()), encoding="utf-8")
    merges = "\n".join(["#version: 0.2", *(" ".join(pair) for pair in _merges())])
    (folder / "merges.txt").write_text(merges, encoding="utf-8")


def _add_safety_checker(pipe) -> None:
    from diffusers.pipelines.stable_diffusion import StableDiffusionSafetyChecker
    from transformers import CLIPConfig, CLIPImageProcessor

    vision = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 1, "num_attention_heads": 2,
              "image_size": 32, "patch_size": 16}  # fmt: skip
    checker = StableDiffusionSafetyChecker(CLIPConfig(vision_config=vision, projection_dim=8))
    checker.concept_embeds_weights.data.fill_(-10)
    pipe.register_modules(
        safety_checker=checker,
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
    )
    pipe.register_to_config(requires_safety_checker=True)


def _save(pipe, folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.save_pretrained(folder, safe_serialization=True)
    return folder
