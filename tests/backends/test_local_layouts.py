"""What single files are, told from headers; the shipped configurations at their real size, on tensors without numbers."""

from __future__ import annotations

import json
from pathlib import Path

import original_layouts as originals
import pytest

from studio.backends.local import flux_names, headers, layouts, singles

CONFIGS = layouts.CONFIGS


# What only the name or an empty tensor tells


def layout_of(tmp_path, name, extra=(), *, words=768, first=320):
    names = {"model.diffusion_model.input_blocks.0.0.weight": (first, 4, 3, 3),
             "model.diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight": (first, words)}  # fmt: skip
    shapes = headers.shapes(originals.header(tmp_path / f"{name}.safetensors", **names, **dict.fromkeys(extra, (0,))))
    return layouts.recognise(shapes, name)


def test_velocity_models_are_told_by_their_mark_or_name(tmp_path):
    assert layout_of(tmp_path, "v2-1_768-ema-pruned", words=1024).scheduler == {}  # the configuration says velocity
    assert layout_of(tmp_path, "v2-1_512-base", words=1024).scheduler == {"prediction_type": "epsilon"}
    assert layout_of(tmp_path, "noob", ("v_pred", "ztsnr")).scheduler["rescale_betas_zero_snr"] is True
    assert layout_of(tmp_path, "plain").scheduler == {}
    assert layouts.config(CONFIGS, "sd21", "scheduler")["prediction_type"] == "v_prediction"


def test_kontext_is_flux_by_another_name(tmp_path):
    for name, kind in (("flux1-kontext-dev", "FluxKontextPipeline"), ("flux1-dev", "FluxPipeline")):
        file = originals.header(tmp_path / f"{name}.safetensors", **{"double_blocks.0.img_attn.norm.key_norm.scale": (1,),
                        "img_in.weight": (1, 64), "guidance_in.in_layer.weight": (1, 1)})  # fmt: skip
        assert layouts.recognise(headers.shapes(file), name).pipeline == kind
    fill = originals.header(
        tmp_path / "f.safetensors", **{"double_blocks.0.img_attn.norm.key_norm.scale": (1,), "img_in.weight": (1, 384)}
    )
    found = layouts.recognise(headers.shapes(fill), "f")
    assert (found.pipeline, found.denoiser["in_channels"], found.denoiser["out_channels"]) == ("FluxFillPipeline", 384, 64)
    assert found.scheduler == {"use_dynamic_shifting": False, "shift": 1.0}


# The shipped configurations, at their real size, on tensors without numbers


def meta(library, kind, folder):
    from accelerate import init_empty_weights

    with init_empty_weights():
        if library == "diffusers":
            import diffusers

            cls = getattr(diffusers, kind)
            return cls.from_config(cls.load_config(str(folder)))
        import transformers

        cls = getattr(transformers, kind)
        model = cls(cls.config_class.from_pretrained(folder))
        if kind == "T5EncoderModel":
            model.encoder.embed_tokens = model.shared  # one tensor, whatever the configuration says
        return model


def shapes_of(tensors):
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    "layout", ["sd15", "sd21", "sdxl", "sdxl-refiner", "sd3-medium", "sd35-medium", "sd35-large", "flux", "z-image"]
)
def test_a_real_sized_header_is_recognised_and_every_tensor_finds_its_place(layout):
    """The names of the real model, made from the shipped configuration, through recognition and conversion and back."""
    from diffusers.loaders import single_file_utils as theirs

    index = json.loads((CONFIGS / layout / "model_index.json").read_text())
    part = "unet" if "unet" in index else "transformer"
    config = layouts.config(CONFIGS, layout, part)
    wanted = meta(*index[part], CONFIGS / layout / part).state_dict()
    write = originals.TRANSFORMERS.get(layout, lambda each: originals.unet(each, config))
    named = originals.under(originals.UNET, write(wanted))
    whole = shapes_of(named) | {"first_stage_model.decoder.conv_in.weight": (512, 4, 3, 3)}
    found = layouts.recognise(whole, layout)
    assert (found.name, found.pipeline, found.parts["vae"]) == (layout, index["_class_name"], "first_stage_model.")
    if layout == "flux":
        back = flux_names.to_diffusers(write(wanted))
        assert shapes_of(back) == shapes_of(theirs.convert_flux_transformer_checkpoint_to_diffusers(dict(named)))
        assert (found.denoiser["num_layers"], found.denoiser["num_single_layers"]) == (19, 38)
    elif layout.startswith("sd3"):
        back = theirs.convert_sd3_transformer_checkpoint_to_diffusers(dict(named))
    elif layout == "z-image":
        back = theirs.convert_z_image_transformer_checkpoint_to_diffusers(dict(named))
    else:
        back = theirs.convert_ldm_unet_checkpoint(dict(named), config)
    assert shapes_of(back) == shapes_of(wanted)


@pytest.mark.parametrize("layout", ["sd3-medium", "sd35-medium", "sd35-large"])
def test_stable_diffusion_3_is_told_by_its_depth(layout):
    known = layouts.config(CONFIGS, layout, "transformer")
    names = {f"joint_blocks.{number}.x_block.adaLN_modulation.1.weight": (1, 1) for number in range(known["num_layers"])}
    names |= {
        f"joint_blocks.{number}.x_block.attn2.ln_q.weight": (1,) for number in known.get("dual_attention_layers") or ()
    }
    side = known["pos_embed_max_size"]
    found = layouts.recognise(originals.under(originals.UNET, names | {"pos_embed": (1, side * side, 1536)}), "x")
    assert (found.name, found.denoiser["pos_embed_max_size"]) == (layout, side)


def test_our_flux_names_are_diffusers_own_to_the_last_number():
    """At FLUX.1's own width, one block of each kind, with thin matrices."""
    import torch
    from diffusers.loaders.single_file_utils import convert_flux_transformer_checkpoint_to_diffusers as theirs

    full = meta("diffusers", "FluxTransformer2DModel", CONFIGS / "flux" / "transformer").state_dict()
    named = {name: tensor for name, tensor in originals.flux(full).items() if "_blocks" not in name or "_blocks.0." in name}
    named = {name: torch.randn(tensor.shape[0], *[1] * (tensor.ndim - 1)) for name, tensor in named.items()}
    ours, expected = flux_names.to_diffusers(named), theirs(dict(named))
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[name], expected[name]) for name in ours)


def test_the_shipped_encoders_have_the_sizes_of_the_real_ones():
    """Parameters as their makers publish them, in millions."""
    expected = {
        "sd15/text_encoder": 123, "sd21/text_encoder": 340, "sdxl/text_encoder_2": 695, "flux/text_encoder_2": 4762,
        "z-image/text_encoder": 4022, "sd15/vae": 84, "sd15/unet": 860, "sdxl/unet": 2567, "sdxl-refiner/unet": 2260,
        "flux/transformer": 11901, "sd35-large/transformer": 8057, "sd35-medium/transformer": 2243,
    }  # fmt: skip
    for place, millions in expected.items():
        layout, part = place.split("/")
        index = json.loads((CONFIGS / layout / "model_index.json").read_text())
        parameters = sum(each.numel() for each in meta(*index[part], CONFIGS / layout / part).parameters())
        assert round(parameters / 1e6) == pytest.approx(millions, abs=15), place


def test_clips_vocabulary_is_the_real_one():
    from studio.backends.local import tokens

    place = CONFIGS / singles.CLIP
    ids = tokens._open(place, 0.0).encode("a photo of a cat").ids
    assert ids == [320, 1125, 539, 320, 2368]  # as OpenAI's own tokenizer has it
    assert len(json.loads((place / "vocab.json").read_text(encoding="utf-8"))) == 49408
    assert Path(place / "LICENSE").read_text(encoding="utf-8").startswith("MIT License")
