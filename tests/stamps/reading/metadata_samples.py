"""The settings of one picture in the byte shapes of every program we read."""

import gzip
import io
import json
from typing import Any

from malformed import (
    jpeg,
    jpeg_segment,
    png,
    png_chunk,
    text_chunk,
    tiff,
    user_comment,
    webp,
    webp_chunk,
    xmp_chunk,
    xmp_packet,
)
from PIL import Image

PROMPT, NEGATIVE = "a house by the sea, “évening” 夕焼け", "fog, blurry"
PLAIN = "a house by the sea, evening"
PARAMETERS = (
    "{prompt}\nNegative prompt: {negative}\nSteps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7.5, Seed: 42, "
    "Size: 512x768, Model hash: ab12cd34ef, Model: seaside_v2, {more}Version: {version}"
)


def parameters(prompt: str = PROMPT, negative: str = NEGATIVE, more: str = "", version: str = "v1.10.1") -> str:
    return PARAMETERS.format(prompt=prompt, negative=negative, more=more, version=version)


def with_texts(**texts: Any) -> bytes:
    """A PNG with these text chunks; `_` in a keyword stands for `-`, what is no text is written as JSON."""
    return png(*(text_chunk(key, value if isinstance(value, str) else json.dumps(value)) for key, value in texts.items()))


def with_comment(text: str, format: str = "jpeg", *, little: bool = False, more: tuple[Any, ...] = ()) -> bytes:
    """A JPEG or WebP with this UserComment and more entries in EXIF's first directory."""
    block = tiff(*more, inner=(user_comment(text, little=little),), order="<" if little else ">")
    return with_exif(block, format)


def with_exif(block: bytes, format: str) -> bytes:
    match format:
        case "jpeg":
            return jpeg(jpeg_segment(0xE1, b"Exif\0\0" + block))
        case "webp":
            return webp(webp_chunk(b"EXIF", block))
        case _:
            return png(png_chunk(b"eXIf", block))


def ascii_entry(tag: int, text: str) -> tuple[int, int, bytes]:
    return tag, 2, text.encode() + b"\0"


COMFY: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42, "steps": 20, "cfg": 7.5, "sampler_name": "dpmpp_2m", "scheduler": "karras", "denoise": 1.0,
            "model": ["10", 0], "positive": ["6", 0], "negative": ["7", 0], "latent_image": ["5", 0],
        },
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "seaside_v2.safetensors"}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768, "batch_size": 1}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": PROMPT, "clip": ["10", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": NEGATIVE, "clip": ["10", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x", "images": ["8", 0]}},
    "10": {
        "class_type": "LoraLoader",
        "inputs": {"lora_name": "waves.safetensors", "strength_model": 1, "model": ["4", 0], "clip": ["4", 1]},
    },
}  # fmt: skip
"""A text-to-image graph with a LoRA, as the page sends it to its server."""

COMFY_PAGE: dict[str, Any] = {
    "nodes": [
        {"id": 4, "type": "CheckpointLoaderSimple", "widgets_values": ["seaside_v2.safetensors"]},
        {"id": 5, "type": "EmptyLatentImage", "widgets_values": [512, 768, 1]},
        {"id": 6, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 5}], "widgets_values": [PROMPT]},
        {"id": 7, "type": "CLIPTextEncode", "inputs": [{"name": "clip", "link": 6}], "widgets_values": [NEGATIVE]},
        {
            "id": 3,
            "type": "KSampler",
            "inputs": [
                {"name": "model", "link": 1}, {"name": "positive", "link": 2}, {"name": "negative", "link": 3},
                {"name": "latent_image", "link": 4},
            ],
            "widgets_values": [42, "randomize", 20, 7.5, "dpmpp_2m", "karras", 1],
        },
    ],
    "links": [
        [1, 4, 0, 3, 0, "MODEL"], [2, 6, 0, 3, 1, "CONDITIONING"], [3, 7, 0, 3, 2, "CONDITIONING"],
        [4, 5, 0, 3, 3, "LATENT"], [5, 4, 1, 6, 0, "CLIP"], [6, 4, 1, 7, 0, "CLIP"],
    ],
}  # fmt: skip

COMFY_FLUX: dict[str, Any] = {
    "1": {"class_type": "SamplerCustomAdvanced", "inputs": {
        "noise": ["2", 0], "guider": ["3", 0], "sampler": ["4", 0], "sigmas": ["5", 0], "latent_image": ["6", 0]}},
    "2": {"class_type": "RandomNoise", "inputs": {"noise_seed": 42}},
    "3": {"class_type": "BasicGuider", "inputs": {"model": ["7", 0], "conditioning": ["8", 0]}},
    "4": {"class_type": "KSamplerSelect", "inputs": {"sampler_name": "dpmpp_2m"}},
    "5": {"class_type": "BasicScheduler", "inputs": {"model": ["7", 0], "scheduler": "karras", "steps": 20, "denoise": 1.0}},
    "6": {"class_type": "EmptySD3LatentImage", "inputs": {"width": ["11", 0], "height": 768, "batch_size": 1}},
    "7": {"class_type": "UNETLoader", "inputs": {"unet_name": "seaside_v2.safetensors", "weight_dtype": "default"}},
    "8": {"class_type": "FluxGuidance", "inputs": {"guidance": 7.5, "conditioning": ["9", 0]}},
    "9": {"class_type": "CLIPTextEncode", "inputs": {"text": ["10", 0], "clip": ["12", 0]}},
    "10": {"class_type": "PrimitiveString", "inputs": {"value": PROMPT}},
    "11": {"class_type": "PrimitiveInt", "inputs": {"value": 512}},
    "12": {"class_type": "DualCLIPLoader", "inputs": {"clip_name1": "a", "clip_name2": "b"}},
}  # fmt: skip

INVOKE: dict[str, Any] = {
    "app_version": "5.4.0", "generation_mode": "sdxl_txt2img", "positive_prompt": PROMPT, "negative_prompt": NEGATIVE,
    "model": {"key": "k", "hash": "blake3:1", "name": "seaside_v2", "base": "sdxl", "type": "main"}, "steps": 20,
    "cfg_scale": 7.5, "scheduler": "dpmpp_2m_k", "seed": 42, "width": 512, "height": 768,
}  # fmt: skip
INVOKE_2: dict[str, Any] = {
    "model": "stable diffusion", "model_weights": "seaside_v2", "model_hash": "ab12", "app_version": "2.3.5",
    "image": {"prompt": [{"prompt": f"{PLAIN} [{NEGATIVE}]", "weight": 1.0}], "steps": 20, "cfg_scale": 7.5, "seed": 42,
              "width": 512, "height": 768, "sampler": "k_dpmpp_2m", "type": "txt2img"},
}  # fmt: skip
DREAM = f'"{PLAIN} [{NEGATIVE}]" -s 20 -S 42 -W 512 -H 768 -C 7.5 -A k_dpmpp_2m'

FOOOCUS: dict[str, Any] = {
    "adm_guidance": "(1.5, 0.8, 0.3)", "base_model": "seaside_v2", "base_model_hash": "ab12cd34ef", "guidance_scale": 7.5,
    "loras": [["waves", 0.5, "aa"]], "metadata_scheme": "fooocus", "negative_prompt": NEGATIVE, "performance": "Speed",
    "prompt": PROMPT, "refiner_model": "None", "resolution": "(512, 768)", "sampler": "dpmpp_2m", "scheduler": "karras",
    "seed": "42", "sharpness": 2, "steps": 20, "styles": "['Fooocus V2']", "version": "Fooocus v2.5.5",
}  # fmt: skip

NOVELAI: dict[str, Any] = {
    "prompt": PROMPT, "steps": 20, "height": 768, "width": 512, "scale": 7.5, "seed": 42, "n_samples": 1,
    "noise_schedule": "karras", "sampler": "k_dpmpp_2m", "sm": False, "uc": NEGATIVE,
}  # fmt: skip
NOVELAI_TEXTS: dict[str, str] = {
    "Title": "NovelAI generated image", "Description": PROMPT, "Software": "NovelAI",
    "Source": "NovelAI Diffusion V4 37442FCA", "Generation time": "3.2", "Comment": json.dumps(NOVELAI),
}  # fmt: skip

SWARM: dict[str, Any] = {
    "sui_image_params": {
        "prompt": PROMPT, "negativeprompt": NEGATIVE, "model": "seaside_v2", "seed": 42, "steps": 20, "cfgscale": 7.5,
        "aspectratio": "2:3", "width": 512, "height": 768, "sampler": "dpmpp_2m", "scheduler": "karras",
    },
    "sui_extra_data": {"date": "2026-11-23", "generation_time": "1.0 sec"},
    "sui_models": [{"name": "seaside_v2.safetensors", "param": "model", "hash": "0xab12"}],
}  # fmt: skip

DRAW_THINGS: dict[str, Any] = {
    "c": PROMPT, "uc": NEGATIVE, "model": "seaside_v2.ckpt", "sampler": "DPM++ 2M Karras", "scale": 7.5, "seed": 42,
    "steps": 20, "strength": 1, "size": "512x768", "seed_mode": "Scale Alike",
}  # fmt: skip

MATRIX: dict[str, Any] = {
    "PositivePrompt": PROMPT, "NegativePrompt": NEGATIVE, "Width": 512, "Height": 768, "Seed": 42, "Steps": 20,
    "CfgScale": 7.5, "Sampler": "DPM++ 2M Karras", "ModelName": "seaside_v2", "ModelHash": "ab12cd34ef",
}  # fmt: skip


def draw_things() -> bytes:
    """As the application nests it, with white space between the tags."""
    told = json.dumps(DRAW_THINGS).replace("&", "&amp;").replace("<", "&lt;")
    item = f'<rdf:li xml:lang="x-default">{told}</rdf:li>'
    inside = f"\n<exif:UserComment>\n <rdf:Alt>\n  {item}\n </rdf:Alt>\n</exif:UserComment>\n"
    return png(xmp_chunk(xmp_packet(inside + "<xmp:CreatorTool>Draw Things</xmp:CreatorTool>")))


def with_hidden_copy(width: int = 61, height: int = 97, *, packed: bool = True) -> Image.Image:
    """NovelAI's copy in the low bits of alpha, written bit by bit down the columns."""
    told = json.dumps(NOVELAI_TEXTS).encode()
    body = gzip.compress(told) if packed else told
    data = (b"stealth_pngcomp" if packed else b"stealth_pnginfo") + (len(body) * 8).to_bytes(4, "big") + body
    image = Image.new("RGBA", (width, height), (90, 120, 150, 255))
    for number in range(len(data) * 8):
        bit = data[number // 8] >> (7 - number % 8) & 1
        image.putpixel((number // height, number % height), (90, 120, 150, 254 | bit))
    return image


def as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
