"""A real hosted worker process around real providers: `python toy_hosted.py <data> <outputs>`."""

import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from studio.backends import replicate, stability, together
from studio.engine.hosted import DIED, HostedWorker
from studio.engine.pipe import Pipe
from studio.engine.pipeline import Parts
from studio.engine.running import Running
from studio.library import open_library
from studio.settings import Settings
from studio.stamps.text import TextStamp

if __name__ == "__main__":
    data, outputs = map(Path, sys.argv[1:3])
    settings = Settings(data=data, outputs=outputs)
    library = open_library(data, outputs)
    backends = {each.name: each for each in (module.create(settings) for module in (stability, replicate, together))}
    parts = Parts(
        backends=tuple(backends.values()),
        keeper=library.keeper,
        sources=library.sources,
        receipts=library.receipts,
        stamps=(TextStamp("test"),),
        stamping=threading.Lock(),
    )
    pipe = Pipe(data, {"test_key": lambda asked, _: backends[asked["provider"]].test()}, sys.stdout)
    sys.stdout = sys.stderr
    HostedWorker(
        "hosted-0", data, Running(data, parts, library.jobs, pipe.emit, died=DIED, begin="waiting"), library.jobs, pipe,
        at_once=lambda: {name: each.limit().at_once for name, each in backends.items()},
        is_sending=lambda: any(each.is_sending for each in backends.values()),
    ).run(sys.stdin)  # fmt: skip
