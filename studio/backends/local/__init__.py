"""The local backend: diffusers pipelines on this machine's own device. Importing and creating it is light: no torch.

`create(settings)` is the plug-in's entry; `worker_environment` is for whoever starts the process that calls `generate`.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from studio.backends.local import hires, tokens
from studio.backends.local.adapter_shelf import AdapterShelf
from studio.backends.local.catalog import STARTER, Catalog, Found
from studio.backends.local.course import Course
from studio.backends.local.threads import physical_cores, worker_environment
from studio.backends.local.upscalers import Network, Upscalers
from studio.backends.local.warm import WarmModels
from studio.core.adapters import Offer, take_tags
from studio.core.canvas import Ground
from studio.core.counting import TokenCount
from studio.core.errors import NotConfigured
from studio.core.hires import BUILT_IN
from studio.core.job import Lane
from studio.core.model import Model
from studio.core.ports import Receipts, Watch
from studio.core.request import ImageRequest
from studio.core.result import ImageResult, Picture
from studio.settings import Settings
from studio.stock.folders import ModelFolders

if TYPE_CHECKING:
    from studio.backends.local.device import Device
    from studio.backends.local.fitting import Fitting
    from studio.backends.local.loader import Loaded

FINGERPRINT_SECONDS = 20.0

__all__ = ["LocalBackend", "create", "worker_environment"]


def create(settings: Settings) -> LocalBackend:
    """The local backend as the settings ask for it."""
    return LocalBackend(
        ModelFolders(settings),
        settings.hub_cache,
        device=settings.device,
        threads=settings.threads,
        warm_bytes=settings.warm_bytes,
    )


class LocalBackend:
    """Implements `core.ports.Backend`. Keeps the last used models warm; one request at a time.

    `folders` are searched for models, `hub_cache` is the Hugging Face cache; `device` "" and `threads` 0 mean chosen.
    `warm_bytes` is what models that wait may take of the computer's memory; None: a part of what is free.
    """

    name, hosted = "local", False

    def __init__(
        self,
        folders: Sequence[Path],
        hub_cache: Path | None,
        *,
        device: str = "",
        threads: int = 0,
        starter: Path = STARTER,
        warm_bytes: int | None = None,
    ) -> None:
        self._catalog = Catalog(folders=folders, hub_cache=hub_cache, starter=starter)
        self._shelf = AdapterShelf(folders=folders)
        self._upscalers = Upscalers(folders)
        self._wanted, self._threads = device, threads
        self._device: Device | None = None
        self._warm = WarmModels(warm_bytes)
        self._tokenizers: dict[str, Found] = {}
        self._turn = threading.Lock()

    def models(self) -> list[Model]:
        larger: dict[str, Any] = {"hires": True, "upscalers": self._upscalers.names()}
        return [
            replace(model, variations=True, **(larger if "image-to-image" in model.tasks else {}))
            for model in self._catalog.models()
        ]

    def problems(self) -> list[str]:
        """A sentence for each folder or file that looks like a model or an adapter and cannot be used."""
        return [*self._catalog.scan()[1], *self._shelf.problems()]

    def adapters(self) -> list[Offer]:
        """What can be put onto the models."""
        return self._shelf.offers(self._catalog.scan()[0])

    def prepare(self, picture: Image.Image, preprocessor: str) -> Image.Image:
        with self._turn:
            from studio.backends.local.preprocessing import depth
            from studio.backends.local.trouble import border

            with border(f"making a {preprocessor} picture"):
                return depth(picture, self._shelf.depth_model(), self._chosen_device().torch_name)

    def adapter_named(self, kind: str, hash: str) -> str:
        return self._shelf.named(kind, hash)

    def warm_models(self) -> list[str]:
        """Titles of the models in memory, the last used first."""
        return self._warm.titles()

    @property
    def _loaded(self) -> Loaded | None:
        return self._warm.current

    def main_weights(self, id: str) -> tuple[Path, ...]:
        """The files whose hash is the model's; none for a model that is not here."""
        try:
            found = self._catalog.find(id)
        except NotConfigured:
            return ()
        return found.weights[found.family.denoiser].files

    def count_tokens(self, model: Model, text: str) -> int | None:
        if model.id not in self._tokenizers:
            try:
                self._tokenizers[model.id] = self._catalog.find(model.id)
            except NotConfigured:
                return None
        found = self._tokenizers[model.id]
        text = take_tags(text)[0] if "lora" in model.adapters else text
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

    def generate(
        self,
        request: ImageRequest,
        model: Model,
        watch: Watch,
        ground: Ground | None = None,
        pictures: Mapping[int, Image.Image] | None = None,
    ) -> ImageResult:
        with self._my_turn(watch):
            from studio.backends.local import adapters, run
            from studio.backends.local.fitting import Fitting
            from studio.backends.local.trouble import border

            course, network = Course(watch), self._network(request)
            if ground and request.hires and hires.is_plain(request.hires, ground.strength):
                with border("making the picture larger"):
                    return _only_larger(hires.plainly(request.hires, ground.image, model, network, watch.check), request)
            fitting = Fitting.of(self._usable(model), self._chosen_device(), self._warm, request, ground)
            fitting.announce(course)
            loaded = self._ready(model, course, fitting)
            try:
                with (
                    border(f"drawing with {model.title}", fitting.failed),
                    adapters.put_on(
                        run.Plan.of(loaded, fitting.request, ground, network, fits=fitting.fits),
                        self._shelf,
                        pictures or {},
                        watch.check,
                    ) as worn,
                ):
                    return fitting.told(run.generate(worn, course))
            except BaseException:
                fitting.clear(loaded)
                raise
            finally:
                loaded.placement.rest()

    def _network(self, request: ImageRequest) -> Network | None:
        """The upscaling model that a request asks for, loaded."""
        if request.hires is None or request.hires.upscaler in BUILT_IN:
            return None
        return self._upscalers.load(request.hires.upscaler, self._chosen_device().torch_name)

    def _ready(self, model: Model, course: Course, fitting: Fitting | None = None) -> Loaded:
        """The loaded pipeline for `model`; others stay warm as far as there is room."""
        from studio.backends.local.fitting import Fitting
        from studio.backends.local.trouble import border

        fitting = fitting or Fitting.of(self._usable(model), self._chosen_device(), self._warm)
        if loaded := self._warm.take(fitting.found, fitting.plan, fitting.device, fitting.in_ram):
            return loaded
        course.enter("loading")
        course.watch.check()
        with border(f"loading {model.title}", fitting.unloadable):
            from studio.backends.local import loader

            loaded = loader.load(fitting.found, fitting.device, course.watch.check, fitting.plan)
            self._warm.put(loaded)
        return loaded

    def _usable(self, model: Model) -> Found:
        """Raises `NotConfigured` for a model that is not there or lacks a part."""
        found = self._catalog.find(model.id)
        if found.model.unready:
            raise NotConfigured(found.model.unready)
        return found

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


def _only_larger(made: tuple[Image.Image, dict[str, Any]], request: ImageRequest) -> ImageResult:
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

    def say(self, text: str) -> None: ...

    def phase(self, phase: object) -> None: ...

    def step(self, done: int, total: int, preview: object = None) -> None: ...
