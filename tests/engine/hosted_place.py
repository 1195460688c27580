"""A studio whose hosted worker is a real process that calls loopback providers."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from examining import verifying
from loopback import KEY, Loopback

from studio.backends import replicate, stability, together
from studio.core.job import Job, Lane
from studio.core.request import ImageRequest, Sampling
from studio.engine.process import WorkerProcess
from studio.engine.queue import Tickets
from studio.engine.studio import Shelf, Studio
from studio.library import Library, open_library
from studio.settings import PROVIDER_KEYS, Settings

WORKER = Path(__file__).with_name("toy_hosted.py")
CORE, SCHNELL = "stability:core", "replicate:black-forest-labs/flux-schnell"
FLUX = "together:black-forest-labs/FLUX.1-schnell"


class HostedPlace:
    """Data and outputs folders, and the studios that were opened on them."""

    def __init__(self, folder: Path, servers: dict[str, Loopback], **own: dict[str, Any]) -> None:
        self.data, self.outputs, self.servers = folder / "data", folder / "outputs", servers
        self.outputs.mkdir(parents=True)
        (self.data / "providers").mkdir(parents=True)
        for name, server in servers.items():
            values = {"url": server.url + getattr(server, "BASE", ""), "poll_seconds": 0.05, **own.get(name, {})}
            text = "\n".join(f"{word} = {value!r}".replace("'", '"') for word, value in values.items())
            (self.data / "providers" / f"{name}.toml").write_text(text)
        self._open: list[tuple[Studio, Library]] = []

    def studio(self) -> Studio:
        library = open_library(self.data, self.outputs)
        settings = Settings(data=self.data, outputs=self.outputs)
        command = [sys.executable, str(WORKER), str(self.data), str(self.outputs)]
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        keys = dict.fromkeys(PROVIDER_KEYS, KEY)
        studio = Studio(
            backends=tuple(module.create(settings) for module in (stability, replicate, together)),
            shelf=Shelf(jobs=library.jobs, records=library.records, drafts=library.drafts, sources=library.sources,
                        receipts=library.receipts),
            tickets=Tickets(self.data),
            outputs=self.outputs,
            verifying=verifying(library.records, self.data),
            hosted=lambda heard: WorkerProcess(command, {**kept, **keys}, self.data / "hosted.log", heard),
        )  # fmt: skip
        studio.open()
        self._open.append((studio, library))
        return studio

    def kill_worker(self, studio: Studio) -> None:
        process = studio._hosted
        assert process is not None
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)

    def close(self) -> None:
        for studio, library in self._open:
            studio.close()
            library.close()
        self._open.clear()


def ask(studio: Studio, prompt: str, model: str = CORE, lane: Lane = "interactive", **fields: Any) -> Job:
    return studio.submit(ImageRequest(model=model, prompt=prompt, sampling=Sampling(seed=7), **fields), lane)


def until(right: Callable[[], Any], seconds: float = 60, *, every: float = 0.02) -> Any:
    end = time.monotonic() + seconds
    while not (found := right()):
        assert time.monotonic() < end, "it never happened"
        time.sleep(every)
    return found


def over(studio: Studio, job: Job, seconds: float = 60) -> Job:
    def ended() -> Job | None:
        found = studio.job(job.id)
        return found if found and found.is_over else None

    return until(ended, seconds)
