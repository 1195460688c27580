"""A provider on this computer: real HTTP over a real socket, with its documented answers, and with every fault on demand.

A subclass answers as one provider documents; what a request may not say there, it refuses as documented. `Fault`s come
before it, in turn, each for the next request whose path matches.
"""

from __future__ import annotations

import io
import json
import re
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from PIL import Image

KEY = "planted-key-5d20c7f1"
"""The key that every loopback provider expects, and that must be found nowhere else."""


def picture(size: tuple[int, int] = (64, 64), colour: str = "teal", kind: str = "PNG", seed: int = 0) -> bytes:
    """A small picture that is not flat; the seed changes it."""
    image = Image.new("RGB", size, colour)
    image.paste((seed % 251, 90, 160), (0, 0, max(1, size[0] // 2), max(1, size[1] // 2)))
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def black(size: tuple[int, int] = (64, 64)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "PNG")
    return file.getvalue()


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"{}")

    @property
    def form(self) -> dict[str, Any]:
        """Fields of a multipart body: text, or bytes where the part is a file."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = BytesParser(policy=HTTP).parsebytes(head + self.body)
        values: dict[str, Any] = {}
        for part in message.iter_parts():
            data = part.get_payload(decode=True) or b""
            values[str(part.get_param("name", header="content-disposition"))] = (
                data if part.get_filename() else data.decode()
            )
        return values


@dataclass(frozen=True)
class Said:
    """One answer; a body that is no bytes goes out as JSON."""

    body: Any = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """What happens instead of the answer to the next request whose path contains `on`.

    `say` answers `said`; `slow` waits `seconds` and then answers rightly; `drop` closes without a word, `cut` in the middle
    of the right answer, both after the work is done; `huge` sends bytes without end, `trickle` one now and then; `redirect`
    leads to `to`.
    """

    kind: Literal["say", "slow", "drop", "cut", "huge", "trickle", "redirect"]
    on: str = ""
    said: Said = field(default_factory=Said)
    seconds: float = 0.0
    to: str = ""


class Loopback(ABC):
    """The server. `asked` are all requests, `made` counts what would be billed, `most_at_once` the requests side by side.

    `trouble` may find a fault for each request by its path.
    """

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.made = 0
        self.sent_bytes = 0
        self.at_once = self.most_at_once = 0
        self.trouble: Callable[[str], Fault | None] = lambda _: None
        self.gone = 0
        self._lock = threading.Lock()
        server, loopback = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self)), self
        server.daemon_threads = True
        self._server = server
        self.port = server.server_port
        self.url = f"http://127.0.0.1:{loopback.port}"
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @abstractmethod
    def answer(self, asked: Asked) -> Said:
        """The documented answer."""

    def count_made(self) -> int:
        with self._lock:
            self.made += 1
            return self.made

    def paths(self, method: str = "") -> list[str]:
        return [asked.path for asked in self.asked if method in ("", asked.method)]

    def _fault_for(self, path: str) -> Fault | None:
        with self._lock:
            found = next((fault for fault in self.faults if fault.on in path), None)
            if found:
                self.faults.remove(found)
            return found or self.trouble(path)

    def _count(self, change: int) -> None:
        with self._lock:
            self.at_once += change
            self.most_at_once = max(self.most_at_once, self.at_once)


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length) if length else _chunked(self)
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
            loopback.asked.append(asked)
            fault = loopback._fault_for(parts.path)
            loopback._count(1)
            try:
                self._with(fault, asked)
            except (BrokenPipeError, ConnectionResetError):
                loopback.gone += 1
            finally:
                loopback._count(-1)
            self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _answer

        def _with(self, fault: Fault | None, asked: Asked) -> None:
            match fault.kind if fault else "":
                case "":
                    self._say(loopback.answer(asked))
                case "say":
                    self._say(fault.said)
                case "slow":
                    self._wait(fault.seconds)
                    self._say(loopback.answer(asked))
                case "drop":
                    loopback.answer(asked)
                    self._reset()
                case "cut":
                    self._say(loopback.answer(asked), cut=True)
                case "huge":
                    self._flood()
                case "trickle":
                    self._trickle()
                case "redirect":
                    self._say(Said(status=302, headers={"Location": fault.to}))

        def _wait(self, seconds: float) -> None:
            """Sleep, but notice when the other side hangs up."""
            end = time.monotonic() + seconds
            self.connection.settimeout(0.02)
            while time.monotonic() < end:
                try:
                    if self.connection.recv(1) == b"":
                        raise ConnectionResetError
                except TimeoutError:
                    continue
                finally:
                    self.connection.settimeout(None if time.monotonic() >= end else 0.02)
            self.connection.settimeout(None)

        def _say(self, said: Said, *, cut: bool = False) -> None:
            body = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            kind = "application/octet-stream" if isinstance(said.body, bytes) else "application/json"
            self.send_response(said.status)
            for name, value in {"Content-Type": kind, **said.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if cut else body)
            self.wfile.flush()
            if cut:
                self._reset()

        def _flood(self) -> None:
            """Five gigabytes, said to be so many, or until nobody reads any more."""
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            for _ in range(5000):
                self.wfile.write(b"\0" * 1_000_000)
                loopback.sent_bytes += 1_000_000

        def _trickle(self) -> None:
            self.send_response(200)
            self.end_headers()
            for _ in range(600):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)

        def _reset(self) -> None:
            """Close so that the other side sees a broken connection."""
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

        def log_message(self, *_: object) -> None: ...

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):
                loopback.gone += 1

    return Handler


def _chunked(handler: BaseHTTPRequestHandler) -> bytes:
    if handler.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return b""
    body = b""
    while size := int(handler.rfile.readline().strip() or b"0", 16):
        body += handler.rfile.read(size)
        handler.rfile.readline()
    handler.rfile.readline()
    return body


Route = Callable[..., Said]


def matched(pattern: str, path: str) -> re.Match[str] | None:
    return re.fullmatch(pattern, path)
