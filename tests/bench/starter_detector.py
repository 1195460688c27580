"""The starter detector's figures on freshly painted pictures: AUC, true positives at 1 % false alarms, by coding.

`python -m tests.bench.starter_detector [COUNT]` paints COUNT scenes (default 64) of a seed that nothing was trained on.
"""

import json
import sys
import tempfile
from pathlib import Path

import torch

from studio.cli.train_detector import mark
from studio.detectors import starter
from studio.detectors._starter_data import pieces
from studio.detectors._starter_training import measure

SEED = 8_765


def main() -> None:
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    with tempfile.TemporaryDirectory() as folder:
        unseen = pieces(Path(folder), SEED, count, mark)
    print(json.dumps(measure(starter.FOLDER, unseen), indent=1))


if __name__ == "__main__":
    main()
