"""The device that makes the pictures: which one, its memory, and the number format that suits it.

`python -m studio.backends.local.device` prints these facts as one JSON object, so that the doctor needs no torch itself.
"""

from __future__ import annotations

import json
import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from studio.backends.local.threads import physical_cores

SMALL = 500_000_000
"""Models with fewer bytes of weights run in float32 everywhere: half precision gains them nothing."""


@dataclass(frozen=True, kw_only=True)
class Device:
    """`torch_name` is torch's word (ROCm calls itself cuda), `kind` the user's; `half` a torch dtype's name or ""."""

    kind: str
    torch_name: str
    name: str
    driver: str = ""
    half: str = ""
    small: int = SMALL

    def dtype_for(self, weight_bytes: int) -> Any:
        """The torch dtype for a model of that size."""
        import torch

        return getattr(torch, self.half) if self.half and weight_bytes >= self.small else torch.float32


def choose(wanted: str = "") -> Device:
    """The wanted device (`cuda`, `cuda:1`, `rocm`, `xpu`, `mps`, `cpu`), or the best one. Raises ValueError if absent."""
    import torch

    wanted = wanted.strip().lower().replace("rocm", "cuda")
    kind = wanted.partition(":")[0]
    if kind not in ("", "cuda", "xpu", "mps", "cpu"):
        raise ValueError(f"The device “{wanted}” is unknown. Set it to cuda, rocm, xpu, mps or cpu.")
    present = {"cuda": torch.cuda.is_available(), "xpu": torch.xpu.is_available(), "mps": torch.backends.mps.is_available()}
    if kind in present and not present[kind]:
        raise ValueError(
            f"There is no {wanted} device that torch can use. Install the torch build for it, or set device to cpu."
        )
    kind = kind or next((name for name, there in present.items() if there), "cpu")
    describe = {"cuda": _cuda, "xpu": _xpu, "mps": _mps, "cpu": _cpu}[kind]
    try:
        return describe(wanted or kind)
    except (AssertionError, RuntimeError) as error:
        raise ValueError(
            f"The device {wanted or kind} cannot be used ({error}). Set device to another one, or to cpu."
        ) from error


def total_bytes(device: Device) -> int:
    """Memory of the device; for the CPU and Apple chips the machine's, or the container's if that is less."""
    import torch

    if device.kind in ("cuda", "rocm", "xpu"):
        return int(_accelerator(device).mem_get_info(device.torch_name)[1])
    if device.kind == "mps":
        return int(torch.mps.recommended_max_memory())
    return min(_machine()[0], _container("memory.max"))


def free_bytes(device: Device) -> int:
    """Memory that a picture could use now, counting what torch holds in reserve."""
    import torch

    if device.kind in ("cuda", "rocm", "xpu"):
        module = _accelerator(device)
        idle = module.memory_reserved(device.torch_name) - module.memory_allocated(device.torch_name)
        return int(module.mem_get_info(device.torch_name)[0] + idle)
    if device.kind == "mps":
        return max(0, total_bytes(device) - int(torch.mps.driver_allocated_memory()))
    limit = _container("memory.max")
    room = limit - _container("memory.current") + _file_pages() if limit < _NO_LIMIT else _NO_LIMIT
    return max(0, min(_machine()[1], room, _address_room()))


def ram() -> tuple[int, int]:
    """(free, total) bytes of the computer's memory, or of the container's part of it."""
    here = Device(kind="cpu", torch_name="cpu", name="")
    return free_bytes(here), total_bytes(here)


def facts(wanted: str = "", threads: int = 0) -> dict[str, Any]:
    """What `doctor` shows. `problems` holds sentences; a device that cannot be used is described as the CPU."""
    problems: list[str] = []
    try:
        device = choose(wanted)
    except ValueError as error:
        problems.append(str(error))
        device = choose("cpu")
    return {
        "kind": device.kind,
        "name": device.name,
        "driver": device.driver,
        "total_bytes": total_bytes(device),
        "free_bytes": free_bytes(device),
        "dtype": device.half or "float32",
        "threads": threads or physical_cores(),
        "problems": problems,
    }


def empty_cache(device: Device) -> None:
    """Give unused device memory back."""
    import torch

    if device.kind in ("cuda", "rocm", "xpu"):
        _accelerator(device).empty_cache()
    elif device.kind == "mps":
        torch.mps.empty_cache()


def _accelerator(device: Device) -> Any:
    import torch

    return torch.xpu if device.kind == "xpu" else torch.cuda


def _cuda(name: str) -> Device:
    import torch

    rocm = torch.version.hip is not None
    properties = torch.cuda.get_device_properties(name)
    bf16 = rocm or properties.major >= 8
    driver = f"ROCm {torch.version.hip}" if rocm else f"CUDA {torch.version.cuda}"
    half = "bfloat16" if bf16 else "float16"
    return Device(kind="rocm" if rocm else "cuda", torch_name=name, name=properties.name, driver=driver, half=half)


def _xpu(name: str) -> Device:
    import torch

    properties = torch.xpu.get_device_properties(name)
    return Device(kind="xpu", torch_name=name, name=properties.name, driver=str(properties.driver_version), half="bfloat16")


def _mps(_: str) -> Device:
    return Device(kind="mps", torch_name="mps", name="Apple GPU", driver=f"macOS {platform.mac_ver()[0]}", half="float16")


def _cpu(_: str) -> Device:
    """bfloat16 only with units for it (AMX, AVX512-BF16): measured 2 × faster there and 3 to 58 × slower on plain AVX2."""
    import torch

    able = torch.cpu.get_capabilities()
    half = "bfloat16" if able.get("amx_bf16") or able.get("avx512_bf16") else ""
    return Device(kind="cpu", torch_name="cpu", name=str(able.get("cpu_name") or platform.processor() or "CPU"), half=half)


_NO_LIMIT = 1 << 62
_CONTROL = Path("/sys/fs/cgroup")


def _machine() -> tuple[int, int]:
    """(total, available) bytes of main memory."""
    import psutil  # type: ignore[import-untyped]  # has no type information; comes with accelerate

    memory = psutil.virtual_memory()
    return int(memory.total), int(memory.available)


def _container(name: str) -> int:
    """A number of the container's memory control (cgroup v2), or no limit."""
    try:
        return int((_CONTROL / name).read_text())
    except (OSError, ValueError):
        return _NO_LIMIT


def _file_pages() -> int:
    """Bytes of files that the container's memory holds and gives back at once when somebody needs the room."""
    try:
        lines = (_CONTROL / "memory.stat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith(("inactive_file ", "active_file ")))


def _address_room() -> int:
    """What a limit on the process's address space (ulimit -v) leaves; Linux only."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        used = re.search(r"VmSize:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except (ImportError, OSError):
        return _NO_LIMIT
    return limit - int(used.group(1)) * 1024 if used and limit != resource.RLIM_INFINITY else _NO_LIMIT


def main() -> None:
    from studio import settings

    current = settings.load()
    print(json.dumps(facts(current.device, current.threads)))  # noqa: T201  the output of this command


if __name__ == "__main__":
    main()
