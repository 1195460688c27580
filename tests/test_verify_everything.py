"""Every witness on every malformed file: a finding or a sentence, never a crash, a hang or a growing memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parent.parent
RUN = """
import json, resource, sys, time, warnings
from pathlib import Path
sys.path[:0] = [sys.argv[1], sys.argv[1] + "/tests/stamps"]
from malformed import malformed_files
from studio.assembly import Marks
from studio.core.errors import InvalidRequest
from studio.library import open_library
from studio.settings import Settings
from studio.stamps.watermark import stamp

seen, read = {}, stamp.read
def once(image, deep=False):  # most of the files hold the same pixels, and no mark
    known = (image.mode, image.size, image.tobytes(), deep)
    seen[known] = seen[known] if known in seen else read(image, deep=deep)
    return seen[known]
stamp.read = once

folder = Path(sys.argv[2])
library = open_library(folder / "data", folder / "outputs")
verifying = Marks(Settings(data=folder / "data", outputs=folder / "outputs")).verifying(library.records)
told = {"files": 0, "refused": 0, "declared": [], "slowest": 0.0}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, data in malformed_files():
    began = time.process_time()
    told["files"] += 1
    try:
        found = verifying.examine_here(data, name, lambda image: [])
        if found.judgement.band == "declared":
            told["declared"].append(name)
    except InvalidRequest as error:
        told["refused"] += 1
        assert str(error).endswith("."), str(error)
    told["slowest"] = max(told["slowest"], time.process_time() - began)
told["grown_mb"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(json.dumps(told))
"""


def test_every_malformed_file_is_examined_or_refused_with_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", RUN, str(ROOT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["files"] >= 200
    assert told["declared"] == []
    assert 0 < told["refused"] < told["files"]
    assert told["grown_mb"] < 1500
