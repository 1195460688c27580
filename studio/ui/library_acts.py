"""What the buttons and keys of the library page do, and how each is taken back. Answers are sentences and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import StudioError
from studio.core.people import Person
from studio.ui.gallery_port import Gallery

OLD_PAGE = "This page is older than the studio. Reload it."


@dataclass(frozen=True)
class Asked:
    """What the page sends: pictures, a board, a text and a number, as far as the action needs them."""

    do: str
    ids: tuple[str, ...] = ()
    board: str = ""
    text: str = ""
    before: str = ""
    number: int = 0
    was: Mapping[str, int] | None = None


Act = Callable[[Gallery, Asked, Person], dict[str, Any]]


def act(gallery: Gallery, sent: Mapping[str, Any], person: Person) -> dict[str, Any]:
    """`said` or `problem`; `undo` is what to ask for to take it back."""
    try:
        asked = _asked(sent)
        return ACTS[asked.do](gallery, asked, person)
    except StudioError as error:
        return {"problem": str(error)}
    except (KeyError, TypeError, ValueError):
        return {"problem": OLD_PAGE}


def _asked(sent: Mapping[str, Any]) -> Asked:
    was = sent.get("was")
    return Asked(
        do=str(sent["do"]),
        ids=tuple(str(id) for id in sent.get("ids") or ()),
        board=str(sent.get("board") or ""),
        text=str(sent.get("text") or ""),
        before=str(sent.get("before") or ""),
        number=int(sent.get("number") or 0),
        was={str(id): int(stars) for id, stars in was.items()} if isinstance(was, Mapping) else None,
    )


def count(number: int) -> str:
    """“1 picture”, “1 204 pictures”."""
    return "1 picture" if number == 1 else f"{number:,} pictures".replace(",", "\u202f")


def _rate(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    was = gallery.rate(asked.ids, asked.number, person)
    stars = "no star" if not asked.number else "1 star" if asked.number == 1 else f"{asked.number} stars"
    return {"said": f"{count(len(was))}: {stars}.", "undo": {"do": "rate-back", "was": was}}


def _rate_back(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    by_stars: dict[int, list[str]] = {}
    for id, stars in (asked.was or {}).items():
        by_stars.setdefault(stars, []).append(id)
    for stars, ids in by_stars.items():
        gallery.rate(ids, stars, person)
    return {"said": "The stars are as they were."}


def _tag(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    ids = gallery.tag(asked.ids, asked.text, person)
    return {"said": f"{count(len(ids))} tagged “{asked.text.strip()}”.", "undo": _back("untag", ids, text=asked.text)}


def _untag(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    ids = gallery.untag(asked.ids, asked.text, person)
    return {"said": f"“{asked.text}” is off {count(len(ids))}.", "undo": _back("tag", ids, text=asked.text)}


def _note(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    gallery.note(asked.ids[0] if asked.ids else "", asked.text, person)
    return {"said": "The note is kept." if asked.text.strip() else "The note is gone."}


def _create(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    board = gallery.create_board(asked.text, person)
    gallery.add_to_board(board.id, asked.ids, person)
    said = f"The board “{board.title}” is there" + (f", with {count(len(asked.ids))}." if asked.ids else ".")
    return {"said": said, "board": board.id, "undo": {"do": "board-delete", "board": board.id}}


def _rename(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    before = gallery.board(asked.board)
    board = gallery.rename_board(asked.board, asked.text, person)
    undo = {"do": "board-rename", "board": board.id, "text": before.title if before else board.title}
    return {"said": f"The board is called “{board.title}” now.", "undo": undo}


def _delete_board(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    board = gallery.delete_board(asked.board, person)
    undo = {"do": "board-restore", "board": board.id}
    return {"said": f"The board “{board.title}” is gone; its pictures stay.", "undo": undo, "gone": board.id}


def _restore_board(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    board = gallery.restore_board(asked.board, person)
    return {"said": f"The board “{board.title}” is back.", "board": board.id}


def _add(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    ids = gallery.add_to_board(asked.board, asked.ids, person)
    if asked.before:
        gallery.move_on_board(asked.board, ids, person, asked.before)
    board = gallery.board(asked.board)
    title = board.title if board else ""
    said = f"{count(len(ids))} on “{title}”." if ids else f"“{title}” has them already."
    return {"said": said, "undo": _back("board-take", ids, board=asked.board)}


def _take(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    ids = gallery.remove_from_board(asked.board, asked.ids, person)
    undo = _back("board-add", ids, board=asked.board, before=asked.before)
    return {"said": f"{count(len(ids))} off the board.", "undo": undo}


def _move(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    """`text` is the picture that they stood before until now."""
    gallery.move_on_board(asked.board, asked.ids, person, asked.before)
    undo = _back("board-move", asked.ids, board=asked.board, before=asked.text)
    return {"said": f"{count(len(asked.ids))} moved.", "undo": undo}


def _delete(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    outcome = gallery.delete(asked.ids, person)
    if outcome.problems and not outcome.done:
        return {"problem": " ".join(outcome.problems)}
    said = " ".join((f"{count(len(outcome.done))} in the trash.", *outcome.problems))
    return {"said": said, "done": outcome.done, "undo": _back("restore", outcome.done)}


def _restore(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    outcome = gallery.restore(asked.ids, person)
    if outcome.problems and not outcome.done:
        return {"problem": " ".join(outcome.problems)}
    said = " ".join((f"{count(len(outcome.done))} back.", *outcome.problems))
    return {"said": said, "done": outcome.done, "undo": _back("delete", outcome.done)}


def _empty(gallery: Gallery, asked: Asked, person: Person) -> dict[str, Any]:
    return {"said": f"Removed for good: {count(gallery.empty_trash(person, asked.number))}."}


def _back(do: str, ids: Sequence[str], **more: str) -> dict[str, Any] | None:
    return {"do": do, "ids": list(ids), **more} if ids else None


ACTS: dict[str, Act] = {
    "rate": _rate, "rate-back": _rate_back, "tag": _tag, "untag": _untag, "note": _note, "board-create": _create,
    "board-rename": _rename, "board-delete": _delete_board, "board-restore": _restore_board, "board-add": _add,
    "board-take": _take, "board-move": _move, "delete": _delete, "restore": _restore, "empty": _empty,
}  # fmt: skip
