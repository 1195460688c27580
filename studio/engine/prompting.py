"""From what was typed to what is asked: styles, wildcards and choices become requests with plain words, one for each
different prompt.

The words of a picture are chosen by its own seed, so that a picture alone has the words that it has in a batch, and a
request that is repeated says the same. What was typed stands beside the words in the request.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from studio.core.adapt import random_seed
from studio.core.history import PromptHistory, UsedPrompt
from studio.core.request import ImageRequest
from studio.core.styles import Style, Words, dressed
from studio.core.templates import Expansion, expand, is_template


class NoWords:
    """`studio.core.styles.Words` of a studio without a presets folder."""

    def wildcard(self, name: str) -> Sequence[str] | None:
        return None

    def wildcards(self) -> Sequence[str]:
        return ()

    def styles(self) -> Sequence[Style]:
        return ()


class Forgetful:
    """`studio.core.history.PromptHistory` that keeps nothing."""

    def add(self, person: str, text: str, negative: str = "") -> None: ...

    def find(self, person: str, words: str = "", limit: int = 50) -> list[UsedPrompt]:
        return []

    def remove(self, person: str, id: int) -> None: ...


@dataclass(frozen=True)
class Prompting:
    """The words of the presets folder, and what was typed so far."""

    words: Words = field(default_factory=NoWords)
    history: PromptHistory = field(default_factory=Forgetful)

    def requests(self, request: ImageRequest) -> list[ImageRequest]:
        """One request for each different prompt, in the order of the pictures. Raises `InvalidRequest`.

        A prompt without signs and styles comes back as it is.
        """
        styles = self.words.styles() if request.styles else ()
        typed, negative = dressed(request.prompt, request.negative_prompt, request.styles, styles)
        if not request.styles and not is_template(request.prompt):
            return [request]
        seed = random_seed() if request.sampling.seed is None else request.sampling.seed
        drawn = [(expand(typed, seed + place, self.words.wildcard), seed + place) for place in range(max(request.count, 1))]
        made = []
        for found, group in groupby(drawn, key=lambda each: each[0]):
            seeds = [own for _, own in group]
            made.append(_made(request, found, negative, seeds))
        return made


def _made(request: ImageRequest, found: Expansion, negative: str, seeds: Sequence[int]) -> ImageRequest:
    return replace(
        request,
        prompt=found.text,
        negative_prompt=negative,
        template=request.prompt,
        negative_template=request.negative_prompt if request.styles else "",
        choices=found.choices,
        count=len(seeds),
        sampling=replace(request.sampling, seed=seeds[0]),
    )
