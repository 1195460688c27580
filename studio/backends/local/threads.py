"""How many processor threads a worker gets, and the environment that keeps them from fighting. Standard library alone.

torch reads these variables when it is imported, so they must be in the worker's environment before it starts.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_CPUS = Path("/sys/devices/system/cpu")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def worker_environment(threads: int = 0) -> dict[str, str]:
    """Variables to add to a worker's environment; `threads` 0 means as many as there are physical cores.

    PASSIVE waiting cures a trap: on a busy machine OpenMP's spinning threads made a small pipeline 22 times slower.
    The DYNAMIC and CBWR settings keep Intel's library to one way of summing, so that pictures repeat to the last bit.
    """
    count = str(threads if threads > 0 else physical_cores())
    return {
        "OMP_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_DYNAMIC": "FALSE",
        "MKL_DYNAMIC": "FALSE",
        "MKL_CBWR": "AUTO",
        "GOMP_SPINCOUNT": "0",
        "KMP_BLOCKTIME": "0",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTORCH_ENABLE_MPS_FALLBACK": "1",
    }


def physical_cores() -> int:
    """Physical cores this process may use: affinity, hyper-threads and a container's quota are taken into account."""
    logical = os.sched_getaffinity(0) if sys.platform == "linux" else set(range(os.cpu_count() or 1))
    cores = {_siblings(cpu) for cpu in logical}
    return max(1, min(len(cores), _quota()))


def _siblings(cpu: int) -> str:
    try:
        return (_CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list").read_text().strip()
    except OSError:
        return str(cpu)


def _quota() -> int:
    """Whole cores of the container's CPU quota (cgroup v2); a large number without one."""
    try:
        quota, period = _QUOTA.read_text().split()
        return max(1, int(quota) // int(period))
    except (OSError, ValueError):
        return 4096
