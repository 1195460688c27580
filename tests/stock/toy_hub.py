"""A hub on this computer that behaves like the real one: an API, small files itself, large files by a redirect to a host of
its own that knows ranges. Every fault comes on demand.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_planted_token_7c1e55"
INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "unet": ["diffusers", "UNet2DConditionModel"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "safety_checker": [None, None],
}


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def noise(size: int, seed: int = 1) -> bytes:
    """Bytes that are nowhere alike."""
    return b"".join(hashlib.sha256(b"%d %d" % (seed, n)).digest() for n in range(-(-size // 32)))[:size]


@dataclass
class Repository:
    """`files` by path; those that end in .safetensors or .bin are large files to the hub."""

    files: dict[str, bytes]
    licence: str = "apache-2.0"
    gated: bool = False
    commit: str = COMMIT

    def is_large(self, path: str) -> bool:
        return path.endswith((".safetensors", ".bin"))


@dataclass
class Faults:
    """`cut`: after how many bytes each next answer of the file host breaks off; `spoil`: how many answers come with a wrong
    byte; `limit`: how many answers of the API, and of files, are 429; `sick`: how many are 503; `pace`: seconds per 64 kB.
    """

    cut: list[int] = field(default_factory=list)
    spoil: int = 0
    limit: int = 0
    sick: int = 0
    pace: float = 0.0
    retry_after: str = "0"
    ranges: bool = True
    lie: str = ""


def a_model(size: int = 600_000) -> Repository:
    """A repository in diffusers layout, with more than is needed."""
    files = {
        "model_index.json": json.dumps(INDEX).encode(),
        "README.md": b"---\nlicense: apache-2.0\n---\nA card.\n",
        "v1-5.safetensors": noise(1000, 9),
        "unet/config.json": b'{"in_channels": 4}',
        "unet/diffusion_pytorch_model.safetensors": noise(size * 2, 1),
        "unet/diffusion_pytorch_model.fp16.safetensors": noise(size, 2),
        "unet/diffusion_pytorch_model.bin": noise(300, 3),
        "unet/diffusion_pytorch_model.non_ema.safetensors": noise(300, 4),
        "text_encoder/config.json": b"{}",
        "text_encoder/model.safetensors": noise(5000, 5),
        "tokenizer/merges.txt": b"#version: 0.2\n",
        "tokenizer/vocab.json": b'{"a": 0}',
        "scheduler/scheduler_config.json": b"{}",
        "safety_checker/model.safetensors": noise(100, 6),
        "evil.py": b"raise SystemExit",
    }
    return Repository(files)


class ToyHub:
    """`asked` are (server, path, headers) of all requests; `sent` counts bytes of files by the file host."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults = Faults()
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.sent = 0
        self.granted = True
        self._servers = [_serve(self, self._answer_hub, "hub"), _serve(self, self._answer_files, "files")]
        self.url, self.files_url = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def ranges(self) -> list[str]:
        return [headers["range"] for server, _, headers in self.asked if server == "files" and "range" in headers]

    def _answer_hub(self, handler: Any, path: str, headers: dict[str, str]) -> None:
        faults = self.faults
        if faults.limit:
            faults.limit -= 1
            handler.say(429, b"slow down", {"Retry-After": faults.retry_after})
        elif faults.sick:
            faults.sick -= 1
            handler.say(503, b"")
        elif path.startswith("/api/models/"):
            self._list(handler, path.removeprefix("/api/models/").partition("/revision/")[0], headers)
        else:
            repository, _, rest = path.strip("/").partition("/resolve/")
            self._resolve(handler, repository, rest.partition("/")[2], headers)

    def _list(self, handler: Any, name: str, headers: dict[str, str]) -> None:
        found = self.repositories.get(name)
        if found is None:
            return handler.say(401, b"Invalid username or password.", {"X-Error-Code": "RepoNotFound"})
        siblings = [
            {"rfilename": path, "size": len(data), "blobId": git_sha1(data)}
            | ({"lfs": {"sha256": sha256(data), "size": len(data), "pointerSize": 134}} if found.is_large(path) else {})
            for path, data in found.files.items()
        ]
        told = {
            "id": name, "sha": found.commit, "gated": "auto" if found.gated else False, "siblings": siblings,
            "tags": [f"license:{found.licence}"], "cardData": {"license": found.licence},
        }  # fmt: skip
        return handler.say(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _resolve(self, handler: Any, name: str, path: str, headers: dict[str, str]) -> None:
        found = self.repositories[name]
        if found.gated and (headers.get("authorization") != f"Bearer {TOKEN}" or not self.granted):
            status = 403 if "authorization" in headers else 401
            return handler.say(status, b"Access to model is restricted", {"X-Error-Code": "GatedRepo"})
        if path not in found.files:
            return handler.say(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        data = found.files[path]
        if not found.is_large(path):
            return handler.say(200, data, {"ETag": f'"{git_sha1(data)}"', "X-Repo-Commit": found.commit})
        told = self.faults.lie or sha256(data)
        linked = {"X-Linked-Etag": f'"{told}"', "X-Linked-Size": str(len(data)), "X-Repo-Commit": found.commit}
        return handler.say(302, b"", {"Location": f"{self.files_url}/{name}/{path}?signature=abc", **linked})

    def _answer_files(self, handler: Any, path: str, headers: dict[str, str]) -> None:
        faults = self.faults
        owner, name, path = path.strip("/").split("/", 2)
        data = self.repositories[f"{owner}/{name}"].files[path]
        if faults.spoil:
            faults.spoil -= 1
            data = data[:100] + bytes([data[100] ^ 255]) + data[101:]
        begin = int(headers.get("range", "bytes=0-")[6:].rstrip("-")) if faults.ranges else 0
        if begin >= len(data):
            return handler.say(416, b"")
        extra = {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"} if begin else {}
        cut = faults.cut.pop(0) if faults.cut else None
        return handler.say(206 if begin else 200, data[begin:], {"ETag": '"cdn"', **extra}, cut=cut, pace=faults.pace)


def _serve(hub: ToyHub, answer: Callable[..., None], name: str) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            path = unquote(urlsplit(self.path).path)
            hub.asked.append((name, path, headers))
            self.close_connection = True
            answer(self, path, headers)

        def say(self, status: int, body: bytes, headers: dict[str, str] | None = None, *, cut: int | None = None,
                pace: float = 0.0) -> None:  # fmt: skip
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(key, value)
            self.end_headers()
            body = body[:cut]
            for start in range(0, len(body), 65536):
                piece = body[start : start + 65536]
                self.wfile.write(piece)
                hub.sent += len(piece) if name == "files" else 0
                time.sleep(pace)

        def log_message(self, *_: object) -> None: ...

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                return  # whoever asked has gone

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server
