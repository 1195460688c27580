"""`python -m studio.cli.train_detector`: paints, trains, calibrates and measures the starter detector anew.

About half an hour of one core. It goes on where it was cut off: pictures and checkpoints lie in `--out`.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

from PIL import Image

from studio.stamps.watermark import embed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(".training/detector"))
    parser.add_argument("--folder", type=Path, help="where the weights go (default: the committed ones)")
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--count", type=int, default=1600, help="scenes; each is rendered, painted and sent round the VAE")
    asked = parser.parse_args()
    from studio.detectors import starter
    from studio.detectors._starter_training import train

    train(asked.out, asked.folder or starter.FOLDER, mark, steps=asked.steps, count=asked.count)


def mark(image: Image.Image) -> Image.Image:
    """The studio's watermark with a number of the picture's own, as far as it can carry one."""
    return embed(image, hashlib.sha256(image.tobytes()).digest()[:6]).image


if __name__ == "__main__":
    main()
