"""Trains the starter model from nothing to the exported folder: ``python -m studio.starter.train --out .training``.

Stages: autoencoder, latents of fresh renders, UNet with text encoder, decoder polish, export. A stage that is done is
skipped; one that was cut off goes on from its last checkpoint. Each lasts as many minutes as it is told.
"""

import argparse
import json
import os
import random
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import CLIPTokenizer

from studio.starter.captions import caption
from studio.starter.crew import Average, Crew, load, muster, save
from studio.starter.export import export, trained_vae
from studio.starter.nets import EDGES, Painter, new_scheduler
from studio.starter.optim import optimiser
from studio.starter.render import pixels
from studio.starter.scenes import SIZES, draw_scene
from studio.starter.stage import Stage
from studio.starter.tokenizer import LENGTH, build_tokenizer
from studio.starter.vae_train import TRAIN_SEED, as_tensor, train_vae


@torch.no_grad()
def encode(crew: Crew, out: str, pictures: int) -> None:
    """Writes latents-<rank>.pt: by bucket the scenes' indices [n] and unscaled latents [n, 4, h, w] of float16."""
    vae = trained_vae(Path(out)).to(crew.device)
    kept: list[tuple[list[int], list[Tensor]]] = [([], []) for _ in SIZES]
    waiting: list[list[int]] = [[] for _ in SIZES]

    def flush(bucket: int) -> None:
        chunk = as_tensor([pixels(draw_scene(TRAIN_SEED, index)) for index in waiting[bucket]]).to(crew.device)
        with torch.autocast(crew.device.type, torch.bfloat16):
            kept[bucket][1].append(vae.encode(chunk).latent_dist.mode().half().cpu())
        kept[bucket][0].extend(waiting[bucket])
        waiting[bucket].clear()

    for index in range(crew.rank, pictures, crew.size):
        scene = draw_scene(TRAIN_SEED, index)
        bucket = SIZES.index((scene.width, scene.height))
        waiting[bucket].append(index)
        if len(waiting[bucket]) == 32:
            flush(bucket)
    for bucket, rest in enumerate(waiting):
        if rest:
            flush(bucket)
    buckets = [{"indices": torch.tensor(indices), "latents": torch.cat(latents)} for indices, latents in kept if indices]
    save(Path(out) / f"latents-{crew.rank}.pt", {"buckets": buckets})


def write_scale(out: Path) -> float:
    """Measures the latents and writes scale.json: the factor that gives them a standard deviation of one."""
    parts = [bucket["latents"][:4000].float().flatten() for bucket in (load(out / "latents-0.pt") or {})["buckets"]]
    factor = round(1 / torch.cat(parts).std().item(), 5)
    (out / "scale.json").write_text(json.dumps({"scaling_factor": factor}) + "\n", encoding="utf-8")
    return factor


@dataclass
class Lesson:
    """Latents by bucket with the indices of their scenes, and what turns scenes into tokens."""

    buckets: list[tuple[Tensor, Tensor]]
    tokenizer: CLIPTokenizer
    rng: random.Random
    drop: float = 0.1

    def tokens(self, indices: list[int]) -> Tensor:
        """Fresh captions of the scenes as tokens [n, 77]; a share of them empty."""
        rng = self.rng
        texts = ["" if rng.random() < self.drop else caption(draw_scene(TRAIN_SEED, index), rng) for index in indices]
        read = self.tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
        found: Tensor = read.input_ids
        return found

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """``count`` latents [n, 4, h, w] of one bucket and their tokens [n, 77]."""
        indices, latents = self.rng.choices(self.buckets, [len(bucket[0]) for bucket in self.buckets])[0]
        rows = torch.tensor([self.rng.randrange(len(indices)) for _ in range(count)])
        return latents[rows].float(), self.tokens(indices[rows].tolist())


def read_lesson(out: Path, tokenizer: CLIPTokenizer, rng: random.Random) -> Lesson:
    """All latents in ``out``, scaled to a deviation of one."""
    factor = json.loads((out / "scale.json").read_text(encoding="utf-8"))["scaling_factor"]
    files = [(load(path) or {})["buckets"] for path in sorted(out.glob("latents-*.pt"))]
    merged: dict[tuple[int, ...], list[dict[str, Tensor]]] = {}
    for bucket in (bucket for buckets in files for bucket in buckets):
        merged.setdefault(tuple(bucket["latents"].shape[1:]), []).append(bucket)
    groups = list(merged.values())
    indices = [torch.cat([bucket["indices"] for bucket in group]) for group in groups]
    latents = [torch.cat([bucket["latents"] for bucket in group]) * factor for group in groups]
    return Lesson(list(zip(indices, latents, strict=True)), tokenizer, rng)


def _attention(device: torch.device) -> list[SDPBackend]:
    """On a CPU the fused attention is slow backwards in bfloat16: plain products took a third off the whole step."""
    if device.type == "cpu":
        return [SDPBackend.MATH]
    return [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def velocity_loss(painter: Painter, latents: Tensor, tokens: Tensor, levels: Tensor) -> Tensor:
    """v-prediction loss (Salimans & Ho 2022) at stratified random times. ``levels`` is alpha-bar [1000]."""
    count, device = len(latents), latents.device
    place = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
    step = (place * len(levels)).long()
    level = levels[step].view(-1, 1, 1, 1)
    noise = torch.randn_like(latents)
    noisy = level.sqrt() * latents + (1 - level).sqrt() * noise
    asked = level.sqrt() * noise - (1 - level).sqrt() * latents
    with torch.autocast(device.type, torch.bfloat16), sdpa_kernel(_attention(device)):
        made = painter(noisy, step, tokens)
    return F.mse_loss(made.float(), asked)


def train_painter(crew: Crew, out: str, peak: float = 3e-3, batch: int = 48) -> None:
    """Text encoder and UNet by the clock; resumes from painter.pt in ``out``."""
    rng = random.Random(f"{crew.rank}/{time.time()}")
    with tempfile.TemporaryDirectory() as scratch:
        tokenizer = build_tokenizer(Path(scratch))
    torch.manual_seed(0)
    painter = Painter(tokenizer).to(crew.device)
    muon = optimiser(painter, peak, EDGES)
    stage = Stage(crew, Path(out) / "painter.pt", painter, muon, Average(painter, 0.999), peak, batch)
    stage.resume()
    lesson = read_lesson(Path(out), tokenizer, rng)
    levels = new_scheduler().alphas_cumprod.to(crew.device)
    torch.manual_seed(rng.randrange(2**31))
    while stage.progress < 1:
        latents, tokens = lesson.draw(batch)
        stage.advance(velocity_loss(painter, latents.to(crew.device), tokens.to(crew.device), levels))
        stage.keep(str)


def main() -> None:
    """Runs every stage that is not done yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path(".training"), help="folder of checkpoints")
    crew = 1 if torch.cuda.is_available() else min(2, os.cpu_count() or 1)
    parser.add_argument("--crew", type=int, default=crew, help="processes")
    parser.add_argument("--vae-minutes", type=float, default=40)
    parser.add_argument("--decoder-minutes", type=float, default=15)
    parser.add_argument("--minutes", type=float, default=95, help="length of the UNet's training")
    parser.add_argument("--pictures", type=int, default=56_000, help="renders whose latents the UNet learns from")
    asked = parser.parse_args()
    out: Path = asked.out
    out.mkdir(parents=True, exist_ok=True)
    muster(train_vae, asked.crew, asked.vae_minutes * 60, out, str(out), False)
    if not (out / "scale.json").exists():
        muster(encode, asked.crew, 1.0, out, str(out), asked.pictures)
        print("scaling factor", write_scale(out), flush=True)
    muster(train_painter, asked.crew, asked.minutes * 60, out, str(out))
    muster(train_vae, asked.crew, asked.decoder_minutes * 60, out, str(out), True)
    print("exported to", export(out), flush=True)


if __name__ == "__main__":
    main()
