"""Speed by family against bare diffusers in the same run: `python tests/bench/families.py [--device cuda] [--side 64]`.

Tiny models with random weights: on a CPU the figures are what the studio adds to a picture, not what a model takes. With a
CUDA device add `--models FOLDER` to measure real models in diffusers layout from that folder, at their own size and steps;
the name of the device stands in the first line.
"""

from __future__ import annotations

import argparse
import inspect
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import common  # first: it makes `studio` importable

sys.path.insert(0, str(common.ROOT / "tests" / "backends"))

import tiny_families
import tiny_models
from watching import Recorder

from studio.backends.local import LocalBackend
from studio.backends.local.catalog import Found
from studio.core.canvas import Ground
from studio.core.model import Model
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

PROMPT = "a red house by the sea"
TABLE = {"sd": tiny_models.tiny_sd, "xl": tiny_models.tiny_sdxl, "lcm": tiny_models.tiny_lcm, "sd3": tiny_models.tiny_sd3,
         "flux": tiny_models.tiny_flux, "chroma": tiny_models.tiny_chroma, "z": tiny_models.tiny_z_image,
         "qwen": tiny_models.tiny_qwen, **tiny_families.FAMILIES}  # fmt: skip


def bare(backend: LocalBackend, found: Found, size: Size, steps: int) -> Callable[[int], float]:
    """The very pipeline that the studio loaded, called as diffusers' documentation does: the same weights and scheduler."""
    import torch

    pipe = backend._loaded.pipe
    accepted = inspect.signature(pipe.__call__).parameters
    own = {"max_area": size.width * size.height, "_auto_resize": False, "use_resolution_binning": False}
    given = {"prompt": PROMPT, "width": size.width, "height": size.height, "num_inference_steps": steps,
             found.family.guidance: 4.0, "negative_prompt": found.family.empty_negative, **own}  # fmt: skip
    if found.family.empty_negative is None:
        del given["negative_prompt"]
    if "max_sequence_length" in accepted and not found.family.chunked:
        given["max_sequence_length"] = found.family.max_tokens
    given = {name: value for name, value in given.items() if name in accepted}
    if not found.family.from_words:
        given |= {"image": photo(size), "strength": 0.8}
        given = {name: value for name, value in given.items() if name not in ("width", "height")}

    def draw(seed: int) -> float:
        begun = time.perf_counter()
        pipe(generator=torch.Generator("cpu").manual_seed(seed), **given)
        return time.perf_counter() - begun

    return draw


def ours(backend: LocalBackend, model: Model, size: Size, steps: int) -> Callable[[int], float]:
    """One picture through `LocalBackend.generate`: checks, previews on request, guards of the decoder, records."""
    ground = None if "text-to-image" in model.tasks else Ground(image=photo(size), strength=0.8)

    def draw(seed: int) -> float:
        begun = time.perf_counter()
        sampling = Sampling(steps=steps, guidance_scale=4.0, seed=seed, sampler=model.default_sampler)
        asked = ImageRequest(model=model.id, prompt=PROMPT, task=TextToImage(size), sampling=sampling)
        backend.generate(asked, model, Recorder(previews=False), ground)
        return time.perf_counter() - begun

    return draw


def photo(size: Size):
    from PIL import Image

    return Image.linear_gradient("L").resize((size.width, size.height)).convert("RGB")


def measure(backend: LocalBackend, model: Model, arguments: argparse.Namespace) -> None:
    real = bool(arguments.models)
    size = model.default_size if real else Size(arguments.side, arguments.side)
    steps = model.default_steps if real else arguments.steps
    backend.warm(model)
    draws = {"bare": bare(backend, backend._loaded.found, size, steps), "studio": ours(backend, model, size, steps)}
    for draw in draws.values():
        draw(0)
    times: dict[str, list[float]] = {name: [] for name in draws}
    for run in range(arguments.runs):
        for name, draw in draws.items():  # in turn, so that a busy moment hits both
            times[name].append(draw(run))
    cells = [f"{min(seconds):7.3f} {statistics.median(seconds):7.3f}" for seconds in times.values()]
    ratio = statistics.median(times["studio"]) / statistics.median(times["bare"])
    print(f"{model.family:<30} {size!s:>9} {steps:>3} steps | {' | '.join(cells)} | {ratio:5.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--models", type=Path, help="a folder with real models instead of the tiny ones")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.models or Path(scratch)
        for name, build in () if arguments.models else TABLE.items():
            build(folder / name)
        backend = LocalBackend(
            (folder,), None, device=arguments.device, threads=arguments.threads, starter=Path(scratch) / "none"
        )
        print(f"{common.device()}, {backend.describe_device()}; seconds for one picture")
        print(f"{'family':<30} {'size':>9} {'':>9} | bare min median | studio min median | ratio")
        for model in sorted(backend.models(), key=lambda each: each.family):
            if not model.unready and model.tasks[0] in ("text-to-image", "image-to-image"):
                measure(backend, model, arguments)


if __name__ == "__main__":
    main()
