"""What a safetensors file says of itself in its header, without a number being read. Standard library alone."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path

_LONGEST = 100_000_000
_PRECISIONS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "F8_E4M3": "float8 (e4m3)",
               "F8_E5M2": "float8 (e5m2)", "I8": "int8", "U8": "8-bit or less"}  # fmt: skip

Shapes = Mapping[str, tuple[int, ...]]
Stamp = tuple[int, int]


class Damaged(ValueError):
    """The file is no safetensors file, or was cut off."""


def shapes(file: Path) -> Shapes:
    """Every tensor's shape by name. Raises `Damaged`, OSError."""
    return {name: shape for name, (_, shape) in _tensors(file).items()}


def precision(files: Iterable[Path]) -> str:
    """The number format of most numbers in the files, in words, or "" for damaged ones."""
    numbers: Counter[str] = Counter()
    try:
        for file in files:
            numbers.update(_numbers(file, stamp(file)))
    except (OSError, Damaged):
        return ""
    return _PRECISIONS.get(numbers.most_common(1)[0][0], "") if numbers else ""


@lru_cache(maxsize=2048)
def _numbers(file: Path, _: Stamp) -> Mapping[str, int]:
    """How many numbers there are of each format."""
    counted: Counter[str] = Counter()
    for dtype, shape in _tensors(file).values():
        counted[dtype] += math.prod(shape)
    return counted


def stamp(file: Path) -> Stamp:
    """Changes when the file does: what was read of it may be remembered under it."""
    status = file.stat()
    return status.st_mtime_ns, status.st_size


def metadata(file: Path) -> Mapping[str, str]:
    """What the maker wrote into the header, such as "modelspec.license" (Stability AI's ModelSpec). Raises like `shapes`."""
    return _header(file)[1]


def _tensors(file: Path) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    return _header(file)[0]


Header = tuple[Mapping[str, tuple[str, tuple[int, ...]]], Mapping[str, str]]


def _header(file: Path) -> Header:
    return _read(file, stamp(file))


@lru_cache(maxsize=16)
def _read(file: Path, known: Stamp) -> Header:
    size = known[1]
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(_LONGEST, size - 8):
            raise Damaged(file.name)
        try:
            entries = json.loads(stream.read(length))
            found = {name: (str(each["dtype"]), tuple(int(side) for side in each["shape"]), each["data_offsets"][1])
                     for name, each in entries.items() if name != "__metadata__"}  # fmt: skip
            told = {str(name): str(value) for name, value in entries.get("__metadata__", {}).items()}
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise Damaged(file.name) from None
    if max((end for _, _, end in found.values()), default=0) > size - 8 - length:
        raise Damaged(file.name)
    return {name: (dtype, shape) for name, (dtype, shape, _) in found.items()}, told
