"""The library as page, commands and programs use it: browsing, marks, boards, bringing in, packing, the trash."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from studio.core.errors import InvalidRequest, StudioError
from studio.core.evidence import Examination
from studio.core.gallery import (
    MOST_NOTE,
    MOST_STARS,
    MOST_TAG,
    MOST_TITLE,
    PAGE,
    Archive,
    Board,
    Choices,
    Marks,
    Outline,
    Packed,
    Seen,
    Wanted,
)
from studio.core.people import Person
from studio.core.request import sources
from studio.core.result import Record
from studio.engine.exporting import Packing, Progress
from studio.engine.importing import Imported, Importing, Screen
from studio.engine.oversight import UNSHARED, Oversight
from studio.engine.rights import require
from studio.engine.shelf import Shelf

MOST_AT_ONCE = 20_000
"""Pictures that one action takes."""
GENERATIONS = 12
"""How far back a picture's origin is followed."""
DAY = 86_400.0


class Studio(Protocol):
    """The part of the studio that this needs."""

    version: str
    oversight: Oversight

    def record(self, id: str) -> Record | None: ...

    def children(self, id: str) -> list[Record]: ...

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination: ...


@dataclass(frozen=True)
class Outcome:
    """What an action on many pictures did, and a sentence for each kind of picture that it could not be done for."""

    done: tuple[str, ...]
    problems: tuple[str, ...] = ()


class Gallery:
    """Everybody who may create may look, mark and collect; a board is changed by whoever made it, or by a reviewer.

    Raises `StudioError`s; without an archive (a studio put together by hand) all of it is a sentence.
    """

    def __init__(self, studio: Studio, shelf: Shelf, screen: Screen) -> None:
        self._studio, self._shelf = studio, shelf
        self._importing = Importing(studio, shelf, screen)

    @property
    def thumbs(self) -> Path | None:
        """Where small copies are kept; None where nothing is."""
        return self._shelf.gallery.thumbs if self._shelf.gallery else None

    # Looking ----------------------------------------------------------------------------------------------------------

    def edition(self) -> int:
        """Another number whenever the grid shows something else."""
        return self._archive.edition()

    def outline(self, wanted: Wanted) -> Outline:
        """How many pictures there are, and where each page begins."""
        return self._archive.outline(wanted)

    def page(self, wanted: Wanted, start: int | None = None, end: int | None = None, limit: int = PAGE) -> list[Seen]:
        """Pictures from key `start` on, short of key `end`."""
        return self._archive.page(wanted, start, end, limit)

    def ids(self, wanted: Wanted, limit: int = MOST_AT_ONCE) -> list[str]:
        """All that are wanted, in order."""
        return self._archive.ids(wanted, limit)

    def choices(self) -> Choices:
        return self._archive.choices()

    def marks(self, id: str) -> Marks:
        return self._archive.marks.of(id)

    def file_of(self, id: str) -> Path | None:
        """A picture's file, be it in the trash; None if it is gone."""
        record = self._studio.record(id)
        if record is None or record.path is not None:
            return record.path if record else None
        return self._shelf.trash.file(id) if self._shelf.trash else None

    def ancestors(self, record: Record) -> list[Record]:
        """What a picture was made from, the nearest first; it ends with what came from elsewhere."""
        found: list[Record] = []
        seen = {record.id}
        at: Record | None = record
        while at is not None and len(found) < GENERATIONS:
            source = sources(at.request.task).get("image")
            at = self._studio.record(source.record) if source and source.record else None
            if at is None or at.id in seen:
                break
            seen.add(at.id)
            found.append(at)
        return found

    # Marks ------------------------------------------------------------------------------------------------------------

    def rate(self, records: Sequence[str], stars: int, person: Person) -> dict[str, int]:
        """Give stars, 0 takes them away; returns what each had before."""
        require(person, "create")
        if not 0 <= stars <= MOST_STARS:
            raise InvalidRequest(f"Stars go from 0 to {MOST_STARS}.")
        return self._archive.marks.rate(_some(records), stars)

    def tag(self, records: Sequence[str], tag: str, person: Person) -> list[str]:
        """Returns the pictures that did not have it yet."""
        require(person, "create")
        return self._archive.marks.tag(_some(records), _line(tag, MOST_TAG, "tag"))

    def untag(self, records: Sequence[str], tag: str, person: Person) -> list[str]:
        require(person, "create")
        return self._archive.marks.untag(_some(records), _line(tag, MOST_TAG, "tag"))

    def note(self, record: str, text: str, person: Person) -> None:
        """Write beside a picture; an empty text takes the note away."""
        require(person, "create")
        if len(text) > MOST_NOTE:
            raise InvalidRequest(f"A note has up to {MOST_NOTE} characters. Shorten it.")
        self._archive.marks.note(record, text.strip(), person.name)

    # Boards -----------------------------------------------------------------------------------------------------------

    def boards(self) -> list[Board]:
        """In the order in which they were made."""
        return self._archive.boards.all()

    def board(self, id: str) -> Board | None:
        return self._archive.boards.get(id)

    def pictures_of(self, board: str) -> list[Record]:
        """A board's pictures in their order, without those in the trash."""
        return self._archive.boards.pictures(board)

    def create_board(self, title: str, person: Person) -> Board:
        require(person, "create")
        return self._archive.boards.create(_line(title, MOST_TITLE, "board"), person.name)

    def rename_board(self, id: str, title: str, person: Person) -> Board:
        self._require_own(id, person)
        return self._archive.boards.rename(id, _line(title, MOST_TITLE, "board"))

    def delete_board(self, id: str, person: Person) -> Board:
        """Its pictures stay. `restore_board` takes it back."""
        self._require_own(id, person)
        return self._archive.boards.delete(id)

    def restore_board(self, id: str, person: Person) -> Board:
        require(person, "create")
        return self._archive.boards.restore(id)

    def add_to_board(self, id: str, records: Sequence[str], person: Person) -> list[str]:
        """To its end; returns those that were not on it."""
        require(person, "create")
        return self._archive.boards.add(id, _some(records))

    def remove_from_board(self, id: str, records: Sequence[str], person: Person) -> list[str]:
        require(person, "create")
        return self._archive.boards.remove(id, _some(records))

    def move_on_board(self, id: str, records: Sequence[str], person: Person, before: str = "") -> None:
        """Put pictures before another one of the board, or to its end."""
        require(person, "create")
        self._archive.boards.move(id, _some(records), before)

    # In and out -------------------------------------------------------------------------------------------------------

    def bring_in(self, data: bytes, name: str, person: Person) -> Imported:
        """Keep a picture that was made elsewhere, byte for byte. Raises `InvalidRequest` or `Blocked`."""
        require(person, "create")
        return self._importing.bring_in(data, name, person)

    def export(
        self, records: Iterable[str], folder: Path, person: Person, progress: Progress = lambda _done, _total: None
    ) -> Packed:
        """Pack pictures with what is known of them into a ZIP file in `folder`; whole or not at all.

        What waits for a review or was rejected goes out only with somebody who may review.
        """
        require(person, "create")
        wanted = _some(list(records))
        held = () if person.may("review") else tuple(UNSHARED)
        packed = Packing(self._studio, self._archive, held, progress).pack(wanted, folder)
        self._studio.oversight.log.packed(packed.pictures, person.name)
        return packed

    # The trash --------------------------------------------------------------------------------------------------------

    def delete(self, records: Sequence[str], person: Person) -> Outcome:
        return _each(records, lambda id: self._studio.oversight.delete(id, person))

    def restore(self, records: Sequence[str], person: Person) -> Outcome:
        return _each(records, lambda id: self._studio.oversight.restore(id, person))

    def empty_trash(self, person: Person, days: int = 0) -> int:
        """Remove for good what has been in the trash for so many days, 0 for all of it."""
        if days < 0:
            raise InvalidRequest("Choose how old what is removed has to be: 0 days or more.")
        return self._studio.oversight.empty_trash(person, time.time() - days * DAY if days else None)

    @property
    def _archive(self) -> Archive:
        if self._shelf.gallery is None:
            raise InvalidRequest("This studio was opened without its library's browsing part. Start it with studio.py.")
        return self._shelf.gallery

    def _require_own(self, board: str, person: Person) -> None:
        found = self.board(board)
        require(person, "create" if found is None or found.by == person.name else "review")


def _each(records: Sequence[str], act: Callable[[str], object]) -> Outcome:
    """One after the other; what goes wrong for one stops no other."""
    done: list[str] = []
    problems: dict[str, None] = {}
    for id in _some(records):
        try:
            act(id)
            done.append(id)
        except StudioError as error:
            problems[str(error)] = None
    return Outcome(tuple(done), tuple(problems))


def _some(records: Sequence[str]) -> list[str]:
    if len(records) > MOST_AT_ONCE:
        raise InvalidRequest(f"At most {MOST_AT_ONCE} pictures at once. Choose fewer.")
    return [str(id) for id in records]


def _line(text: str, most: int, what: str) -> str:
    """One line of text, neither empty nor long."""
    line = " ".join(text.split())
    if not line or len(line) > most:
        raise InvalidRequest(f"The name of a {what} has 1 to {most} characters.")
    return line
