"""Stamps and keeps a picture that is put together of kept ones, such as the sheet of a grid; nothing is drawn for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from studio.core.errors import StampFailed
from studio.core.ports import Keeper, Stamp
from studio.core.result import Draft, Record

KeepSheet = Callable[[Draft], Record]
"""Raises `StampFailed`, `Blocked` or `KeepError`."""


class Press:
    """`stamps` are made when the first sheet is: reading keys takes a while."""

    def __init__(self, stamps: Callable[[], Sequence[Stamp]], keeper: Keeper) -> None:
        self._stamps, self._keeper = stamps, keeper

    def __call__(self, draft: Draft) -> Record:
        for stamp in self._stamps():
            try:
                draft = stamp(draft)
            except (OSError, ValueError) as error:
                raise StampFailed(
                    f"The mark “{stamp.name}” could not be put on the sheet ({error}), so it was not saved. Try again."
                ) from error
        self._keeper.hold([draft])
        return next(record for record in self._keeper.keep(draft.job) if record.id == draft.id)
