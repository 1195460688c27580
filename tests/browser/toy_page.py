"""The page in front of a small studio without an engine: started as a process of its own."""

from __future__ import annotations

import argparse
import shutil
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ui"), str(ROOT / "tests" / "backends")]

from fake_collection import a_collection  # noqa: E402  the path comes first
from fake_gallery import fill  # noqa: E402  the path comes first
from fake_people import some_accounts  # noqa: E402  the path comes first
from fakes import FakeStudio  # noqa: E402

from studio import settings as configuration  # noqa: E402
from studio.core.people import Role  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--people", action="store_true", help="anna is admin, rita reviewer, carl creator")
    parser.add_argument("--models", type=int, default=0, help="so many models more")
    parser.add_argument("--pictures", type=int, default=0, help="so many pictures in the library")
    port, with_people = parser.parse_args().port, parser.parse_args().people
    settings = configuration.load()
    configuration.quieten(settings.data / "temporary")
    from studio.ui.app import build, launch

    settings.outputs.mkdir(parents=True, exist_ok=True)
    presets = settings.data / "presets"
    shutil.copytree(settings.presets, presets, dirs_exist_ok=True)  # what a test saves stays out of the project
    studio = FakeStudio(settings.outputs, step_seconds=0.03, presets=presets)
    studio.collection = a_collection(studio, parser.parse_args().models)
    if pictures := parser.parse_args().pictures:
        fill(studio.library, pictures)
    roles: dict[str, Role] = {"anna": "admin", "rita": "reviewer", "carl": "creator"} if with_people else {}
    accounts = some_accounts(settings.data, **roles)
    temporary = settings.data / "temporary"
    over = threading.Event()
    blocks = build(studio, accounts, over.set)
    page = launch(blocks, accounts, host="127.0.0.1", port=port, temporary=temporary, open_browser=False)
    print(page.url, flush=True)
    over.wait()


if __name__ == "__main__":
    main()
