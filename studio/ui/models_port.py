"""What the models page may do, as one Protocol; the engine's `Collection` is the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from studio.core.collection import Download, Entry, Precision, Removed, Starter, Wish
from studio.core.people import Person
from studio.core.worker import WorkerStatus


class Collection(Protocol):
    """Everybody may look. What takes a person raises `NotAllowed` where the role does not reach so far."""

    @property
    def models_folder(self) -> str: ...

    def entries(self) -> list[Entry]: ...

    def problems(self) -> list[str]:
        """A sentence for each thing that looks like a model and cannot be used."""

    def hash_of(self, id: str) -> str:
        """Empty while it is being computed."""

    def downloads(self) -> list[Download]: ...

    def downloader(self) -> WorkerStatus: ...

    def starters(self) -> Sequence[Starter]: ...

    def removed(self) -> list[Removed]: ...

    def folders(self) -> list[str]: ...

    def add(self, text: str, person: Person, precision: Precision = "auto") -> Download: ...

    def wish(self, id: str, wish: Wish, person: Person) -> None: ...

    def remove(self, id: str, person: Person) -> Removed: ...

    def restore(self, id: str, person: Person) -> Removed: ...

    def empty_trash(self, person: Person) -> int: ...

    def link(self, folder: str, person: Person) -> str: ...

    def unlink(self, folder: str, person: Person) -> None: ...
