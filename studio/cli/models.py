"""`python studio.py models`: what is on this computer, what is on its way, what could be had. JSON with `--json`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | a download failed; the sentence says why and what to do |
| 2 | it cannot be asked for like this |
| 3 | a download is paused |
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from studio.core.collection import PRECISIONS, Download, Entry, Starter
from studio.core.errors import InvalidRequest
from studio.core.people import Person
from studio.engine.collection import Collection

GIGA, MEGA = 1e9, 1e6
CODES = {"done": 0, "failed": 1, "paused": 3}
Follow = Callable[[str, Callable[[Download], None]], Download]
"""Carries a download to its end, or watches the studio do it."""


def add_options(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _action(actions, "list", "show models, downloads, what cannot be used, and the trash")
    add = _action(actions, "add", "download a repository such as stabilityai/sdxl-turbo, or one .safetensors file of it")
    add.add_argument("repository", metavar="REPOSITORY")
    add.add_argument("--precision", choices=PRECISIONS, default="auto", help="half or full where there are both (auto)")
    _action(actions, "remove", "move a model to the trash").add_argument("id", metavar="ID")
    _action(actions, "restore", "take a model out of the trash").add_argument("id", metavar="TRASH-ID")
    _action(actions, "empty", "remove what lies in the trash for good")
    _action(actions, "curated", "show models that are good to begin with")
    for name, help in (("pause", "pause a download"), ("resume", "go on with it"), ("cancel", "give it up; its parts go")):
        _action(actions, name, help).add_argument("id", metavar="ID", nargs="?", default="")
    for name, help in (("link", "look for models in a folder where it lies"), ("unlink", "do so no more")):
        _action(actions, name, help).add_argument("folder", metavar="FOLDER")


def models(collection: Collection, follow: Follow, person: Person, arguments: argparse.Namespace) -> int:
    """Do one action and tell of it."""
    tell = _Telling(as_json=arguments.json)
    match arguments.action:
        case "list":
            _list(collection, tell)
        case "curated":
            tell(list(collection.starters()), [_starter_line(starter) for starter in collection.starters()])
        case "add":
            download = collection.add(arguments.repository, person, arguments.precision)
            return _carry(download.id, collection, follow, person, tell)
        case "resume":
            id = _the_one(collection, arguments.id)
            collection.wish(id, "run", person)
            return _carry(id, collection, follow, person, tell)
        case "pause" | "cancel":
            id = _the_one(collection, arguments.id)
            collection.wish(id, "pause" if arguments.action == "pause" else "cancel", person)
            tell({"id": id, "wish": arguments.action}, [f"{id}: {arguments.action} is noted."])
        case _:
            _change(collection, person, arguments, tell)
    return 0


def _change(collection: Collection, person: Person, arguments: argparse.Namespace, tell: _Telling) -> None:
    match arguments.action:
        case "remove":
            removed = collection.remove(arguments.id, person)
            tell(removed, [f"{removed.name} is in the trash. Undo: models restore {removed.id}"])
        case "restore":
            restored = collection.restore(arguments.id, person)
            tell(restored, [f"{restored.name} is back at {restored.place}."])
        case "empty":
            count = collection.empty_trash(person)
            tell({"removed": count}, [f"{count} {'model is' if count == 1 else 'models are'} gone for good."])
        case "link":
            linked = collection.link(arguments.folder, person)
            tell({"folder": linked}, [f"{linked} is searched for models from now on. Nothing in it was moved."])
        case "unlink":
            collection.unlink(arguments.folder, person)
            tell({"folder": arguments.folder}, [f"{arguments.folder} is not searched any more."])
        case unknown:
            raise ValueError(unknown)


def _list(collection: Collection, tell: _Telling) -> None:
    entries, downloads, problems = collection.entries(), collection.downloads(), collection.problems()
    told = {
        "models": [_entry(entry) for entry in entries],
        "downloads": [asdict(download) for download in downloads],
        "problems": problems,
        "trash": [asdict(removed) for removed in collection.removed()],
        "folders": [collection.models_folder, *collection.folders()],
    }
    width = max((len(entry.model.id) for entry in entries), default=0)
    lines = [
        f"{entry.model.id:<{width}}  {entry.model.family or '–'}, {_size(entry.model.size_bytes)}, "
        f"{entry.licence or 'licence unknown'}"
        for entry in entries
    ]
    lines += [f"download {each.id}: {_how_far(each)}" for each in downloads]
    lines += [f"not usable: {problem}" for problem in problems]
    lines += [f"in the trash: {removed.name} ({removed.id})" for removed in collection.removed()]
    tell(told, lines)


def _carry(id: str, collection: Collection, follow: Follow, person: Person, tell: _Telling) -> int:
    try:
        last = follow(id, tell.progress)
    except KeyboardInterrupt:
        collection.wish(id, "pause", person)
        print(f"\nPaused. Go on with: models resume {id}", file=sys.stderr)
        return CODES["paused"]
    tell.end_progress()
    tell(last, [f"{last.what}: {_how_far(last)}"])
    return CODES.get(last.state, 1)


def _the_one(collection: Collection, id: str) -> str:
    """The download that is meant: the named one, or the only one that is not done."""
    open_ones = [download.id for download in collection.downloads() if download.state != "done"]
    if id or len(open_ones) == 1:
        return id or open_ones[0]
    raise InvalidRequest(f"Say which download: {', '.join(open_ones)}." if open_ones else "There is no download.", "id")


class _Telling:
    """JSON on the standard output, or lines; progress goes to the error output, once a second."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json, self._last, self._shown = as_json, 0.0, False

    def __call__(self, value: Any, lines: list[str]) -> None:
        print(json.dumps(_plain(value), indent=2) if self._as_json else "\n".join(lines))

    def progress(self, download: Download) -> None:
        if time.monotonic() - self._last > 1 and sys.stderr.isatty():
            self._last, self._shown = time.monotonic(), True
            print(f"\r{download.what}: {_how_far(download):<70}", end="", file=sys.stderr, flush=True)

    def end_progress(self) -> None:
        if self._shown:
            print(file=sys.stderr)


def _how_far(download: Download) -> str:
    part = f"{download.done / download.total:.0%} of {_size(download.total)}" if download.total else ""
    speed = f"{download.speed / MEGA:.1f} MB/s" if download.speed else ""
    left = f"{download.eta:.0f} s left" if download.eta else ""
    return ", ".join(filter(None, (download.state, part, speed, left, download.message)))


def _entry(entry: Entry) -> dict[str, Any]:
    model, use = entry.model, entry.use
    return {
        "id": model.id, "title": model.title, "family": model.family, "size_bytes": model.size_bytes,
        "precision": model.precision, "licence": entry.licence, "source": model.source, "sha256": entry.sha256,
        "tasks": list(model.tasks), "last_used": use.last if use else None, "stays": entry.stays,
    }  # fmt: skip


def _starter_line(starter: Starter) -> str:
    size = f"{'' if starter.sure else 'about '}{_size(starter.size_bytes)}"
    gate = ", licence to accept" if starter.gated else ""
    return f"{starter.vram:>3} GB VRAM  {starter.repository}: {starter.why} ({size}, {starter.licence}{gate})"


def _size(size: int) -> str:
    return f"{size / GIGA:.1f} GB" if size >= GIGA else f"{size / MEGA:.1f} MB"


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value


def _action(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=help)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help=argparse.SUPPRESS)
    return parser
