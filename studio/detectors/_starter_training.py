"""Trains, calibrates and measures the starter detector; `python -m studio.cli.train_detector` runs it.

Both sides go through the same codings in every batch, so that the generator is learnt and not the codec.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageFilter
from safetensors.torch import save_file
from torch.nn import functional as F

from studio.core import calibration
from studio.detectors import starter
from studio.detectors._starter_data import TEST, TRAIN, Mark, Piece, pieces

SIDE, BATCH = 96, 24
Coding = Callable[[Image.Image], Image.Image]


def train(out: Path, folder: Path, mark: Mark, *, steps: int, count: int) -> None:
    """Write weights, gate, calibration and figures into `folder`. Checkpoints in `out` every 200 steps."""
    known, unseen = pieces(out, TRAIN, count, mark), pieces(out, TEST, max(200, count // 4), mark)
    net = _learn(known, out / "detector.pt", steps)
    gate = _gate(net, known)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.half() for name, value in net.state_dict().items()}
    save_file({**weights, **gate}, folder / "weights.safetensors")
    half = len(unseen) // 6 * 3
    _calibrate(folder, unseen[:half])
    figures = measure(folder, unseen[half:])
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))  # noqa: T201  a command's answer


def _learn(known: Sequence[Piece], path: Path, steps: int) -> torch.nn.Module:
    torch.manual_seed(0)
    net, rng = starter.new_net(), random.Random(0)  # noqa: S311  the choice of pictures is no secret
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-3)
    first = 0
    if path.is_file():
        stored = torch.load(path, weights_only=True)
        net.load_state_dict(stored["net"])
        optimiser.load_state_dict(stored["optimiser"])
        first = stored["step"]
    real = [piece for piece in known if piece.kind == "renders"]
    made = [piece for piece in known if piece.kind != "renders"]
    began, level = time.monotonic(), 0.0
    for step in range(first, steps):
        for group in optimiser.param_groups:
            group["lr"] = 2e-3 * min(1.0, (step + 1) / 100, (steps - step) / (0.5 * steps))
        batch = torch.stack(
            [_sample(real, rng, real=True) for _ in range(BATCH)] + [_sample(made, rng, real=False) for _ in range(BATCH)]
        )
        logits, _ = net(batch)
        loss = F.binary_cross_entropy_with_logits(logits, torch.tensor([0.02] * BATCH + [0.98] * BATCH))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch ships it untyped
        optimiser.step()
        level = 0.98 * level + 0.02 * loss.item() if step > first else loss.item()
        if step % 200 == 199:
            torch.save({"net": net.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}, path)
            print(f"step {step + 1}, loss {level:.4f}, {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201
    return net.eval()


def _sample(pieces: Sequence[Piece], rng: random.Random, *, real: bool) -> torch.Tensor:
    """A coded crop [3, 96, 96]. Some renders are blurred or sharpened: softness alone must not be a sign."""
    piece = rng.choice(pieces)
    pictures = piece.marked if rng.random() < 0.5 else piece.plain
    image = Image.fromarray(pictures[rng.randrange(len(pictures))])
    if real and rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.1)))
    image = coding(rng)(image)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if min(image.size) < SIDE:
        return _crop(image.resize((max(SIDE, image.width), max(SIDE, image.height)), Image.Resampling.BICUBIC), rng)
    return _crop(image, rng)


def _crop(image: Image.Image, rng: random.Random) -> torch.Tensor:
    left, top = rng.randint(0, image.width - SIDE), rng.randint(0, image.height - SIDE)
    pixels = np.asarray(image.crop((left, top, left + SIDE, top + SIDE)))
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 127.5 - 1


def coding(rng: random.Random) -> Coding:
    """One way of saving: as it is, JPEG 60 to 95, WebP 75 to 95; one in five made smaller before."""
    kind, quality = rng.choice(("PNG", "JPEG", "JPEG", "WEBP")), rng.randint(60, 95)
    scale = rng.uniform(0.75, 1.0) if rng.random() < 0.2 else 1.0

    def save(image: Image.Image) -> Image.Image:
        if scale < 1:
            size = (max(96, round(image.width * scale)), max(96, round(image.height * scale)))
            image = image.resize(size, Image.Resampling.LANCZOS)
        return image if kind == "PNG" else coded(image, kind, max(quality, 75) if kind == "WEBP" else quality)

    return save


def coded(image: Image.Image, kind: str, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, kind, quality=quality)
    return Image.open(file).convert("RGB")


def _gate(net: torch.nn.Module, known: Sequence[Piece]) -> dict[str, torch.Tensor]:
    """Mean and whitening of the features of both classes, and the distance that 99.5 % of them keep."""
    rng = random.Random(5)  # noqa: S311
    with torch.inference_mode():
        features = torch.cat([net(starter.windows(image))[1] for image in _some(known, 900, rng)])
    mean = features.mean(dim=0)
    spread = torch.cov((features - mean).T) + 1e-3 * torch.eye(features.shape[1]) * features.var(dim=0).mean()
    values, vectors = torch.linalg.eigh(spread)
    whiten = vectors / values.sqrt()
    limit = torch.quantile(starter.Gate(mean, whiten, 0)(features), 0.995) * 1.05
    return {"gate.mean": mean, "gate.whiten": whiten.contiguous(), "gate.limit": limit.reshape(1)}


def _some(known: Sequence[Piece], count: int, rng: random.Random) -> list[Image.Image]:
    """Coded pictures, the kinds taking turns."""
    kinds = ("renders", "painted", "renders", "round-trip")
    by_kind = {kind: [piece for piece in known if piece.kind == kind] for kind in kinds}
    found = []
    for number in range(count):
        piece = rng.choice(by_kind[kinds[number % 4]])
        pictures = piece.marked if rng.random() < 0.5 else piece.plain
        found.append(coding(rng)(Image.fromarray(pictures[rng.randrange(len(pictures))])))
    return found


def _scores(detector: starter.StarterDetector, pictures: Sequence[Image.Image]) -> list[Any]:
    return [detector.score(picture) for picture in pictures]


def _all(known: Sequence[Piece], kinds: Sequence[str], code: Coding, *, marked: bool = True) -> list[Image.Image]:
    arrays = [piece.marked if marked else piece.plain for piece in known if piece.kind in kinds]
    return [code(Image.fromarray(picture)) for array in arrays for picture in array]


def _calibrate(folder: Path, unseen: Sequence[Piece]) -> None:
    """On held-out renders and starter pictures in mixed codings."""
    detector, rng = starter.StarterDetector(folder), random.Random(9)  # noqa: S311

    def mixed(image: Image.Image) -> Image.Image:
        return coding(rng)(image)

    values = {}
    for kind in ("renders", "painted"):
        pictures = [*_all(unseen, [kind], mixed), *_all(unseen, [kind], mixed, marked=False)]
        values[kind] = [raw.value for raw in _scores(detector, pictures) if not raw.out_of_scope]
    about = "the starter model's pictures against the project's own renders"
    fitted = calibration.fit(
        values["renders"], values["painted"], detector="starter", revision=detector.revision, about=about
    )
    text = json.dumps(calibration.to_json(fitted), indent=1)
    (folder / "calibration.json").write_text(text + "\n", encoding="utf-8")


CODINGS: dict[str, Coding] = {
    "as saved": lambda image: image,
    "JPEG 75": lambda image: coded(image, "JPEG", 75),
    "half size": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "half size, JPEG 75": lambda image: coded(CODINGS["half size"](image), "JPEG", 75),
}


def measure(folder: Path, unseen: Sequence[Piece]) -> dict[str, Any]:
    """AUC and true positives at 1 % false alarms against renders, by coding, on pictures with the studio's mark."""
    detector = starter.StarterDetector(folder)
    known = detector.calibration()
    assert known is not None  # noqa: S101  it was just made
    figures: dict[str, Any] = {"weights": hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest()[:16]}
    for name, code in CODINGS.items():
        real = _scores(detector, _all(unseen, ["renders"], code))
        row: dict[str, Any] = {
            "renders": len(real),
            "renders called AI": round(
                float(np.mean([not r.out_of_scope and known.verdict(r.value) == "ai" for r in real])), 4
            ),
            "renders out of scope": _share([bool(raw.out_of_scope) for raw in real]),
        }
        for kind in ("painted", "round-trip"):
            made = _scores(detector, _all(unseen, [kind], code))
            alarms = [not raw.out_of_scope and known.verdict(raw.value) == "ai" for raw in made]
            row[kind] = {
                **_ranking([raw.value for raw in real], [raw.value for raw in made]),
                "called AI": _share(alarms),
                "out of scope": _share([bool(raw.out_of_scope) for raw in made]),
            }
        figures[name] = row
    return figures


def _share(found: Sequence[bool]) -> float:
    return round(sum(found) / max(1, len(found)), 4)


def _ranking(real: Sequence[float], made: Sequence[float]) -> dict[str, float]:
    ranks = np.argsort(np.argsort(np.concatenate([real, made]))) + 1.0
    area = (ranks[len(real) :].sum() - len(made) * (len(made) + 1) / 2) / (len(real) * len(made))
    limit = np.quantile(real, 0.99)
    return {"AUC": round(float(area), 4), "TPR at 1 % FPR": round(float(np.mean(np.asarray(made) > limit)), 4)}
