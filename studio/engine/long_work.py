"""Work of minutes that the page starts and follows: a calibration run or a detector report. One at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.core.errors import InvalidRequest, StudioError

DAY = 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class WorkStatus:
    """`state` is idle, running, done or failed; `answer` is what came of it, `message` a sentence on where it stands."""

    kind: str = ""
    state: str = "idle"
    done: int = 0
    total: int = 0
    message: str = ""
    answer: Any = None


class LongWork:
    """Asks the engine on a thread of its own and keeps what it tells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.status = WorkStatus()

    def start(self, kind: str, ask: Callable[..., Any] | None, **values: Any) -> None:
        """Raises `InvalidRequest` while another one runs or without an engine."""
        with self._lock:
            if self.status.state == "running":
                raise InvalidRequest("Another calibration or report is running. Wait for it, or stop it.")
            if ask is None:
                raise InvalidRequest("The engine is not running.")
            self.status = WorkStatus(kind=kind, state="running", message="Starting …")
        threading.Thread(target=self._run, args=(kind, ask, values), daemon=True).start()

    def hear(self, event: Mapping[str, Any]) -> None:
        """Progress of the running work."""
        with self._lock:
            if self.status.state == "running":
                done, total, message = (event.get(name) for name in ("done", "total", "message"))
                self.status = replace(self.status, done=int(done or 0), total=int(total or 0), message=str(message))

    def stop(self, ask: Callable[..., Any] | None) -> None:
        if ask is not None and self.status.state == "running":
            with suppress(StudioError):
                ask("stop_work", 10.0)

    def _run(self, kind: str, ask: Callable[..., Any], values: dict[str, Any]) -> None:
        try:
            answer, state, message = ask(kind, DAY, **values), "done", "Done."
        except StudioError as error:
            answer, state, message = None, "failed", str(error)
        with self._lock:
            self.status = replace(self.status, state=state, message=message, answer=answer)


def folder_at(text: str) -> str:
    """An absolute folder that is there. Raises `InvalidRequest`."""
    path = Path(text.strip().strip('"')).expanduser()
    if not text.strip() or not path.is_dir():
        raise InvalidRequest(f"“{text.strip()}” is not a folder on this computer. Type the path of the folder.", "folder")
    return str(path.absolute())
