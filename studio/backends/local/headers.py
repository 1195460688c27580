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
            for dtype, shape in _tensors(file).values():
                numbers[dtype] += math.prod(shape)
    except (OSError, Damaged):
        return ""
    return _PRECISIONS.get(numbers.most_common(1)[0][0], "") if numbers else ""


def _tensors(file: Path) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    status = file.stat()
    return _read(file, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=256)
def _read(file: Path, _: int, size: int) -> Mapping[str, tuple[str, tuple[int, ...]]]:
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        if not 2 <= length <= min(_LONGEST, size - 8):
            raise Damaged(file.name)
        try:
            entries = json.loads(stream.read(length))
            found = {name: (str(each["dtype"]), tuple(int(side) for side in each["shape"]), each["data_offsets"][1])
                     for name, each in entries.items() if name != "__metadata__"}  # fmt: skip
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            raise Damaged(file.name) from None
    if max((end for _, _, end in found.values()), default=0) > size - 8 - length:
        raise Damaged(file.name)
    return {name: (dtype, shape) for name, (dtype, shape, _) in found.items()}
