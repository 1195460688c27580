"""Loads one model's pipeline, part by part so that a cancel takes effect, and computes its fingerprint beside it."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from studio.backends.local import levers, placing, preview
from studio.backends.local.catalog import Found
from studio.backends.local.device import Device
from studio.backends.local.embeddings import Embeddings
from studio.backends.local.placing import Placement
from studio.backends.local.plan import FULL, MemoryPlan
from studio.core.errors import Unavailable

_LIBRARIES = ("diffusers", "transformers")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A pipeline ready to run. `schedule` is the model's own scheduler configuration; `colours` maps latents to colours.

    `variants` are further pipelines of the same parts, by class, made when they are first needed. `extra` are parts that
    only a job's own pipelines have: its ControlNets. `plan` is how it fits into memory, `placement` where its parts are;
    `channels_last`: its convolutions run in that order of numbers.
    """

    found: Found
    pipe: Any
    device: Device
    schedule: Mapping[str, Any]
    sha256: Future[str]
    colours: preview.Colours | None
    variants: dict[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    plan: MemoryPlan = FULL
    placement: Placement
    channels_last: bool = False
    embeddings: Embeddings = field(default_factory=Embeddings)

    @property
    def denoiser(self) -> Any:
        return getattr(self.pipe, self.found.family.denoiser)


def load(found: Found, device: Device, check: Callable[[], None], plan: MemoryPlan = FULL) -> Loaded:
    """Load `found` for `device` by `plan`; `check` is called before each part. Only safetensors, no model's own code."""
    quiet_diffusers(check)
    sha256 = fingerprint(found)
    dtype, where = device.dtype_for(found.model.size_bytes), placing.first_stop(plan, device)
    options = {"torch_dtype": dtype, "use_safetensors": True, "local_files_only": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # advice of the libraries to their users, not to ours
        if found.single:
            from studio.backends.local import assemble

            pipe = assemble.pipeline(found.single, where, dtype, check).to(where)
        else:
            pipe = _from_folder(found, where, options, check).to(where)
        pipe.set_progress_bar_config(disable=True)
        _mend_tokenizer(pipe)
    check()
    is_laid_out = levers.lay_out(pipe, device)
    placement = placing.place(pipe, plan, device, denoiser=found.family.denoiser)
    placement.bring("vae")
    colours = preview.learn_colours(pipe)
    return Loaded(
        found=found, pipe=pipe, device=device, schedule=dict(pipe.scheduler.config), sha256=sha256, colours=colours,
        plan=plan, placement=placement, channels_last=is_laid_out,
    )  # fmt: skip


def _from_folder(found: Found, where: str, options: Mapping[str, Any], check: Callable[[], None]) -> Any:
    """A model in diffusers layout."""
    import diffusers

    parts = {}
    for name in found.weights:
        check()
        parts[name] = _load_part(found, name, where, options)
    check()
    kind = getattr(diffusers, found.pipeline)
    absent = dict.fromkeys(_required(kind) - _present(found))
    return kind.from_pretrained(found.folder, **options, **parts, **absent)


def quiet_diffusers(check: Callable[[], None]) -> Any:
    """Import diffusers without its and transformers' advice and progress bars. The first time takes seconds."""
    import torch  # noqa: F401  the first of three slow imports

    check()
    import transformers

    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    check()
    import diffusers

    diffusers.utils.logging.set_verbosity_error()
    diffusers.utils.logging.disable_progress_bar()
    return diffusers


def _index(found: Found) -> dict[str, Any]:
    return dict(json.loads((found.folder / "model_index.json").read_text(encoding="utf-8")))


def _required(pipeline: Any) -> set[str]:
    """Parts that the pipeline's constructor insists on."""
    parameters = inspect.signature(pipeline.__init__).parameters.values()
    return {each.name for each in parameters if each.default is each.empty and each.name != "self"}


def _present(found: Found) -> set[str]:
    """Parts the model has; some come without a large encoder, and their index may not even say so."""
    return {name for name, value in _index(found).items() if isinstance(value, list) and value[0] is not None}


def _load_part(found: Found, name: str, where: str, options: Mapping[str, Any]) -> Any:
    library, class_name = _index(found)[name]
    variant = found.weights[name].variant
    part = part_class(library, class_name).from_pretrained(found.folder, subfolder=name, variant=variant or None, **options)
    return part.to(where).eval()


def part_class(library: str, name: str) -> Any:
    """A part's class from the two libraries or diffusers' own pipelines; a model cannot name any other code."""
    pipelines = importlib.import_module("diffusers.pipelines")
    module = importlib.import_module(library) if library in _LIBRARIES else getattr(pipelines, library, None)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        raise Unavailable(f"The model asks for the unknown part {library}.{name}. Choose another model.")
    return found


def _mend_tokenizer(pipe: Any) -> None:
    """A tokenizer saved without its length would never cut; the text encoder knows how long it is."""
    for suffix in ("", "_2"):
        tokenizer, encoder = getattr(pipe, f"tokenizer{suffix}", None), getattr(pipe, f"text_encoder{suffix}", None)
        positions = getattr(getattr(encoder, "config", None), "max_position_embeddings", None)
        if tokenizer is not None and positions and tokenizer.model_max_length > 100_000:
            tokenizer.model_max_length = positions


def fingerprint(found: Found) -> Future[str]:
    """SHA-256 of the denoiser's weights, computed beside."""
    files = found.weights[found.family.denoiser].files
    stamps = tuple((file.stat().st_mtime_ns, file.stat().st_size) for file in files)
    with_thread = ThreadPoolExecutor(1, thread_name_prefix="fingerprint")
    future = with_thread.submit(_sha256, files, stamps)
    with_thread.shutdown(wait=False)
    return future


@lru_cache(maxsize=32)
def _sha256(files: tuple[Path, ...], stamps: tuple[tuple[int, int], ...]) -> str:
    """Hash over the denoiser's weight files in order; remembered by path, time and size."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
