"""Which build of PyTorch fits the machine, and from which index it comes.

PyPI's wheel is CUDA 13.0 on Linux, Metal on macOS and CPU-only on Windows; the other builds live on PyTorch's own indexes.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

WHEELS = "https://download.pytorch.org/whl/"
CPU = WHEELS + "cpu"


@dataclass(frozen=True)
class Build:
    """`index` "" is pip's usual one; `size` is about what it takes unpacked, in GB; `asked`: the user named the index."""

    index: str
    words: str
    size: float
    asked: bool = False

    def replaces(self, installed: str | None) -> bool:
        """Whether a PyTorch from the index `installed` must go. A GPU that is out of sight for once costs no download."""
        return installed is not None and installed != self.index and (self.asked or self.index != CPU)


def choose(system: str, *, nvidia: bool, rocm: bool, wish: str = "") -> Build:
    """The build for a machine; `wish` is STUDIO_TORCH_INDEX: "default", the last word of PyTorch's index, or a URL."""
    if wish == "default":
        return Build("", "STUDIO_TORCH_INDEX: PyTorch from pip's usual index", 5, asked=True)
    if wish:
        index = wish if "/" in wish else WHEELS + wish
        size = 0.75 if index.rstrip("/").endswith("/cpu") else 5
        return Build(index, f"STUDIO_TORCH_INDEX: PyTorch from {index}", size, asked=True)
    if system == "Darwin":
        return Build("", "a Mac: PyTorch with Metal", 0.4)
    if nvidia:
        return Build("" if system == "Linux" else WHEELS + "cu130", "an NVIDIA GPU: PyTorch with CUDA 13.0", 5)
    if rocm and system == "Linux":
        return Build(WHEELS + "rocm7.2", "an AMD GPU: PyTorch with ROCm 7.2", 12)
    return Build(CPU, "no GPU: PyTorch for the CPU", 0.75)


def for_this_machine(system: str, wish: str) -> Build:
    """`choose` with what is found here; looks at paths only, so it costs a millisecond."""
    rocm = shutil.which("rocminfo") is not None or any(Path(path).exists() for path in ("/opt/rocm", "/dev/kfd"))
    return choose(system, nvidia=shutil.which("nvidia-smi") is not None, rocm=rocm, wish=wish)


def serves(index: str, pin: str, seconds: float = 3) -> bool:
    """Whether a package index answers soon and has the pinned version, such as torch==2.13.0."""
    from urllib.request import urlopen

    name, version = pin.split("==")
    try:
        with urlopen(f"{index.rstrip('/')}/{name}/", timeout=seconds) as page:  # noqa: S310  one of the indexes above
            return f"{name}-{version}".encode() in page.read(8_000_000)
    except (OSError, ValueError):
        return False
