"""What the library page asks for and gets, as JSON: what is wanted, tiles, filters, a picture with its relatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from studio.core.gallery import BULKS, COSTS, MOST_STARS, SHAPES, TOLD, WHERES, Choices, Seen, Wanted
from studio.core.model import Model
from studio.core.request import TASKS
from studio.core.result import Record
from studio.core.review import ReviewStatus
from studio.ui.gallery_port import Gallery
from studio.ui.pictures import url
from studio.ui.thumbs import SMALL, Thumbs

MOST_WORDS = 300
PROVIDERS = {"local": "This computer", "imported": "Made elsewhere"}


def wanted_of(asked: Any) -> Wanted:
    """What the page wants; a word that is none of ours does not matter."""
    sent: Mapping[str, Any] = asked if isinstance(asked, Mapping) else {}

    def text(name: str) -> str:
        return str(sent.get(name) or "")[:MOST_WORDS]

    def one_of(name: str, known: Sequence[Any]) -> Any:
        return sent.get(name) if sent.get(name) in known else ""

    stars = sent.get("stars")
    return Wanted(
        words=text("words"), model=text("model"), provider=text("provider"), task=one_of("task", tuple(TASKS)),
        since=text("since"), until=text("until"), shape=one_of("shape", SHAPES), size=one_of("size", BULKS),
        stars=int(stars) if str(stars) in "12345" and stars else 0, told=one_of("told", TOLD),
        review=one_of("review", get_args(ReviewStatus)), cost=one_of("cost", COSTS), tag=text("tag"), board=text("board"),
        imported=bool(sent.get("imported")), where=one_of("where", WHERES) or "here",
    )  # fmt: skip


def tile(seen: Seen, thumbs: Thumbs) -> dict[str, Any]:
    """What the grid draws; `thumb` is empty until there is one. Keys are texts: JavaScript's numbers are too short."""
    is_small = max(seen.width, seen.height) <= SMALL and seen.state != "deleted"
    copy = seen.path if is_small else thumbs.ready(seen.id)
    return {
        "key": str(seen.key), "id": seen.id, "w": seen.width, "h": seen.height, "name": seen.name, "stars": seen.stars,
        "prompt": seen.prompt[:300], "thumb": url(copy) if copy else "", "state": seen.state, "review": seen.review,
        "imported": seen.imported, "src": url(seen.path) if seen.state != "deleted" else "",
    }  # fmt: skip


def filters(choices: Choices, models: Sequence[Model]) -> dict[str, Any]:
    """Each filter's values with what they are called, by name."""
    titles = {model.id: model.title for model in models}
    named = [[id, titles.get(id) or id.partition(":")[2] or id] for id in choices.models]
    return {
        "model": sorted(named, key=lambda each: str(each[1]).lower()),
        "provider": [[name, PROVIDERS.get(name, name)] for name in choices.providers],
        "task": [[kind, kind.replace("-", " ").capitalize()] for kind in choices.tasks],
        "tag": [[tag, f"{tag} ({count})"] for tag, count in choices.tags],
        "note": choices.note,
    }


def tree(record: Record, children: Sequence[Record], gallery: Gallery, thumbs: Thumbs) -> dict[str, Any]:
    """Where a picture comes from, the oldest first, and what came of it."""
    older = [_leaf(each, thumbs) for each in reversed(gallery.ancestors(record))]
    return {"older": older, "own": _leaf(record, thumbs), "younger": [_leaf(each, thumbs) for each in children[:24]]}


def stars_of(number: int) -> str:
    """In words, for those who do not see them."""
    return f"{number} of {MOST_STARS} stars" if number else "no stars"


def _leaf(record: Record, thumbs: Thumbs) -> dict[str, str]:
    copy = thumbs.of(record)
    task = record.request.task.kind.replace("-", " ")
    words = record.request.prompt[:160] or record.name
    return {"id": record.id, "words": words, "task": task, "thumb": url(copy) if copy else ""}
