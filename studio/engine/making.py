"""What makes requests out of what a person wants: typed prompts, kept pictures that are to be larger or made again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from studio.core.adapt import random_seed
from studio.core.errors import Blocked, InvalidRequest, Unsupported
from studio.core.evidence import Examination
from studio.core.hires import LANCZOS
from studio.core.history import UsedPrompt
from studio.core.job import Job, Lane
from studio.core.model import Model
from studio.core.opening import open_picture
from studio.core.people import Person
from studio.core.request import Hires, ImageRequest, ImageToImage, Sampling, Source, Variation
from studio.core.result import Record
from studio.core.styles import Style
from studio.engine import reproduce
from studio.engine.prompting import Prompting
from studio.engine.reproduce import Original, Reproduction

LOW = 0.2
"""How much is drawn anew when a picture is made larger: fine structure, nothing that was there."""
LARGE_MODEL = 512
"""Native side from which on a model draws a part of a picture without putting the whole motif into it."""
A_LITTLE, FOUR = 0.25, 4
REMEMBERED = 200
Fingerprint = Callable[[Model], str]
"""The SHA-256 of a model's file as it is now; empty where it is not known."""


class Studio(Protocol):
    """The part of the studio that this needs."""

    def models(self) -> list[Model]: ...

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Job: ...

    def record(self, id: str) -> Record | None: ...

    def add_source(self, data: bytes, name: str = "", record: str = "") -> Source: ...

    def read_source(self, source: Source) -> bytes: ...

    def examine(self, data: bytes, name: str, detectors: Sequence[str] | None = None) -> Examination: ...


class Making:
    """Each method that queues raises as `Studio.submit` does."""

    def __init__(self, studio: Studio, prompting: Prompting, fingerprint: Fingerprint = lambda _: "") -> None:
        self._studio, self._prompting, self._fingerprint = studio, prompting, fingerprint
        self._compared: OrderedDict[str, Reproduction] = OrderedDict()

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> list[Job]:
        """Queue a request whose prompt is as it was typed: one job for each different prompt that its pictures have.

        What the policy blocks among them is raised once the others are queued.
        """
        jobs: list[Job] = []
        blocked: list[Blocked] = []
        for each in self._prompting.requests(request):
            try:
                jobs.append(self._studio.submit(each, lane, person))
            except Blocked as error:
                blocked.append(error)
        if jobs:
            self._prompting.history.add(person.name, request.prompt, request.negative_prompt)
        if blocked:
            raise blocked[0]
        return jobs

    def styles(self) -> Sequence[Style]:
        return self._prompting.words.styles()

    def wildcards(self) -> Sequence[str]:
        """Names of the wildcards there are."""
        return self._prompting.words.wildcards()

    def prompts(self, person: Person, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        """What this person typed so far, the newest first; with `words` what holds them."""
        return self._prompting.history.find(person.name, words, limit)

    def forget(self, person: Person, id: int) -> None:
        """Take a prompt out of this person's history."""
        self._prompting.history.remove(person.name, id)

    def upscale(self, id: str, scale: float, person: Person) -> Job:
        """A kept picture so many times as large: by an upscaling model if there is one, a little drawn over if its own model
        can do that."""
        record, data = self._kept(id)
        models = self._studio.models()
        own = next((model for model in models if model.id == record.request.model and model.hires), None)
        model = own or next((model for model in models if model.hires), None)
        if model is None:
            raise Unsupported("No model of this computer makes pictures larger. Put one into the models folder.")
        strength = LOW if own and min(own.default_size.width, own.default_size.height) >= LARGE_MODEL else 0.0
        hires = Hires(scale=scale, upscaler=next(iter(model.upscalers), LANCZOS), strength=strength)
        source = self._studio.add_source(data, record.name, record.id)
        request = ImageRequest(
            model=model.id, prompt=record.request.prompt, negative_prompt=record.request.negative_prompt, hires=hires,
            task=ImageToImage(image=source, strength=0.0), sampling=Sampling(seed=record.seed),
        )  # fmt: skip
        return self._studio.submit(request, "interactive", person)

    def again(self, id: str, person: Person, *, sure: bool = False) -> tuple[Job | None, str]:
        """Make a kept picture once more with the same everything; a sentence instead of a job asks whether that is meant."""
        return self._again(self._original_of(self._known(id)), person, sure=sure)

    def again_file(self, data: bytes, name: str, person: Person, *, sure: bool = False) -> tuple[Job | None, str]:
        """The same with any file that tells how it was made. Raises `InvalidRequest` where it tells too little."""
        found = self._studio.examine(data, name, ())
        known = next((row.record for row in found.evidence if row.record and row.strength == "strong"), "")
        if known and (record := self._studio.record(known)):
            return self._again(self._original_of(record), person, sure=sure)
        return self._again(self._original_in(data, name, found), person, sure=sure)

    def vary(self, id: str, person: Person) -> Job:
        """Four pictures a little beside a kept one: the same everything, its noise turned towards four fresh seeds.

        Of a picture that is such a variation itself they go on from there.
        """
        original = reproduce.of_record(self._known(id), None).request
        model = next((model for model in self._studio.models() if model.id == original.model), None)
        fresh = Variation(seed=random_seed(), strength=A_LITTLE)
        before = (each for each in original.sampling.variations if each.strength)
        sampling = replace(original.sampling, variations=(*before, fresh))
        count = min(FOUR, model.max_count) if model else FOUR
        return self._studio.submit(replace(original, again=None, count=count, sampling=sampling), "interactive", person)

    def reproduction(self, record: Record) -> Reproduction | None:
        """How near a picture came to the one that it repeats; None if it repeats none."""
        if record.request.again is None:
            return None
        if record.id not in self._compared:
            image = open_picture(record.path.read_bytes(), record.name) if record.path else None
            self._compared[record.id] = reproduce.compare(self._repeated(record.request.again), record, image)
            if len(self._compared) > REMEMBERED:
                self._compared.popitem(last=False)
        return self._compared[record.id]

    def _again(self, original: Original, person: Person, *, sure: bool) -> tuple[Job | None, str]:
        request = original.request
        model = next((model for model in self._studio.models() if model.id == request.model), None)
        if model and not sure and (doubt := self._doubt(original, model)):
            return None, doubt
        return self._studio.submit(request, "interactive", person), ""

    def _doubt(self, original: Original, model: Model) -> str:
        if model.hosted:
            return (
                f"{model.title} is asked once more, which may cost money, and may answer differently. Press again to do it."
            )
        return reproduce.changed_model(original, self._fingerprint(model))

    def _original_of(self, record: Record) -> Original:
        image = open_picture(record.path.read_bytes(), record.name) if record.path else None
        return reproduce.of_record(record, image)

    def _original_in(self, data: bytes, name: str, found: Examination) -> Original:
        source = self._studio.add_source(data, name, found.record)
        return reproduce.of_file(found.reading, source, open_picture(data, name), self._studio.models())

    def _repeated(self, source: Source) -> Original:
        """What a picture repeats, as far as it is still here."""
        record = self._studio.record(source.record) if source.record else None
        if record and record.sha256 == source.sha256:
            return self._original_of(record)
        try:
            data = self._studio.read_source(source)
            found = self._studio.examine(data, source.name or "the picture", ())
            return reproduce.of_file(found.reading, source, open_picture(data, source.name), self._studio.models())
        except InvalidRequest:
            return Original(request=ImageRequest(model="", prompt=""), facts={}, source=source)

    def _known(self, id: str) -> Record:
        record = self._studio.record(id)
        if record is None:
            raise InvalidRequest("The library has no such picture.")
        return record

    def _kept(self, id: str) -> tuple[Record, bytes]:
        record = self._known(id)
        if record.path is None:
            raise InvalidRequest("The file of this picture is gone. Restore it first.")
        return record, record.path.read_bytes()
