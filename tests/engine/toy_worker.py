"""A real worker process around the toy backend: `python toy_worker.py <data> <outputs>`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from examining import Brightness, MemoryCalibrations
from toy_backend import ToyBackend

from studio.engine.answers import answers
from studio.engine.pipe import Pipe
from studio.engine.pipeline import Parts
from studio.engine.scoring import Scoring
from studio.engine.worker import Worker
from studio.library import open_library
from studio.stamps.text import TextStamp

if __name__ == "__main__":
    data, outputs = map(Path, sys.argv[1:3])
    library = open_library(data, outputs)
    toy = ToyBackend()
    parts = Parts(
        backends=(toy,),
        keeper=library.keeper,
        sources=library.sources,
        receipts=library.receipts,
        stamps=(TextStamp("test"),),
    )
    scoring = Scoring(detectors=(Brightness(),), calibrations=MemoryCalibrations())
    known = answers(scoring, library.records, lambda _: False, parts.screening)
    pipe = Pipe(data, known, sys.stdout)
    sys.stdout = sys.stderr
    Worker(
        "worker-0", data, parts, library.jobs, pipe, describe=lambda: "a toy", warm=lambda: ["Toy"] * bool(toy.asked)
    ).run(sys.stdin)
