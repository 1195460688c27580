"""Broken and hostile files end as findings or as a refusal: never as a crash, a hang or memory growth."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from malformed import malformed_files

HERE = Path(__file__).resolve().parent
PATIENCE = 300
"""Seconds after which the whole run counts as hung."""
MOST_MEMORY = 64 * 1024 * 1024
RUN = """
import json, sys, tracemalloc
sys.path[:0] = [{here!r}, {root!r}]
from malformed import malformed_files
from studio.core.errors import InvalidRequest
from studio.core.evidence import Suspect
from studio.stamps.reading import MetadataWitness, read_file
trouble, count = [], 0
for name, data in malformed_files():
    count += 1
    tracemalloc.start()
    try:
        problems = read_file(data, name).problems
        trouble += [f"{{name}}: {{problem}}" for problem in problems if "could not be read" in problem]
        rows = MetadataWitness().look(Suspect(name=name, data=data))
        json.dumps([[row.finding, dict(row.facts)] for row in rows], ensure_ascii=False, allow_nan=False).encode()
    except InvalidRequest as refused:
        trouble += [] if str(refused).endswith(".") else [f"{{name}}: {{refused}}"]
    except Exception as error:
        trouble.append(f"{{name}}: {{error!r}}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    trouble += [f"{{name}}: {{peak}} bytes"] if peak > {memory} else []
print(json.dumps([count, trouble]))
"""


def test_there_are_many_and_no_two_are_the_same() -> None:
    files = [(name, hash(data)) for name, data in malformed_files()]
    assert len(files) >= 200
    assert len({name for name, _ in files}) == len({data for _, data in files}) == len(files)


def test_they_are_the_same_on_every_run() -> None:
    assert [name for name, _ in malformed_files()] == [name for name, _ in malformed_files()]


@pytest.mark.slow
def test_reading_them_never_crashes_hangs_or_takes_memory() -> None:
    code = RUN.format(here=str(HERE), root=str(HERE.parents[1]), memory=MOST_MEMORY)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stderr
    count, trouble = json.loads(done.stdout)
    assert trouble == []
    assert count >= 200
