"""What browsing costs with many pictures: 50th and 95th percentile for each kind of question, and memory while scrolling.

    python tests/bench/library.py [100000]

The rows are written into the database directly, without files. Nothing is asserted; the aim is 50 ms at the 95th percentile.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "ui"), str(ROOT / "tests" / "backends")]

from fake_gallery import MODELS, WORDS, insert  # noqa: E402  the path comes first

from studio.core.gallery import Outline, Wanted  # noqa: E402  the path comes first
from studio.library import Library, open_library  # noqa: E402  the path comes first

TIMES = 60
CHANCE = random.Random(3)
MIXES: dict[str, Callable[[], Wanted]] = {
    "everything": Wanted,
    "one word": lambda: Wanted(words=CHANCE.choice(WORDS)),
    "one word, rare": lambda: Wanted(words=f"{CHANCE.choice(WORDS)} {CHANCE.randrange(100_000)}"),
    "half a word": lambda: Wanted(words=CHANCE.choice(WORDS)[:1]),
    "three words": lambda: Wanted(words=" ".join(CHANCE.choices(WORDS, k=3))),
    "a word nobody used": lambda: Wanted(words="zzzz"),
    "a word and a model": lambda: Wanted(words=CHANCE.choice(WORDS), model=CHANCE.choice(MODELS)),
    "a word, nothing fits": lambda: Wanted(words="take", model="local:none"),
    "a common word, filters that do not fit": lambda: Wanted(words="take", told="ai", cost="paid", shape="square", stars=5),
    "one model": lambda: Wanted(model=CHANCE.choice(MODELS)),
    "one model, nothing fits": lambda: Wanted(model="local:starter", told="unscored"),
    "one provider": lambda: Wanted(provider=CHANCE.choice(("local", "stability", "openai", "bfl"))),
    "one task": lambda: Wanted(task="image-to-image"),
    "a day": lambda: Wanted(since="2025-06-01", until="2025-06-01"),
    "size and shape": lambda: Wanted(size="large", shape="landscape"),
    "four stars": lambda: Wanted(stars=4),
    "a verdict": lambda: Wanted(told=CHANCE.choice(("ai", "uncertain", "not-ai"))),
    "a verdict that nobody got": lambda: Wanted(told="flag"),
    "waits for a review": lambda: Wanted(review="pending"),
    "paid for": lambda: Wanted(cost="paid"),
    "a tag": lambda: Wanted(tag="client"),
    "a tag and a word": lambda: Wanted(tag="client", words="house"),
    "a tag and a common word": lambda: Wanted(tag="client", words="take"),
    "imported": lambda: Wanted(imported=True),
    "the trash": lambda: Wanted(where="trash"),
    "everything at once, nothing fits": lambda: Wanted(
        provider="local", task="text-to-image", size="small", shape="square", told="ai", cost="paid", review="not_needed"
    ),
}


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with open_library(Path(folder) / "data", Path(folder) / "outputs") as library:
            insert(library, count, ["2024-10-27/scene-00.png"])
            size = library.database.path.stat().st_size / 1e6
            print(f"{count} pictures, {size:.0f} MB, SQLite; made in {time.perf_counter() - began:.0f} s\n")
            print(f"{'':44}{'first page':>18}{'deep page':>18}{'outline':>18}")
            for name, mix in MIXES.items():
                print(f"{name:44}{told(library, mix)}")
            boards(library)
            scroll(library)


def told(library: Library, mix: Callable[[], Wanted]) -> str:
    firsts, deeps, outlines = [], [], []
    for turn in range(TIMES):
        wanted = mix()
        firsts.append(seconds(lambda wanted=wanted: library.gallery.page(wanted)))
        if turn < 12:
            library.gallery._outlines.clear()
            outlines.append(seconds(lambda wanted=wanted: library.gallery.outline(wanted)))
            deeps += [seconds(work) for work in deep(library, wanted, library.gallery.outline(wanted))]
    return "".join(f"{percentiles(each):>18}" for each in (firsts, deeps, outlines))


def deep(library: Library, wanted: Wanted, outline: Outline) -> Iterator[Callable[[], object]]:
    for _ in range(5):
        if outline.marks:
            place = CHANCE.randrange(len(outline.marks))
            start, end = outline.marks[place], (*outline.marks, None)[place + 1]
            yield lambda start=start, end=end: library.gallery.page(wanted, start, end)


def boards(library: Library) -> None:
    gallery = library.gallery
    board = gallery.boards.all()[0]
    works: dict[str, Callable[[], object]] = {
        f"a board of {board.count}": lambda: gallery.page(Wanted(board=board.id)),
        "a board and a common word": lambda: gallery.page(Wanted(board=board.id, words="take")),
        "all boards": gallery.boards.all,
        "marks of a picture": lambda: gallery.marks.of("row-000900"),
        "one picture gets stars": lambda: gallery.marks.rate([f"row-{CHANCE.randrange(1000):06}"], CHANCE.randrange(6)),
        "filters' choices, after a change": lambda: (setattr(gallery, "_choices", None), gallery.choices()),
        "edition": gallery.edition,
    }
    print()
    for name, work in works.items():
        print(f"{name:44}{percentiles([seconds(work) for _ in range(TIMES)]):>18}")


def scroll(library: Library) -> None:
    """Every page once, as a person who never lets go of the wheel."""
    outline, before, began = library.gallery.outline(Wanted()), memory(), time.perf_counter()
    seen = 0
    for start, end in zip(outline.marks, (*outline.marks[1:], None), strict=True):
        seen += len(library.gallery.page(Wanted(), start, end))
    spent = time.perf_counter() - began
    print(f"\nscrolled {seen} pictures in {spent:.1f} s, {1000 * spent / len(outline.marks):.1f} ms a page")
    print(f"memory before {before:.0f} MB, after {memory():.0f} MB")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def percentiles(values: list[float]) -> str:
    if not values:
        return "–"
    ordered = sorted(values)
    return f"{1000 * ordered[len(ordered) // 2]:.1f} / {1000 * ordered[int(len(ordered) * 0.95)]:.1f} ms"


def memory() -> float:
    for line in Path("/proc/self/status").read_text("utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
