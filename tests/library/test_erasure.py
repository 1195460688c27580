"""Erasing a person's data: all of it and nobody else's, and what was cut off is ended by the same call."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import replace
from pathlib import Path

import pytest
from kept_builders import a_draft, a_request
from PIL import Image

from studio.core.errors import InvalidRequest, KeepError
from studio.core.people import Erased
from studio.core.ports import Erasure
from studio.core.request import Adapter, ImageRequest, ImageToImage, Inpaint, Source
from studio.core.result import Record
from studio.core.verdict import Verdict
from studio.library import Library, open_library
from studio.library.trash import TrashFolder
from studio.stamps.reading import read

SECRET = "crimson-lighthouse-8841"
"""Stands in everything of ann's that can hold words."""
SAID = Verdict(check="words", outcome="flag", reason_code="prompt.sea", message=f"It says “{SECRET}”.")


def a_file(colour: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), (colour, 9, 9)).save(file, "PNG")
    return file.getvalue()


class House:
    """A library in which ann made a picture from two sources, deleted one, failed with one; and bob shares a source."""

    def __init__(self, library: Library) -> None:
        self.library, self.data = library, library.database.path.parent
        self.own, self.mask, self.shared, self.unsent, self.original = (
            library.sources.add(a_file(colour), f"{SECRET}.png") for colour in range(5)
        )
        self.picture = self.keep("ann", 1, Inpaint(image=self.own, mask=self.mask))
        self.gone = self.keep("ann", 2, ImageToImage(image=self.shared))
        theirs = replace(self.shared, name="harbour.png"), replace(self.unsent, name="sketch.png")
        self.bobs = self.keep("bob", 3, ImageToImage(image=theirs[0], sketch=theirs[1]))
        library.trash.delete(self.gone.id)
        self.refused = self.job("ann", ImageToImage(image=self.unsent))
        library.jobs.advance(self.refused, "blocked", message=f"About {SECRET}.", verdicts=[SAID], facts={"said": SECRET})
        library.receipts.of(self.refused).write("answer", SECRET.encode())
        library.keeper.hold([a_draft(9, job=self.refused, request=self.request("ann"))])
        library.drafts.save("create", {"image": {"sha256": self.unsent.sha256}})
        library.database.change("UPDATE record SET review_status = 'pending'")
        library.reviews.decide(self.bobs.id, "approved", "ann", f"Fine, {SECRET}")
        library.reviews.decide(self.picture.id, "rejected", "rita", f"Not {SECRET}")
        library.audit.append("request.submitted", "ann", self.refused, prompt=SECRET)
        library.audit.append("request.submitted", "bob", self.bobs.job)
        library.prompts.add("ann", SECRET, SECRET)
        library.audit.append("person.added", "rita", "ann", note=SECRET)

    def request(self, user: str, task: object = None) -> ImageRequest:
        words = SECRET if user == "ann" else "a quiet harbour"
        more = {"task": task} if task else {}
        typed = {"template": words, "negative_template": words, "choices": (words,), "styles": (words,)}
        again = Source(sha256="9" * 64, width=8, height=8, name=f"{words}.png")
        return a_request(words, user=user, negative_prompt=words, options={"search": words}, again=again, **typed, **more)

    def job(self, user: str, task: object = None) -> str:
        return self.library.jobs.add(self.request(user, task), "interactive").id

    def keep(self, user: str, number: int, task: object) -> Record:
        job, words = self.job(user, task), SECRET if user == "ann" else "harbour"
        facts = {
            "used": {"steps": 20},
            "fingerprint": {"pixels": "1" * 64, "look": "2" * 416},
            "hosted": {
                "provider": "Cloud",
                "cost": {"value": 0.03},
                "request_id": "r1",
                "request": words,
                "response": words,
            },
            "original": {"sha256": self.original.sha256} if user == "ann" else {},
        }
        request = self.request(user, task)
        self.library.keeper.hold(
            [
                a_draft(
                    number, job=job, request=request, facts=facts, verdicts=(SAID,) if user == "ann" else (), notes=(words,)
                )
            ]
        )
        (record,) = self.library.keeper.keep(job)
        self.library.jobs.advance(job, "done", message=words, records=[record.id])
        return record

    def holding(self) -> list[str]:
        """Files that still hold ann's words."""
        folders = (self.data, self.library.outputs)
        files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
        return sorted(path.name for path in files if SECRET.encode() in path.read_bytes())


@pytest.fixture
def house(library: Library) -> House:
    return House(library)


ALL = Erased(jobs=3, pictures=2, sources=3, rows=2)


def is_erased(house: House) -> None:
    """Nothing of ann is left, and all of bob."""
    library = house.library
    assert house.holding() == []
    for id in (house.picture.id, house.gone.id):
        record = library.records.record(id)
        assert record is not None
        assert (record.state, record.request.prompt, record.request.negative_prompt, record.request.user) == (
            "deleted", "(erased)", "", "",
        )  # fmt: skip
        assert (record.request.options, record.notes) == ({}, ())
        assert record.facts == {"used": {"steps": 20}, "hosted": {"provider": "Cloud", "cost": {"value": 0.03}}}
        assert record.verdicts == (replace(SAID, message=""),)
    refused = library.jobs.get(house.refused)
    assert refused is not None
    assert (refused.state, refused.message, refused.facts, refused.request.prompt) == ("blocked", "", {}, "(erased)")
    assert [library.sources.path(source) is None for source in (house.own, house.mask, house.original)] == [True] * 3
    assert [library.sources.path(source) is None for source in (house.shared, house.unsent)] == [False] * 2
    assert not (house.data / "receipts" / house.refused).exists()
    assert library.keeper.held() == []
    assert library.drafts.load("create") == {"image": {"sha256": house.unsent.sha256}}
    bobs = library.records.record(house.bobs.id)
    assert bobs == replace(house.bobs, review_status="approved")
    assert bobs.path is not None
    assert [entry.reviewer for entry in library.reviews.history(house.bobs.id)] == [""]
    assert [(entry.reviewer, entry.note) for entry in library.reviews.history(house.picture.id)] == [("rita", "")]
    assert library.audit.verify()[1:] == (None, "")
    rows = library.audit.rows()
    assert [row.blanked for row in rows[:3]] == [True, False, True]
    assert rows[-1].action == "person.erased"
    assert "ann" not in json.dumps([(row.person, row.subject, dict(row.detail)) for row in rows])


def test_all_of_a_person_is_erased_and_nothing_of_anybody_else(house: House) -> None:
    erasure: Erasure = house.library.erasure
    assert erasure.extent("ann") == ALL
    assert erasure.erase("ann", by="rita") == ALL
    is_erased(house)
    last = house.library.audit.rows()[-1]
    assert (last.person, last.subject, last.detail) == ("rita", "", {"jobs": 3, "pictures": 2, "sources": 3, "rows": 2})
    assert erasure.extent("ann") == Erased()
    with pytest.raises(InvalidRequest, match="gone for good"):
        house.library.trash.restore(house.gone.id)
    assert house.library.reindex(read).right == 1


def test_somebody_who_erases_themselves_is_not_named(house: House) -> None:
    house.library.erasure.erase("ann", by="ann")
    is_erased(house)


@pytest.mark.parametrize("done", range(7))
def test_an_erasure_that_was_cut_off_between_steps_is_ended_by_the_same_call(house: House, done: int) -> None:
    erasure = house.library.erasure
    names = list(itertools.islice(erasure.steps(erasure.traces("ann"), erasure.extent("ann")), done))
    assert names == ["pictures", "receipts", "sources", "rows", "audit", "log", "rewrite"][:done]
    house.library.close()
    with open_library(house.data, house.library.outputs) as again:
        again.erasure.erase("ann")
        house.library = again
        is_erased(house)


def test_an_erasure_that_was_cut_off_within_a_step_is_ended_by_the_same_call(house: House) -> None:
    removed: list[str] = []
    whole = TrashFolder.remove

    def remove(trash: TrashFolder, record: str) -> None:
        if removed:
            raise KeepError("The power went.")
        removed.append(record)
        whole(trash, record)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrashFolder, "remove", remove)
        with pytest.raises(KeepError):
            house.library.erasure.erase("ann")
    assert house.library.audit.rows()[-1].action != "person.erased"
    house.library.erasure.erase("ann")
    is_erased(house)


def test_nobody_is_erased_without_a_name_or_while_they_work(house: House) -> None:
    for name in ("", "  "):
        with pytest.raises(InvalidRequest, match="Name the person"):
            house.library.erasure.erase(name)
    job = house.job("ann")
    with pytest.raises(InvalidRequest, match=r"Requests of ann under way: 1\. Cancel them or wait, then erase again\."):
        house.library.erasure.erase("ann")
    house.library.jobs.request_cancel(job)
    house.library.erasure.erase("ann")
    is_erased(house)


def test_a_person_nobody_knows_leaves_everything_as_it_is(house: House, tmp_path: Path) -> None:
    assert house.library.erasure.erase("zoe") == Erased()
    assert house.library.records.record(house.picture.id) is not None
    assert house.library.sources.path(house.own) is not None
    assert not any(row.blanked for row in house.library.audit.rows())


def test_a_source_that_an_unknown_name_uses_is_kept(library: Library) -> None:
    source = library.sources.add(a_file(7))
    for user in ("ann", ""):
        job = library.jobs.add(a_request(user=user, task=ImageToImage(image=source)), "batch")
        library.jobs.advance(job.id, "failed")
    assert library.erasure.erase("ann").sources == 0
    assert isinstance(source, Source)
    assert library.sources.path(source) is not None


def test_pictures_that_adapters_looked_at_go_with_their_person_and_so_do_those_made_of_them(library: Library) -> None:
    given, made, shared = (library.sources.add(a_file(colour), f"{SECRET}.png") for colour in (40, 41, 42))
    for number, (user, pictures) in enumerate((("ann", (given, shared)), ("bob", (replace(shared, name="harbour.png"),)))):
        worn = tuple(Adapter(kind="controlnet", name="edges", image=picture) for picture in pictures)
        request = a_request("words", user=user, adapters=worn)
        job = library.jobs.add(request, "interactive").id
        facts = {"controls": [{"sha256": made.sha256, "width": 8, "height": 8}]} if user == "ann" else {}
        library.keeper.hold([a_draft(number, job=job, request=request, facts=facts)])
        (record,) = library.keeper.keep(job)
        library.jobs.advance(job, "done", records=[record.id])
    library.erasure.erase("ann", "operator")
    assert [library.sources.path(source) is None for source in (given, made, shared)] == [True, True, False]
    rows = library.database.rows("SELECT request FROM record UNION ALL SELECT request FROM job")
    assert not any(SECRET in row["request"] for row in rows)
