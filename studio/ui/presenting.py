"""Pictures before an audience: a board as a slide show, and words that are drawn while everybody looks.

The page asks with one server function; what was typed and where one was is kept as a draft like that of any form.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from studio.core.errors import InvalidRequest, StudioError
from studio.core.model import Model
from studio.core.price import dollars
from studio.core.result import Record
from studio.core.score import SCORE_WORDS
from studio.engine.oversight import UNSHARED
from studio.engine.presenting import LOOKED_AT, draw, drawable, fastest
from studio.ui import who
from studio.ui.desk import Desk
from studio.ui.pictures import url

DRAFT = "presentation"
RECENT = "recent"
KEPT = {"shelf": RECENT, "at": "", "mode": "slides", "prompt": "", "beside": ""}
MOST = 500
"""So many pictures of a shelf are shown."""
SIGNAL = "A detector gives a signal, never proof."
Asked = Mapping[str, Any]
Answer = dict[str, Any]


class Presentation:
    """Everything is asked for anew; nothing of it lives in the page."""

    def __init__(self, desk: Desk) -> None:
        self._desk, self._studio = desk, desk.studio

    def answer(self, asked: Any) -> Answer:
        """What the page wants to know or do; `problem` is a sentence where it cannot be done."""
        doings = {"open": self._open, "slides": self._slides, "draw": self._draw, "look": self._look, "keep": self._keep}
        asked = asked if isinstance(asked, Mapping) else {}
        do = doings.get(str(asked.get("do")))
        try:
            return do(asked) if do else {"problem": "This page is older than the studio. Reload it."}
        except StudioError as error:
            return {"problem": str(error)}

    def _open(self, _: Asked) -> Answer:
        models = self._studio.models()
        hosted = [{"id": model.id, "title": _priced(model)} for model in drawable(models, hosted=True)]
        draft = self._studio.load_draft(DRAFT)
        kept = {name: str(draft.get(name) or value) for name, value in KEPT.items()}
        boards = [{"id": board.id, "title": board.title} for board in self._studio.gallery.boards() if board.count]
        return {"shelves": [{"id": RECENT, "title": "Recent pictures"}, *boards], "hosted": hosted, "draft": kept}

    def _slides(self, asked: Asked) -> Answer:
        """The pictures of a board, of `ids`, or the newest; a board that is gone is as good as none."""
        shelf, ids, gallery = str(asked.get("shelf") or RECENT), asked.get("ids"), self._studio.gallery
        if isinstance(ids, list):
            records = [record for id in ids[:MOST] if (record := self._studio.record(str(id)))]
        elif gallery.board(shelf):
            records = gallery.pictures_of(shelf)[:MOST]
        else:
            records = self._studio.recent(MOST)
        shown = [record for record in records if is_showable(record)]
        hidden = sum(record.path is not None for record in records) - len(shown)
        titles = {model.id: model.title for model in self._studio.models()}
        return {"shelf": shelf, "slides": [slide(record, titles) for record in shown], "note": _hidden(hidden)}

    def _draw(self, asked: Asked) -> Answer:
        prompt, beside = str(asked.get("prompt") or ""), str(asked.get("beside") or "")
        models = self._studio.models()
        chosen = [model for model in drawable(models, hosted=True) if model.id == beside]
        if beside and not chosen:
            raise InvalidRequest("This hosted model cannot draw now. Choose another, or none.", "model")
        here = fastest(models, self._studio.recent(LOOKED_AT))
        jobs = draw(self._studio.making, [*chosen, here], prompt, who.current())
        self._desk.touch()
        return {"jobs": [{"id": job.id, "by": model.title} for job, model in zip(jobs, [*chosen, here], strict=True)][::-1]}

    def _look(self, asked: Asked) -> Answer:
        return {"jobs": [self._state(str(id)) for id in list(asked.get("jobs") or ())[:2]]}

    def _keep(self, asked: Asked) -> Answer:
        self._studio.save_draft(DRAFT, {name: str(asked.get(name) or "") for name in KEPT})
        return {}

    def _state(self, id: str) -> Answer:
        job = self._studio.job(id)
        if job is None:
            raise InvalidRequest("This picture's job is not known any more. Draw it again.")
        told = self._desk.told(job)
        records = (self._studio.record(record) for record in job.records)
        titles = {model.id: model.title for model in self._studio.models()}
        shown = [slide(record, titles) for record in records if record and is_showable(record)]
        waits = "Waits for review before it is shown." if job.records and not shown else ""
        state = {"id": id, "over": job.is_over, "state": job.state, "detail": waits or told["detail"]}
        return {**state, "title": told["title"], "preview": told["preview"], "slide": shown[0] if shown else None}


def is_showable(record: Record) -> bool:
    """Whether a room may see it: the file is there, and no review is open or ended against it."""
    return record.path is not None and record.review_status not in UNSHARED


def slide(record: Record, titles: Mapping[str, str]) -> Answer:
    """One picture with its caption and what is known of its making."""
    request = record.request
    return {
        "id": record.id,
        "src": url(record.path) if record.path else "",
        "width": record.width,
        "height": record.height,
        "caption": request.prompt or record.name,
        "by": titles.get(request.model, request.model),
        "badges": list(badges(record)),
    }


def badges(record: Record) -> Iterable[Answer]:
    """The verdict on a picture in a few words: where it comes from, what marks it carries, what the detectors say."""
    imported = bool(record.facts.get("imported"))
    yield {"text": "Imported" if imported else "AI-generated", "tone": "label", "title": "What its record says"}
    if "c2pa" in record.stamps:
        yield {"text": "Content Credentials", "tone": "good", "title": "The file is signed (C2PA)"}
    marked = record.facts.get("watermark")
    if isinstance(marked, dict) and marked.get("present"):
        yield {"text": "Watermark", "tone": "good", "title": f"Its number is {marked.get('payload')}"}
    if record.review_status == "approved":
        yield {"text": "Reviewed", "tone": "good", "title": "A person has approved it"}
    scores = record.facts.get("detector")
    for score in scores[:1] if isinstance(scores, list) else ():
        if isinstance(score, dict):
            number, verdict = score.get("probability"), SCORE_WORDS.get(str(score.get("verdict")), "uncertain")  # type: ignore[call-overload]
            chance = f" ({number:.0%})" if isinstance(number, float) else ""
            yield {"text": f"Detector signal: {verdict}{chance}", "tone": "signal", "title": SIGNAL}


def _hidden(count: int) -> str:
    if not count:
        return ""
    one, more = ("1 picture waits", "was"), (f"{count} pictures wait", "were")
    waits, was = one if count == 1 else more
    return f"{waits} for review or {was} rejected, and {'is' if count == 1 else 'are'} not shown."


def _priced(model: Model) -> str:
    """A hosted model with what one picture costs."""
    guess = "≈" if model.price and model.price.varies else ""
    return f"{model.title} · {guess}{dollars(model.price.of(model.default_size))}" if model.price else model.title
