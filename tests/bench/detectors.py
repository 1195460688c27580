"""The reconstruction detector with the starter's autoencoder: starter pictures against renders, by method and coding.

`python -m tests.bench.detectors [COUNT]` (default 48) prints AUC, true positives at 1 % false alarms, seconds a picture.
"""

import sys
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

from studio.cli.train_detector import mark
from studio.core.measures import auc, tpr_at
from studio.detectors._starter_data import pieces
from studio.detectors._starter_training import CODINGS
from studio.detectors.reconstruction import ReconstructionDetector
from studio.starter import MODEL_DIR

SEED = 8_766


def main() -> None:
    torch.set_num_threads(1)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    with tempfile.TemporaryDirectory() as folder:
        unseen = pieces(Path(folder), SEED, count, mark)
    images = {kind: [Image.fromarray(picture) for piece in unseen if piece.kind == kind for picture in piece.marked]
              for kind in ("renders", "painted")}  # fmt: skip
    print(f"{'method':<12}{'coding':<22}{'AUC':>8}{'TPR@1%':>9}{'s a picture':>14}")
    for method in ("aeroblade", "s_image"):
        detector = ReconstructionDetector("starter", MODEL_DIR / "vae", method=method)
        for name, code in CODINGS.items():
            began = time.monotonic()
            real, made = ([detector.score(code(image)).value for image in images[kind]] for kind in ("renders", "painted"))
            seconds = (time.monotonic() - began) / (len(real) + len(made))
            print(f"{method:<12}{name:<22}{auc(real, made):>8.3f}{tpr_at(real, made):>9.1%}{seconds:>14.2f}", flush=True)


if __name__ == "__main__":
    main()
