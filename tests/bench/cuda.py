"""Speed and memory by family, plan and lever on a graphics card, with random weights of real sizes, against bare diffusers.

`python tests/bench/cuda.py [--device cuda] [--families sd15,sdxl,flux] [--runs 2] [--markdown]`; `--tiny --device cpu` runs
the same code end to end with tiny models anywhere. A plan that a card cannot follow has a line with the reason. FLUX is made
as deep as the computer's memory allows and says so. Writes models into a temporary folder and deletes them.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import common  # first: it makes `studio` importable

sys.path.insert(0, str(common.ROOT / "tests" / "backends"))

from studio.backends.local import LocalBackend, plan
from studio.core.errors import StudioError
from studio.core.request import ImageRequest, Sampling, Size, TextToImage

PROMPT = "a red house by the sea"
HEAD = ("family", "way", "s/picture", "s/step", "peak GB", "estimate GB", "against bare", "note")


@dataclass(frozen=True)
class Case:
    """A family: how to build it, the pipeline class, and the request."""

    name: str
    build: Callable[[Path], object]
    kind: str
    side: int
    steps: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--families", default="sd15,sdxl,flux")
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    import torch

    warnings.simplefilter("ignore")
    if arguments.device == "cpu":
        torch.set_num_threads(1)
    table: list[tuple[str, ...]] = [HEAD]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases(tiny=arguments.tiny):
            if case.name in arguments.families.split(","):
                print(f"building {case.name} …", file=sys.stderr, flush=True)
                case.build(Path(folder) / case.name)
                for line in measure(case, Path(folder), arguments):
                    table.append(line)
                    print("  ".join(line), file=sys.stderr, flush=True)
    backend = LocalBackend((), None, device=arguments.device)
    print(f"{backend.describe_device()}; torch {torch.__version__}; {common.device()}\n")
    show(table, markdown=arguments.markdown)


def cases(*, tiny: bool) -> list[Case]:
    import tiny_models

    if tiny:
        return [
            Case("sd15", tiny_models.tiny_sd, "StableDiffusionPipeline", 64, 3),
            Case("sdxl", tiny_models.tiny_sdxl, "StableDiffusionXLPipeline", 64, 3),
            Case("flux", tiny_models.tiny_flux, "FluxPipeline", 64, 3),
        ]
    return [
        Case("sd15", full_sd15, "StableDiffusionPipeline", 512, 20),
        Case("sdxl", full_sdxl, "StableDiffusionXLPipeline", 1024, 20),
        Case("flux", full_flux, "FluxPipeline", 1024, 20),
    ]


def measure(case: Case, folder: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """Bare diffusers, then the studio by every plan the device has, then the levers."""
    steps = arguments.steps or case.steps
    bare, peak, fault = attempt(lambda: bare_picture(case, folder / case.name, arguments, steps), arguments)
    yield line(case, "bare diffusers", bare, steps, bare=bare, peak=peak, note=fault)
    room = LocalBackend((), None, device=arguments.device)._warm.room(common_device(arguments))
    ways = [{"memory": each.name} for each in plan.possible(room)]
    ways += [{"memory": "auto", "compile": "on"}]
    ways += (
        [{"memory": "auto", "step_cache": each} for each in ("careful", "balanced", "fast")] if case.name == "flux" else []
    )
    for options in ways:
        backend = LocalBackend((folder,), None, device=arguments.device, warm_bytes=0)
        draw = partial(picture, backend, case, options, arguments, steps)
        ours, peak, fault = attempt(draw, arguments)
        name = ", ".join(value if key == "memory" else f"{key} {value}" for key, value in options.items())
        need = estimate(backend, case, options, arguments)
        yield line(case, name, ours, steps, bare=bare, peak=peak, need=need, note=fault)
        backend._warm.drop(f"local:{case.name}")


def attempt(run: Callable[[], float], arguments: argparse.Namespace) -> tuple[float | None, float, str]:
    """Seconds of the fastest picture, the peak in GB, and what went wrong."""
    import torch

    on_card = arguments.device.startswith("cuda")
    gc.collect()
    if on_card:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    try:
        taken, fault = run(), ""
    except StudioError as error:
        taken, fault = None, str(error)
    except torch.OutOfMemoryError:
        taken, fault = None, "out of memory"
    return taken, torch.cuda.max_memory_allocated() / 1e9 if on_card else 0.0, fault


def common_device(arguments: argparse.Namespace) -> Any:
    from studio.backends.local import device

    return device.choose(arguments.device)


def bare_picture(case: Case, folder: Path, arguments: argparse.Namespace, steps: int) -> float:
    """The pipeline as diffusers' documentation shows it, in the precision the studio takes."""
    import diffusers
    import torch

    size = sum(file.stat().st_size for file in folder.rglob("*.safetensors"))
    pipe = getattr(diffusers, case.kind).from_pretrained(folder, torch_dtype=common_device(arguments).dtype_for(size))
    pipe = pipe.to(arguments.device)
    pipe.set_progress_bar_config(disable=True)

    def run() -> None:
        pipe(PROMPT, num_inference_steps=steps, guidance_scale=4.0, width=case.side, height=case.side,
             generator=torch.Generator("cpu").manual_seed(7))  # fmt: skip

    return fastest(run, arguments)


def picture(backend: LocalBackend, case: Case, options: dict[str, str], arguments: argparse.Namespace, steps: int) -> float:
    from watching import Recorder

    model = next(model for model in backend.models() if model.id == f"local:{case.name}")
    return fastest(lambda: backend.generate(request(case, options, steps), model, Recorder(previews=False)), arguments)


def request(case: Case, options: dict[str, str], steps: int) -> ImageRequest:
    sampling = Sampling(steps=steps, guidance_scale=4.0, seed=7, sampler="Euler")
    task = TextToImage(Size(case.side, case.side))
    return ImageRequest(model=f"local:{case.name}", prompt=PROMPT, task=task, options=options, sampling=sampling)


def estimate(backend: LocalBackend, case: Case, options: dict[str, str], arguments: argparse.Namespace) -> float:
    """What the plan was thought to need, in GB."""
    from studio.backends.local.fitting import Fitting

    found = backend._catalog.find(f"local:{case.name}")
    return Fitting.of(found, common_device(arguments), backend._warm, request(case, options, 1)).choice.need / 1e9


def fastest(run: Callable[[], object], arguments: argparse.Namespace) -> float:
    """The first run warms up and does not count."""
    import torch

    times = []
    for _ in range(arguments.runs + 1):
        begun = time.perf_counter()
        run()
        if arguments.device.startswith("cuda"):
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def line(
    case: Case,
    way: str,
    taken: float | None,
    steps: int,
    *,
    bare: float | None,
    peak: float,
    need: float = 0,
    note: str = "",
) -> tuple[str, ...]:
    figures = (f"{taken:.2f}", f"{taken / steps:.3f}") if taken else ("–", "–")
    against = f"× {taken / bare:.2f}" if taken and bare else "–"
    return (case.name, way, *figures, f"{peak:.2f}", f"{need:.2f}", against, note)


def show(table: list[tuple[str, ...]], *, markdown: bool) -> None:
    if markdown:
        rows = [table[0], tuple("---" for _ in HEAD), *table[1:]]
        print("\n".join(f"| {' | '.join(cells)} |" for cells in rows))
        return
    widths = [max(len(cells[column]) for cells in table) for column in range(len(HEAD))]
    for cells in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())


def full_sd15(folder: Path) -> None:
    import tiny_models
    from diffusers import DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=64, cross_attention_dim=768, attention_head_dim=8, block_out_channels=(320, 640, 1280, 1280)
    )
    pipe = StableDiffusionPipeline(
        vae=vae(4), text_encoder=clip(768, 12, 12), tokenizer=tiny_models._tokenizer(), unet=unet,
        scheduler=DDIMScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1,
                                clip_sample=False),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    save(pipe, folder)


def full_sdxl(folder: Path) -> None:
    import tiny_models
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline, UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=128, cross_attention_dim=2048, block_out_channels=(320, 640, 1280), attention_head_dim=(5, 10, 20),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), transformer_layers_per_block=(1, 2, 10),
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=2816,
    )  # fmt: skip
    tokenizer = tiny_models._tokenizer()
    pipe = StableDiffusionXLPipeline(
        vae=vae(4), text_encoder=clip(768, 12, 12), text_encoder_2=clip(1280, 32, 20, projection=True),
        tokenizer=tokenizer, tokenizer_2=tokenizer, unet=unet,
        scheduler=EulerDiscreteScheduler(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", steps_offset=1),
    )  # fmt: skip
    save(pipe, folder)


def full_flux(folder: Path) -> None:
    """FLUX.1's width; as many of its 19 and 38 blocks as half of the free memory holds in bfloat16."""
    import tiny_models
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    from studio.backends.local.device import ram

    share = min(1.0, ram()[0] / 2 / 34e9)
    double, single = max(1, int(19 * share)), max(1, int(38 * share))
    print(f"FLUX with {double} of 19 and {single} of 38 blocks", file=sys.stderr, flush=True)
    tokenizer, before = tiny_models._tokenizer(), torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        transformer = FluxTransformer2DModel(guidance_embeds=True, num_layers=double, num_single_layers=single)
        t5 = T5EncoderModel(T5Config(vocab_size=32128, d_model=4096, d_kv=64, d_ff=10240, num_layers=max(1, int(24 * share)),
                                     num_heads=64, feed_forward_proj="gated-gelu"))  # fmt: skip
        text_encoder, own_vae = clip(768, 12, 12), vae(16, shift=0.1159)
    finally:
        torch.set_default_dtype(before)
    pipe = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True), vae=own_vae,
        text_encoder=text_encoder, tokenizer=tokenizer, text_encoder_2=t5, tokenizer_2=tokenizer, transformer=transformer,
    )  # fmt: skip
    save(pipe, folder)


def vae(latents: int, shift: float | None = None) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512), latent_channels=latents, layers_per_block=2, sample_size=1024,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18,
        shift_factor=shift, force_upcast=False,
    )  # fmt: skip


def clip(width: int, layers: int, heads: int, *, projection: bool = False) -> Any:
    import tiny_models
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    last = tiny_models.vocabulary_size() - 1
    config = CLIPTextConfig(
        hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers, num_attention_heads=heads,
        projection_dim=width, bos_token_id=last - 1, eos_token_id=last, pad_token_id=last,
    )  # fmt: skip
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)


def save(pipe: Any, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipe.save_pretrained(folder, safe_serialization=True)
    del pipe
    gc.collect()


if __name__ == "__main__":
    main()
