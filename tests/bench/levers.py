"""What each speed lever and memory plan gains and what it changes, against bare diffusers in the same run, on one thread.

`python tests/bench/levers.py [--quick]`. Times on a Stable-Diffusion-1.5-sized UNet with random weights (left out by
`--quick`), pixels on the built-in starter model, caching on a FLUX-shaped transformer. Writes nothing.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import common  # first: it makes `studio` importable

sys.path.insert(0, str(common.ROOT / "tests" / "backends"))

from studio.backends.local import LocalBackend, levers, worker_environment
from studio.backends.local.catalog import STARTER

os.environ.update(worker_environment(1))

PROMPT = "a red house with a tree by the sea at sunset"
HEAD = f"{'lever':<34}{'bare':>10}{'with it':>10}{'ratio':>8}   what changes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="under a minute: no full-sized UNet")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    print(common.device(), "1 thread, torch", torch.__version__)
    with torch.inference_mode():
        if not arguments.quick:
            full_size(arguments.runs)
        on_the_starter(arguments.runs)
        step_cache(28 if arguments.quick else 50)
    with tempfile.TemporaryDirectory() as folder:
        switching(Path(folder))
    prompts()


def row(name: str, bare: float, ours: float, changes: str) -> None:
    print(f"{name:<34}{bare:>8.3f} s{ours:>8.3f} s{ours / bare:>8.2f}   {changes}", flush=True)


def seconds(run: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds, which busy neighbours do not lengthen; all work is done on one thread."""
    begun = time.process_time()
    result = run()
    return time.process_time() - begun, result


def in_turn(bare: Callable[[], Any], ours: Callable[[], Any], runs: int) -> tuple[float, float, Any, Any]:
    """The least times of both, run in turn, and what they gave."""
    pairs = [(seconds(bare), seconds(ours)) for _ in range(runs)]
    return min(one[0] for one, _ in pairs), min(two[0] for _, two in pairs), pairs[-1][0][1], pairs[-1][1][1]


def psnr(one: Any, two: Any, peak: float = 255.0) -> str:
    """How alike two pictures or tensors are."""
    error = float(((one.double() - two.double()) ** 2).mean())
    return "the same to the last bit" if error == 0 else f"PSNR {10 * math.log10(peak**2 / error):.1f} dB"


@contextmanager
def naive_attention(module: Any):
    from diffusers.models.attention_processor import AttnProcessor, AttnProcessor2_0

    module.set_attn_processor(AttnProcessor())
    try:
        yield
    finally:
        module.set_attn_processor(AttnProcessor2_0())


@contextmanager
def channels_last(*modules: Any):
    import torch

    for module in modules:
        module.to(memory_format=torch.channels_last)
    try:
        yield
    finally:
        for module in modules:
            module.to(memory_format=torch.contiguous_format)


@contextmanager
def fused(module: Any):
    module.fuse_qkv_projections()
    try:
        yield
    finally:
        module.unfuse_qkv_projections()


def full_size(runs: int) -> None:
    """One step of a Stable-Diffusion-1.5-sized UNet with guidance (a batch of two) at 256 × 256."""
    import torch
    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=64, cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280)
    ).eval()
    latents, words = torch.randn(2, 4, 32, 32), torch.randn(2, 77, 768)
    step = lambda: unet(latents, 500, words).sample  # noqa: E731  run again and again
    step()
    print(
        f"\nSD 1.5-sized UNet ({sum(each.numel() for each in unet.parameters()) / 1e6:.0f} M), one step at 256 × 256\n{HEAD}"
    )

    def within(lever: Any) -> Callable[[], Any]:
        def run() -> Any:
            with lever():
                step()  # switching on is not counted
                return seconds(step)

        return run

    compare = {
        "SDPA (bare: plain attention)": (lambda: naive_attention(unet), nullcontext, "always on"),
        "channels_last": (nullcontext, lambda: channels_last(unet), "on for graphics cards"),
        "fused QKV": (nullcontext, lambda: fused(unet), "not used: keeps these weights twice"),
    }
    for name, (bare, ours, told) in compare.items():
        pairs = [(within(bare)(), within(ours)()) for _ in range(runs)]
        times = min(one[0] for one, _ in pairs), min(two[0] for _, two in pairs)
        row(name, *times, f"{psnr(pairs[-1][0][1], pairs[-1][1][1], peak=2.0)}; {told}")
    compiling(unet, step, runs)


def compiling(unet: Any, step: Callable[[], Any], runs: int) -> None:
    import torch

    if levers.compile_fault(levers_device()):
        print(f"compiled repeated blocks: {levers.compile_fault(levers_device())}")
        return
    plain = [seconds(step) for _ in range(runs)]
    used: dict[str, Any] = {}
    with torch.no_grad(), levers.compiled(unet, used, lambda _: None):
        fast = [seconds(step) for _ in range(runs + 1)]
    changes = f"{psnr(plain[-1][1], fast[-1][1], peak=2.0)}; first step {used['compile_seconds']} s longer; by option"
    row("compiled repeated blocks", min(each[0] for each in plain), min(each[0] for each in fast[1:]), changes)


def levers_device() -> Any:
    from studio.backends.local import device

    return device.choose("cpu")


def bare_starter() -> Any:
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionPipeline

    pipe = StableDiffusionPipeline.from_pretrained(STARTER, torch_dtype=torch.float32, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    pipe.scheduler = EulerDiscreteScheduler.from_config(pipe.scheduler.config)
    return pipe


def on_the_starter(runs: int) -> None:
    """Whole pictures of a trained model: bare diffusers, the studio's backend, and the levers on the bare pipeline."""
    import numpy as np
    import torch

    pipe, backend = bare_starter(), LocalBackend((), None, threads=1)

    def draw(side: int = 128) -> Any:
        picture = pipe(
            PROMPT, num_inference_steps=20, guidance_scale=3.5, width=side, height=side,
            generator=torch.Generator().manual_seed(7),
        ).images[0]  # fmt: skip
        return torch.from_numpy(np.asarray(picture).copy())

    def ours(**options: Any) -> Callable[[], Any]:
        side = options.pop("side", 128)
        return lambda: torch.from_numpy(np.asarray(studio_picture(backend, "starter", side=side, **options)).copy())

    print(f"\nthe starter model, a whole picture of 128 × 128 in 20 steps\n{HEAD}")
    ours()()
    row("the studio, everything as it comes", *both(in_turn(draw, ours(), runs)))
    for name, lever in {
        "channels_last": lambda: channels_last(pipe.unet, pipe.vae),
        "fused QKV": lambda: fused(pipe.unet),
    }.items():
        times = []
        for _ in range(runs):
            plain = seconds(draw)
            with lever():
                draw()
                times.append((plain, seconds(draw)))
        picture = psnr(times[-1][0][1], times[-1][1][1])
        row(name, min(one[0] for one, _ in times), min(two[0] for _, two in times), picture)
    for memory, side in (("8-bit, tiled", 128), ("full, tiled", 256)):
        ours(side=side, memory=memory)()
        row(
            f"memory plan “{memory}”, {side}²",
            *both(in_turn(lambda side=side: draw(side), ours(side=side, memory=memory), 1)),
        )


def both(measured: tuple[float, float, Any, Any]) -> tuple[float, float, str]:
    bare, ours, one, two = measured
    return bare, ours, psnr(one, two)


def studio_picture(backend: LocalBackend, name: str, *, side: int, steps: int = 20, **options: Any) -> Any:
    from watching import Recorder

    from studio.core.request import ImageRequest, Sampling, Size, TextToImage

    model = next(model for model in backend.models() if model.id == f"local:{name}")
    asked = ImageRequest(
        model=model.id, prompt=PROMPT, task=TextToImage(Size(side, side)), options=options,
        sampling=Sampling(steps=steps, guidance_scale=3.5, seed=7, sampler="Euler"),
    )  # fmt: skip
    return backend.generate(asked, model, Recorder(previews=False)).pictures[0].image


def step_cache(steps: int) -> None:
    """A FLUX-shaped transformer with random weights, called as a sampler does, with latents that change smoothly."""
    import torch
    from diffusers import FluxTransformer2DModel

    torch.manual_seed(0)
    flux = FluxTransformer2DModel(
        num_layers=3, num_single_layers=6, attention_head_dim=64, num_attention_heads=6, joint_attention_dim=256,
        pooled_projection_dim=64, axes_dims_rope=(16, 24, 24),
    ).eval()  # fmt: skip
    flux.time_text_embed.timestep_embedder.linear_2.weight.mul_(0.1)  # a trained one changes little from step to step
    flux.proj_out.weight.mul_(0.3)
    noise, words, pooled = torch.randn(1, 256, 64), torch.randn(1, 64, 256), torch.randn(1, 64)
    places = torch.cartesian_prod(torch.zeros(1), torch.arange(16.0), torch.arange(16.0))

    def sample() -> Any:
        latents = noise.clone()
        for index in range(steps):
            level = torch.tensor([1 - index / steps])
            with flux.cache_context("cond"):
                flow = flux(latents, words, pooled, level, places, torch.zeros(64, 3)).sample
            latents = latents - flow / steps
        return latents

    def cached(threshold: float) -> Any:
        with levers.cached(flux, threshold):
            return sample()

    print(
        f"\nFLUX-shaped transformer, random and smoothed by hand, {steps} steps; trained weights lose more or less\n{HEAD}"
    )
    peak = float(sample().abs().max()) * 2
    for name, threshold in levers.THRESHOLDS.items():
        bare, ours, one, two = in_turn(sample, lambda threshold=threshold: cached(threshold), 1)
        row(f"step cache “{name}” ({threshold:g})", bare, ours, f"{psnr(one, two, peak)}; by option")


def switching(folder: Path) -> None:
    """Loading a model against going back to one that stayed warm."""
    import tiny_models

    tiny_models.tiny_sdxl(folder / "xl")
    print(f"\nswitching models\n{HEAD}")
    cold, warm = (LocalBackend((folder,), None, threads=1, warm_bytes=budget) for budget in (0, 10**9))
    times: dict[LocalBackend, list[float]] = {cold: [], warm: []}
    for backend, taken in times.items():
        models = [model for model in backend.models() if model.id in ("local:starter", "local:xl")]
        for _ in range(4):
            for model in models:
                taken.append(seconds(lambda backend=backend, model=model: backend.warm(model))[0])
    row("back to a warm model", min(times[cold][2:]), min(times[warm][2:]), "the same object")


def prompts() -> None:
    """A text encoder of CLIP-L's size, with random weights: reading a prompt against knowing it."""
    import torch
    from transformers import CLIPTextConfig, CLIPTextModel

    from studio.backends.local.embeddings import Embeddings

    config = CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)
    encoder, kept = CLIPTextModel(config).eval(), Embeddings()
    words = torch.randint(0, 49_000, (2, 77))
    with torch.no_grad():
        read = lambda: encoder(words).last_hidden_state  # noqa: E731  run again and again
        read()
        kept.recall("words", "cpu", read)
        bare, ours, one, two = in_turn(read, lambda: kept.recall("words", "cpu", read), 3)
    print(f"\nprompts (CLIP-L's size)\n{HEAD}")
    row("known prompt", bare, ours, f"{psnr(one, two)}; {kept.bytes / 1e6:.1f} MB each")


if __name__ == "__main__":
    main()
