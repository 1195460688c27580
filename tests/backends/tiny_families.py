"""Small pipelines with random weights for the families that `tiny_models` leaves out, each a good second to build."""

from __future__ import annotations

import warnings
from pathlib import Path

import tiny_models as tiny


def tiny_sd2(folder: Path, *, seed: int = 0) -> Path:
    """Stable Diffusion 2.1: v-prediction, one OpenCLIP encoder of width 1024, made for 768 pixels."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.manual_seed(seed)
    pipe = StableDiffusionPipeline(
        vae=tiny._vae(4), text_encoder=tiny._clip(width=1024), tokenizer=tiny._tokenizer(),
        unet=tiny._unet(96, cross_attention_dim=1024),
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                                steps_offset=1, prediction_type="v_prediction"),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_refiner(folder: Path, *, seed: int = 0) -> Path:
    """The Stable-Diffusion-XL refiner: the second encoder alone, and a score for beauty among the conditions."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLImg2ImgPipeline

    torch.manual_seed(seed)
    unet = tiny._unet(8, xl=True, cross_attention_dim=48, projection_class_embeddings_input_dim=88)
    pipe = StableDiffusionXLImg2ImgPipeline(
        vae=tiny._vae(4), text_encoder=None, tokenizer=None, text_encoder_2=tiny._clip(projection=True, width=48),
        tokenizer_2=tiny._tokenizer(), unet=unet, requires_aesthetics_score=True, force_zeros_for_empty_prompt=False,
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_schnell(folder: Path, *, seed: int = 0) -> Path:
    """FLUX.1 schnell: a transformer that is told no guidance scale."""
    return _flux("FluxPipeline", folder, seed, guided=False)


def tiny_kontext(folder: Path, *, seed: int = 0) -> Path:
    """FLUX.1 Kontext: the picture to be edited stands beside the latents."""
    return _flux("FluxKontextPipeline", folder, seed)


def tiny_klein(folder: Path, *, seed: int = 0, distilled: bool = False) -> Path:
    """FLUX.2 klein: three layers of a language model read the prompt, latents are normalised in patches."""
    import torch
    from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2KleinPipeline, Flux2Transformer2DModel
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(seed)
    tokenizer = _chatting_tokenizer()
    encoder = Qwen3ForCausalLM(Qwen3Config(
        hidden_size=8, intermediate_size=8, num_hidden_layers=28, num_attention_heads=1, num_key_value_heads=1, head_dim=8,
        vocab_size=len(tokenizer), max_position_embeddings=512,
    ))  # fmt: skip
    transformer = Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=24, timestep_guidance_channels=256, axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 16, 16), latent_channels=4, layers_per_block=1, norm_num_groups=4, sample_size=64,
        mid_block_add_attention=False,
    )  # fmt: skip
    pipe = Flux2KleinPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True), vae=vae, text_encoder=encoder,
        tokenizer=tokenizer, transformer=transformer, is_distilled=distilled,
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_sana(folder: Path, *, seed: int = 0) -> Path:
    """Sana: linear attention, an autoencoder that makes a picture 32 times smaller, Gemma for the words."""
    import torch
    from diffusers import AutoencoderDC, FlowMatchEulerDiscreteScheduler, SanaPipeline, SanaTransformer2DModel

    torch.manual_seed(seed)
    tokenizer = tiny._tokenizer()
    transformer = SanaTransformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, num_attention_heads=2, attention_head_dim=4, sample_size=32,
        num_cross_attention_heads=2, cross_attention_head_dim=4, cross_attention_dim=8, caption_channels=8,
    )  # fmt: skip
    widths = (8, 8, 8, 8, 8, 8)
    vae = AutoencoderDC(
        latent_channels=4, attention_head_dim=2, encoder_block_out_channels=widths, decoder_block_out_channels=widths,
        encoder_layers_per_block=(1,) * 6, decoder_layers_per_block=(1,) * 6, encoder_qkv_multiscales=((),) * 6,
        decoder_qkv_multiscales=((),) * 6, downsample_block_type="conv", upsample_block_type="interpolate",
        decoder_norm_types="rms_norm", decoder_act_fns="silu", scaling_factor=0.4,
    )  # fmt: skip
    pipe = SanaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, text_encoder=_gemma(len(tokenizer)),
        tokenizer=tokenizer, transformer=transformer,
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_lumina2(folder: Path, *, seed: int = 0) -> Path:
    """Lumina 2: not in the studio's table; a flow model that Gemma reads for."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, Lumina2Pipeline, Lumina2Transformer2DModel

    torch.manual_seed(seed)
    tokenizer = tiny._tokenizer()
    transformer = Lumina2Transformer2DModel(
        sample_size=8, in_channels=4, hidden_size=24, num_layers=1, num_refiner_layers=1, num_attention_heads=3,
        num_kv_heads=1, multiple_of=2, axes_dim_rope=(4, 2, 2), axes_lens=(300, 64, 64), cap_feat_dim=8,
    )  # fmt: skip
    pipe = Lumina2Pipeline(
        transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=6.0), vae=tiny._vae(4, shift=0.1),
        text_encoder=_gemma(len(tokenizer)), tokenizer=tokenizer,
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_pixart(folder: Path, *, seed: int = 0) -> Path:
    """PixArt Σ: not in the studio's table; a diffusion transformer whose pipeline calls nobody back between its steps."""
    import torch
    from diffusers import DPMSolverMultistepScheduler, PixArtSigmaPipeline, PixArtTransformer2DModel

    torch.manual_seed(seed)
    tokenizer = tiny._tokenizer()
    transformer = PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=8, num_layers=1, cross_attention_dim=16,
        sample_size=8, caption_channels=32, use_additional_conditions=False,
    )  # fmt: skip
    pipe = PixArtSigmaPipeline(
        tokenizer=tokenizer, text_encoder=tiny._t5(len(tokenizer)), vae=tiny._vae(4), transformer=transformer,
        scheduler=DPMSolverMultistepScheduler(beta_schedule="linear"),
    )  # fmt: skip
    return tiny._save(pipe, folder)


def tiny_cogview4(folder: Path, *, seed: int = 0) -> Path:
    """CogView 4: not in the studio's table; GLM reads the prompt."""
    import torch
    from diffusers import CogView4Pipeline, CogView4Transformer2DModel, FlowMatchEulerDiscreteScheduler
    from transformers import GlmConfig, GlmModel

    torch.manual_seed(seed)
    tokenizer = tiny._tokenizer()
    encoder = GlmModel(GlmConfig(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        vocab_size=len(tokenizer), pad_token_id=0, eos_token_id=1, bos_token_id=2,
    ))  # fmt: skip
    transformer = CogView4Transformer2DModel(
        in_channels=4, out_channels=4, num_layers=1, attention_head_dim=4, num_attention_heads=2, text_embed_dim=16,
        time_embed_dim=8, condition_dim=4, sample_size=8, rope_axes_dim=(64, 64),
    )  # fmt: skip
    pipe = CogView4Pipeline(
        tokenizer=tokenizer, text_encoder=encoder, vae=tiny._vae(4), transformer=transformer,
        scheduler=FlowMatchEulerDiscreteScheduler(base_shift=0.25, max_shift=0.75, base_image_seq_len=256,
                                                  use_dynamic_shifting=True, time_shift_type="linear"),
    )  # fmt: skip
    return tiny._save(pipe, folder)


FAMILIES = {
    "sd2": tiny_sd2, "refiner": tiny_refiner, "schnell": tiny_schnell, "kontext": tiny_kontext, "klein": tiny_klein,
    "sana": tiny_sana, "lumina2": tiny_lumina2, "pixart": tiny_pixart, "cogview4": tiny_cogview4,
}  # fmt: skip


def build_all(folder: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # diffusers builds some parts in ways that it calls deprecated itself
        for name, build in FAMILIES.items():
            build(folder / name)
    return folder


def _flux(kind: str, folder: Path, seed: int, *, guided: bool = True) -> Path:
    import diffusers
    import torch

    torch.manual_seed(seed)
    tokenizer = tiny._tokenizer()
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1, in_channels=16, out_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8),
        guidance_embeds=guided,
    )  # fmt: skip
    pipe = getattr(diffusers, kind)(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=guided),
        vae=tiny._vae(4, shift=0.1), text_encoder=tiny._clip(), tokenizer=tokenizer,
        text_encoder_2=tiny._t5(len(tokenizer)), tokenizer_2=tokenizer, transformer=transformer,
    )  # fmt: skip
    return tiny._save(pipe, folder)


def _gemma(words: int):
    from transformers import Gemma2Config, Gemma2Model

    return Gemma2Model(Gemma2Config(
        hidden_size=8, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1, head_dim=4,
        vocab_size=words, max_position_embeddings=2048,
    ))  # fmt: skip


def _chatting_tokenizer():
    tokenizer = tiny._tokenizer()
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    return tokenizer
