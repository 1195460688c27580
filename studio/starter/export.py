"""Writes the trained parts as a plain diffusers folder in float16; a reader never sees a file half-written."""

import json
import shutil
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL, StableDiffusionPipeline
from transformers import CLIPTokenizer

from studio.starter import MODEL_DIR
from studio.starter.crew import load
from studio.starter.nets import Painter, new_scheduler
from studio.starter.tokenizer import build_tokenizer
from studio.starter.vae_train import new_vae


def trained_vae(out: Path) -> AutoencoderKL:
    """The autoencoder of the newest stage in ``out``, untrained where there is none; on the scale of its latents."""
    vae = new_vae()
    found = load(out / "decoder.pt") or load(out / "vae.pt")
    if found is not None:
        vae.load_state_dict(found["ema"])
    if (out / "scale.json").exists():
        vae.register_to_config(scaling_factor=json.loads((out / "scale.json").read_text())["scaling_factor"])
    return vae.eval()


def trained_painter(out: Path, tokenizer: CLIPTokenizer) -> Painter:
    """The averaged text encoder and UNet in ``out``, untrained where there are none."""
    painter = Painter(tokenizer)
    if (found := load(out / "painter.pt")) is not None:
        painter.load_state_dict(found["ema"])
    return painter.eval()


def build_pipeline(out: Path, scratch: Path) -> StableDiffusionPipeline:
    """The pipeline of what is trained in ``out``, float32."""
    tokenizer = build_tokenizer(scratch)
    painter = trained_painter(out, tokenizer)
    return StableDiffusionPipeline(
        vae=trained_vae(out),
        text_encoder=painter.text_encoder,
        tokenizer=tokenizer,
        unet=painter.unet,
        scheduler=new_scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _finish(folder: Path) -> None:
    """Adds what transformers 5 leaves out or gets in the way of a plain ``from_pretrained``."""
    build_tokenizer(folder / "tokenizer")
    config = folder / "text_encoder" / "config.json"
    values = json.loads(config.read_text(encoding="utf-8"))
    values["dtype"] = "float32"
    config.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for path in folder.rglob("config.json"):
        values = json.loads(path.read_text(encoding="utf-8"))
        values.pop("_name_or_path", None)
        path.write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def export(out: Path, folder: Path = MODEL_DIR) -> Path:
    """Writes the pipeline trained in ``out`` to ``folder``, each file whole or not at all."""
    scratch = Path(tempfile.mkdtemp(prefix="export-", dir=out))
    pipeline = build_pipeline(out, scratch / "tokenizer-build").to(torch.float16)
    pipeline.save_pretrained(scratch / "model", safe_serialization=True)
    _finish(scratch / "model")
    for path in sorted((scratch / "model").rglob("*")):
        if path.is_file():
            target = folder / path.relative_to(scratch / "model")
            target.parent.mkdir(parents=True, exist_ok=True)
            path.chmod(0o644)
            path.replace(target)
    shutil.rmtree(scratch)
    return folder
