"""The device is found, described as JSON, and given threads that suit it."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from studio.backends.local import device, threads

ROOT = Path(__file__).parents[2]
KEYS = {"kind", "name", "driver", "total_bytes", "free_bytes", "dtype", "threads", "problems"}


def test_the_module_prints_one_json_object_for_the_doctor():
    child = subprocess.run(
        [sys.executable, "-m", "studio.backends.local.device"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    facts = json.loads(child.stdout)
    assert set(facts) == KEYS
    assert 0 < facts["free_bytes"] <= facts["total_bytes"]
    assert child.stderr == ""


@pytest.mark.parametrize("wanted", ["abacus", "cuda:99", "mps" if sys.platform != "darwin" else "xpu"])
def test_a_device_that_is_not_there_is_a_sentence_and_the_cpu_is_described(wanted):
    facts = device.facts(wanted, threads=3)
    assert facts["kind"] == "cpu"
    assert facts["threads"] == 3
    assert facts["problems"][0].endswith("cpu.")


def test_small_models_run_in_full_precision_and_large_ones_as_the_device_likes():
    import torch

    half = replace(device.choose("cpu"), half="bfloat16")
    assert half.dtype_for(10_000_000) is torch.float32
    assert half.dtype_for(5_000_000_000) is torch.bfloat16
    assert replace(half, half="").dtype_for(5_000_000_000) is torch.float32


def test_the_worker_environment_sets_its_threads_before_torch_can_read_them():
    variables = threads.worker_environment(3)
    assert variables["OMP_NUM_THREADS"] == variables["MKL_NUM_THREADS"] == "3"
    assert variables["OMP_WAIT_POLICY"] == "PASSIVE"
    assert threads.worker_environment()["OMP_NUM_THREADS"] == str(threads.physical_cores())
    assert all(isinstance(value, str) for value in variables.values())


@pytest.mark.skipif(sys.platform != "linux", reason="affinity is a Linux matter")
def test_no_more_threads_than_cores_this_process_may_use():
    code = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    code += "from studio.backends.local.threads import physical_cores; print(physical_cores())"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT, timeout=60)
    assert child.stdout.strip() == "1"
