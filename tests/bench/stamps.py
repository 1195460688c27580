"""CPU seconds of every mark on a picture of 1024 × 1024, mark by mark, without a neural detector (goal: at most 0.6 s).

`python -m tests.bench.stamps`. Encoding the file is told apart: every kept picture needs it, marked or not.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from common import device

sys.path.insert(0, str(Path(__file__).parents[1] / "stamps"))

from many_pictures import pictures

from studio.core.fingerprint import fingerprint
from studio.core.request import ImageRequest
from studio.core.result import Draft, Picture
from studio.core.score import Score
from studio.engine.scoring import ScoreStamp
from studio.stamps import c2pa
from studio.stamps.certificate import load_or_make
from studio.stamps.reopen import Reopened
from studio.stamps.text import Coding, TextStamp
from studio.stamps.watermark import WatermarkStamp

RUNS = 5


def spent(work: Callable[[], object]) -> float:
    """The best of five: what else the machine does is not ours."""
    times = []
    for _ in range(RUNS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times)


def main() -> None:
    image = next(image for _, image in pictures() if image.size == (1024, 1024))
    print(f"{device()}; CPU seconds at 1024 x 1024, best of {RUNS}")
    with tempfile.TemporaryDirectory() as folder:
        identity = load_or_make(Path(folder))
        for format in ("png", "jpeg", "webp"):
            table(image, Coding(format), identity)


def table(image: object, coding: Coding, identity: object) -> None:
    request = ImageRequest(model="local:x", prompt="a house by the sea")
    draft = Draft(id="job-0", job="job", picture=Picture(image=image, seed=1), request=request,
                  created="2026-11-24T10:00:00+00:00")  # fmt: skip
    none = [Score(detector="none", title="None", revision="1", raw=0.0)]
    signing = c2pa.C2paStamp(lambda: identity, "bench", lambda source: b"")
    stamps = {
        "watermark": WatermarkStamp(),
        "pixels as saved, fingerprint": ScoreStamp(lambda _: none, coding.as_saved),
        "text, XMP, EXIF (with encoding)": TextStamp("bench", coding),
        "Content Credentials": signing,
        "opened again and checked": Reopened(lambda data, suffix: c2pa.read_manifest(data, suffix, identity)),
    }
    whole, encoding = 0.0, spent(lambda: coding.encode(image))
    print(f"\n{coding.format}: encoding alone {encoding:.3f} s")
    for name, stamp in stamps.items():
        seconds = spent(lambda stamp=stamp, draft=draft: stamp(draft))
        own = max(0.0, seconds - encoding) if "encoding" in name else seconds
        whole += own
        print(f"  {name:<34}{own:7.3f} s")
        draft = stamp(draft)
    print(f"  {'all marks':<34}{whole:7.3f} s   (fingerprint alone {spent(lambda: fingerprint(image)):.3f} s)")


if __name__ == "__main__":
    main()
