"""A lock on everything that a tab can be asked for, whoever asks and by whatever way; what a page hides is no lock."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException

from studio.core.errors import NotAllowed
from studio.core.people import Right
from studio.engine.rights import require
from studio.ui import who


@contextmanager
def locked(blocks: gr.Blocks, right: Right, beside: Sequence[Any]) -> Iterator[None]:
    """Events and server functions that are laid out within need `right`. Everybody has `create`.

    `beside` are components that are made within and put on the page elsewhere, later.
    """
    events, components = set(blocks.fns), set(blocks.blocks)
    yield
    if right == "create":
        return
    for id in set(blocks.fns) - events:
        event = blocks.fns[id]
        if event.fn is not None:
            event.fn = _with_right(event.fn, right, lambda words: gr.Error(words, print_exception=False))
    for component in [*(blocks.blocks[id] for id in set(blocks.blocks) - components), *beside]:
        for function in getattr(component, "server_fns", ()):
            forbidden = functools.partial(HTTPException, 403)
            setattr(component, function.__name__, _with_right(function, right, forbidden))


def _with_right(function: Callable[..., Any], right: Right, refusal: Callable[[str], Exception]) -> Callable[..., Any]:
    """The function, which first looks at who asks. A generator looks before its first step."""

    def look() -> None:
        try:
            require(who.current(), right)
        except NotAllowed as error:
            raise refusal(str(error)) from error

    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def steps(*given: Any, **named: Any) -> Iterator[Any]:
            look()
            yield from function(*given, **named)

        return steps

    @functools.wraps(function)
    def answer(*given: Any, **named: Any) -> Any:
        look()
        return function(*given, **named)

    return answer
