"""A worker's end of the pipe: JSON lines to the studio, orders and questions from it, answered on threads of their own."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TextIO

from filelock import FileLock, Timeout

from studio.core.errors import StudioError

log = logging.getLogger("studio.worker")
Tell = Callable[[dict[str, Any]], None]
Answer = Callable[[Mapping[str, Any], Tell], Any]
"""Answers a question from its values, with a way to tell of progress; JSON in, JSON out."""


class Pipe:
    """`answers` are what a question's name is answered by; `orders` are called by name when the studio gives them.

    When the input ends the studio is gone (closed or killed): `is_over` is set.
    """

    def __init__(self, data: Path, answers: Mapping[str, Answer] | None = None, out: TextIO | None = None) -> None:
        self._data, self._answers, self._out = data, answers or {}, out or sys.stdout
        self._lock = threading.Lock()
        self.is_over = threading.Event()

    def emit(self, event: dict[str, Any]) -> None:
        """Tell the studio; a studio that is gone hears nothing and nothing breaks."""
        try:
            with self._lock:
                self._out.write(json.dumps(event) + "\n")
                self._out.flush()
        except (OSError, ValueError):
            log.debug("nobody listens")

    def listen(self, lines: Iterable[str], orders: Mapping[str, Callable[[], None]]) -> None:
        """Begin to hear on a thread."""
        threading.Thread(target=self._listen, args=(lines, orders), daemon=True).start()

    def wait_for(self, lock: FileLock) -> bool:
        """Wait behind another worker of this data folder; False if our studio went meanwhile."""
        said = False
        while not self.is_over.is_set():
            try:
                lock.acquire(timeout=0.5)
                return True
            except Timeout:
                if not said:
                    self.emit({"event": "status", "state": "standby"})
                said = True
        return False

    def _listen(self, lines: Iterable[str], orders: Mapping[str, Callable[[], None]]) -> None:
        for line in lines:
            if order := orders.get(line.strip()):
                order()
            elif line.startswith("{"):
                threading.Thread(target=self._reply, args=(json.loads(line),), daemon=True).start()
        self.is_over.set()

    def _reply(self, question: dict[str, Any]) -> None:
        known = {"event": "answer", "id": question.get("id")}
        try:
            self.emit({**known, "answer": self._answers[question["ask"]](question, self.emit)})
        except StudioError as error:
            self.emit({**known, "error": str(error)})
        except Exception:  # a question must never end the worker; the log has the trace
            log.exception("question %s", question.get("ask"))
            self.emit({**known, "error": f"The engine could not answer; the details are in {self._data / 'logs'}."})
