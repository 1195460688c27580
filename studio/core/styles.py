"""Styles: words that are laid around a prompt, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from studio.core.errors import InvalidRequest

PROMPT = "{prompt}"
"""Where the prompt stands in a style; without it the style's words come after the prompt."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """`prompt` may hold templates (`studio.core.templates`); `negative` goes behind the negative prompt."""

    name: str
    prompt: str = ""
    negative: str = ""


class Words(Protocol):
    """The wildcards and styles of the presets folder, read anew each time, so that an edited file holds at once."""

    def wildcard(self, name: str) -> Sequence[str] | None:
        """Its lines; of all files that fit where the name has `*`; None where there is none."""

    def wildcards(self) -> Sequence[str]: ...

    def styles(self) -> Sequence[Style]: ...


def dressed(prompt: str, negative: str, names: Iterable[str], styles: Iterable[Style]) -> tuple[str, str]:
    """Prompt and negative prompt with the named styles, in their order. Raises `InvalidRequest` for an unknown one."""
    known: Mapping[str, Style] = {style.name: style for style in styles}
    for name in names:
        if name not in known:
            raise InvalidRequest(
                f"There is no style “{name}”. Choose another one, or add it to presets/styles.toml.", "styles"
            )
        style = known[name]
        prompt = style.prompt.replace(PROMPT, prompt) if PROMPT in style.prompt else joined(prompt, style.prompt)
        negative = joined(negative, style.negative)
    return prompt, negative


def joined(*texts: str) -> str:
    """With commas between those that say something."""
    return ", ".join(text for text in texts if text.strip())
