"""What an examined file says of its making: evidence row by row, then one of four wordings with its reasons.

Nothing here is ever proof. Each row names what would fake it, and the absence of marks says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from PIL import Image

from studio.core.request import Variation
from studio.core.score import Score

Kind = Literal["manifest", "watermark", "metadata", "library", "detector", "capture"]
Strength = Literal["strong", "fair", "weak", "none"]
Side = Literal["ai", "not-ai", "neither"]
Band = Literal["declared", "ai", "uncertain", "not-ai"]

WORDS: Mapping[Band, str] = {
    "declared": "likely AI-generated (declared)",
    "ai": "likely AI-generated",
    "uncertain": "uncertain",
    "not-ai": "likely not AI-generated",
}


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A file to examine: its bytes as they came, and its first frame, upright, RGB or RGBA in its own size;
    None if it cannot be decoded.

    `format` is Pillow's name ("PNG", "JPEG", "WEBP", …), empty if unknown.
    """

    name: str
    data: bytes
    format: str = ""
    image: Image.Image | None = None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One row. `finding` and `faked_by` are sentences for the reader; `side` is what the row speaks for.

    `declared`: whoever made the file says so itself, by a signature that fits the bytes or by our watermark.
    `record` is the library's record it points to. `facts` are JSON-ready and come from an untrusted file.
    """

    kind: Kind
    finding: str
    strength: Strength = "none"
    side: Side = "neither"
    faked_by: str = ""
    declared: bool = False
    record: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Worn:
    """An adapter that a file's metadata names; `hash` is the beginning of its SHA-256 or empty. Unchecked."""

    kind: str
    name: str
    weight: float = 1.0
    hash: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """The settings that a file's metadata tells, whatever program wrote them; None or empty where it says nothing.

    `request` is our own record's request as JSON (`studio.core.request.request_from_json`), unchecked. `text` is the raw
    text, for showing. Nothing of it is to be trusted: shown escaped, never evaluated, never a path.
    """

    dialect: str
    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    steps: int | None = None
    guidance_scale: float | None = None
    sampler: str = ""
    seed: int | None = None
    width: int | None = None
    height: int | None = None
    strength: float | None = None
    variations: tuple[Variation, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    record: Mapping[str, Any] | None = None
    worn: tuple[Worn, ...] = ()


class Witness(Protocol):
    """Looks at a suspect for one kind of mark. Never raises for what a file holds; a damaged mark is a finding."""

    name: str

    def look(self, suspect: Suspect) -> Sequence[Evidence]: ...


@dataclass(frozen=True, kw_only=True)
class Judgement:
    band: Band
    reasons: tuple[str, ...]

    @property
    def words(self) -> str:
        return WORDS[self.band]


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Everything found out about one file. `reading` is what a tab can be filled with; `record` a record of the library."""

    name: str
    sha256: str
    size_bytes: int
    format: str
    width: int
    height: int
    evidence: tuple[Evidence, ...]
    scores: tuple[Score, ...]
    judgement: Judgement
    reading: Reading | None = None
    record: str = ""
    seconds: float = 0.0
