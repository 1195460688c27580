"""How long the models page takes with many real model folders: `python tests/bench/models.py [NUMBER]`. Asserts no time."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "backends")]

from studio import plugins  # noqa: E402  the path comes first
from studio.collecting import open_collection  # noqa: E402
from studio.library import open_library  # noqa: E402
from studio.settings import Settings  # noqa: E402


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = Settings(data=folder / "data", models=folder / "models", hub_cache=folder / "hub", outputs=folder / "out")
        _make(settings.models, number)
        with open_library(settings.data, settings.outputs) as library:
            collection: Any = open_collection(settings, plugins.backends(settings), library)
            backend = collection._backends[0]
            print(f"{number} model folders, {len(backend.models())} usable")
            _time("one scan of the disk", backend.models)
            _time("the list, disk looked at anew", lambda: (collection._forget_look(), collection.entries()))
            _time("the list again", collection.entries)
            _time("what the page asks", lambda: _page(collection)._news({}))
            told = _page(collection)._news({})
            print(f"first answer {sum(len(str(part)) for part in told.values()) / 1000:.0f} kB, then nothing but digests")


def _page(collection: Any) -> Any:
    from studio.ui.tabs.models import ModelsTab

    tab: Any = object.__new__(ModelsTab)
    tab._collection, tab._pictures = collection, {}
    return tab


def _make(models: Path, number: int) -> None:
    import tiny_models

    models.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first = tiny_models.tiny_sd(models / "model-0")
    for n in range(1, number):
        shutil.copytree(first, models / f"model-{n}", copy_function=os.link)


def _time(what: str, do: Callable[[], object]) -> None:
    times = []
    for _ in range(7):
        began = time.perf_counter()
        do()
        times.append(time.perf_counter() - began)
    print(f"{what:<32}{sorted(times)[3] * 1000:8.1f} ms")


if __name__ == "__main__":
    main()
