"""Prompts that were read before: what the text encoders gave, kept across jobs in the computer's memory. Exact.

Keys are the words and everything else that goes into the encoders. What a key cannot hold (pictures, embeddings that were
made elsewhere) and requests with adapters that change an encoder are read anew each time.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import Any

from studio.backends.local import levers
from studio.core.request import ImageRequest

LIMIT = 128_000_000
"""Bytes for each model. FLUX's longest prompts take 4 MB each, those of Stable Diffusion 1.5 half a megabyte."""
_CHANGING = ("lora", "textual-inversion", "ip-adapter")
_BESIDE = ("memory", "tiling", *levers.NAMES)
"""Options that no encoder sees."""
_PLAIN = (str, int, float, bool, type(None))


class Embeddings:
    """Of one loaded model; the longest unused go first. `hits` and `misses` count the questions."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self.hits = self.misses = 0

    @property
    def bytes(self) -> int:
        return sum(_bytes(value) for value in self._kept.values())

    def recall(self, key: Hashable | None, device: str, make: Callable[[], Any]) -> Any:
        """The kept answer on `device`, or that of `make`; without a key nothing is kept."""
        if key is None:
            return make()
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            return _on(self._kept[key], device)
        self.misses += 1
        value = make()
        if _bytes(value) <= self._limit:
            self._kept[key] = _on(value, "cpu")
            while self.bytes > self._limit:
                self._kept.popitem(last=False)
        return value


def words_of(request: ImageRequest) -> Hashable | None:
    """All of a request that its conditioning depends on; None if that cannot be kept."""
    if any(adapter.kind in _CHANGING for adapter in request.adapters):
        return None
    others = sorted((name, value) for name, value in request.options.items() if name not in _BESIDE)
    return ("words", request.prompt, request.negative_prompt, repr(others))


@contextmanager
def encoded_once(pipe: Any, embeddings: Embeddings, request: ImageRequest, device: str) -> Iterator[None]:
    """All pictures of a request share their prompts: encode each for the first one only, or not at all if it is known."""
    if pipe is None:
        yield
        return
    original, known = pipe.encode_prompt, dict[str, Any]()
    lasting = words_of(request) is not None

    @functools.wraps(original)
    def encode_prompt(*args: Any, **options: Any) -> Any:
        asked = repr([*map(_mark, args), *((name, _mark(value)) for name, value in options.items())])
        if asked not in known:
            key = _key(type(pipe).__name__, args, options) if lasting else None
            known[asked] = embeddings.recall(key, device, lambda: original(*args, **options))
        return known[asked]

    pipe.encode_prompt = encode_prompt
    try:
        yield
    finally:
        del pipe.encode_prompt


def _mark(value: Any) -> Any:
    """What tells one argument from another; a tensor is itself, not its numbers."""
    return id(value) if hasattr(value, "shape") else value


def _key(kind: str, args: tuple[Any, ...], options: dict[str, Any]) -> Hashable | None:
    """A key of plain values; None if an argument is anything else, such as a tensor or a picture."""
    import torch

    found = []
    for name, value in [*enumerate(args), *sorted(options.items())]:
        values = value if isinstance(value, list | tuple) else [value]
        if not all(isinstance(each, (*_PLAIN, torch.device, torch.dtype)) for each in values):
            return None
        found.append((name, repr(value)))
    return (kind, *found)


def _on(value: Any, device: str) -> Any:
    """The same with every tensor copied to `device`, so that nobody can change what is kept."""
    import torch

    if isinstance(value, torch.Tensor):
        return value.to(device, copy=True)
    if isinstance(value, dict):
        return {name: _on(each, device) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_on(each, device) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: _on(getattr(value, each.name), device) for each in fields(value)})
    return value


def _bytes(value: Any) -> int:
    import torch

    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(_bytes(each) for each in value.values())
    if isinstance(value, list | tuple):
        return sum(_bytes(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        return sum(_bytes(getattr(value, each.name)) for each in fields(value))
    return 0
