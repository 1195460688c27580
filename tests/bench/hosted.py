"""What the studio adds to a hosted picture, and how many it carries: python -m tests.bench.hosted

A loopback provider answers at once with a 1024² PNG, so that everything but the provider's own time is seen. Side by side in
one run: the bare call (httpx, open the picture), the studio's errand (receipts, pace, ledger, facts), and the whole way from
submit to a kept, stamped file. Then a soak of jobs with a fifth of the paid calls failing.
"""

from __future__ import annotations

import argparse
import io
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), *(str(ROOT / "tests" / name) for name in ("providers", "backends", "engine"))]

import httpx  # noqa: E402  the path comes first
from at_stability import StabilityServer  # noqa: E402
from case import HostedWatch, draw  # noqa: E402
from hosted_place import CORE, HostedPlace, ask, over, until  # noqa: E402
from loopback import KEY, Fault, Said  # noqa: E402
from PIL import Image  # noqa: E402

from studio.backends import stability  # noqa: E402
from studio.settings import PROVIDER_KEYS, Settings  # noqa: E402


def seconds(action: Callable[[int], object], times: int) -> tuple[float, float]:
    """Smallest and median time of one run."""
    taken = []
    for number in range(times):
        began = time.perf_counter()
        action(number)
        taken.append(time.perf_counter() - began)
    return min(taken), statistics.median(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--jobs", type=int, default=300)
    asked = parser.parse_args()
    os.environ.update(dict.fromkeys(PROVIDER_KEYS, KEY))
    with tempfile.TemporaryDirectory() as scratch, StabilityServer() as server:
        server.size = (1024, 1024)
        place = HostedPlace(Path(scratch), {"stability": server}, stability={"at_once": 6, "per_minute": 6000})
        studio = place.studio()
        over(studio, ask(studio, "warm up"))
        backend = stability.create(Settings(data=place.data))

        def bare(number: int) -> None:
            form = {"prompt": (None, f"bare {number}"), "output_format": (None, "png")}
            answer = httpx.post(f"{server.url}/v2beta/stable-image/generate/core", files=form,
                                headers={"authorization": f"Bearer {KEY}", "accept": "image/*"})  # fmt: skip
            Image.open(io.BytesIO(answer.content)).load()

        rows = {
            "bare call": seconds(bare, asked.times),
            "errand, receipts in memory": seconds(lambda _: draw(backend, "core", watch=HostedWatch()), asked.times),
            "submit to kept file (text stamp only)": seconds(lambda n: over(studio, ask(studio, f"fox {n}")), asked.times),
        }
        print(f"{'':40}{'min':>8}{'median':>9}")
        for name, (least, median) in rows.items():
            print(f"{name:40}{least * 1000:6.0f} ms{median * 1000:6.0f} ms")
        soak(place, asked.jobs)
        place.close()


def soak(place: HostedPlace, jobs: int) -> None:
    """A batch with trouble: how many a second, and how they end."""
    server, studio = place.servers["stability"], place.studio()
    server.size = (64, 64)
    number = 0

    def trouble(path: str) -> Fault | None:
        nonlocal number
        number += path.endswith("/core")
        kinds = {0: Fault("say", said=Said({}, 503)), 5: Fault("say", said=Said({}, 429, {"Retry-After": "0.05"}))}
        return kinds.get(number % 10) if path.endswith("/core") else None

    server.trouble = trouble
    began = time.perf_counter()
    for each in range(jobs):
        ask(studio, f"number {each}", CORE, "batch")
    until(lambda: not studio.jobs(limit=1), 600)
    taken = time.perf_counter() - began
    ended = Counter(job.state for job in studio.jobs(active=False, limit=jobs))
    print(f"soak: {jobs} jobs, 20 % faults: {taken:.1f} s, {jobs / taken:.1f} a second, {dict(ended)}")


if __name__ == "__main__":
    main()
