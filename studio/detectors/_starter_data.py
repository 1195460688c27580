"""The pictures that the starter detector learns from: starter pictures and VAE round trips against plain renders.

Each one is kept twice, plain and with the studio's watermark, since that is how it will be scored. Made in pieces that go
on where they were cut off; about 0.4 seconds of one core for a starter picture.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from studio.starter import MODEL_DIR
from studio.starter.captions import caption
from studio.starter.render import render
from studio.starter.scenes import Scene, draw_scene

Pixels = NDArray[np.uint8]
Mark = Callable[[Image.Image], Image.Image]
TRAIN, TEST = 7_001, 7_999
"""Seeds of scenes and captions; the starter model saw neither."""
BATCH = 16
SHAPES = ((128, 128), (160, 96), (96, 160))


@dataclass(frozen=True)
class Piece:
    """Pictures [n, h, w, 3] of one shape, plain and marked; `kind` is renders, painted or round-trip."""

    kind: str
    plain: Pixels
    marked: Pixels


def pieces(out: Path, seed: int, count: int, mark: Mark) -> list[Piece]:
    """`count` renders, as many round trips and as many starter pictures, from files in `out` as far as they are there."""
    out.mkdir(parents=True, exist_ok=True)
    found: list[Piece] = []
    pipeline: Any = None
    for number, scenes in enumerate(_by_shape(seed, count)):
        path = out / f"{seed}-{number:03d}.npz"
        if not path.is_file():
            pipeline = pipeline or _pipeline()
            made = {"renders": [_rgb(render(scene)) for scene in scenes]}
            made["round-trip"] = _round_trips(pipeline.vae, made["renders"])
            made["painted"] = _paint(pipeline, scenes, seed * 1000 + number)
            arrays = {kind: np.stack([np.asarray(image) for image in images]) for kind, images in made.items()}
            marked = {f"{kind} marked": np.stack([np.asarray(mark(i)) for i in images]) for kind, images in made.items()}
            stored: dict[str, Any] = {**arrays, **marked}
            np.savez(path.with_suffix(".part.npz"), **stored)
            path.with_suffix(".part.npz").replace(path)
            print(f"{path.name}: {sum(map(len, made.values()))} pictures", flush=True)  # noqa: T201  a long command's sign of life
        with np.load(path) as stored:
            found += [Piece(kind, stored[kind], stored[f"{kind} marked"]) for kind in ("renders", "round-trip", "painted")]
    return found


def _by_shape(seed: int, count: int) -> Iterator[list[Scene]]:
    """Scenes in batches of one shape each."""
    waiting: dict[tuple[int, int], list[Scene]] = {}
    for index in range(count):
        scene = draw_scene(seed, index)
        batch = waiting.setdefault((scene.width, scene.height), [])
        batch.append(scene)
        if len(batch) == BATCH:
            yield waiting.pop((scene.width, scene.height))
    yield from waiting.values()


def _rgb(image: Image.Image) -> Image.Image:
    return image.convert("RGB")


def _pipeline() -> Any:
    from diffusers import StableDiffusionPipeline

    pipeline = StableDiffusionPipeline.from_pretrained(str(MODEL_DIR))
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.inference_mode()
def _round_trips(vae: Any, images: Iterable[Image.Image]) -> list[Image.Image]:
    batch = np.stack([np.asarray(image) for image in images])
    given = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
    made = vae.decode(vae.encode(given).latent_dist.mode()).sample
    levels = ((made + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return [Image.fromarray(picture) for picture in levels]


def _paint(pipeline: Any, scenes: list[Scene], seed: int) -> list[Image.Image]:
    rng = random.Random(seed)  # noqa: S311  captions are no secret
    dice = [torch.Generator("cpu").manual_seed(seed * BATCH + place) for place in range(len(scenes))]
    asked = {"num_inference_steps": rng.choice((10, 14, 20)), "guidance_scale": rng.uniform(2.0, 6.0)}
    size = {"width": scenes[0].width, "height": scenes[0].height}
    prompts = [caption(scene, rng) for scene in scenes]
    return [_rgb(image) for image in pipeline(prompts, generator=dice, **asked, **size).images]
