"""What the grid page may do, as one Protocol; the engine's `Grids` is the real one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from studio.core.axes import Axis
from studio.core.grid import KeptGrid, Plan
from studio.core.people import Person
from studio.core.request import ImageRequest
from studio.core.result import Record
from studio.engine.grids import MadeCell


class Grids(Protocol):
    """What takes a person raises `NotAllowed` where the role does not reach so far; what is no grid is `InvalidRequest`."""

    def base_of(self, record: Record) -> ImageRequest:
        """What a grid from a kept picture starts from."""

    def plan(self, base: ImageRequest, axes: Sequence[Axis]) -> Plan:
        """Every cell, what is wrong with it, and what all will take. Nothing is queued."""

    def start(self, base: ImageRequest, axes: Sequence[Axis], person: Person) -> KeptGrid: ...

    def go_on(self, id: str, person: Person) -> KeptGrid:
        """Queue once more what has no picture."""

    def cancel(self, id: str, person: Person) -> int: ...

    def remove(self, id: str, person: Person) -> None:
        """Forget the grid; its pictures stay."""

    def find(self, id: str) -> KeptGrid | None: ...

    def newest(self, limit: int = 50) -> list[KeptGrid]: ...

    def cells(self, grid: KeptGrid) -> list[MadeCell]: ...

    def sheet(self, id: str, person: Person) -> Record:
        """Put the pictures on one sheet and keep it."""
