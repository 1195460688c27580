"""`python studio.py reindex`: the library again from the files."""

from __future__ import annotations

import json
from dataclasses import asdict

from studio.library import open_library
from studio.settings import Settings
from studio.stamps.reading import read


def reindex(settings: Settings, *, as_json: bool) -> int:
    """Read every file under the outputs folder and print what was found."""
    with open_library(settings.data, settings.outputs) as library:
        summary = asdict(library.reindex(read))
    if as_json:
        print(json.dumps(summary, ensure_ascii=False))
    else:
        for name, value in summary.items():
            print(f"{name.replace('_', ' ')}: {len(value) if isinstance(value, (list, tuple)) else value}")
    return 0
