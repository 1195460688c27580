"""What policy checks look at, as Protocols: the words, the pictures a request starts from, the pictures it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from PIL import Image

from studio.core.evidence import Evidence
from studio.core.people import Role
from studio.core.request import ImageRequest
from studio.core.verdict import Stage, Verdict


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One thing to look at. At the stage `source` there are the file's bytes, its picture and what witnesses found in it, at
    `output` the picture and the `facts` its backend told; at `request` neither. Pictures are RGB.
    """

    stage: Stage
    request: ImageRequest
    role: Role = "creator"
    image: Image.Image | None = None
    data: bytes = b""
    evidence: Sequence[Evidence] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


class Check(Protocol):
    """One policy check. `light`: it looks at words only, costs nothing and may run in the page's process."""

    name: str

    @property
    def light(self) -> bool: ...

    def __call__(self, subject: Subject) -> Verdict | None:
        """None where it has nothing to say of such a subject. Never raises for what a subject holds."""
