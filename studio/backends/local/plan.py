"""Plans for fitting a model and a request into memory, from fastest to smallest, and the choice among them. No torch.

A plan that leaves every pixel as it is stands before one that does not: decoding in tiles and 8-bit weights change some, so
they are taken only where no exact plan fits. The estimates are `needs.Needs`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from studio.backends.local.needs import Needs
from studio.core.errors import Unsupported
from studio.core.model import Option

Place = Literal["full", "model", "group", "sequential"]
AUTO = "auto"
MARGIN = 0.92
"""The part of the free memory that a chosen plan may fill by its estimate."""
SAVING = 0.95
"""A smaller plan is worth a try if it needs at most this part of what failed."""
ACCELERATORS = ("cuda", "rocm", "xpu")
"""Devices with a memory of their own, which the computer's can stand behind."""


@dataclass(frozen=True, kw_only=True)
class MemoryPlan:
    """Where the weights lie while a picture is made.

    `full`: on the device. `model`: one part after the other. `group`: the denoiser block by block. `sequential`: layer by
    layer. `tiled`: the VAE works on tiles. `eight_bit`: the denoiser's weights are kept as float8, widened layer by layer.
    """

    name: str
    place: Place = "full"
    tiled: bool = False
    eight_bit: bool = False

    @property
    def changes_pixels(self) -> bool:
        return self.tiled or self.eight_bit


FULL = MemoryPlan(name="full")
PLANS = (
    FULL,
    MemoryPlan(name="model offload", place="model"),
    MemoryPlan(name="group offload", place="group"),
    MemoryPlan(name="full, tiled", tiled=True),
    MemoryPlan(name="model offload, tiled", place="model", tiled=True),
    MemoryPlan(name="group offload, tiled", place="group", tiled=True),
    MemoryPlan(name="sequential offload, tiled", place="sequential", tiled=True),
    MemoryPlan(name="8-bit, tiled", place="model", tiled=True, eight_bit=True),
)
ABSENT = {
    "4-bit": "4-bit weights need a model file that was made so (GGUF) or a package that the studio does not install. "
    "Choose “8-bit, tiled” or an offload plan."
}
"""Plans that people ask for and the studio does not have, and why."""

OPTION = Option(name="memory", title="Memory plan", choices=(AUTO, *(plan.name for plan in PLANS)), default=AUTO)


@dataclass(frozen=True, kw_only=True)
class Room:
    """The memory of a device and of the computer behind it, in bytes; on the CPU and Apple chips they are one.

    `free` and `ram_free` count what our own idle models would give back.
    """

    kind: str
    free: int
    total: int
    ram_free: int
    ram_total: int

    @property
    def offloads(self) -> bool:
        return self.kind in ACCELERATORS


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The plan that is used, and a sentence for the user; `need` and `free` are the device's bytes."""

    plan: MemoryPlan
    need: int
    free: int
    why: str = ""


def hindrance(plan: MemoryPlan, room: Room) -> str:
    """Why a plan cannot be used on this device, else nothing."""
    if plan.eight_bit:
        return "8-bit weights need a device that knows float8, which Apple's does not." if room.kind == "mps" else ""
    if plan.place != "full" and not room.offloads:
        return f"“{plan.name}” needs a graphics card with a memory of its own. Choose “full, tiled”."
    return ""


def possible(room: Room) -> tuple[MemoryPlan, ...]:
    return tuple(plan for plan in PLANS if not hindrance(plan, room))


def need(plan: MemoryPlan, needs: Needs, room: Room) -> int:
    """Bytes of the device's memory at the fullest moment."""
    place = plan.place if room.offloads else "full"
    return needs.on_device(place, tiled=plan.tiled, eight_bit=plan.eight_bit)


def fits(plan: MemoryPlan, needs: Needs, room: Room) -> bool:
    """By the estimate: on the device, and the weights in the computer's memory where a plan leaves them there."""
    in_ram = needs.in_ram(plan.place) if room.offloads else 0
    return need(plan, needs, room) <= MARGIN * room.free and in_ram <= MARGIN * room.ram_free


def choose(wanted: str, needs: Needs, room: Room) -> Choice:
    """The wanted plan; for “auto” the first that fits, or the smallest if none does. Raises `Unsupported`."""
    if wanted not in ("", AUTO):
        plan = named(wanted)
        if fault := hindrance(plan, room):
            raise Unsupported(fault)
        return Choice(plan=plan, need=need(plan, needs, room), free=room.free)
    able = possible(room)
    plan = next((plan for plan in able if fits(plan, needs, room)), None) or smallest(able, needs, room)
    chosen = Choice(plan=plan, need=need(plan, needs, room), free=room.free)
    return chosen if plan is FULL else Choice(plan=plan, need=chosen.need, free=room.free, why=_why(chosen, needs, room))


def named(name: str) -> MemoryPlan:
    """Raises `Unsupported` for a plan that is not there."""
    found = next((plan for plan in PLANS if plan.name == name), None)
    if found is None:
        known = ", ".join(plan.name for plan in PLANS)
        raise Unsupported(ABSENT.get(name, f"There is no memory plan “{name}”. Choose one of: {AUTO}, {known}."))
    return found


def smallest(plans: Iterable[MemoryPlan], needs: Needs, room: Room) -> MemoryPlan:
    return min(plans, key=lambda plan: need(plan, needs, room))


def next_smaller(failed: MemoryPlan, needs: Needs, room: Room) -> MemoryPlan | None:
    """What to try after `failed` ran out of memory: the next plan in the order that saves something; None if none does."""
    before = SAVING * need(failed, needs, room)
    later = PLANS[PLANS.index(failed) + 1 :]
    return next((plan for plan in later if not hindrance(plan, room) and need(plan, needs, room) <= before), None)


def _why(chosen: Choice, needs: Needs, room: Room) -> str:
    whole = need(FULL, needs, room)
    told = f"memory plan: {chosen.plan.name}; everything at once would need {_gb(whole)}, {_gb(room.free)} are free"
    return f"{told}; tiles and 8-bit weights change some pixels" if chosen.plan.changes_pixels else told


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.0f} MB"
