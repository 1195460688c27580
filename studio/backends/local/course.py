"""A picture's course through its phases: what is going on, how long each phase took, and whether to stop.

Hooks on the text encoders, the denoiser and the VAE, and on the layers inside them, ask whether the user said
stop. They work for every family of models, and in encoding and decoding as well, where pipelines have no callback.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from studio.core.job import Phase
from studio.core.ports import Watch

PATIENCE = 0.02
"""Seconds between two looks at the stop sign from inside a layer; a look may cost a read of a file."""

_ENCODERS = ("text_encoder", "text_encoder_2", "text_encoder_3", "text_encoder_4")
_VAE: tuple[tuple[str, Phase], ...] = (("encoder", "encoding"), ("decoder", "decoding"))


class Course:
    """Follows one request. `seconds` by phase."""

    def __init__(self, watch: Watch, patience: float = PATIENCE) -> None:
        self.watch, self.patience = watch, patience
        self.phase: Phase | None = None
        self.seconds: dict[str, float] = {}
        self._said: list[str] = []
        self._since = self._looked = time.perf_counter()

    def enter(self, phase: Phase | None) -> None:
        """Begin `phase`, or end the last one with None."""
        if phase == self.phase:
            return
        now = time.perf_counter()
        if self.phase:
            self.seconds[self.phase] = round(self.seconds.get(self.phase, 0.0) + now - self._since, 4)
        self.phase, self._since = phase, now
        if phase:
            self.watch.phase(phase)

    def say(self, text: str) -> None:
        """Tell the user something about this picture while it is made, beside what was told before."""
        self._said.append(text)
        self.watch.say(" ".join(self._said))

    def glance(self) -> None:
        """Ask whether to stop, if the last look is a while ago. Raises `Cancelled`."""
        now = time.perf_counter()
        if now - self._looked >= self.patience:
            self._looked = now
            self.watch.check()


@contextmanager
def hooked(pipe: Any, denoiser: Any, course: Course) -> Iterator[None]:
    """Keep `course` informed while the pipeline runs; the hooks are gone afterwards, whatever happened."""
    encoders = [encoder for name in _ENCODERS if (encoder := getattr(pipe, name, None))]
    places: list[tuple[Any, Phase]] = [*((encoder, "encoding") for encoder in encoders), (denoiser, "denoising")]
    for part, phase in _VAE:
        if module := getattr(getattr(pipe, "vae", None), part, None):
            places.append((module, phase))
    handles: list[Any] = []
    try:
        for module, phase in places:
            handles.append(module.register_forward_pre_hook(_arrival(course, phase)))
            handles += [layer.register_forward_pre_hook(lambda *_: course.glance()) for layer in _layers(module)]
        yield
    finally:
        for handle in handles:
            handle.remove()


def _arrival(course: Course, phase: Phase) -> Any:
    def arrive(*_: Any) -> None:
        course.enter(phase)
        course.watch.check()

    return arrive


def _layers(module: Any) -> list[Any]:
    """The repeated layers inside, at any depth. A compiled part is left whole: a hook in it would be compiled with it."""
    from torch.nn import ModuleList

    found = [layer for layer in module if layer is not None] if isinstance(module, ModuleList) else []
    inner = [part for part in module.children() if part._compiled_call_impl is None]
    return [layer for layer in found if layer in inner] + [layer for part in inner for layer in _layers(part)]
