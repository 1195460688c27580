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


def tiny_sd3(folder: Path, *, seed: int = 0, layers: int = 1, t5: bool = False) -> Path:
    """A flow-matching Stable-Diffusion-3 pipeline; without its T5 encoder, as many people run it, or with it."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, SD3Transformer2DModel, StableDiffusion3Pipeline

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    transformer = SD3Transformer2DModel(
        sample_size=8, patch_size=2, in_channels=16, num_layers=layers, attention_head_dim=8, num_attention_heads=2,
        joint_attention_dim=32, caption_projection_dim=16, pooled_projection_dim=32, out_channels=16, pos_embed_max_size=64,
    )  # fmt: skip
    pipe = StableDiffusion3Pipeline(
        vae=_vae(16, shift=0.1), transformer=transformer, scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        text_encoder=_clip(projection=True, width=16), tokenizer=tokenizer,
        text_encoder_2=_clip(projection=True, width=16), tokenizer_2=tokenizer,
        text_encoder_3=_t5(len(tokenizer)) if t5 else None, tokenizer_3=tokenizer if t5 else None,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_flux(folder: Path, *, seed: int = 0, channels: int = 16) -> Path:
    """A FLUX.1 pipeline: packed latents, embedded guidance, one CLIP and one T5 encoder."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    transformer = FluxTransformer2DModel(
        patch_size=1, in_channels=channels, out_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=(4, 4, 8), guidance_embeds=True,
    )  # fmt: skip
    pipe = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True), vae=_vae(4, shift=0.1),
        text_encoder=_clip(), tokenizer=tokenizer, text_encoder_2=_t5(len(tokenizer)), tokenizer_2=tokenizer,
        transformer=transformer,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_sd_inpaint(folder: Path, *, seed: int = 0) -> Path:
    """A nine-channel Stable Diffusion inpainting pipeline: latents, mask and masked picture go into the UNet."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionInpaintPipeline

    torch.manual_seed(seed)
    pipe = StableDiffusionInpaintPipeline(
        vae=_vae(4), text_encoder=_clip(), tokenizer=_tokenizer(), unet=_unet(8, channels=9),
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                                steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_sdxl_inpaint(folder: Path, *, seed: int = 0) -> Path:
    """A nine-channel Stable-Diffusion-XL inpainting pipeline."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLInpaintPipeline

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    pipe = StableDiffusionXLInpaintPipeline(
        vae=_vae(4), text_encoder=_clip(), text_encoder_2=_clip(projection=True), tokenizer=tokenizer, tokenizer_2=tokenizer,
        unet=_unet(8, xl=True, channels=9),
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"),
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_flux_fill(folder: Path, *, seed: int = 0) -> Path:
    """A FLUX.1 Fill pipeline: the masked picture and the mask go into the transformer beside the latents."""
    from diffusers import FluxFillPipeline, FluxPipeline

    with tempfile.TemporaryDirectory() as scratch:
        parts = FluxPipeline.from_pretrained(tiny_flux(Path(scratch), seed=seed, channels=16 + 16 + 256)).components
        names = ("scheduler", "vae", "text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "transformer")
        return _save(FluxFillPipeline(**{name: parts[name] for name in names}), folder)


def tiny_lcm(folder: Path, *, seed: int = 0) -> Path:
    """A latent consistency model: a Stable Diffusion UNet that is told the guidance scale, and no inpainting pipeline."""
    import torch
    from diffusers import LatentConsistencyModelPipeline, LCMScheduler

    torch.manual_seed(seed)
    pipe = LatentConsistencyModelPipeline(
        vae=_vae(4), text_encoder=_clip(), tokenizer=_tokenizer(), unet=_unet(8, time_cond_proj_dim=16),
        scheduler=LCMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
                               set_alpha_to_one=True, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_chroma(folder: Path, *, seed: int = 0) -> Path:
    """A Chroma pipeline: FLUX.1's packed latents, one T5 encoder, real guidance."""
    import torch
    from diffusers import ChromaPipeline, ChromaTransformer2DModel, FlowMatchEulerDiscreteScheduler

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    transformer = ChromaTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, axes_dims_rope=(4, 4, 8), approximator_hidden_dim=32, approximator_layers=1,
        approximator_num_channels=16,
    )  # fmt: skip
    pipe = ChromaPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=_vae(4, shift=0.1),
        text_encoder=_t5(len(tokenizer)), tokenizer=tokenizer, transformer=transformer,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_z_image(folder: Path, *, seed: int = 0) -> Path:
    """A Z-Image pipeline: a language model reads the prompt, latents are plain."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
    encoder = Qwen3Model(Qwen3Config(
        hidden_size=16, intermediate_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2, head_dim=8,
        vocab_size=len(tokenizer), max_position_embeddings=512,
    ))  # fmt: skip
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=16, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2,
        n_kv_heads=2, cap_feat_dim=16, rope_theta=256.0, axes_dims=[8, 4, 4], axes_lens=[768, 64, 64],
    )  # fmt: skip
    pipe = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=_vae(16, shift=0.1), text_encoder=encoder,
        tokenizer=tokenizer, transformer=transformer,
    )  # fmt: skip
    return _save(pipe, folder)


def tiny_qwen(folder: Path, *, seed: int = 0, layers: int = 1) -> Path:
    """A Qwen-Image pipeline: packed latents with an axis for time, a video autoencoder."""
    import torch
    from diffusers import (
        AutoencoderKLQwenImage,
        FlowMatchEulerDiscreteScheduler,
        QwenImagePipeline,
        QwenImageTransformer2DModel,
    )
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    torch.manual_seed(seed)
    tokenizer = _tokenizer()
    text = {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": len(tokenizer), "max_position_embeddings": 2048, "rope_theta": 1e6,
        "rope_scaling": {"mrope_section": [1, 1, 2], "rope_type": "default", "type": "default"},
    }  # fmt: skip
    vision = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16}
    transformer = QwenImageTransformer2DModel(
        patch_size=2, in_channels=16, out_channels=4, num_layers=layers, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=16, guidance_embeds=False, axes_dims_rope=(8, 4, 4),
    )  # fmt: skip
    vae = AutoencoderKLQwenImage(
        base_dim=8, z_dim=4, dim_mult=[1, 1, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
    )  # fmt: skip
    pipe = QwenImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0), vae=vae, tokenizer=tokenizer, transformer=transformer,
        text_encoder=Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=vision)),
    )  # fmt: skip
    return _save(pipe, folder)


def _vae(latents: int, shift: float | None = None):
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 8, 16, 16), in_channels=3, out_channels=3, latent_channels=latents, layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, norm_num_groups=4,
        mid_block_add_attention=False, scaling_factor=0.45, sample_size=64, shift_factor=shift,
    )  # fmt: skip


def _unet(sample_size: int, *, xl: bool = False, channels: int = 4, **extra):
    from diffusers import UNet2DConditionModel

    own = {"cross_attention_dim": 32}
    if xl:
        own = {"addition_embed_type": "text_time", "addition_time_embed_dim": 8,
               "projection_class_embeddings_input_dim": 80, "cross_attention_dim": 64}  # fmt: skip
    return UNet2DConditionModel(
        block_out_channels=(16, 32), layers_per_block=1, sample_size=sample_size, in_channels=channels, out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2, norm_num_groups=8, **(own | extra),
    )  # fmt: skip


def _clip(*, projection: bool = False, width: int = 32):
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=vocabulary_size(), hidden_size=width, intermediate_size=37, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=77, projection_dim=width, bos_token_id=vocabulary_size() - 2,
        eos_token_id=vocabulary_size() - 1, pad_token_id=vocabulary_size() - 1,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def _t5(words: int):
    from transformers import T5Config, T5EncoderModel

    return T5EncoderModel(T5Config(vocab_size=words, d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4))


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
