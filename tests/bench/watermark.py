"""The invisible watermark on forty pictures of many kinds: how visible, how robust, how sure, how fast.

`python -m tests.bench.watermark` (from the project's folder). Writes nothing.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "stamps"))

from many_pictures import brighter, coded, cropped, halved_and_back, pictures, screenshot

from studio.stamps.watermark import embed, read, tile
from studio.stamps.watermark.read import PRESENT, PRESENT_DEEP, luma_of

PAYLOAD = bytes.fromhex("0123456789ab")
ATTACKS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "none": lambda image: image,
    "JPEG 75": lambda image: coded(image, "JPEG", 75),
    "JPEG 50": lambda image: coded(image, "JPEG", 50),
    "WebP 80": lambda image: coded(image, "WEBP", 80),
    "half and back": halved_and_back,
    "crop 10 %": cropped,
    "brighter 20 %": lambda image: brighter(image, 1.2),
    "darker 20 %": lambda image: brighter(image, 0.8),
    "screenshot": screenshot,
}


def main() -> None:
    psnrs, found = defaultdict(list), defaultdict(lambda: defaultdict(list))
    for kind, image in pictures():
        marked = embed(image, PAYLOAD)
        psnrs[kind].append(marked.psnr or 99.0)
        for name, attack in ATTACKS.items():
            found[name][kind].append(read(attack(marked.image), deep=name == "screenshot").payload == PAYLOAD)
    every = [value for values in psnrs.values() for value in values]
    print(f"{len(every)} pictures; PSNR mean {np.mean(every):.1f} dB, least {min(every):.1f} dB\n")
    print(f"{'number read after':<16}{'all':>8}" + "".join(f"{kind:>17}" for kind in psnrs))
    for name, by_kind in found.items():
        hits = [hit for values in by_kind.values() for hit in values]
        print(f"{name:<16}{np.mean(hits):>8.1%}" + "".join(f"{sum(v):>13}/{len(v):<3}" for v in by_kind.values()))
    print(f"{'PSNR in dB':<24}" + "".join(f"{np.mean(values):>17.1f}" for values in psnrs.values()))
    costs()
    null()


def costs() -> None:
    """CPU seconds at 1024 × 1024, the third of three runs."""
    image = next(image for kind, image in pictures() if image.size == (1024, 1024))
    for name, work in (
        ("embed", lambda: embed(image, PAYLOAD)),
        ("read", lambda: read(image)),
        ("deep read", lambda: read(image, deep=True)),
    ):
        for _ in range(3):
            began = time.process_time()
            work()
            spent = time.process_time() - began
        print(f"{name:<10} {spent:.2f} s of CPU time at 1024 x 1024")


def null(trials: int = 5000) -> None:
    """How far the pilot's z goes without a mark: crops of the pictures, turned, rescaled, under the key and under others.

    z is a sum of many terms, so its tail falls as exp(-z² / 2). The largest of all shifts is fitted by a straight line of
    its logarithmic survival over z² (the upper fifth), and that line is drawn out.
    """
    rng = np.random.default_rng(1)
    sources = [luma_of(image) for kind, image in pictures() if kind != "starter picture"]
    seen = []
    for trial in range(trials):
        luma = np.rot90(sources[trial % len(sources)], rng.integers(4))
        top, left = (rng.integers(0, side - 256) for side in luma.shape)
        values = tile.answer(np.ascontiguousarray(luma[top : top + 256, left : left + 256]), rng.uniform(0.4, 2.6))
        other_key = values * np.exp(2j * np.pi * rng.random(values.size))
        seen += [tile.align(values)[0], tile.align(other_key.astype(np.complex64))[0]]
    ordered = np.sort(seen)
    upper = ordered[int(0.8 * ordered.size) :]
    survival = np.arange(upper.size, 0, -1) / ordered.size
    slope, offset = np.polyfit(upper**2, np.log(survival), 1)
    print(f"\nno mark, {len(seen)} readings: largest z {ordered[-1]:.2f}; log P(z) = {offset:.2f} {slope:+.3f} z²")
    for scales, name, limit in ((3, "quick (3 scales)", PRESENT), (240, "deep (240 scales)", PRESENT_DEEP)):
        millionth = np.sqrt((np.log(1e-6 / scales) - offset) / slope)
        chance = scales * np.exp(offset + slope * limit**2)
        print(f"{name}: z once in 10^6 pictures {millionth:.2f}; chance of z > {limit}: {chance:.1e}")


if __name__ == "__main__":
    main()
