"""The library as people browse it: which pictures are wanted, what a grid shows of them, their own marks, and boards."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from studio.core.result import Record
from studio.core.review import ReviewStatus

PAGE = 120
"""Pictures of one page of the grid."""
MOST_STARS = 5
MOST_TAG, MOST_NOTE, MOST_TITLE = 60, 4000, 120
"""Characters."""

Shape = Literal["", "landscape", "portrait", "square"]
Bulk = Literal["", "small", "medium", "large"]
"""Up to half a megapixel, up to two, and more."""
Told = Literal["", "ai", "uncertain", "not-ai", "unscored", "flag", "not_screened"]
"""What the detectors said, or the policy's checks."""
Cost = Literal["", "paid", "free"]
Where = Literal["here", "missing", "trash"]
SHAPES: tuple[Shape, ...] = ("landscape", "portrait", "square")
BULKS: tuple[Bulk, ...] = ("small", "medium", "large")
TOLD: tuple[Told, ...] = ("ai", "uncertain", "not-ai", "unscored", "flag", "not_screened")
COSTS: tuple[Cost, ...] = ("paid", "free")
WHERES: tuple[Where, ...] = ("here", "missing", "trash")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which pictures. What is empty does not matter; `stars` is the least. Days are ISO dates of local time, both included.

    `words` all have to stand in the prompt, the negative prompt, the file's name or the note; the last may be a beginning.
    Of a `board` they come in the board's order, else the newest first.
    """

    words: str = ""
    model: str = ""
    provider: str = ""
    task: str = ""
    since: str = ""
    until: str = ""
    shape: Shape = ""
    size: Bulk = ""
    stars: int = 0
    told: Told = ""
    review: ReviewStatus | Literal[""] = ""
    cost: Cost = ""
    tag: str = ""
    board: str = ""
    imported: bool = False
    where: Where = "here"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A picture as the grid needs it. `key` is its place in the order; `path` is where its file lies or lay."""

    key: int
    id: str
    name: str
    path: Path
    width: int
    height: int
    prompt: str = ""
    stars: int = 0
    state: Literal["kept", "deleted", "missing"] = "kept"
    review: ReviewStatus = "not_needed"
    imported: bool = False


@dataclass(frozen=True, kw_only=True)
class Outline:
    """How many there are and the key that each page of `PAGE` begins with, as of an edition of the library."""

    count: int
    marks: tuple[int, ...] = ()
    edition: int = 0


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What there is to choose from in the filters."""

    models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tags: tuple[tuple[str, int], ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What people put to a picture; it stands in no file."""

    stars: int = 0
    tags: tuple[str, ...] = ()
    note: str = ""
    boards: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Board:
    """An ordered collection of pictures. `by` is who made it, `created` seconds since the epoch, `cover` a record's id."""

    id: str
    title: str
    created: float = 0.0
    by: str = ""
    count: int = 0
    cover: str = ""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """What an export holds: `left_out` are pictures whose file is gone."""

    path: Path
    pictures: int = 0
    left_out: tuple[str, ...] = field(default=())


class Marking(Protocol):
    """Stars, tags and notes. Pictures that are not there are passed over."""

    def rate(self, records: Sequence[str], stars: int) -> dict[str, int]:
        """Returns what each had before."""

    def tag(self, records: Sequence[str], tag: str) -> list[str]:
        """Returns those that did not have it."""

    def untag(self, records: Sequence[str], tag: str) -> list[str]:
        """Returns those that had it."""

    def note(self, record: str, text: str, by: str) -> None: ...

    def of(self, record: str) -> Marks: ...


class Boards(Protocol):
    """Raises `InvalidRequest` for a board that is not there."""

    def all(self) -> list[Board]: ...

    def get(self, id: str) -> Board | None: ...

    def create(self, title: str, by: str) -> Board: ...

    def rename(self, id: str, title: str) -> Board: ...

    def delete(self, id: str) -> Board: ...

    def restore(self, id: str) -> Board:
        """Take back the deletion."""

    def add(self, id: str, records: Sequence[str]) -> list[str]:
        """To the end; returns those that were not on it."""

    def remove(self, id: str, records: Sequence[str]) -> list[str]:
        """Returns those that were on it."""

    def move(self, id: str, records: Sequence[str], before: str = "") -> None:
        """Put pictures of the board, in the order given, before another one; to the end if none is named."""

    def pictures(self, id: str) -> list[Record]:
        """In their order, without those in the trash."""


class Archive(Protocol):
    """The browsing side of the library. `thumbs` is where small copies are kept."""

    @property
    def thumbs(self) -> Path: ...

    @property
    def marks(self) -> Marking: ...

    @property
    def boards(self) -> Boards: ...

    def edition(self) -> int:
        """Another number whenever something that the grid shows has changed."""

    def outline(self, wanted: Wanted) -> Outline: ...

    def page(self, wanted: Wanted, start: int | None = None, end: int | None = None, limit: int = PAGE) -> list[Seen]:
        """From the one with key `start` on (the first if None), short of the one with key `end`."""

    def ids(self, wanted: Wanted, limit: int) -> list[str]:
        """Record ids in order."""

    def choices(self) -> Choices: ...


def thumb_name(id: str) -> str:
    """Where a record's small copy lies under the thumbs' folder."""
    return f"{hashlib.sha256(id.encode()).hexdigest()[:2]}/{id}.webp"
