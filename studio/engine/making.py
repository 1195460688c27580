"""What makes requests out of what a person wants: typed prompts, kept pictures that are to be larger or made again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from studio.core.errors import Blocked
from studio.core.history import UsedPrompt
from studio.core.job import Job, Lane
from studio.core.people import Person
from studio.core.request import ImageRequest
from studio.core.styles import Style
from studio.engine.prompting import Prompting


class Submits(Protocol):
    """The part of the studio that this needs."""

    def submit(self, request: ImageRequest, lane: Lane, person: Person) -> Job: ...


class Making:
    """Each method that queues raises as `Studio.submit` does."""

    def __init__(self, studio: Submits, prompting: Prompting) -> None:
        self._studio, self._prompting = studio, prompting

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
