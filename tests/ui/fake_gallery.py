"""The library's browsing side for the small studio: the real one on folders beside its outputs, and many rows for it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from fake_pictures import scene

from studio.core.request import ImageRequest, ImageToImage, Sampling, Size, Source, TextToImage, request_to_json
from studio.engine.gallery import Gallery
from studio.engine.shelf import Shelf
from studio.library import Library, open_library

MODELS = (
    "local:starter", "local:turbo", "local:makers/pony-xl", "local:makers/flux-dev", "stability:core", "openai:image-2",
    "local:makers/qwen", "bfl:flux-pro",
)  # fmt: skip
WORDS = (
    "house", "sea", "evening", "mountain", "portrait", "woman", "man", "cat", "dog", "street", "rain", "neon", "oil",
    "painting", "photograph", "macro", "flower", "forest", "river", "bridge", "winter", "snow", "golden", "hour", "studio",
    "light", "product", "bottle", "white", "background", "poster", "city", "night", "space", "ship", "castle", "dragon",
    "watercolour", "ink", "sketch", "minimal", "geometric", "café", "table", "coffee", "bread", "market", "harbour", "boat",
    "lighthouse", "storm", "clouds", "desert", "road", "car", "train", "station", "library", "books", "lamp", "garden",
)  # fmt: skip
SIZES = ((512, 512), (768, 512), (512, 768), (1024, 1024), (1216, 832), (1536, 1536), (2048, 1024))
BEGIN = 1_730_000_000.0
"""Seconds; the rows cover the two years from here on."""
YEARS = 2 * 365 * 86_400.0


def library_of(studio: Any) -> Library:
    """Opened beside the studio's outputs; what it has made so far is taken along."""
    library = open_library(studio.outputs.parent / "library", studio.outputs)
    for record in studio.recent(100_000):
        if record.path:
            library.records.add(record)
    return library


def gallery_of(studio: Any, library: Library) -> Gallery:
    """The engine's own on the real library."""
    parts: dict[str, Any] = dict.fromkeys(("jobs", "drafts", "sources", "receipts"))
    shelf = Shelf(
        records=library.records, trash=library.trash, gallery=library.gallery, keeper=library.keeper,
        outputs=studio.outputs, **parts,
    )  # fmt: skip
    return Gallery(studio, shelf, lambda _data, _role: ())


def rows(count: int, paths: list[str]) -> Iterator[dict[str, Any]]:
    """Rows of `record`, the same every time; one in forty was made from the one before it."""
    chance = random.Random(7)
    for number in range(count):
        when = BEGIN + YEARS * number / count
        model, (width, height) = MODELS[min(number * 31 % 11, 7)], SIZES[number * 17 % 7]
        prompt = f"{' '.join(chance.choices(WORDS, k=chance.randint(6, 16)))}, take {number}"
        task: Any = TextToImage(Size(width, height))
        parent = f"row-{number - 1:06}" if number % 40 == 39 else ""
        if parent:
            task = ImageToImage(image=Source(sha256=f"{number - 1:064x}", width=width, height=height, record=parent))
        request = ImageRequest(model=model, prompt=prompt, task=task, sampling=Sampling(steps=20, seed=number), user="ann")
        facts: dict[str, Any] = {
            "used": {"model": model, "steps": 20, "seconds": {"denoising": 3.2}, "notes": "x" * 600},
            "detector": [{"detector": "starter", "title": "Starter", "revision": "1", "raw": 1.0,
                          "verdict": ("ai", "ai", "ai", "uncertain", "not-ai")[number % 5]}],
        }  # fmt: skip
        if not model.startswith("local:"):
            facts["hosted"] = {"provider": model.partition(":")[0], "cost": {"value": 0.03, "source": "table"}}
        if number % 97 == 0:
            facts["imported"] = {"file": f"photo-{number}.jpg"}
        name = f"{number:06}-{model.partition(':')[2].rpartition('/')[2]}.png"
        yield {
            "id": f"row-{number:06}", "job": f"job-{number:06}", "path": paths[number % len(paths)], "name": name,
            "sha256": f"{number:064x}", "width": width, "height": height, "seed": number,
            "created": datetime.fromtimestamp(when, UTC).isoformat(timespec="milliseconds"), "time": when, "user": "ann",
            "state": "deleted" if number % 211 == 210 else "kept",
            "review_status": ("pending", "approved", "rejected")[number % 3] if number % 50 == 7 else "not_needed",
            "request": json.dumps(request_to_json(request)), "facts": json.dumps(facts), "notes": "[]",
            "stamps": '["png-text"]', "verdicts": "[]", "backend": model.partition(":")[0], "parent": parent,
        }  # fmt: skip


def fill(library: Library, count: int) -> None:
    """So many rows at once, over a dozen small files; with stars, tags and two boards."""
    day = library.outputs / "2024-10-27"
    day.mkdir(parents=True, exist_ok=True)
    paths = []
    for number in range(12):
        path = day / f"scene-{number:02}.png"
        scene(Size(256, 256 if number % 3 else 192), number).save(path)
        paths.append(path.relative_to(library.outputs).as_posix())
    insert(library, count, paths)


def insert(library: Library, count: int, paths: list[str]) -> None:
    names = list(next(rows(1, paths)))
    marks = ", ".join(f":{name}" for name in names)
    with library.database.transaction() as connection:
        connection.executemany(f"INSERT INTO record ({', '.join(names)}) VALUES ({marks})", rows(count, paths))  # noqa: S608  our own words
        connection.execute("UPDATE picture SET trashed = 1 WHERE state = 'deleted'")
        connection.execute("UPDATE picture SET stars = seq % 6 WHERE seq % 13 = 0")
        connection.execute("INSERT INTO picture_tag SELECT 'client', at FROM picture WHERE seq % 20 = 3")
        connection.execute("INSERT INTO picture_tag SELECT 'print', at FROM picture WHERE seq % 500 = 3")
    for title, step in (("Autumn series", 900), ("For the meeting", 3000)):
        board = library.gallery.boards.create(title, "")
        library.gallery.boards.add(board.id, [f"row-{number:06}" for number in range(0, count, max(3, count // step))])
