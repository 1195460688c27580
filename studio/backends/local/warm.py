"""The models that stay in memory: the one in use, and those used before it as far as a budget reaches, the oldest out first.

On a device with its own memory those that wait lie in the computer's memory; going back to one costs a copy, not a load.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio.backends.local.plan import ACCELERATORS, MemoryPlan, Room

if TYPE_CHECKING:
    from studio.backends.local.catalog import Found
    from studio.backends.local.device import Device
    from studio.backends.local.loader import Loaded

AUTO_SHARE = 0.5
"""Without a budget in the settings, models that wait take at most this part of what would be free without them."""


class WarmModels:
    """`budget` is in bytes, None for a part of the free memory. One thread at a time."""

    def __init__(self, budget: int | None = None) -> None:
        self._budget = budget
        self._held: OrderedDict[str, Loaded] = OrderedDict()
        self._sizes: dict[str, int] = {}

    @property
    def current(self) -> Loaded | None:
        """The one in use, or that was last."""
        return next(reversed(self._held.values()), None)

    def titles(self) -> list[str]:
        """Of all that are in memory, the last used first."""
        return [loaded.found.model.title for loaded in reversed(self._held.values())]

    def room(self, device: Device) -> Room:
        """The memory as it would be without any of these."""
        from studio.backends.local import device as devices

        everything, on_device = sum(self._sizes.values()), self._on_device()
        if device.kind not in ACCELERATORS:
            free, total = devices.free_bytes(device) + everything, devices.total_bytes(device)
            return Room(kind=device.kind, free=free, total=total, ram_free=free, ram_total=total)
        ram_free, ram_total = devices.ram()
        return Room(
            kind=device.kind,
            free=devices.free_bytes(device) + on_device,
            total=devices.total_bytes(device),
            ram_free=ram_free + everything - on_device,
            ram_total=ram_total,
        )

    def take(self, found: Found, plan: MemoryPlan, device: Device, needed: int) -> Loaded | None:
        """The model as loaded before by a plan that places it alike. The one in use makes way in any case.

        `needed` are the bytes of the computer's memory that the new one takes.
        """
        loaded = self._held.get(found.model.id)
        if loaded is not None and (loaded.found != found or not _alike(loaded.plan, plan)):
            self.drop(found.model.id)
            loaded = None
        if self.current is not loaded:
            self._park()
        self.shrink(device, needed, keep=loaded)
        if loaded is not None:
            self._held.move_to_end(found.model.id)
            loaded.placement.unpark(loaded.pipe)
        return loaded

    def put(self, loaded: Loaded) -> None:
        """A model that was just loaded."""
        from studio.backends.local.placing import weight_bytes

        id = loaded.found.model.id
        self._held[id], self._sizes[id] = loaded, weight_bytes(loaded.pipe)

    def shrink(self, device: Device, needed: int, keep: Loaded | None = None) -> None:
        """Let the oldest go until those that wait keep to the budget and leave `needed` bytes of the computer's memory.

        `keep` is in use; what it holds is part of `needed`.
        """
        room = self.room(device)
        for id in [id for id, loaded in self._held.items() if loaded is not keep]:
            waiting = sum(size for other, size in self._sizes.items() if self._held[other] is not keep)
            if waiting <= max(0, min(self._limit(room), room.ram_free - needed)):
                return
            self.drop(id)

    def drop_waiting(self) -> None:
        """All but the last used."""
        for id in list(self._held)[:-1]:
            self.drop(id)

    def drop(self, id: str) -> None:
        self._held.pop(id, None)
        self._sizes.pop(id, None)
        tidy()

    def _park(self) -> None:
        if self.current is not None:
            self.current.placement.park(self.current.pipe)

    def _limit(self, room: Room) -> int:
        return int(AUTO_SHARE * room.ram_free) if self._budget is None else self._budget

    def _on_device(self) -> int:
        """Bytes of the device that the one in use holds."""
        current = self.current
        if current is None or current.placement.place != "full" or current.device.kind not in ACCELERATORS:
            return 0
        return self._sizes[current.found.model.id]


def _alike(one: MemoryPlan, other: MemoryPlan) -> bool:
    return (one.place, one.eight_bit) == (other.place, other.eight_bit)


def tidy() -> None:
    """Give freed memory back to the system. glibc keeps small pieces otherwise: a process grew with each switch."""
    gc.collect()
    if sys.platform == "linux":
        trim = _trim()
        if trim is not None:
            trim(0)


def _trim() -> Callable[[int], Any] | None:
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None  # another C library
