"""The local backend: diffusers pipelines on this machine's own device. Importing and creating it is light: no torch.

`create(settings)` is the plug-in's entry; `worker_environment` is for whoever starts the process that calls `generate`.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.backends.local import hires, tokens
from studio.backends.local.catalog import STARTER, Catalog, Found
from studio.backends.local.course import Course
from studio.backends.local.threads import physical_cores, worker_environment
from studio.backends.local.upscalers import Network, Upscalers
from studio.core.canvas import Ground
from studio.core.counting import TokenCount
from studio.core.errors import NotConfigured, OutOfMemory
from studio.core.hires import BUILT_IN
from studio.core.job import Lane
from studio.core.model import Model
from studio.core.ports import Receipts, Watch
from studio.core.request import ImageRequest
from studio.core.result import ImageResult, Picture
from studio.settings import Settings

if TYPE_CHECKING:
    from PIL.Image import Image

    from studio.backends.local.device import Device
    from studio.backends.local.loader import Loaded

FINGERPRINT_SECONDS = 20.0

__all__ = ["LocalBackend", "create", "worker_environment"]


def create(settings: Settings) -> LocalBackend:
    """The local backend as the settings ask for it."""
    return LocalBackend((settings.models,), settings.hub_cache, device=settings.device, threads=settings.threads)


class LocalBackend:
    """Implements `core.ports.Backend`. Keeps the last used model loaded; one request at a time.

    `folders` are searched for models, `hub_cache` is the Hugging Face cache; `device` "" and `threads` 0 mean chosen.
    """

    name, hosted = "local", False

    def __init__(
        self, folders: Sequence[Path], hub_cache: Path | None, device: str = "", threads: int = 0, starter: Path = STARTER
    ) -> None:
        self._catalog = Catalog(folders=tuple(folders), hub_cache=hub_cache, starter=starter)
        self._upscalers = Upscalers(folders)
        self._wanted, self._threads = device, threads
        self._device: Device | None = None
        self._loaded: Loaded | None = None
        self._tokenizers: dict[str, Found] = {}
        self._turn = threading.Lock()

    def models(self) -> list[Model]:
        upscalers = self._upscalers.names()
        return [
            replace(model, hires=True, upscalers=upscalers) if "image-to-image" in model.tasks else model
            for model in self._catalog.models()
        ]

    def problems(self) -> list[str]:
        """A sentence for each folder that looks like a model and cannot be used."""
        return self._catalog.scan()[1]

    def count_tokens(self, model: Model, text: str) -> int | None:
        if model.id not in self._tokenizers:
            try:
                self._tokenizers[model.id] = self._catalog.find(model.id)
            except NotConfigured:
                return None
        found = self._tokenizers[model.id]
        return tokens.count(found.tokenizer, text, weighted=found.family.chunked)

    def count_encoders(self, model: Model, text: str) -> Sequence[TokenCount]:
        try:
            found = self._tokenizers[model.id] = self._tokenizers.get(model.id) or self._catalog.find(model.id)
        except NotConfigured:
            return ()
        return tokens.count_encoders(found, text)

    def fingerprint(self, model: Model) -> str:
        """The SHA-256 that a record of this model would name; empty where reading its files takes too long. No torch."""
        from studio.backends.local.loader import fingerprint

        try:
            return fingerprint(self._catalog.find(model.id)).result(FINGERPRINT_SECONDS)
        except (TimeoutError, NotConfigured, OSError):
            return ""

    def describe_device(self) -> str:
        """Such as "Intel Xeon, 8 threads" or "NVIDIA H100, 80 GB". Imports torch."""
        from studio.backends.local import device as devices

        device = self._chosen_device()
        if device.kind == "cpu":
            threads = self._threads or physical_cores()
            return f"{device.name}, {threads} {'thread' if threads == 1 else 'threads'}"
        return f"{device.name}, {devices.total_bytes(device) / 1e9:.0f} GB"

    def warm(self, model: Model) -> None:
        with self._turn:
            self._ready(model, Course(_Unwatched()))

    def generate(self, request: ImageRequest, model: Model, watch: Watch, ground: Ground | None = None) -> ImageResult:
        with self._my_turn(watch):
            from studio.backends.local import run
            from studio.backends.local.device import empty_cache, free_bytes
            from studio.backends.local.memory import failure
            from studio.backends.local.trouble import border

            course, network = Course(watch), self._network(request)
            if ground and request.hires and hires.is_plain(request.hires, ground.strength):
                with border("making the picture larger"):
                    return _only_larger(hires.plainly(request.hires, ground.image, model, network, watch.check), request)
            loaded = self._ready(model, course)
            plan = run.Plan.of(loaded, request, ground, network)

            def no_memory() -> OutOfMemory:
                empty_cache(loaded.device)
                return failure(loaded.pipe, plan.size, free_bytes(loaded.device), decoding=course.phase == "decoding")

            try:
                with border(f"drawing with {model.title}", no_memory):
                    return run.generate(plan, course)
            except BaseException:
                loaded.pipe.maybe_free_model_hooks()
                gc.collect()
                empty_cache(loaded.device)
                raise

    def _network(self, request: ImageRequest) -> Network | None:
        """The upscaling model that a request asks for, loaded."""
        if request.hires is None or request.hires.upscaler in BUILT_IN:
            return None
        return self._upscalers.load(request.hires.upscaler, self._chosen_device().torch_name)

    def _ready(self, model: Model, course: Course) -> Loaded:
        """The loaded pipeline for `model`; another one is freed first."""
        found = self._catalog.find(model.id)
        if self._loaded and self._loaded.found == found:
            return self._loaded
        from studio.backends.local.trouble import border

        course.enter("loading")
        course.watch.check()
        with border(f"loading {model.title}"):
            from studio.backends.local import loader
            from studio.backends.local.device import empty_cache, total_bytes
            from studio.backends.local.memory import weight_bytes

            device = self._chosen_device()
            if self._loaded:
                self._loaded = None
                gc.collect()
                empty_cache(device)
            files = [file for part in found.weights.values() for file in part.files]
            if weight_bytes(files, device.dtype_for(found.model.size_bytes).itemsize) > total_bytes(device):
                raise OutOfMemory(f"{model.title} is larger than the memory of {device.name}.", "Choose a smaller model.")
            self._loaded = loader.load(found, device, course.watch.check)
        return self._loaded

    def _chosen_device(self) -> Device:
        if self._device is None:
            import torch

            from studio.backends.local.device import choose

            if self._threads:
                torch.set_num_threads(self._threads)
            try:
                self._device = choose(self._wanted)
            except ValueError as error:
                raise NotConfigured(str(error)) from error
        return self._device

    @contextmanager
    def _my_turn(self, watch: Watch) -> Iterator[None]:
        """Wait for a load that is going on (a pipeline bears one thread only), and listen for a cancel meanwhile."""
        watch.check()
        while not self._turn.acquire(timeout=0.05):
            watch.check()
        try:
            yield
        finally:
            self._turn.release()


def _only_larger(made: tuple[Image, dict[str, Any]], request: ImageRequest) -> ImageResult:
    image, used = made
    seed = request.sampling.seed or 0
    return ImageResult(pictures=tuple(Picture(image=image, seed=seed + place) for place in range(request.count)), used=used)


class _Unwatched:
    """Nobody waits for a model that warms up, and nothing is paid for."""

    lane: Lane = "interactive"

    @property
    def receipts(self) -> Receipts:
        raise LookupError("a model that warms up belongs to no job")

    def delay(self, until: float, why: str) -> None: ...

    def check(self) -> None: ...

    def phase(self, phase: object) -> None: ...

    def step(self, done: int, total: int, preview: object = None) -> None: ...
