"""The parts of the starter pipeline, untrained: text encoder, UNet and scheduler. The autoencoder is in ``vae_train``."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WIDTH = 96
"""Features of a token, and of the cross-attention."""

EDGES = ("conv_in", "conv_out", "embedding", "embeddings")
"""Names of the weights that Muon leaves to AdamW."""


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """A two-layer CLIP text model; tokens [n, 77] to features [n, 77, 96]."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        projection_dim=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=77,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = CLIPTextModel(config)
    for name, weight in model.named_parameters():
        if "embedding" in name:
            nn.init.normal_(weight, std=0.1 if "position" in name else 0.3)
    return model


def new_unet() -> UNet2DConditionModel:
    """10.8 M parameters; noisy latents [n, 4, 16, 16] (any sides divisible by 4) to the velocity of the same shape."""
    unet = UNet2DConditionModel(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(64, 128, 192),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
        use_linear_projection=True,
    )
    nn.init.zeros_(unet.conv_out.weight)
    return unet


def new_scheduler() -> DDIMScheduler:
    """The noise schedule the UNet learns: v-prediction on scaled-linear betas, ending near pure noise."""
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.018,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        timestep_spacing="trailing",
        steps_offset=1,
        clip_sample=False,
        set_alpha_to_one=False,
    )


class Painter(nn.Module):
    """Text encoder and UNet as one module, so that one optimiser and one average hold both."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text_encoder = new_text_encoder(tokenizer)
        self.unet = new_unet()

    def forward(self, noisy: torch.Tensor, step: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Noisy latents [n, 4, h, w], training steps [n] and tokens [n, 77] to velocities [n, 4, h, w]."""
        words = self.text_encoder(tokens).last_hidden_state
        made: torch.Tensor = self.unet(noisy, step, encoder_hidden_states=words).sample
        return made
