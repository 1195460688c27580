"""The door to a backend whose models take adapters; `studio.core.ports.Backend` is the one to all others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from PIL import Image

from studio.core.adapters import Offer
from studio.core.canvas import Ground
from studio.core.model import Model
from studio.core.ports import Watch
from studio.core.request import ImageRequest
from studio.core.result import ImageResult


@runtime_checkable
class Adapting(Protocol):
    """A backend whose models take adapters; what they look at comes besides the request."""

    def adapters(self) -> Sequence[Offer]:
        """What is here to be put onto its models. Light: headers only."""

    def adapter_named(self, kind: str, hash: str) -> str:
        """The name of the adapter with this SHA-256 or the beginning of it; empty if none has it."""

    def prepare(self, picture: Image.Image, preprocessor: str) -> Image.Image:
        """A control picture that needs a model. Raises a `StudioError`."""

    def generate(
        self,
        request: ImageRequest,
        model: Model,
        watch: Watch,
        ground: Ground | None = None,
        pictures: Mapping[int, Image.Image] | None = None,
    ) -> ImageResult:
        """As a `Backend`; `pictures` by place in `ImageRequest.adapters`, a ControlNet's in the size that is drawn."""
