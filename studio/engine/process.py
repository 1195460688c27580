"""The studio's hold on its worker process: start it, hear it, start it again when it dies."""

from __future__ import annotations

import json
import secrets
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from studio.core.errors import Unavailable
from studio.core.worker import WorkerStatus

MAX_STILLBORN = 3
"""Starts in a row that never got as far as serving; then something is wrong with the installation, not with a job."""
REST = 30.0
START_PATIENCE, STOP_PATIENCE = 10.0, 5.0
LOG_SIZE = 1_000_000


class WorkerProcess:
    """One child process, `command`, whose last words go to `log`. `heard(event)` is called on a thread of its own."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path, heard: Callable[[dict[str, Any]], None]
    ) -> None:
        self._command, self._environment, self._log, self._heard = list(command), dict(environment), log, heard
        self._child: subprocess.Popen[str] | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lived = False
        self._pipe, self._born = threading.Lock(), threading.Event()
        self._asked: dict[str, SimpleQueue[dict[str, Any]]] = {}
        self.status = WorkerStatus()

    def start(self) -> None:
        """Start the worker and watch over it."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        if self._log.exists() and self._log.stat().st_size > LOG_SIZE:
            self._log.replace(self._log.with_suffix(".old.log"))
        self._thread = threading.Thread(target=self._watch_over, daemon=True)
        self._thread.start()

    @property
    def is_started(self) -> bool:
        return self._thread is not None

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child else None

    def stop(self, *, kill: bool = True) -> None:
        """End the worker now. Its job keeps its place and goes on at the next start.

        Without `kill` one that does not end in time is left alone: it finishes what must not be cut off, and goes.
        """
        self._stopping.set()
        child = self._child
        if child is not None and child.poll() is None:
            self.tell("stop")
            try:
                child.wait(STOP_PATIENCE)
            except subprocess.TimeoutExpired:
                if not kill:
                    return
                child.kill()
        if self._thread is not None:
            self._thread.join(STOP_PATIENCE)

    def tell(self, order: str) -> None:
        """Give an order; a worker that is not there hears nothing, and looks for itself when it starts."""
        child = self._child
        if child is not None and child.poll() is None:
            with self._pipe:
                _tell(child, f"{order}\n")

    def kill(self) -> None:
        """End a worker that does not listen; it is started again and its ticket is taken up."""
        if self._child is not None:
            self._child.kill()

    def ask(self, question: str, patience: float, **values: Any) -> Any:
        """The worker's answer to a question; it answers beside its drawing. Raises `Unavailable` when none comes in time."""
        if self.is_started:
            self._born.wait(START_PATIENCE)
        child, id, answers = self._child, secrets.token_hex(8), SimpleQueue[dict[str, Any]]()
        if child is None or child.poll() is not None:
            raise Unavailable(f"The engine is not running. {self.status.message}".strip())
        self._asked[id] = answers
        try:
            with self._pipe:
                _tell(child, json.dumps({"ask": question, "id": id, **values}) + "\n")
            event = answers.get(timeout=patience)
        except Empty:
            raise Unavailable(f"The engine did not answer within {patience:.0f} seconds. Try again in a moment.") from None
        finally:
            del self._asked[id]
        if "error" in event:
            raise Unavailable(str(event["error"]))
        return event.get("answer")

    def _watch_over(self) -> None:
        stillborn = 0
        while not self._stopping.is_set():
            self._lived = False
            code = self._live_once()
            if self._stopping.is_set():
                return
            stillborn = 0 if self._lived else stillborn + 1
            self._set(self._fallen(code, down=stillborn >= MAX_STILLBORN))
            if self._stopping.wait(REST if self.status.state == "down" else 0.2 * stillborn):
                return

    def _fallen(self, code: int, *, down: bool) -> WorkerStatus:
        what = f"does not start. Run “python studio.py doctor”; the log is {self._log}." if down else "is starting again."
        message = f"The engine stopped (code {code}) and {what}"
        return WorkerStatus(state="down" if down else "starting", message=message, restarts=self.status.restarts + 1)

    def _live_once(self) -> int:
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                self._command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, encoding="utf-8", bufsize=1,
            )  # fmt: skip
        self._child = child
        self._born.set()
        if self._stopping.is_set():
            child.kill()
        with child:
            assert child.stdout is not None  # noqa: S101  # PIPE was asked for
            for line in child.stdout:
                self._hear(line)
        return child.returncode

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            return  # a library printed something
        if event.get("event") == "answer":
            if waiting := self._asked.get(event.get("id")):
                waiting.put(event)
            return
        if event.get("event") == "status":
            self._lived = True
            known = {name: event[name] for name in ("state", "device") if name in event}
            if "warm" in event:
                known["warm"] = tuple(event["warm"])
            self.status = replace(self.status, message=event.get("message", ""), **known)
        self._heard(event)

    def _set(self, status: WorkerStatus) -> None:
        self.status = status
        for waiting in list(self._asked.values()):
            waiting.put({"error": status.message})
        self._heard({"event": "status"})


def _tell(child: subprocess.Popen[str], order: str) -> None:
    try:
        assert child.stdin is not None  # noqa: S101  # PIPE was asked for
        child.stdin.write(order)
        child.stdin.flush()
    except OSError:
        child.kill()
