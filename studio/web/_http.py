"""The one door to the network (httpx): every exchange is bounded in time and size, and a cancel closes its connection.

Exchanges run on one event loop in a thread of its own, because only a cancelled task closes a connection that is being
read; callers block and look every moment whether they are to stop. Connections are never reused: one that the server
had closed meanwhile would look like a request of unknown end. No redirect is followed, nothing is retried, and neither
headers nor bodies nor addresses with their queries ever stand in an exception.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from studio import __version__
from studio.core.errors import NotConfigured

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 15.0
LOOK = 0.1
"""Seconds between looks whether to stop."""
MEGABYTE = 1_000_000
AGENT = f"Studio/{__version__} (local image studio)"
"""Some picture hosts answer 403 to an empty User-Agent."""
OFFLINE = "The studio is switched offline, so nothing is sent. Switch it online in Settings, or choose a local model."
File = tuple[str, bytes, str]
"""Name, bytes and media type."""
Write = Callable[[bytes], None]
Into = Callable[[int, Mapping[str, str]], Write | None]
"""Says by an answer's status and headers where its body goes, piece by piece; None keeps it in memory, as most are."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One exchange. At most one of `json` and `form` is given; `form` is multipart, its values texts or files.

    `read_seconds` is the longest silence, `whole_seconds` the longest exchange, `most_bytes` the largest answer in memory.
    `into` takes larger ones, on the network's thread; what it raises ends the exchange and reaches the caller.
    """

    method: str = "GET"
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Sequence[tuple[str, str | File]] = ()
    read_seconds: float = 60.0
    whole_seconds: float = 300.0
    most_bytes: int = 96 * MEGABYTE
    into: Into | None = None


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back; header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    def __repr__(self) -> str:
        return f"Answer(status={self.status}, {len(self.body)} bytes)"


class Trouble(Exception):
    """No whole answer. `unreached`: nothing was sent; `broken` and `slow`: it was, and its end is unknown; `too_large`."""

    def __init__(self, kind: Literal["unreached", "broken", "slow", "too_large"], what: str) -> None:
        super().__init__(what)
        self.kind = kind


def is_loopback(url: str) -> bool:
    """Whether an address is on this computer, by its literal name."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _never() -> None:
    """Nobody says stop."""


class Door:
    """`offline` is asked before every exchange; while it says yes, nothing but loopback is reached."""

    def __init__(self, offline: Callable[[], bool] = lambda: False) -> None:
        self._offline = offline

    def refuse_offline(self, url: str) -> None:
        """Raises `NotConfigured` if the address is not to be reached now; for exchanges that last, look again and again."""
        if self._offline() and not is_loopback(url):
            raise NotConfigured(OFFLINE)

    def send(self, request: Request, check: Callable[[], None] = _never) -> Answer:
        """One exchange. Raises `Trouble`, `NotConfigured` while offline, and whatever `check` raises to say stop."""
        self.refuse_offline(request.url)
        future = asyncio.run_coroutine_threadsafe(_exchange(request), _loop())
        while True:
            try:
                return future.result(LOOK)
            except TimeoutError:
                pass
            except CancelledError:
                raise Trouble("broken", "the exchange was cut off") from None
            try:
                check()
            except BaseException:
                future.cancel()  # closes the connection
                raise


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="network").start()
    return loop


async def _exchange(request: Request) -> Answer:
    import httpx

    began = time.perf_counter()
    try:
        async with asyncio.timeout(request.whole_seconds), _client(request) as client, _sent(client, request) as response:
            headers = {name.lower(): value for name, value in response.headers.items()}
            write = request.into(response.status_code, headers) if request.into else None
            body = await _poured(response, write) if write else await _body(response, request.most_bytes)
            return Answer(
                status=response.status_code, headers=headers, body=body, seconds=round(time.perf_counter() - began, 3)
            )
    except TimeoutError:
        raise Trouble("slow", f"no whole answer within {request.whole_seconds:.0f} seconds") from None
    except (
        httpx.ConnectError,
        httpx.ConnectTimeout,
        httpx.UnsupportedProtocol,
        httpx.ProxyError,
    ) as error:
        raise Trouble("unreached", f"no connection ({type(error).__name__})") from None
    except httpx.TimeoutException as error:
        raise Trouble("slow", f"silence of {request.read_seconds:.0f} seconds ({type(error).__name__})") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise Trouble("broken", f"the connection broke ({type(error).__name__})") from None


def _client(request: Request) -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(
        timeout=httpx.Timeout(request.read_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=not is_loopback(request.url),  # proxies of the environment, but not for this computer
        limits=httpx.Limits(max_keepalive_connections=0),
        verify=_certificates(),
    )


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Reading them takes 20 ms of processor time, far longer than all the rest of a call."""
    import httpx

    return httpx.create_ssl_context()


def _sent(client: httpx.AsyncClient, request: Request) -> Any:
    headers = {"user-agent": AGENT, "accept-encoding": "identity", **{k.lower(): v for k, v in request.headers.items()}}
    return client.stream(
        request.method,
        request.url,
        headers=headers,
        json=request.json,
        files=[(name, value if isinstance(value, tuple) else (None, value)) for name, value in request.form] or None,
    )


async def _body(response: httpx.Response, most: int) -> bytes:
    """The answer's bytes, refused as soon as they are too many."""
    said = response.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise Trouble("too_large", f"an answer of {int(said) // MEGABYTE} MB, more than {most // MEGABYTE} MB")
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            raise Trouble("too_large", f"an answer of more than {most // MEGABYTE} MB")
    return bytes(body)


async def _poured(response: httpx.Response, write: Write) -> bytes:
    """Hand the body on as it comes; nothing of it is left."""
    async for piece in response.aiter_raw():
        write(piece)
    return b""
