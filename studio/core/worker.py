"""What the page may know of a worker process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class WorkerStatus:
    """`message` is a sentence for the user; `device` such as "CPU, 8 threads" or "NVIDIA RTX 4090, 24 GB".

    `warm` are the titles of models in memory, the last used first. `standby`: another studio's worker serves this data
    folder.
    """

    state: Literal["starting", "standby", "warming", "ready", "down"] = "starting"
    device: str = ""
    message: str = ""
    restarts: int = 0
    warm: tuple[str, ...] = ()
